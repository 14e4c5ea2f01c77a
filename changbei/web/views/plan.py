"""The plan in force as a document that also says where each clause runs and who holds each role, now."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse

from changbei.core import clock
from changbei.core.errors import NotFound
from changbei.core.texts import uuid_in
from changbei.people import access as people
from changbei.plans import document
from changbei.plans.loading import pack_for
from changbei.plans.selectors import all_in_force
from changbei.runs.models import Run
from changbei.web import planned, showing
from changbei.web.entry import staff


@staff
def plan(request: HttpRequest, pack_id: str = "") -> HttpResponse:
    """One pack; without a name the first that is in force."""
    people.require(request.user, "plans.see")
    versions = all_in_force()
    version = next((one for one in versions if pack_id in ("", one.pack)), None)
    if version is None:
        if pack_id:
            raise NotFound(pack_id)
        return render(request, "web/plan/none.html")
    pack = pack_for(version)
    running = planned.running_by_clause(pack, request.user)
    context = {
        "versions": [(one.pack, showing.say(pack_for(one).titles)) for one in versions],
        "version": version,
        "pack": pack,
        "chapters": planned.chapters(pack, running),
        "running_count": sum(len(found) for found in running.values()),
        "procedures": planned.procedures(pack, request.user),
        "roles": planned.roles(pack, clock.now()),
        "settings": planned.settings(pack),
        "tables": planned.tables(pack),
        "checklists": planned.checklists(pack),
        "checks": planned.checks(pack),
        "review_every": planned.length(pack.review_period),
    }
    return render(request, "web/plan/plan.html", context)


@staff
def clause(request: HttpRequest, number: str) -> HttpResponse:
    """To the clause in the plan of the run or incident that cites it (`?of=`), else in the one in force that has it; to
    the plans where none has.
    """
    people.require(request.user, "plans.see")
    own = _plan_of(request.GET.get("of", ""))
    for version in sorted(all_in_force(), key=lambda one: one.pack != own):
        if number in pack_for(version).clauses:
            return redirect(f"{reverse('plan-pack', args=[version.pack])}#{document.anchor(number)}")
    return redirect("plan")


def _plan_of(cites: str) -> str:
    """The id of the plan that a run, or an incident's own run, is carried out by."""
    given = uuid_in(cites)
    if given is None:
        return ""
    found = Run.objects.filter(Q(uuid=given) | Q(incident=given, caller=None)).order_by("pk")
    return found.values_list("plan_version__pack", flat=True).first() or ""


urlpatterns = [
    path("plan/", plan, name="plan"),
    path("plan/clauses/<str:number>/", clause, name="plan-clause"),
    path("plan/<slug:pack_id>/", plan, name="plan-pack"),
]
