"""Roles, chains and approvals against the roster: at which hours nobody, or only the same person, is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches

from changbei.core.clock import LOCAL
from changbei.plans.checking import ERROR, WARNING, Finding, Places, finding
from changbei.plans.checking.finding import Phrase
from changbei.plans.model import DEPUTY_COMMANDER, EVERYDAY, Pack, Place, Procedure, Role, Step
from changbei.readiness.plan_check.roster import Roster
from changbei.readiness.plan_check.standing import (
    ACTING,
    DEPUTY,
    HEAD,
    Fortune,
    Standing,
    Stretch,
    fortunes,
    standings,
)

PLAN = "plan.yaml"
MOST_RANGES, MOST_PLACES = 3, 4


@dataclass
class _Seen:
    """Where and when something was found, under one turn of fortune."""

    hours: set[int] = field(default_factory=set)
    units: set[int | None] = field(default_factory=set)
    who: set[int] = field(default_factory=set)


Key = tuple[str, ...]


class Covering:
    """Looks at every role, chain and approval of a pack, at each hour of the week, at each place."""

    def __init__(self, pack: Pack, roster: Roster, places: Places) -> None:
        self.pack, self.roster, self.places = pack, roster, places
        self.holding: dict[
            int, set[str]
        ] = {}  # person → roles held at some hour of the week as it is on file
        self.missing = {
            role.id for role in pack.roles.values() if (role.post or role.duty) and not _there(role, roster)
        }

    def findings(self) -> Iterator[Finding]:
        yield from self._unknown_posts()
        yield from self._acting()
        before: dict[Key, set[int]] = {}
        for fortune in fortunes(self.roster):
            seen: dict[Key, _Seen] = {}
            for stretch, standing in standings(self.roster, self.pack, fortune):
                self._look(stretch, standing, seen, keep=not fortune.id)
            for key, found in seen.items():
                new = found.hours - before.get(key, set())
                if new:
                    yield self._said(key, found, new, fortune)
                before.setdefault(key, set()).update(found.hours)

    def _unknown_posts(self) -> Iterator[Finding]:
        for role in self.pack.roles.values():
            if role.id in self.missing:
                kind = role.post or role.duty
                place = self.places.key(PLAN, "roles", role.id, "post" if role.post else "duty")
                known = self._nearest(kind)
                yield finding(ERROR, "unknown-post", role.clause, place, post=kind, role=role.id, known=known)

    def _nearest(self, kind: str) -> str:
        near = get_close_matches(kind, self.roster.posts, n=3, cutoff=0.4)
        return ", ".join(near or sorted(self.roster.posts)[:5]) or "-"

    def _acting(self) -> Iterator[Finding]:
        """A plan for emergencies says who acts while both leaders are away, and that post exists (E2.1c)."""
        table = self.pack.tables.get(ACTING)
        if table is None:
            if any(procedure.family != EVERYDAY for procedure in self.pack.reported):
                yield finding(WARNING, "acting-missing", "", self.places.key(PLAN, "roles"))
            return
        for row in table.rows:
            post = str(row.then.get("post", ""))
            if post and post not in self.roster.posts:
                known = self._nearest(post)
                yield finding(ERROR, "acting-post", table.clause, row.place, post=post, known=known)

    # --- looking

    def _look(self, stretch: Stretch, standing: Standing, seen: dict[Key, _Seen], *, keep: bool) -> None:
        for procedure in self.pack.procedures.values():
            for step in procedure.steps.values():
                for unit in self._units(step):
                    for key, who in self._step(procedure, step, standing, unit):
                        found = seen.setdefault(key, _Seen())
                        found.hours |= set(stretch.hours)
                        found.units.add(unit)
                        found.who |= who
                    if keep:
                        self._keep(procedure, step, standing, unit)

    def _keep(self, procedure: Procedure, step: Step, standing: Standing, unit: int | None) -> None:
        for role in self._known((*acting_roles(step), *(step.task.chain if step.task else ()))):
            person = standing.holder(role, unit, procedure.family).person
            if person is not None:
                self.holding.setdefault(person, set()).add(role.id)

    def _units(self, step: Step) -> Sequence[int | None]:
        """Where the event can be, as far as the step's roles ask: its sites, its departments, or anywhere."""
        scopes = {
            role.scope for role in self._known((*acting_roles(step), *(step.task.chain if step.task else ())))
        }
        if "site" in scopes:
            return self.roster.sites or (None,)
        return (self.roster.departments or (None,)) if scopes & {"unit", "district"} else (None,)

    def _known(self, names: Iterable[str]) -> list[Role]:
        return [self.pack.roles[name] for name in dict.fromkeys(names) if name in self.pack.roles]

    def _step(
        self, procedure: Procedure, step: Step, standing: Standing, unit: int | None
    ) -> Iterator[tuple[Key, set[int]]]:
        holders: set[int] = set()
        unsure = False  # a role that the report names: anybody
        for role in self._known(acting_roles(step)):
            if role.scope == "named":
                unsure = True
                continue
            person = standing.holder(role, unit, procedure.family).person
            if person is not None:
                holders.add(person)
            elif role.id not in self.missing and not _may_be_vacant(role, standing.fortune):
                yield ("nobody", role.id), set()
        if step.task is not None and step.task.chain:
            yield from self._chain(procedure, step, standing, unit, set() if unsure else holders)
        yield from self._apart(procedure, step, standing, unit)

    def _chain(
        self, procedure: Procedure, step: Step, standing: Standing, unit: int | None, holders: set[int]
    ) -> Iterator[tuple[Key, set[int]]]:
        chain = self._known(step.task.chain if step.task else ())
        if any(role.scope == "named" for role in chain) or {role.id for role in chain} & self.missing:
            return
        told = {standing.holder(role, unit, procedure.family).person for role in chain} - {None}
        if not told:
            yield ("chain-to-nobody", procedure.id, step.id), set()
        elif len(holders) == 1 and told == holders:
            yield ("chain-to-same-person", procedure.id, step.id), set(holders)

    def _apart(
        self, procedure: Procedure, step: Step, standing: Standing, unit: int | None
    ) -> Iterator[tuple[Key, set[int]]]:
        """Only one person is there who may act in both steps that need two."""
        if step.kind != "approve":
            return
        for other in sorted(step.apart):
            done = procedure.steps.get(other)
            if done is None or done.task is None or done.task.role not in self.pack.roles:
                continue
            first = self.pack.roles[done.task.role]
            if first.scope == "named":
                continue
            one = standing.candidates(first, unit, procedure.family)
            for role in self._known(acting_roles(step)):
                two = standing.candidates(role, unit, procedure.family) if role.scope != "named" else set()
                if len(one) == 1 and one == two:
                    yield ("same-person", procedure.id, step.id, other), set(one)

    # --- saying

    def _said(self, key: Key, found: _Seen, hours: set[int], fortune: Fortune) -> Finding:
        severity = WARNING if fortune.id else ERROR
        common = {
            "when": said_hours(self.roster, hours),
            "where": self._where(found.units),
            "scenario": Phrase(fortune.words),
            "who": ", ".join(str(self.roster.people[pk]) for pk in sorted(found.who)),
        }
        if key[0] == "nobody":
            role = self.pack.roles[key[1]]
            source = role.post or role.duty or role.job or "command"
            steps = ", ".join(self._steps_of(role.id))
            place = self.places.key(PLAN, "roles", role.id)
            return finding(
                severity, "nobody", role.clause, place, role=role.id, source=source, steps=steps, **common
            )
        step = self.pack.procedures[key[1]].steps[key[2]]
        if key[0] == "same-person":
            place = self.places.step(key[1], step.id, "approve", "not_same_as")
            return finding(severity, "same-person", step.clause, place, step=step.id, other=key[3], **common)
        place = self._overdue(key[1], step)
        chain = " → ".join(step.task.chain) if step.task else ""
        return finding(severity, key[0], step.clause, place, step=step.id, chain=chain, **common)

    def _overdue(self, procedure: str, step: Step) -> Place:
        inner = ("on_failure", "overdue") if step.kind in {"do", "call"} else ("overdue",)
        return self.places.step(procedure, step.id, *inner)

    def _where(self, units: set[int | None]) -> str:
        codes = sorted(self.roster.units.get(unit, "?") for unit in units if unit is not None)
        if not codes or len(codes) in {len(self.roster.sites), len(self.roster.departments)}:
            return ""
        return f" ({', '.join(codes[:MOST_PLACES])}{' …' if len(codes) > MOST_PLACES else ''})"

    def _steps_of(self, role: str) -> list[str]:
        steps = [
            f"{procedure.id}/{step.id}"
            for procedure in self.pack.procedures.values()
            for step in procedure.steps.values()
            if role in acting_roles(step)
        ]
        return [*steps[:MOST_RANGES], "…"] if len(steps) > MOST_RANGES else steps


def acting_roles(step: Step) -> tuple[str, ...]:
    """The roles that a step needs somebody in: who does it, who approves by its table, who is told."""
    found = list(step.roles)
    if step.task is not None:
        rows = step.limit.table.rows if step.limit else ()
        found += [str(row.then.get("role", "")) for row in rows] or [step.task.role]
    return tuple(dict.fromkeys(found))


def _may_be_vacant(role: Role, fortune: Fortune) -> bool:
    """Below a major event, or with one leader away, there is no deputy commander (E2.1b); and a leader who is out of
    reach is not in reach: what counts then is that somebody else hears of it, which the chains say (E2.1c).
    """
    return (role.command and role.id == DEPUTY_COMMANDER) or bool(fortune.id and role.post in {HEAD, DEPUTY})


def _there(role: Role, roster: Roster) -> bool:
    return (role.post or role.duty) in roster.posts


def said_hours(roster: Roster, hours: set[int]) -> str:
    """`11-23 19:00–11-24 07:00, … (84 h)` in the city's wall clock; every hour of the week: `168 h`."""
    begins = roster.hours()
    if len(hours) == len(begins):
        return f"({len(begins)}/{len(begins)} h)"
    ranges: list[tuple[int, int]] = []
    for number in sorted(hours):
        if ranges and ranges[-1][1] == number:
            ranges[-1] = (ranges[-1][0], number + 1)
        else:
            ranges.append((number, number + 1))
    words = [
        f"{begins[first].astimezone(LOCAL):%m-%d %H:%M}–"
        f"{(begins[last - 1] + timedelta(hours=1)).astimezone(LOCAL):%m-%d %H:%M}"
        for first, last in ranges[:MOST_RANGES]
    ]
    more = " …" if len(ranges) > MOST_RANGES else ""
    return f"{', '.join(words)}{more} ({len(hours)}/{len(begins)} h)"
