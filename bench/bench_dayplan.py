"""Whole-day plans on published instances, beside PyVRP with the same seconds of processor time; days of many cities.

`CHANGBEI_BENCH_DAYPLAN_SECONDS=60` gives both more time (default 3). The instances lie in
`../shared/data/delivery/published` and are skipped where they are absent. Costs are those of each file's convention:
rounded distances, and with windows tenths of truncated distances (DIMACS). Everybody is to be served, by as many
vans as it takes: the best known solutions belong to that, though two files name prizes and a number of vans.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import django
import numpy as np
import pyvrp

from changbei.compute.dayplan import DayPlan, DayStops, DayVans, plan
from changbei.site.commands.base import let_go_of_database

FOLDER = Path(__file__).resolve().parents[1] / ".." / "shared" / "data" / "delivery" / "published"
SECONDS = float(os.environ.get("CHANGBEI_BENCH_DAYPLAN_SECONDS", "3"))
SPARE_VANS = 1.02
MUST_BE_SERVED, NO_LIMIT = 10**7, 10**9
INSTANCES = {
    "X-n200-k36": 58_578,
    "X-n502-k39": 69_226,
    "X-n1001-k43": 72_355,
    "C1_10_2": 413_378,
    "R1_10_4": 424_407,
    "RC2_10_5": None,  # what lies beside it is the solution of another problem
    "Leuven2": 111_395,
    "Antwerp2": 291_350,
}
"""Best known costs."""
MOST_PLACES = 1001
"""Beyond, PyVRP has nothing or nothing good within the short default time: it is asked when there is more."""
LARGE = 5
"""Large instances get so many times the seconds."""
LONG_SECONDS = 60.0
VANS_WITH_WINDOWS = 150

Row = dict[str, Any]


def run() -> list[Row]:
    rows: list[Row] = []
    for name, best in INSTANCES.items():
        path = FOLDER / f"{name}.vrp"
        if path.exists():
            rows += _compared(name, path, best)
    return rows + _cities()


CITIES, CITY_STOPS, CITY_VANS, WORKERS = 20, 300, 5, 2
CITY_DAY = date(2026, 11, 24)
LOST_AFTER_SECONDS, SHORT_LEASE = 12.0, timedelta(seconds=20)
GIVE_UP_SECONDS = 600.0


def _cities() -> list[Row]:
    """The days of 20 cities through the queue by two worker processes, one of which is killed and replaced."""
    from changbei.delivery import lines  # noqa: PLC0415 - models: only after Django is set up
    from changbei.delivery.models import LineQuestion  # noqa: PLC0415

    for number in range(CITIES):
        lines.put(_city(number), city=f"city-{number:02}", on=CITY_DAY)
    began, fresh = time.perf_counter(), multiprocessing.get_context("spawn")
    workers = [fresh.Process(target=_work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    waiting = LineQuestion.objects.filter(status="waiting")
    killed = False
    while waiting.exists() and time.perf_counter() - began < GIVE_UP_SECONDS:
        if (
            not killed
            and time.perf_counter() - began > LOST_AFTER_SECONDS
            and waiting.filter(tries=1).exists()
        ):
            os.kill(workers[0].pid or 0, signal.SIGKILL)
            workers.append(fresh.Process(target=_work))
            workers[-1].start()
            killed = True
        time.sleep(0.2)
    took = time.perf_counter() - began
    for worker in workers:
        worker.join()
    done = LineQuestion.objects.filter(status="answered")
    whole = sum(
        sum(map(len, one.answer["lines"])) + one.answer["left_out"] == CITY_STOPS
        for one in done
        if one.answer
    )
    again = LineQuestion.objects.filter(tries__gt=1).count()
    note = f"{CITIES} cities of {CITY_STOPS} stops, {WORKERS} processes, starting them included"
    return [
        {
            "name": "cities.per_minute",
            "value": round(60 * done.count() / took, 2),
            "unit": "days/min",
            "note": note,
        },
        {
            "name": "cities.whole",
            "value": whole,
            "unit": "days",
            "note": f"one worker killed: {again} taken over",
        },
    ]


def _city(number: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(number)
    count, at = CITY_STOPS, np.arange(CITY_STOPS)
    cartons = rng.integers(1, 30, count)
    stop = np.column_stack(
        [at, at + 1, cartons, 60 + 6 * cartons, at * 0, at * 0 + 10**9, at * CITY_VANS // count, at * 0 + 300]
    )
    room = int(cartons.sum() / CITY_VANS / 0.85)
    vans = [(van, 0, room, 8 * 3600, 17 * 3600) for van in range(CITY_VANS)]
    return {
        "longitude": rng.normal(113.3, 0.05, count + 1),
        "latitude": rng.normal(23.1, 0.05, count + 1),
        "stop": stop.astype(np.int64),
        "van": np.array(vans, dtype=np.int64),
        "line": (at * CITY_VANS // count).astype(np.int64),
    }


def _work() -> None:
    """A worker process: until nothing waits any more."""
    django.setup()
    from changbei.delivery import lines  # noqa: PLC0415
    from changbei.delivery.models import LineQuestion  # noqa: PLC0415

    lines.LEASE = SHORT_LEASE
    while LineQuestion.objects.filter(status="waiting").exists():
        if not lines.work():
            time.sleep(0.3)
    let_go_of_database()


def _compared(name: str, path: Path, best: int | None) -> list[Row]:
    windows = name[0] in "CR"
    data = _read(path, windows)
    large = data.num_locations > MOST_PLACES
    seconds = min(LARGE * SECONDS, max(LONG_SECONDS, SECONDS)) if large else SECONDS
    ours, served = _ours(data, windows, seconds)
    rows = [_row(f"{name}.cost", ours, best, f"{served} stops served, {seconds:.0f} s")]
    if not large or seconds >= LONG_SECONDS:
        theirs = _pyvrp(data, seconds)
        if theirs is not None:
            rows.append(_row(f"{name}.pyvrp", theirs, best, "PyVRP, same processor time"))
            rows.append(
                {
                    "name": f"{name}.ratio",
                    "value": round(ours / theirs, 4),
                    "unit": "×",
                    "note": "ours to PyVRP's",
                }
            )
    return rows


def _read(path: Path, windows: bool) -> pyvrp.ProblemData:
    """Everybody must be served."""
    data = pyvrp.read(path, round_func="dimacs" if windows else "round")
    if not windows:
        return data
    clients = [
        pyvrp.Client(
            location=one.location,
            delivery=one.delivery,
            service_duration=one.service_duration,
            tw_early=one.tw_early,
            tw_late=one.tw_late,
        )
        for one in data.clients()
    ]
    vans = [data.vehicle_types()[0].replace(num_available=VANS_WITH_WINDOWS)]
    return data.replace(clients=clients, vehicle_types=vans)


def _row(name: str, value: float, best: int | None, note: str) -> Row:
    gap = f"; {100 * value / best - 100:.2f} % above best known" if best else ""
    return {"name": name, "value": value, "unit": "distance", "note": note + gap}


def _ours(data: pyvrp.ProblemData, windows: bool, seconds: float) -> tuple[int, int]:
    """Cost, judged here from the lines alone, and how many are served."""
    travel = np.asarray(data.distance_matrix(0)).astype(np.int32)
    clients, van = data.clients(), data.vehicle_types()[0]
    size = np.array([one.delivery[0] for one in clients])
    none = np.zeros(len(clients), dtype=np.int64)
    service = np.array([one.service_duration for one in clients]) if windows else none
    opens = np.array([one.tw_early for one in clients]) if windows else none
    closes = np.array([one.tw_late for one in clients]) if windows else none + NO_LIMIT
    least = int(np.ceil(size.sum() / van.capacity[0]) * SPARE_VANS) + 1
    count = data.num_vehicles if windows else least
    stops = DayStops(np.arange(1, len(clients) + 1), size, service, opens, closes, none + MUST_BE_SERVED)
    limit = min(van.tw_late, NO_LIMIT) if windows else NO_LIMIT
    alike = [np.full(count, value) for value in (0, van.capacity[0], 0, limit)]
    vans = DayVans(*alike)
    found = plan(travel, stops, vans, seconds=seconds, seed=1, clock=time.process_time)
    return _judged(travel, stops, vans, found)


def _judged(travel: np.ndarray, stops: DayStops, vans: DayVans, found: DayPlan) -> tuple[int, int]:
    """Driven line by line; a broken limit is an error of the bench."""
    cost, served = 0, 0
    for van, line in enumerate(found.lines):
        now, here = 0, 0
        for stop in line:
            leg = int(travel[here, stops.location[stop]])
            now = max(now + leg, int(stops.window_open_seconds[stop]))
            assert now <= stops.window_close_seconds[stop]
            now, here, cost = now + int(stops.service_seconds[stop]), int(stops.location[stop]), cost + leg
        cost += int(travel[here, 0])
        assert now + int(travel[here, 0]) <= vans.shift_end_seconds[van]
        assert stops.size[list(line)].sum() <= vans.capacity[van]
        served += len(line)
    assert len({stop for line in found.lines for stop in line}) == served == len(stops.size)
    return cost, served


def _pyvrp(data: pyvrp.ProblemData, seconds: float) -> int | None:
    """Its cost of the same problem; None when nothing feasible was found."""
    began = time.process_time()
    found = pyvrp.solve(
        data, stop=lambda _best: time.process_time() - began > seconds, seed=1, collect_stats=False
    ).best
    return found.distance() if found.is_feasible() else None
