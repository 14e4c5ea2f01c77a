"""PyVRP on the whole remainder of a disrupted day, from scratch or from what is done by hand.

Stranded orders are shipments from the breakdown, whose approach lasts the fixed hand-over longer; a sound van's own
orders are out of every other van's reach by a matrix per van.
"""

from __future__ import annotations

import numpy as np
import pyvrp
from recovery_instance import UNSERVED, load, processor_seconds, say


def main() -> None:
    day, seconds, warm = load()
    began = processor_seconds()
    data, clients, shipments = _data(day)
    initial = _by_hand(data, day, clients, shipments) if warm else None
    solving = processor_seconds()
    found = pyvrp.solve(
        data,
        stop=lambda _best_cost: processor_seconds() > solving + seconds,
        seed=1,
        collect_stats=False,
        initial_solution=initial,
    ).best
    plan: dict[int, list[list[object]]] = {}
    if found.is_feasible():
        for route in found.routes():
            plan[route.vehicle_type()] = _said(day, route, clients, shipments)
    say(plan, began)


def _data(day) -> tuple[pyvrp.ProblemData, list[int], list[int]]:
    driving = day.travel.astype(np.int64)
    lasting = driving.copy()
    for place in range(day.places):
        lasting[:, day.first_place + place] += day.handover[place]
        lasting[day.first_place + place, day.first_place + place] = 0
    own = day.source < 0
    matrices: tuple[list[object], list[object]] = ([], [])
    for van in range(day.vans):
        foreign = day.first_order + np.flatnonzero(own & (day.home != van))
        for matrix, kept in zip((driving, lasting), matrices, strict=True):
            seen = matrix.copy()
            seen[:, foreign] = 10_000_000
            np.fill_diagonal(seen, 0)
            kept.append(seen)
    clients, shipments = np.flatnonzero(own).tolist(), np.flatnonzero(~own).tolist()
    data = pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in range(len(driving))],
        clients=[
            pyvrp.Client(
                location=day.first_order + i,
                delivery=[int(day.size[i])],
                service_duration=int(day.service[i]),
                tw_early=int(day.open[i]),
                tw_late=max(int(day.close[i]), int(day.open[i])),
                prize=int(day.priority[i]) * UNSERVED,
                required=False,
            )
            for i in clients
        ],
        depots=[pyvrp.Depot(location=index) for index in range(2 * day.vans)],
        vehicle_types=[
            pyvrp.VehicleType(
                capacity=[int(day.capacity[van])],
                start_depot=van,
                end_depot=day.first_end + van,
                tw_early=int(day.ready[van]),
                tw_late=int(day.limit[van]),
                profile=van,
            )
            for van in range(day.vans)
        ],
        distance_matrices=matrices[0],
        duration_matrices=matrices[1],
        shipments=[
            pyvrp.Shipment(
                pickup_location=day.first_place + int(day.source[i]),
                delivery_location=day.first_order + i,
                pickup_service_duration=int(day.each[day.source[i]]),
                delivery_tw_early=int(day.open[i]),
                delivery_tw_late=max(int(day.close[i]), int(day.open[i])),
                delivery_service_duration=int(day.service[i]),
                amount=[int(day.size[i])],
                prize=int(day.priority[i]) * UNSERVED,
                required=False,
            )
            for i in shipments
        ],
    )
    return data, clients, shipments


def _by_hand(data, day, clients, shipments) -> pyvrp.Solution:
    at_client = {order: index for index, order in enumerate(clients)}
    at_shipment = {order: index for index, order in enumerate(shipments)}
    kind = pyvrp.ActivityType
    routes = []
    for van, row in day.hand.items():
        activities = []
        for what, number, *_ in row:
            if what == "b":
                taken = [i for w, i, *_ in row if w == "o" and day.source[i] == number]
                activities += [pyvrp.Activity(kind.PICKUP, at_shipment[i]) for i in taken]
            elif number in at_client:
                activities.append(pyvrp.Activity(kind.CLIENT, at_client[number]))
            else:
                activities.append(pyvrp.Activity(kind.DELIVERY, at_shipment[number]))
        if activities:
            routes.append(pyvrp.Route(data, activities, int(van)))
    return pyvrp.Solution(data, routes)


def _said(day, route, clients, shipments) -> list[list[object]]:
    said: list[list[object]] = []
    for activity in route:
        if activity.is_client():
            said.append(["o", clients[activity.idx]])
        elif activity.is_delivery():
            said.append(["o", shipments[activity.idx]])
        elif activity.is_pickup():
            place = int(day.source[shipments[activity.idx]])
            if said and said[-1][:2] == ["b", place]:
                said[-1][2].append(shipments[activity.idx])
            else:
                said.append(["b", place, [shipments[activity.idx]]])
    return said


if __name__ == "__main__":
    main()
