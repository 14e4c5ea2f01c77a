"""The tabs beside a plan's document: what the checker finds now, what is covered, what changed between versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changbei.core.errors import there
from changbei.people import access as people
from changbei.plans import selectors
from changbei.plans.checking import ERROR, Finding
from changbei.plans.comparing import Change, compare
from changbei.plans.coverage import claims
from changbei.plans.coverage import coverage as covered
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack
from changbei.plans.models import PlanVersion
from changbei.readiness import plan_check
from changbei.web import showing
from changbei.web.components import Clause
from changbei.web.entry import staff
from changbei.web.planned.holders import posts_address

HOW = {
    "added": (gettext_lazy("added"), "good", "plus"),
    "removed": (gettext_lazy("removed"), "bad", "minus"),
    "changed": (gettext_lazy("changed"), "notice", "arrows-exchange"),
    "moved": (gettext_lazy("moved"), "notice", "arrows-exchange"),
    "longer": (gettext_lazy("longer"), "warn", "hourglass"),
    "shorter": (gettext_lazy("shorter"), "good", "hourglass"),
}
PARTS = {
    "plan": gettext_lazy("Plan"),
    "clause": gettext_lazy("Clause"),
    "message": gettext_lazy("Message"),
    "setting": gettext_lazy("Setting"),
    "role": gettext_lazy("Role"),
    "ladder": gettext_lazy("Chain"),
    "audience": gettext_lazy("Audience"),
    "registry": gettext_lazy("Register"),
    "check": gettext_lazy("Check"),
    "checklist": gettext_lazy("Checklist"),
    "item": gettext_lazy("Item of a checklist"),
    "exercise": gettext_lazy("Exercise"),
    "procedure": gettext_lazy("Procedure"),
    "stage": gettext_lazy("Stage"),
    "step": gettext_lazy("Step"),
    "table": gettext_lazy("Decision table"),
}


@dataclass(frozen=True)
class FindingRow:
    finding: Finding
    clause: Clause | None
    what: str
    mend: str
    posts_url: str  # where what is vacant can be filled

    @property
    def grave(self) -> bool:
        return self.finding.severity == ERROR


@staff
def check(request: HttpRequest, pack_id: str) -> HttpResponse:
    """What the checker says of the version in force, with the roster of the coming week."""
    version, pack = _in_force(request, pack_id)
    report = plan_check.check(version.files)
    rows = finding_rows(report.findings, pack)
    context = {"rows": rows, "report": report, "counts": report.counts(), "at": report.at}
    return _page(request, "check", version, pack, context)


def finding_rows(findings: Sequence[Finding], pack: Pack) -> list[FindingRow]:
    return [_row(one, pack) for one in findings]


def _row(one: Finding, pack: Pack) -> FindingRow:
    what, mend = one.told(_)
    role = pack.roles.get(str(one.values.get("role", ""))) if one.kind == "nobody" else None
    posts_url = posts_address(role) if role is not None else ""
    return FindingRow(one, showing.clause(one.clause, pack), what, mend, posts_url)


@staff
def coverage(request: HttpRequest, pack_id: str) -> HttpResponse:
    """For each clause what fulfils it and which tests ran it."""
    version, pack = _in_force(request, pack_id)
    found = covered(pack, claims(settings.ROOT))
    rows = [
        (one, showing.clause(one.id, pack), Counter(ref.partition(":")[0] for ref in one.fulfilled_by))
        for one in found.clauses
    ]
    return _page(request, "coverage", version, pack, {"rows": rows, "coverage": found})


@dataclass(frozen=True)
class ChangeRow:
    change: Change
    part: str
    how: str
    tone: str
    icon: str
    clause: Clause | None


@staff
def diff(request: HttpRequest, pack_id: str) -> HttpResponse:
    """What changed between two versions; without a choice from the one before to the one in force."""
    version, pack = _in_force(request, pack_id)
    versions = selectors.versions(pack_id)
    after = _chosen(request.GET.get("after"), versions) or version
    before = _chosen(request.GET.get("before"), versions) or _before(after, versions)
    context: dict[str, Any] = {"all_versions": versions, "before": before, "after": after}
    if before is not None:
        context |= groups_of(pack_for(before), pack_for(after))
    return _page(request, "diff", version, pack, context)


def groups_of(before: Pack, after: Pack) -> dict[str, Any]:
    """What changed, in words and in behaviour, and how many changes that is."""
    found = compare(before, after)
    groups = [
        (_("In words"), [_change(one, after) for one in found.in_words]),
        (_("In behaviour"), [_change(one, after) for one in found.in_behaviour]),
    ]
    return {"groups": groups, "count": len(found.changes)}


def _chosen(pk: str | None, versions: Sequence[PlanVersion]) -> PlanVersion | None:
    if not pk:
        return None
    return there(next((one for one in versions if str(one.pk) == pk), None), pk)


def _before(after: PlanVersion, versions: Sequence[PlanVersion]) -> PlanVersion | None:
    """The version adopted before `after`; the newest other one when there is none."""
    earlier = [one for one in versions if one.adopted_at < after.adopted_at]
    others = earlier or [one for one in versions if one.pk != after.pk]
    return others[0] if others else None


def _change(change: Change, pack: Pack) -> ChangeRow:
    how, tone, icon = HOW[change.how]
    part = str(PARTS.get(change.part, change.part))
    return ChangeRow(change, part, str(how), tone, icon, showing.clause(change.clause, pack))


def _in_force(request: HttpRequest, pack_id: str) -> tuple[PlanVersion, Pack]:
    people.require(request.user, "plans.see")
    version = selectors.in_force(pack_id)
    return version, pack_for(version)


def _page(
    request: HttpRequest, tab: str, version: PlanVersion, pack: Pack, context: dict[str, Any]
) -> HttpResponse:
    return render(request, f"web/plan/{tab}.html", {"tab": tab, "version": version, "pack": pack, **context})


urlpatterns = [
    path("plan/<slug:pack_id>/check/", check, name="plan-check"),
    path("plan/<slug:pack_id>/coverage/", coverage, name="plan-coverage"),
    path("plan/<slug:pack_id>/diff/", diff, name="plan-diff"),
]
