"""What a single cell cannot know: references, duplicates, fields that must fit each other."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from changbei.network import codes
from changbei.network.imports.columns import Kind
from changbei.network.imports.problems import Wrong
from changbei.network.models import (
    Area,
    District,
    Line,
    Manufacturer,
    Place,
    Product,
    Retailer,
    Site,
    Stock,
    Vehicle,
    WeeklyDemand,
)
from changbei.people.models import Absence, Contact, DutyShift, Person, Post, PostHolding, Unit

Values = dict[str, Any]
Finding = tuple[str, str]  # column key, message
Spans = list[tuple[datetime, datetime]]
Key = tuple[Any, ...]
MODEL_OF: Mapping[str, type[Model]] = {
    "units": Unit, "posts": Post, "staff": Person, "duty": DutyShift, "contacts": Contact, "sites": Site,
    "vehicles": Vehicle, "districts": District, "towns": Place, "lines": Line, "retailers": Retailer,
    "products": Product, "stock": Stock, "demand": WeeklyDemand,
}  # fmt: skip


class Known:
    """What is in the database already, read once per file and only as far as the kind of file needs it.

    `update`: rows of what is there already change it.
    """

    def __init__(self, kind: Kind, *, update: bool = False) -> None:
        self.kind, self.update = kind, update
        wanted = {column.reference for column in kind.columns} - {""}
        self.tables: dict[str, dict[str, int]] = {name: _LOOKUPS[name]() for name in wanted}
        self.there: dict[Key, int] = _ids_by(kind, *kind.key) if kind.key else {}
        self.taken: dict[str, dict[Key, int]] = {name: _ids_by(kind, name) for name in kind.unique}
        self.held: set[tuple[int, int]] = _held_posts() if kind.name == "staff" and not update else set()
        self.parents: dict[str, str] = _parents() if kind.name == "units" else {}
        self.outlines: set[str] = _outlines() if kind.name == "districts" else set()
        self.hours = _delivery_hours() if kind.name == "retailers" and update else {}
        self.away, self.on_duty = (_absences(), _shifts()) if kind.name == "duty" else ({}, {})

    def find(self, reference: str, words: str) -> int:
        """The id of what `words` names. Raises Wrong, with the most similar name there is."""
        table, folded = self.tables[reference], words.casefold()
        found = table.get(folded)
        if found is not None:
            return found
        district = folded[: folded.rfind("/") + 1] if reference == "place" else ""
        likely = [one for one in table if one.startswith(district)]
        near = difflib.get_close_matches(folded, likely[:5000], n=1, cutoff=0.6)
        if near:
            raise Wrong(_("is not known; did you mean %(near)s?") % {"near": near[0].removeprefix(district)})
        raise Wrong(_("is not known; it has to be there before the import"))

    def row_of(self, values: Values) -> int | None:
        """The id of what a row is about, when it is there already."""
        return self.there.get(folded(values, self.kind.key))


def folded(values: Values, columns: Iterable[str]) -> Key:
    """What these columns say, however it is spelt."""
    found = (values.get(name) for name in columns)
    return tuple(value.casefold() if isinstance(value, str) else value for value in found)


def within(reference: str, words: str, values: Values) -> str:
    """A town's name counts within its district only (the district comes before it among the columns)."""
    if reference != "place" or words.isdigit():
        return words
    if "district" not in values:
        raise Wrong(_("needs its district beside it; or write the twelve digits of the town"))
    return f"{values['district']}/{words}"


def check_duplicates(
    kind: Kind, values: Values, known: Known, seen: dict[Key, int], row: int
) -> Iterable[Finding]:
    """Yields values that stand in an earlier row, or in the database; remembers this row's in `seen`."""
    of = known.row_of(values)
    for columns in (kind.key, *((name,) for name in kind.unique)):
        value = folded(values, columns)
        if not value or None in value or "" in value:
            continue
        first = seen.setdefault((columns, value), row)
        there = of if columns == kind.key else known.taken[columns[0]].get(value)
        if first != row:
            yield columns[-1], _("stands in row %(row)d already") % {"row": first}
        elif there is not None and not (known.update and there == of):
            yield columns[-1], _("is in the database already")


def check_fit(kind: Kind, values: Values, known: Known) -> Iterable[Finding]:
    """Yields fields of one row that do not fit each other."""
    of = known.row_of(values)
    if kind.name == "retailers":
        before = known.hours.get(of, (None, None))
        opens, closes = values.get("window_start", before[0]), values.get("window_end", before[1])
        if (opens is None) != (closes is None):
            missing = "window_start" if opens is None else "window_end"
            yield missing, _("delivery hours need both a beginning and an end")
        elif opens is not None and closes is not None and closes <= opens:
            yield "window_end", _("must be after the beginning of the delivery hours")
        if "place" not in values and values.get("district"):
            yield "district", _("needs the town beside it")
    if kind.name == "units":
        yield from _parent_is_there(values, known)
    if kind.name == "duty":
        yield from _free_for_duty(values, known)
    if kind.name == "districts" and values.get("code") and codes.head(values["code"]) not in known.outlines:
        yield "code", _("has no outline yet; take it in first: changbei area import FILE")
    if kind.name == "staff":
        post, rank = values.get("post"), values.get("rank")
        if post and rank is None:
            yield "rank", _("is needed with a post: 1 the holder, 2, 3 … the deputies")
        elif rank is not None and not post:
            yield "post", _("is needed with a rank")
        elif post and (post, rank) in known.held:
            yield "rank", _("somebody holds this post in this rank already")
        if post and values.get("active") is False:
            yield "post", _("is for those who are employed")


def _parent_is_there(values: Values, known: Known) -> Iterable[Finding]:
    """The unit above is in the database or in a row above, and not below this one; remembers this row's."""
    code, parent = folded(values, ("code", "parent"))
    if parent and parent not in known.parents:
        yield "parent", _("is not known; write it in a row above, or take it in before")
        return
    above = parent
    while above and above != code:
        above = known.parents.get(above, "")
    if above:
        yield "parent", _("stands below this unit itself")
    elif code and (parent is not None or code not in known.parents):
        known.parents[code] = parent or ""


def _free_for_duty(values: Values, known: Known) -> Iterable[Finding]:
    """What `put_on_duty` would refuse; remembers this row's shift."""
    post, person = values.get("post"), values.get("person")
    starts_at, ends_at = values.get("starts_at"), values.get("ends_at")
    if not (post and person and starts_at and ends_at):
        return
    shifts = known.on_duty.setdefault((post, person), [])
    if ends_at <= starts_at:
        yield "ends_at", _("must be after the beginning")
    elif _meets(starts_at, ends_at, known.away.get(person, [])):
        yield "person", _("is away at that time")
    elif _meets(starts_at, ends_at, shifts):
        yield "person", _("is on this duty at that time already")
    else:
        shifts.append((starts_at, ends_at))


def _meets(starts_at: datetime, ends_at: datetime, others: Spans) -> bool:
    return any(begin < ends_at and starts_at < end for begin, end in others)


def swapped(values: Mapping[str, Any]) -> bool:
    """Whether longitude and latitude (as text) would both be right the other way round."""
    try:
        longitude, latitude = float(values["longitude"]), float(values["latitude"])
    except (KeyError, TypeError, ValueError):
        return False
    return 3 <= longitude <= 54 and 73 <= latitude <= 136


def _named(rows: Iterable[tuple[int, str, Mapping[str, str]]]) -> dict[str, int]:
    """By code and by name in every language; a name that two things bear leads nowhere."""
    table: dict[str, int] = {}
    doubtful: set[str] = set()
    for number, code, name in rows:
        for words in {code.casefold(), *(word.casefold() for word in name.values())}:
            if table.setdefault(words, number) != number:
                doubtful.add(words)
    return {words: number for words, number in table.items() if words not in doubtful}


def _places() -> dict[str, int]:
    """Towns by code, and by "district id/name"."""
    table: dict[str, int] = {}
    for number, code, name, district in Place.objects.values_list("pk", "code", "name", "district_id"):
        table[code] = number
        for words in name.values():
            table.setdefault(f"{district}/{words.casefold()}", number)
    return table


def _staff(job: str = "") -> dict[str, int]:
    people = Person.objects.filter(active=True)
    people = people.filter(job=job) if job else people
    return {staff_no.casefold(): number for number, staff_no in people.values_list("pk", "staff_no")}


def _held_posts() -> set[tuple[int, int]]:
    return set(PostHolding.objects.filter(until__isnull=True).values_list("post_id", "rank"))


def _absences() -> dict[int, Spans]:
    away: dict[int, Spans] = {}
    for person, *span in Absence.objects.values_list("person_id", "starts_at", "ends_at"):
        away.setdefault(person, []).append((span[0], span[1]))
    return away


def _shifts() -> dict[tuple[int, int], Spans]:
    shifts: dict[tuple[int, int], Spans] = {}
    for post, person, *span in DutyShift.objects.values_list("post_id", "person_id", "starts_at", "ends_at"):
        shifts.setdefault((post, person), []).append((span[0], span[1]))
    return shifts


def _ids_by(kind: Kind, *columns: str) -> dict[Key, int]:
    rows = MODEL_OF[kind.name]._default_manager.values_list("pk", *columns)
    return {folded(dict(zip(columns, row[1:], strict=True)), columns): row[0] for row in rows}


def _parents() -> dict[str, str]:
    rows = Unit.objects.values_list("code", "parent__code")
    return {code.casefold(): (parent or "").casefold() for code, parent in rows}


def _outlines() -> set[str]:
    return set(Area.objects.values_list("code", flat=True))


def _delivery_hours() -> dict[int | None, tuple[time | None, time | None]]:
    rows = Retailer.objects.exclude(window_start=None).values_list("pk", "window_start", "window_end")
    return {number: (opens, closes) for number, opens, closes in rows}


_LOOKUPS: Mapping[str, Any] = {
    "district": lambda: _named(District.objects.values_list("pk", "code", "name")),
    "place": _places,
    "line": lambda: {code.casefold(): number for number, code in Line.objects.values_list("pk", "code")},
    "site": lambda: _named(Site.objects.values_list("pk", "code", "name")),
    "unit": lambda: _named(Unit.objects.values_list("pk", "code", "name")),
    "person": _staff,
    "customer_manager": lambda: _staff("customer_manager"),
    "post": lambda: {code.casefold(): number for number, code in Post.objects.values_list("pk", "code")},
    "vehicle": lambda: {
        word.casefold(): number for number, word in Vehicle.objects.values_list("pk", "number")
    },
    "product": lambda: {
        code.casefold(): number for number, code in Product.objects.values_list("pk", "code")
    },
    "manufacturer": lambda: _named(Manufacturer.objects.values_list("pk", "code", "name")),
}
