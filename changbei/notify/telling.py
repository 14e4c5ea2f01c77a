"""From a message template of a plan to a notice: the one place where rooms word what they tell.

Placeholders that the caller gives no value for, and that differ from customer to customer, stay for each recipient to
fill (`personal`); every other one that is missing becomes a dash.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from changbei.core.errors import there
from changbei.notify import personal, wording
from changbei.notify.book import URGENCIES
from changbei.notify.models import Urgency
from changbei.notify.services import NewNotice
from changbei.plans.model import Pack


@dataclass(frozen=True)
class About:
    """What a notice is about, as every message of it may name it."""

    number: str
    title: Mapping[str, str] | str
    incident: UUID | None = None
    run: UUID | None = None
    item: str = ""
    drill: bool = False


@dataclass(frozen=True)
class Words:
    """Title and body, filled but for the placeholders in `personal`."""

    title: dict[str, str]
    body: dict[str, str]
    personal: tuple[str, ...] = ()


def words(pack: Pack, template: str, values: Mapping[str, Any], *, own: Collection[str] = ()) -> Words:
    """The words of a template; those of `own` that it names and that have no value here are left to each recipient.

    Raises NotFound when the plan has no such message.
    """
    found = there(pack.templates.get(template), f"the plan {pack.id} has no message {template!r}")
    keep = sorted(wording.placeholders(found.title, found.body) & set(own) - set(values))
    return Words(
        wording.fill(found.title, values, keep=keep), wording.fill(found.body, values, keep=keep), tuple(keep)
    )


def compose(
    pack: Pack,
    template: str,
    values: Mapping[str, Any],
    about: About,
    *,
    own: Collection[str] = (),
    urgency: Urgency | None = None,
    clause: str = "",
    needs_acknowledgement: bool = False,
) -> NewNotice:
    """A notice in the words of the plan. `urgency` and `clause` of the template count unless others are given."""
    said = words(pack, template, {"number": about.number, "title": about.title} | dict(values), own=own)
    found = pack.templates[template]
    return NewNotice(
        template=template,
        title=said.title,
        body=said.body,
        personal=said.personal,
        urgency=URGENCIES.get(found.urgency, Urgency.URGENT) if urgency is None else urgency,
        incident=about.incident,
        run=about.run,
        item=about.item,
        clause=clause or found.clause,
        needs_acknowledgement=needs_acknowledgement,
        drill=about.drill,
    )


def of_each(given: Collection[str] = ()) -> frozenset[str]:
    """Every placeholder that differs from customer to customer: those of the register, and those the caller gives."""
    return frozenset(personal.known()) | frozenset(given)
