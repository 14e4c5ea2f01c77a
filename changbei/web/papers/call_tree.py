"""A call tree as plain values, and as PDF: who calls whom, with numbers and a box to tick for each call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from changbei.core import clock
from changbei.incidents.access import readable
from changbei.notify.models import Call, CallList
from changbei.people.models import Person
from changbei.people.resolution import Holder, resolve_many
from changbei.plans.model import Pack
from changbei.plans.rendering.pdf import typeset
from changbei.runs.roles import spec_of
from changbei.web.showing import language, say

TEMPLATE = Path(__file__).with_name("call_tree.typ")
BOX = "□"
NOBODY = "—"
LONGEST = 3  # of a ladder on paper


@dataclass(frozen=True)
class Section:
    """A table; `widths` are shares of the page's width."""

    heading: str
    note: str
    head: list[str]
    widths: list[int]
    rows: list[list[str]]


@dataclass(frozen=True)
class CallTree:
    """Everything on the paper, in the reader's language."""

    title: str
    subtitle: str
    script: str  # what to say
    drill: str
    footer: str
    sections: list[Section]


def of_list(call_list: CallList, callers: Iterable[Person] | None = None, *, reader: object) -> CallTree:
    """One section a caller, one row a customer who has not been told; of all callers, or of these."""
    open_ = call_list.calls.exclude(outcome__in=[Call.Outcome.REACHED, Call.Outcome.VISITED])
    if callers is not None:
        open_ = open_.filter(caller__in=list(callers))
    rows = open_.select_related("caller", "retailer").order_by(
        "caller__staff_no", "retailer__line_id", "retailer__line_sequence"
    )
    sections = [
        Section(
            _("%(name)s calls") % {"name": f"{caller.name} {caller.phone}"},
            "",
            ["", _("Customer"), _("Phone"), _("Address"), _("Result, time")],
            [1, 5, 4, 7, 5],
            [[BOX, _shop(one), one.retailer.phone or NOBODY, one.retailer.address, ""] for one in calls],
        )
        for caller, calls in groupby(rows, key=lambda one: one.caller)
    ]
    incident = readable(reader).filter(uuid=call_list.incident).first() if call_list.incident else None
    about = f"{incident.number} {say(incident.title)}" if incident else ""
    drill = _("DRILL: say so at the beginning of every call.") if call_list.drill else ""
    return CallTree(say(call_list.title), about, say(call_list.script), drill, _printed(), sections)


def _shop(call: Call) -> str:
    who = f"{call.retailer.name} · {call.retailer.contact_name}"
    return f"{who} ★" if call.retailer.is_key or call.retailer.is_vulnerable else who


def of_plan(pack: Pack) -> CallTree:
    """The plan's roles with who holds them now, and who is called when one does not answer.

    Roles that a report names, and those of the command post, are left to be written in by hand.
    """
    roles = {name: spec_of(pack, name) for name in pack.roles}
    found = resolve_many({name: one for name, one in roles.items() if not one.is_named}, {}, clock.now())
    standing = Section(
        _("Who holds which part now"),
        _("As of the time of printing. Write in by hand who is named by the report."),
        ["", _("Part"), _("Held by"), _("Phone"), _("Second phone"), _("Reached at")],
        [1, 6, 4, 5, 5, 4],
        [
            [BOX, say(role.title), *_numbers(found.get(name)), ""]
            for name, role in sorted(pack.roles.items(), key=lambda pair: pair[1].clause)
        ],
    )
    ladders = Section(
        _("When somebody does not answer"),
        _("Call the next in the row. Tick who was reached."),
        [_("Part"), _("Then"), _("Then"), _("Then")],
        [5, 5, 5, 5],
        [
            [
                _spoken(pack, found, role),
                *[f"{BOX} {_spoken(pack, found, one)}" for one in chain],
                *[""] * (LONGEST - len(chain)),
            ]
            for role, chain in _chains(pack)
        ],
    )
    title = _("Call tree: %(plan)s") % {"plan": say(pack.titles)}
    return CallTree(title, pack.version, "", "", _printed(), [standing, ladders])


def _chains(pack: Pack) -> list[tuple[str, list[str]]]:
    """The different ladders that steps name, each once."""
    found = {
        (task.role, tuple(role for role in task.chain if role in pack.roles)[:LONGEST])
        for procedure in pack.procedures.values()
        for step in procedure.steps.values()
        if (task := step.task) is not None and task.role in pack.roles
    }
    return [(role, list(chain)) for role, chain in sorted(found) if chain]


def _spoken(pack: Pack, found: dict[str, Holder], role: str) -> str:
    name, phone, _second = _numbers(found.get(role))
    return f"{say(pack.roles[role].title)}\n{name} {phone}"


def _numbers(holder: Holder | None) -> Sequence[str]:
    if holder is None or holder.person is None:
        return ("____________", "____________", "")
    return (holder.person.name, holder.person.phone or NOBODY, holder.person.second_phone or "")


def _printed() -> str:
    return _("Printed %(at)s") % {"at": f"{clock.local_now():%Y-%m-%d %H:%M}"}


def pdf(tree: CallTree) -> bytes:
    """Raises Outside when the font files are not there."""
    data = asdict(tree) | {"lang": language().split("-")[0]}
    return typeset(TEMPLATE, data, Path(settings.FONTS), clock.now())
