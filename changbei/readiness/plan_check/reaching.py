"""Whom a plan reaches: audiences, outside contacts, and two ways to every person who holds a role."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from changbei.core import clock
from changbei.network.models import Retailer
from changbei.plans.checking import ERROR, WARNING, Finding, Places, finding
from changbei.plans.model import Audience, Pack, Place
from changbei.readiness.plan_check.roster import ContactRow, Roster

PLAN = "plan.yaml"
REVIEW_SETTING, REVIEW_DAYS = "contact_review_days", 180
FEWEST_WAYS = 2
_LITERAL = re.compile(r"""^\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*$""")


class Reaching:
    def __init__(self, pack: Pack, roster: Roster, places: Places) -> None:
        self.pack, self.roster, self.places = pack, roster, places
        self.used: dict[
            str, tuple[ContactRow, str, Place]
        ] = {}  # contact → row, clause and where it is asked for

    def findings(self, holding: Mapping[int, set[str]]) -> Iterator[Finding]:
        """`holding`: person → the roles held at some hour of the week."""
        yield from self._audiences()
        yield from self._contacts_of_actions()
        yield from self._contacts()
        yield from self._ways(holding)

    # --- audiences

    def _audiences(self) -> Iterator[Finding]:
        for audience in self.pack.audiences.values():
            place = self.places.key(PLAN, "audiences", audience.id)
            clause = self._clause_of(audience)
            if audience.contacts is not None:
                yield from self._contact(
                    str(audience.contacts.get("group", "")),
                    str(audience.contacts.get("serves", "")),
                    clause,
                    place,
                )
            elif not (
                self._staff(audience.staff) if audience.staff else _customers(audience.retailers or {})
            ):
                yield finding(ERROR, "audience-empty", clause, place, name=audience.id)

    def _clause_of(self, audience: Audience) -> str:
        """The clause of the first step that addresses it."""
        for procedure in self.pack.procedures.values():
            for step in procedure.steps.values():
                if step.audience == audience.id:
                    return step.clause
        return ""

    def _staff(self, wanted: Mapping[str, str]) -> bool:
        job, unit, post = (wanted.get(key) for key in ("job", "unit", "post"))
        holding = {one.person for one in self.roster.spans if one.kind == post and not one.duty}
        return any(
            (not job or person.job == job)
            and (not unit or self.roster.unit_kinds.get(person.unit) == unit)
            and (not post or person.id in holding)
            for person in self.roster.people.values()
        )

    # --- contacts

    def _contacts_of_actions(self) -> Iterator[Finding]:
        """Groups and services that steps hand to actions as written-out texts."""
        for procedure in self.pack.procedures.values():
            for step in procedure.steps.values():
                if {"group", "serves"} <= set(step.params):
                    group, serves = (_literal(step.params[key].source) for key in ("group", "serves"))
                    if group is not None and serves is not None:
                        place = self.places.step(procedure.id, step.id, "with")
                        yield from self._contact(group, serves, step.clause, place)

    def _contact(self, group: str, serves: str, clause: str, place: Place) -> Iterator[Finding]:
        rows = [
            row
            for row in self.roster.contacts
            if (not group or row.group == group) and (not serves or serves in row.serves)
        ]
        if not rows:
            wanted = " / ".join(word for word in (group, serves) if word)
            yield finding(ERROR, "contact-missing", clause, place, wanted=wanted)
        for row in rows:
            self.used.setdefault(row.code, (row, clause, place))

    def _contacts(self) -> Iterator[Finding]:
        setting = self.pack.settings.get(REVIEW_SETTING)
        limit = int(setting.value) if setting else REVIEW_DAYS
        today = clock.day_of(self.roster.now)
        for row, clause, place in self.used.values():
            days = (today - row.reviewed_on).days
            if not row.phone:
                yield finding(ERROR, "contact-no-number", clause, place, who=row.code)
            elif days > limit:
                yield finding(
                    WARNING, "contact-unreviewed", clause, place, who=row.code, days=days, limit=limit
                )

    # --- two ways to each person

    def _ways(self, holding: Mapping[int, set[str]]) -> Iterator[Finding]:
        for pk, roles in sorted(holding.items()):
            person = self.roster.people[pk]
            if person.ways < FEWEST_WAYS:
                first = sorted(roles)[0]
                clause = self.pack.roles[first].clause
                yield finding(
                    WARNING,
                    "one-way-to-reach",
                    clause,
                    self.places.key(PLAN, "roles", first),
                    who=str(person),
                    roles=", ".join(sorted(roles)),
                    ways=person.ways,
                )


def _literal(source: str) -> str | None:
    found = _LITERAL.match(source)
    return (found[1] or found[2] or "") if found else None


def _customers(wanted: Mapping[str, Any]) -> bool:
    """Whether there are such customers at all; the area and the order day belong to the event."""
    rows = Retailer.objects.filter(active=True)
    if wanted.get("key"):
        rows = rows.filter(is_key=True)
    if wanted.get("vulnerable"):
        rows = rows.filter(is_vulnerable=True)
    if wanted.get("tier_from"):
        rows = rows.filter(supply_tier__gte=wanted["tier_from"])
    if wanted.get("tier_to"):
        rows = rows.filter(supply_tier__lte=wanted["tier_to"])
    if wanted.get("line"):
        rows = rows.filter(line__code=wanted["line"])
    if wanted.get("settlement"):
        rows = rows.filter(settlement=wanted["settlement"])
    return rows.exists()
