"""Who would hold each role at each hour, under each turn of fortune: pure, on the roster read before.

The choice itself is `people.rules.choose`, the one that runs of plans use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from changbei.incidents.rules import command
from changbei.people.rules import Away, Choice, Offer, RoleSpec, choose, merge
from changbei.plans import tables
from changbei.plans.model import COMMANDER, DEPUTY_COMMANDER, Pack, Role
from changbei.readiness.plan_check.roster import Roster, Span

HEAD, DEPUTY = "leading-group-head", "leading-group-deputy"
ACTING = "acting-commander"


@dataclass(frozen=True)
class Fortune:
    """A turn of fortune on top of the absences on file. `words` are put behind what is found under it."""

    id: str
    words: str
    away: Mapping[int, Away]


@dataclass(frozen=True)
class Stretch:
    """Hours over which nothing of the roster changes; `hours` are positions in `Roster.hours()`."""

    at: datetime
    hours: tuple[int, ...]


def stretches(roster: Roster) -> list[Stretch]:
    """The hours of the week, those in a row with the same roster together."""
    found: list[tuple[object, datetime, list[int]]] = []
    for number, hour in enumerate(roster.hours()):
        at = max(hour, roster.now)
        signature = (
            tuple(n for n, span in enumerate(roster.spans) if span.covers(at)),
            tuple(n for n, gone in enumerate(roster.gone) if gone.starts <= at < gone.ends),
        )
        if found and found[-1][0] == signature:
            found[-1][2].append(number)
        else:
            found.append((signature, at, [number]))
    return [Stretch(at, tuple(hours)) for _, at, hours in found]


class Standing:
    """Who is there at one moment under one turn of fortune."""

    def __init__(self, roster: Roster, pack: Pack, at: datetime, fortune: Fortune) -> None:
        self.roster, self.pack, self.at, self.fortune = roster, pack, at, fortune
        self.away = _away(roster, at, fortune)
        self.spans: dict[str, list[Span]] = {}
        for span in roster.spans:
            if span.covers(at):
                self.spans.setdefault(span.kind, []).append(span)
        self._known: dict[tuple[str, int | None, str], Choice] = {}

    def holder(self, role: Role, unit: int | None, family: str) -> Choice:
        """Who holds the role for an event of this family at this unit; None for an event of the whole city."""
        key = (role.id, unit if role.scope != "city" else None, family if role.command else "")
        if key not in self._known:
            self._known[key] = self._commanding(role, family) if role.command else self._choose(role, unit)
        return self._known[key]

    def _choose(self, role: Role, unit: int | None) -> Choice:
        return choose(spec_of(role), self._offers(role, unit), self.away)

    def candidates(self, role: Role, unit: int | None, family: str) -> set[int]:
        """Everybody who may act in the role: the holder, and the deputies who are there."""
        holder = self.holder(role, unit, family).person
        found = {holder} if holder is not None else set()
        if role.deputies:
            group = self._group_of(role, unit, holder)
            found |= {offer.person for offer in group if not self._kept(offer.person)}
        return {person for person in found if person is not None}

    def _group_of(self, role: Role, unit: int | None, holder: int | None) -> list[Offer]:
        offers = self._offers(role, unit)
        groups = {offer.group for offer in offers if offer.person == holder}
        return [offer for offer in offers if offer.group in groups]

    def _kept(self, person: int) -> bool:
        return person in self.away and self.away[person].keeps_from_post

    def _offers(self, role: Role, unit: int | None) -> list[Offer]:
        here = None if role.scope == "city" else unit
        if role.job:
            people = [self.roster.people[pk] for pk in self.roster.jobs.get(role.job, ())]
            return self._near(here, [(one.unit, "", Offer(one.id, "job")) for one in people])
        spans = self.spans.get(role.post or role.duty, [])
        return self._near(
            here,
            [
                (span.unit, span.post, Offer(span.person, "duty" if span.duty else "post", rank=span.rank))
                for span in spans
                if role.duty or not span.duty
            ],
        )

    def _near(self, here: int | None, found: list[tuple[int, str, Offer]]) -> list[Offer]:
        """As `people.resolution` groups them: by distance, those in line alone when there are any."""
        if here is None:
            return [Offer(one.person, one.basis, (0, code), one.rank) for _, code, one in found]
        tree = self.roster.tree
        in_line = [item for item in found if tree.in_line(here, item[0])]
        return [
            Offer(one.person, one.basis, (tree.distance(here, unit), code), one.rank)
            for unit, code, one in in_line or found
        ]

    # --- the command post (E2.1b, E2.1c)

    def _commanding(self, role: Role, family: str) -> Choice:
        decided = self._command(family)
        person = decided.get(role.id)
        return Choice(person, "named" if person is not None else "nobody")

    def _command(self, family: str) -> dict[str, int | None]:
        head, deputy = self._leaders
        said = command(
            str(head or ""),
            str(deputy or ""),
            head_present=head is not None and not self._kept(head),
            deputy_present=deputy is not None and not self._kept(deputy),
            acting=str(self._acting(family) or ""),
        )
        return {
            COMMANDER: int(said.commander) if said.commander else None,
            DEPUTY_COMMANDER: int(said.deputy_commander) if said.deputy_commander else None,
        }

    @cached_property
    def _leaders(self) -> tuple[int | None, int | None]:
        found = [
            next((span.person for span in self.spans.get(kind, []) if span.rank == 1 and not span.duty), None)
            for kind in (HEAD, DEPUTY)
        ]
        return found[0], found[1]

    def _acting(self, family: str) -> int | None:
        table = self.pack.tables.get(ACTING)
        outcome = tables.evaluate(table, {"family": family}) if table else None
        if outcome is None or outcome.outputs is None:
            return None
        post = str(outcome.outputs.get("post", ""))
        offers = [
            Offer(span.person, "post", (0, span.post), span.rank)
            for span in self.spans.get(post, [])
            if not span.duty
        ]
        choice = choose(RoleSpec(post=post), offers, self.away)
        return choice.person if not choice.away else None


def fortunes(roster: Roster) -> list[Fortune]:
    """The week as it is on file; both leaders away; they and their deputies, out of reach."""
    at = roster.now
    posts = [
        span for span in roster.spans if span.kind in {HEAD, DEPUTY} and not span.duty and span.covers(at)
    ]
    leaders = {span.person: Away(True, True) for span in posts if span.rank == 1}
    everybody = {span.person: Away(True, False) for span in posts}
    return [
        Fortune("", "", {}),
        Fortune("leaders", _LEADERS, leaders),
        Fortune("deputies", _DEPUTIES, everybody),
    ]


def _away(roster: Roster, at: datetime, fortune: Fortune) -> dict[int, Away]:
    found: dict[int, list[Away]] = {}
    for gone in roster.gone:
        if gone.starts <= at < gone.ends:
            found.setdefault(gone.person, []).append(gone.away)
    for person, away in fortune.away.items():
        found.setdefault(person, []).append(away)
    return {person: merge(absences) for person, absences in found.items()}


def spec_of(role: Role) -> RoleSpec:
    return RoleSpec(role.post, role.duty, role.job, role.scope, role.deputies, role.command)


def standings(roster: Roster, pack: Pack, fortune: Fortune) -> Iterator[tuple[Stretch, Standing]]:
    for stretch in stretches(roster):
        yield stretch, Standing(roster, pack, stretch.at, fortune)


_LEADERS = " while both leaders are away"
_DEPUTIES = " while both leaders and their deputies are out of reach"
