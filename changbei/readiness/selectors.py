"""What is ready, read from the registers: rows for the checks and for the pages. Read-only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from changbei.core import clock
from changbei.notify.models import Message
from changbei.people import access as people
from changbei.plans import kinds
from changbei.plans.model import Check, Pack
from changbei.plans.selectors import packs_in_force
from changbei.readiness import rules
from changbei.readiness.models import (
    Backup,
    CheckDue,
    Experience,
    Finding,
    InspectionTarget,
    Rectification,
    RestoreDrill,
    Review,
)
from changbei.readiness.params import number
from changbei.runs.access import hidden_runs

MOST_FOUND = 50


@dataclass(frozen=True)
class Target:
    """An inspected place: its row's id, and its values for the rules."""

    pk: int
    rule: rules.TargetRow


def inspection_targets(kinds: Collection[str]) -> list[Target]:
    """The active places of these kinds with all their inspections, by code; two queries."""
    rows = InspectionTarget.objects.filter(active=True, kind__in=list(kinds)).prefetch_related("inspections")
    return [
        Target(
            one.pk,
            rules.TargetRow(
                one.code,
                one.name,
                one.kind,
                tuple(
                    rules.InspectionRow(made.planned_on, made.irregular, made.done_on)
                    for made in one.inspections.all()
                ),
            ),
        )
        for one in rows.order_by("code")
    ]


def inspection_intervals() -> Iterator[tuple[list[str], rules.Intervals]]:
    """Kinds of places with their intervals, from the checks of the plans in force."""
    for pack in packs_in_force():
        order = list(pack.clauses).index
        for check in sorted(pack.checks.values(), key=lambda one: order(one.clause)):
            if check.kind == "inspections":
                regular = number(check.params, "regular_days", pack, 30)
                irregular = number(check.params, "irregular_days", pack, 0)
                yield list(check.params["kinds"]), rules.Intervals(regular, irregular)


# --- how things stand


@dataclass(frozen=True)
class Standing:
    """A check of a plan in force, how it was found last, and what does not hold."""

    check: Check
    pack: Pack
    holds: bool | None  # None: nobody has looked yet
    since: datetime | None
    looked_at: datetime | None
    next_at: datetime | None
    findings: Sequence[Finding]
    registry: str  # the register its findings are mended in


def standing(*, actor: object) -> list[Standing]:
    """Every check of the plans in force, plan by plan and clause by clause; two queries beside the plans. NotAllowed
    for strangers."""
    people.require(actor, "readiness.see")
    states = {one.check_id: one for one in CheckDue.objects.all()}
    open_ones: dict[str, list[Finding]] = {}
    for finding in Finding.objects.filter(mended_at__isnull=True).order_by("found_at", "subject"):
        open_ones.setdefault(finding.check_id, []).append(finding)
    known, found = kinds.kinds(), []
    for pack in packs_in_force():
        order = list(pack.clauses).index
        for check in sorted(pack.checks.values(), key=lambda one: order(one.clause)):
            state, kind = states.get(check.id), known.get(check.kind)
            found.append(
                Standing(
                    check,
                    pack,
                    state.holds if state else None,
                    state.since if state else None,
                    state.looked_at if state else None,
                    state.due_at if state else None,
                    open_ones.get(check.id, []),
                    kind.registry if kind else "",
                )
            )
    return found


@dataclass(frozen=True)
class BackupFigures:
    """E2.3: how old the newest backup is, how long ago one was restored, how long that took."""

    system: str
    backup_age: timedelta | None
    drill_age_days: int | None
    restore_seconds: int | None


def backup_figures() -> list[BackupFigures]:
    """One per system that has a backup or was restored, by name."""
    now, today = clock.now(), clock.today()
    systems = set(Backup.objects.values_list("system", flat=True).distinct())
    systems |= set(RestoreDrill.objects.values_list("system", flat=True).distinct())
    found = []
    for system in sorted(systems):
        newest = Backup.objects.filter(system=system).order_by("-taken_at").first()
        drill = RestoreDrill.objects.filter(system=system).order_by("-on", "-pk").first()
        found.append(
            BackupFigures(
                system,
                now - newest.taken_at if newest else None,
                (today - drill.on).days if drill else None,
                drill.restore_seconds if drill else None,
            )
        )
    return found


def mending(*, actor: object) -> QuerySet[Rectification]:
    """Everything that is to be mended, the most urgent first; what is mended is left out."""
    people.require(actor, "readiness.see")
    rows = Rectification.objects.filter(done_at__isnull=True)
    rows = rows.exclude(review__incident__run__in=hidden_runs(actor))
    return rows.select_related("owner", "review__incident", "inspection__target").order_by("due_on", "pk")


def search_experience(words: str, *, actor: object) -> list[Experience]:
    """What was learnt that has all these words in its title, text or clause, the newest first."""
    people.require(actor, "readiness.see")
    rows = Experience.objects.select_related("review__incident", "kept_by").order_by("-kept_at", "-pk")
    rows = rows.exclude(review__incident__run__in=hidden_runs(actor))
    for word in words.split():
        rows = rows.filter(Q(title__icontains=word) | Q(text__icontains=word) | Q(clause__icontains=word))
    return list(rows[:MOST_FOUND])


def copy_keep_days() -> int:
    """How long a copy of customer files may be kept, as the plan in force says (E3.2.7)."""
    for pack in packs_in_force():
        order = list(pack.clauses).index
        for check in sorted(pack.checks.values(), key=lambda one: order(one.clause)):
            if check.kind == "customer_files":
                return number(check.params, "keep_days", pack, 90)
    return 90


@dataclass(frozen=True)
class Receipts:
    """How many were sent a review's result, how many have confirmed that they read it, and who has not."""

    told: int
    read: int
    waiting: list[str]


def receipts(review: Review) -> Receipts | None:
    """The receipts of a circulated review; None before."""
    if review.circulation is None:
        return None
    rows = Message.objects.filter(notice__uuid=review.circulation, person__isnull=False)
    told = dict(rows.order_by("person__staff_no").values_list("person__staff_no", "person__name"))
    read = set(
        rows.filter(state=Message.State.ACKNOWLEDGED).values_list("person__staff_no", flat=True).distinct()
    )
    return Receipts(len(told), len(read), [name for staff_no, name in told.items() if staff_no not in read])
