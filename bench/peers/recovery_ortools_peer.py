"""OR-Tools' routing on the whole remainder of a disrupted day: a pickup and a delivery per stranded order, guided
local search."""

from __future__ import annotations

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2
from recovery_instance import UNSERVED, load, processor_seconds, say


def main() -> None:
    day, seconds, _ = load()
    began = processor_seconds()
    stranded = np.flatnonzero(day.source >= 0)
    where = np.concatenate(
        [
            np.arange(day.first_place),
            day.first_order + np.arange(day.orders),
            day.first_place + day.source[stranded],
        ]
    ).astype(np.int64)
    first_order, first_pickup = day.first_place, day.first_place + day.orders
    driving = day.travel[where[:, None], where[None, :]].astype(np.int64)
    lasts = np.zeros(len(where), dtype=np.int64)
    lasts[first_order:first_pickup], lasts[first_pickup:] = day.service, day.each[day.source[stranded]]
    lasting = driving + lasts[:, None]
    for index, order in enumerate(stranded):
        same = np.zeros(len(where), dtype=bool)
        same[first_pickup:] = day.source[stranded] == day.source[order]
        lasting[~same, first_pickup + index] += int(day.handover[day.source[order]])
    manager = pywrapcp.RoutingIndexManager(
        len(where), day.vans, list(range(day.vans)), list(range(day.first_end, day.first_end + day.vans))
    )
    routing = pywrapcp.RoutingModel(manager)
    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitMatrix(driving.tolist()))
    late = int(day.limit.max())
    routing.AddDimension(routing.RegisterTransitMatrix(lasting.tolist()), late, late, False, "time")
    times = routing.GetDimensionOrDie("time")
    load_of = np.zeros(len(where), dtype=np.int64)
    load_of[first_order:first_pickup] = -day.size
    load_of[first_pickup:] = day.size[stranded]
    routing.AddDimensionWithVehicleCapacity(
        routing.RegisterUnaryTransitVector(load_of.tolist()), 0, day.capacity.tolist(), False, "load"
    )
    for van in range(day.vans):
        times.CumulVar(routing.Start(van)).SetMin(int(day.ready[van]))
        times.CumulVar(routing.End(van)).SetMax(int(day.limit[van]))
        routing.SetVehicleUsedWhenEmpty(not day.reserve[van], van)
    pickup_of = {int(order): first_pickup + index for index, order in enumerate(stranded)}
    for order in range(day.orders):
        node = manager.NodeToIndex(first_order + order)
        price = int(day.priority[order]) * UNSERVED
        if day.open[order] > day.close[order]:
            routing.AddDisjunction([node], price)
            routing.ActiveVar(node).SetMax(0)
            if order in pickup_of:
                pickup = manager.NodeToIndex(pickup_of[order])
                routing.AddDisjunction([pickup], 0)
                routing.ActiveVar(pickup).SetMax(0)
            continue
        times.CumulVar(node).SetRange(int(day.open[order]), int(day.close[order]))
        routing.AddDisjunction([node], price)
        if order not in pickup_of:
            routing.VehicleVar(node).SetValues([-1, int(day.home[order])])
            continue
        pickup = manager.NodeToIndex(pickup_of[order])
        routing.AddDisjunction([pickup], 0)
        routing.AddPickupAndDelivery(pickup, node)
        solver = routing.solver()
        solver.Add(routing.VehicleVar(pickup) == routing.VehicleVar(node))
        solver.Add(times.CumulVar(pickup) <= times.CumulVar(node))
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    until = processor_seconds() + seconds
    routing.AddSearchMonitor(routing.solver().CustomLimit(lambda: processor_seconds() > until))
    found = routing.SolveWithParameters(parameters)
    say(_said(day, routing, manager, found, first_order, first_pickup, stranded) if found else {}, began)


def _said(
    day, routing, manager, found, first_order: int, first_pickup: int, stranded
) -> dict[int, list[list[object]]]:
    plan: dict[int, list[list[object]]] = {}
    for van in range(day.vans):
        row, index = [], found.Value(routing.NextVar(routing.Start(van)))
        while not routing.IsEnd(index):
            node = manager.IndexToNode(index)
            if node < first_pickup:
                row.append(["o", node - first_order])
            else:
                order = int(stranded[node - first_pickup])
                place = int(day.source[order])
                if row and row[-1][:2] == ["b", place]:
                    row[-1][2].append(order)
                else:
                    row.append(["b", place, [order]])
            index = found.Value(routing.NextVar(index))
        plan[van] = row
    return plan


if __name__ == "__main__":
    main()
