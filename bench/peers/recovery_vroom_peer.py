"""VROOM on the whole remainder of a disrupted day: stranded orders are shipments, a van's own orders its own skill."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import vroom
from recovery_instance import load, processor_seconds, say


def main() -> None:
    day, seconds, _ = load()
    began = processor_seconds()
    model = vroom.Input()
    model.set_durations_matrix("car", day.travel.astype(np.uint32))
    for van in range(day.vans):
        model.add_vehicle(
            vroom.Vehicle(
                van,
                start=van,
                end=day.first_end + van,
                capacity=[int(day.capacity[van])],
                skills={van},
                time_window=vroom.TimeWindow(int(day.ready[van]), int(day.limit[van])),
            )
        )
    for order in range(day.orders):
        if day.open[order] <= day.close[order]:
            model.add_job(_job(day, order) if day.source[order] < 0 else _shipment(day, order))
    left = {} if seconds <= 0 else {"timeout": timedelta(seconds=seconds)}
    solution = model.solve(exploration_level=5, nb_threads=1, **left)
    plan: dict[int, list[list[object]]] = {}
    for step in solution.routes.sort_values(["vehicle_id"], kind="stable").itertuples():
        row = plan.setdefault(int(step.vehicle_id), [])
        if step.type in ("job", "delivery"):
            row.append(["o", int(step.id)])
        elif step.type == "pickup":
            place = int(day.source[int(step.id)])
            if row and row[-1][:2] == ["b", place]:
                row[-1][2].append(int(step.id))
            else:
                row.append(["b", place, [int(step.id)]])
    say(plan, began)


def _windows(day, order: int) -> list[vroom.TimeWindow]:
    return [vroom.TimeWindow(int(day.open[order]), int(day.close[order]))]


def _job(day, order: int) -> vroom.Job:
    return vroom.Job(
        order,
        location=day.first_order + order,
        default_service=int(day.service[order]),
        delivery=[int(day.size[order])],
        skills={int(day.home[order])},
        priority=min(100, 30 * int(day.priority[order])),
        time_windows=_windows(day, order),
    )


def _shipment(day, order: int) -> vroom.Shipment:
    place = int(day.source[order])
    return vroom.Shipment(
        vroom.ShipmentStep(
            order,
            location=day.first_place + place,
            default_setup=int(day.handover[place]),
            default_service=int(day.each[place]),
        ),
        vroom.ShipmentStep(
            order,
            location=day.first_order + order,
            default_service=int(day.service[order]),
            time_windows=_windows(day, order),
        ),
        amount=[int(day.size[order])],
        priority=min(100, 30 * int(day.priority[order])),
    )


if __name__ == "__main__":
    main()
