"""Whole-day plans on published instances, beside PyVRP with the same seconds of processor time; days of many cities.

`CHANGBEI_BENCH_DAYPLAN_SECONDS=60` gives both more time (default 3). The instances lie in
`../shared/data/delivery/published` and are skipped where they are absent. Costs are those of each file's convention:
rounded distances, and with windows tenths of truncated distances (DIMACS). Both solve the same: everybody is to be
served, by as many vans as it takes, which is what the best known solutions beside the files belong to. Two files name
prizes and a number of vans; they are solved once more as they stand (`.prizes`), whoever is not worth the way left out.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from datetime import date, timedelta
from multiprocessing.connection import Connection
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
    "RC2_10_5": None,  # what lies beside it serves 646 customers, for prizes that the file does not name
    "Leuven2": 111_395,
    "Antwerp2": 291_350,
}
"""Best known costs."""
WITH_PRIZES = {"C1_10_2": 248_524, "R1_10_4": 252_122}
"""Best known costs, prizes of those left out included (PyVRP's collection of instances)."""
MOST_PLACES = 1001
"""Beyond, PyVRP has nothing or nothing good within the short default time: it is asked when there is more."""
LARGE = 5
"""Large instances get so many times the seconds."""
LONG_SECONDS = 60.0
VANS_WITH_WINDOWS = 150
LARGEST_STOPS, LARGEST_VANS = 8000, 150

Row = dict[str, Any]


def run() -> list[Row]:
    rows: list[Row] = []
    for name, best in INSTANCES.items():
        if _path(name).exists():
            rows += _compared(name, _read(name), best)
    for name, best in WITH_PRIZES.items():
        if _path(name).exists():
            rows += _compared(f"{name}.prizes", _read(name, as_it_stands=True), best)
    return [*rows, _memory(), *_cities()]


CITIES, CITY_STOPS, CITY_VANS, WORKERS = 20, 300, 5, 2
CITY_DAY = date(2026, 11, 24)
LOST_AFTER_CITIES, SHORT_LEASE = 5, timedelta(seconds=20)
GIVE_UP_SECONDS = 600.0


def _cities() -> list[Row]:
    """The days of 20 cities through the queue by two worker processes, one of which is killed and replaced."""
    from changbei.delivery.lines import questions  # noqa: PLC0415 - models: only after Django is set up
    from changbei.delivery.models import LineQuestion  # noqa: PLC0415

    for number in range(CITIES):
        questions.put(_city(number), city=f"city-{number:02}", on=CITY_DAY)
    began, fresh = time.perf_counter(), multiprocessing.get_context("spawn")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    workers = [fresh.Process(target=_work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    waiting = LineQuestion.objects.filter(status="waiting")
    while waiting.exists() and time.perf_counter() - began < GIVE_UP_SECONDS:
        if len(workers) == WORKERS and waiting.count() <= CITIES - LOST_AFTER_CITIES:
            os.kill(workers[0].pid or 0, signal.SIGKILL)
            workers.append(fresh.Process(target=_work))
            workers[-1].start()
        time.sleep(0.05)
    took = time.perf_counter() - began
    for worker in workers:
        worker.join()
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = cpu.ru_utime + cpu.ru_stime - before.ru_utime - before.ru_stime
    done = LineQuestion.objects.filter(status="answered")
    whole = sum(
        sorted(stop for line in one.answer["lines"] for stop in line) == list(range(CITY_STOPS))
        for one in done
        if one.answer
    )
    again = LineQuestion.objects.filter(tries__gt=1).count()
    note = f"{CITIES} cities of {CITY_STOPS} stops, {WORKERS} processes, starting them included"
    lost = f"each customer of a city on one line, once; {len(workers) - WORKERS} worker killed, {again} taken over"
    return [
        {
            "name": "cities.per_minute",
            "value": round(60 * done.count() / took, 2),
            "unit": "days/min",
            "note": note,
        },
        {
            "name": "cities.cpu",
            "value": round(spent / CITIES, 2),
            "unit": "s",
            "note": "processor time of a day",
        },
        {"name": "cities.whole", "value": whole, "unit": "days", "note": lost},
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
    from changbei.delivery.lines import answers  # noqa: PLC0415
    from changbei.delivery.models import LineQuestion  # noqa: PLC0415

    answers.LEASE = SHORT_LEASE
    while LineQuestion.objects.filter(status="waiting").exists():
        if not answers.work():
            time.sleep(0.3)
    let_go_of_database()


def _compared(name: str, data: pyvrp.ProblemData, best: int | None) -> list[Row]:
    large = data.num_locations > MOST_PLACES
    seconds = min(LARGE * SECONDS, max(LONG_SECONDS, SECONDS)) if large else SECONDS
    ours, served = _ours(data, seconds)
    rows = [_row(f"{name}.cost", ours, best, f"{served} stops served, {seconds:.0f} s")]
    if not large or seconds >= LONG_SECONDS:
        theirs = _pyvrp(data, seconds)
        if theirs is not None:
            rows.append(_row(f"{name}.pyvrp", theirs, best, "PyVRP, same processor time"))
            ratio = round(ours / theirs, 4)
            rows.append({"name": f"{name}.ratio", "value": ratio, "unit": "×", "note": "ours to PyVRP's"})
    return rows


def _path(name: str) -> Path:
    return FOLDER / f"{name}.vrp"


def _read(name: str, *, as_it_stands: bool = False) -> pyvrp.ProblemData:
    """The instance; everybody must be served unless it is to be solved `as_it_stands`."""
    windows = name[0] in "CR"
    data = pyvrp.read(_path(name), round_func="dimacs" if windows else "round")
    if not windows or as_it_stands:
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


def _ours(data: pyvrp.ProblemData, seconds: float, seed: int = 1) -> tuple[int, int]:
    """Cost, judged here from the lines alone, and how many are served."""
    travel = np.asarray(data.distance_matrix(0)).astype(np.int32)
    clients, van = data.clients(), data.vehicle_types()[0]
    stops = DayStops(
        location=np.arange(1, len(clients) + 1),
        size=np.array([one.delivery[0] for one in clients]),
        service_seconds=np.array([one.service_duration for one in clients]),
        window_open_seconds=np.array([one.tw_early for one in clients]),
        window_close_seconds=np.array([min(one.tw_late, NO_LIMIT) for one in clients]),
        price_seconds=np.array([MUST_BE_SERVED if one.required else one.prize for one in clients]),
    )
    least = int(np.ceil(stops.size.sum() / van.capacity[0]) * SPARE_VANS) + 1
    count = least if van.tw_late > NO_LIMIT else data.num_vehicles
    shift_end = min(van.tw_late, NO_LIMIT)
    vans = DayVans(*[np.full(count, value) for value in (0, van.capacity[0], 0, shift_end)])
    found = plan(travel, stops, vans, seconds=seconds, seed=seed, clock=time.process_time)
    return _judged(travel, stops, vans, found)


def _judged(travel: np.ndarray, stops: DayStops, vans: DayVans, found: DayPlan) -> tuple[int, int]:
    """Driven line by line; a broken limit is an error of the bench."""
    served = [stop for line in found.lines for stop in line]
    assert sorted([*served, *found.left_out]) == list(range(len(stops.size)))
    assert stops.price_seconds is not None
    cost = int(stops.price_seconds[list(found.left_out)].sum())
    assert cost < MUST_BE_SERVED
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
    return cost, len(served)


def _pyvrp(data: pyvrp.ProblemData, seconds: float) -> int | None:
    """Its cost of the same problem; None when nothing feasible was found."""
    began = time.process_time()
    found = pyvrp.solve(
        data, stop=lambda _best: time.process_time() - began > seconds, seed=1, collect_stats=False
    ).best
    return found.distance() + found.uncollected_prizes() if found.is_feasible() else None


def _memory() -> Row:
    """The peak of a process that plans the largest day there is."""
    fresh = multiprocessing.get_context("spawn")
    mine, theirs = fresh.Pipe()
    child = fresh.Process(target=_largest, args=(theirs,))
    child.start()
    peak = mine.recv()
    child.join()
    note = f"peak of a process, {LARGEST_STOPS} stops with hours, {LARGEST_VANS} vans"
    return {"name": "memory", "value": peak, "unit": "MB", "note": note}


def _largest(answer: Connection) -> None:
    rng = np.random.default_rng(1)
    at = rng.uniform(0, 40_000, (LARGEST_STOPS + 1, 2)).astype(np.float32)
    travel = np.zeros((len(at), len(at)), dtype=np.int32)
    for row, place in enumerate(at):
        travel[row] = np.hypot(*(at - place).T) / 10
    opens = rng.integers(0, 4, LARGEST_STOPS) * 3600
    alike = np.full(LARGEST_STOPS, 5)
    stops = DayStops(np.arange(1, len(at)), alike, 12 * alike, opens, opens + 5 * 3600)
    room = int(5 * LARGEST_STOPS / LARGEST_VANS / 0.8)
    vans = DayVans(*[np.full(LARGEST_VANS, value) for value in (0, room, 0, 9 * 3600)])
    plan(travel, stops, vans, seconds=0.0, seed=1, iterations=2000)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    answer.send(int(status["VmHWM"].split()[0]) // 1024)  # getrusage would tell the parent's peak too
