"""Who holds the roles of a run: from the plan's roles to people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from changbei.journal import prepared
from changbei.people.models import Contact, Person, PostHolding
from changbei.people.resolution import Holder, RoleSpec, Roster
from changbei.plans.model import Audience, Pack, Procedure
from changbei.runs.models import RoleHolding, Run

Why = RoleHolding.Why


def spec_of(pack: Pack, role: str) -> RoleSpec:
    """The plan's role in the words of the room of people."""
    named = pack.roles[role]
    return RoleSpec(
        post=named.post,
        duty=named.duty,
        job=named.job,
        scope=named.scope,
        deputies=named.deputies,
        command=named.command,
    )


Wanted = tuple[Pack, Procedure, dict[str, Any]]  # the plan, and the scope of the run


def resolve(pack: Pack, procedure: Procedure, roster: Roster, scope: dict[str, Any]) -> dict[str, Holder]:
    """The holder of every role this procedure can reach, from a roster that was read for it."""
    return roster.resolve(_specs(pack, procedure), scope)


def roster_for(wanted: Sequence[Wanted], now: datetime) -> Roster:
    """What is needed to resolve the roles of these procedures, in two queries."""
    return Roster([(_specs(pack, procedure), scope) for pack, procedure, scope in wanted], now)


def _specs(pack: Pack, procedure: Procedure) -> dict[str, RoleSpec]:
    return {role: spec_of(pack, role) for role in procedure.roles_used() if role in pack.roles}


def holding(run: Run, role: str, holder: Holder, now: datetime) -> RoleHolding:
    """The row for a holder; roles listed in `scope["acting"]` are held by an acting person (E2.1c)."""
    acting = holder.person is not None and role in run.scope.get("acting", ())
    why = Why.ACTING if acting else Why(holder.why)
    return RoleHolding(run=run, role=role, person=holder.person, why=why, since=now)


HOLDERS = (
    "SELECT run_id, role, person_id FROM runs_roleholding WHERE run_id = ANY(%s::bigint[]) AND until IS NULL"
)


def holders_of(runs: Collection[Run]) -> dict[int, dict[str, Person | None]]:
    """By run (key): role → person as the run has them now; two queries."""
    found: dict[int, dict[str, Person | None]] = {run.pk: {} for run in runs}
    with prepared.cursor() as cursor:
        cursor.execute(HOLDERS, [list(found)])
        held: list[tuple[int, str, int | None]] = cursor.fetchall()
    people = Person.objects.in_bulk({person for _, _, person in held if person})
    for run, role, person in held:
        found[run][role] = people[person] if person else None
    return found


class Holders:
    """Who holds the roles of one run; looked up when somebody first asks, unless it is known by then."""

    def __init__(self, run: Run, known: Mapping[str, Person | None] | None = None) -> None:
        self._run, self.known = run, known

    def of(self, role: str) -> Person | None:
        if self.known is None:
            self.known = holders_of([self._run])[self._run.pk]
        return self.known.get(role)

    def of_all(self, wanted: Iterable[str]) -> list[Person]:
        """The holders of those of these roles that somebody holds, in their order."""
        return [person for role in wanted if (person := self.of(role))]

    def of_first(self, chain: Iterable[str]) -> list[Person]:
        """The holder of the first role of a chain that somebody holds; nobody when all are vacant."""
        return next(([person] for role in chain if (person := self.of(role))), [])


def audience(pack_audience: Audience, run: Run, now: datetime) -> tuple[list[Person], list[Contact]]:
    """The people and outside contacts of an audience of the pack; of one of customers there are none
    (`audiences.retailers`).
    """
    if pack_audience.retailers is not None:
        return [], []
    if pack_audience.contacts is not None:
        return [], _contacts(
            pack_audience.contacts.get("group", ""), pack_audience.contacts.get("serves", "")
        )
    wanted = dict(pack_audience.staff or {})
    people = Person.objects.filter(active=True)
    if job := wanted.get("job"):
        people = people.filter(job=job)
    if kind := wanted.get("unit"):
        people = people.filter(unit__kind=kind)
    if post := wanted.get("post"):
        current = PostHolding.objects.filter(post__kind=post, since__lte=now).exclude(until__lte=now)
        people = people.filter(pk__in=current.values("person_id"))
    if code := _narrowed(wanted.get("scope", "city"), run.scope):
        people = people.filter(unit__code=code)
    return list(people.order_by("pk")), []


def _narrowed(scope: str, of_run: dict[str, Any]) -> str:
    """The unit's code that an audience is narrowed to; "" for the whole city."""
    if scope == "city":
        return ""
    return str((of_run.get("site") if scope == "site" else of_run.get("unit")) or of_run.get("unit") or "")


def _contacts(group: str, serves: str) -> list[Contact]:
    found: Iterable[Contact] = Contact.objects.order_by("pk")
    return [
        contact
        for contact in found
        if (not group or contact.group == group) and (not serves or serves in contact.serves)
    ]
