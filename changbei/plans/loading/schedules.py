"""`schedule:` of a procedure → when it begins by itself."""

from __future__ import annotations

from datetime import time

from changbei.plans.conditions import NOW, Names
from changbei.plans.loading.bench import Reader
from changbei.plans.loading.shapes import listed
from changbei.plans.loading.source import Path
from changbei.plans.model import Schedule

_PERIODS = frozenset({"week", "month"})
_DAY_OF = {"week": "weekday", "month": "day"}  # what says which day of the period it is


def read_schedules(reader: Reader) -> tuple[Schedule, ...]:
    """All entries of `schedule:`. Their reports see settings and the time, because nothing else is there yet."""
    return tuple(_schedule(reader, entry) for entry in reader.entries(("schedule",)))


def _schedule(reader: Reader, path: Path) -> Schedule:
    given = reader.map(path)
    every, random = reader.words((*path, "every")), given.get("random") is True
    _check_day(reader, path, every, random)
    _check_report(reader, (*path, "with"))
    names = Names.of({NOW: "timestamp"}, reader.bench.setting_values())
    return Schedule(
        every=every,
        at=_time(reader.words((*path, "at"))),
        weekday=int(given.get("weekday", 0)),
        day=int(given.get("day", 0)),
        months=tuple(sorted(month for month in reader.list((*path, "months")) if isinstance(month, int))),
        random=random,
        report=reader.values((*path, "with"), names),
        place=reader.place(path),
    )


def _check_day(reader: Reader, path: Path, every: str, random: bool) -> None:
    """A week needs its weekday, a month its day, unless the day is drawn; nothing else has one."""
    given = reader.map(path)
    needed = "" if random else _DAY_OF.get(every, "")
    if needed and needed not in given:
        reader.problem((*path, needed), f"is missing: every {every} on which day? or random: true")
    for word in _DAY_OF.values():
        if word in given and word != needed:
            reader.problem(
                (*path, word),
                f"does not go with every: {every}{' and random' if random else ''}",
                at_key=True,
            )
    if random and every and every not in _PERIODS:
        reader.problem(
            (*path, "random"), f"every {every} leaves no day to choose; week or month does", at_key=True
        )


def _check_report(reader: Reader, path: Path) -> None:
    """What is given are fields of the form, and what the form requires is given."""
    fields, given = reader.map(("form", "properties")), reader.map(path)
    for name in given:
        if name not in fields:
            reader.problem(
                (*path, name), f"the form has no field {name!r}; {listed(name, fields)}", at_key=True
            )
    for name in reader.texts(("form", "required")):
        if name not in given:
            reader.problem(
                (*path, name), "is missing: the form requires it, and nobody is there to fill it in"
            )


def _time(words: str) -> time:
    return time.fromisoformat(words) if words else time()
