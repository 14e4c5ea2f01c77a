"""Everyday service: the open matters of customers, each with who owns it and until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from changbei.core import clock
from changbei.incidents import access
from changbei.incidents.matters import Matter, open_matters
from changbei.people import access as people
from changbei.plans.loading import pack_for
from changbei.plans.model import EVERYDAY
from changbei.plans.selectors import packs_in_force
from changbei.web import showing
from changbei.web.entry import staff
from changbei.web.planned import FAMILY_ICONS

SHOWN = 50
VIEWS = ("all", "mine", "late")


@dataclass(frozen=True)
class Row:
    """One matter as it is shown."""

    matter: Matter
    stage: str
    role: str
    late: bool


@dataclass(frozen=True)
class Kind:
    """A kind of everyday matter that somebody records."""

    id: str
    title: str
    icon: str


@staff
def matters(request: HttpRequest) -> HttpResponse:
    """Every open matter that the reader may see; `view`: all, mine or late; `kind`: a procedure."""
    people.require(request.user, "incidents.see")
    person, now = people.person_of(request.user), clock.now()
    view = request.GET.get("view", "") if request.GET.get("view") in VIEWS else "all"
    kind = request.GET.get("kind", "")
    found = open_matters(access.readable(request.user))
    mine = [one for one in found if person and one.owner and one.owner.pk == person.pk]
    late = [one for one in found if one.is_late(now) or one.ownerless]
    chosen = {"all": found, "mine": mine, "late": late}[view]
    chosen = [one for one in chosen if kind in ("", one.incident.kind)]
    page = Paginator(chosen, SHOWN).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [_row(one) for one in page],
        "views": [("all", len(found)), ("mine", len(mine)), ("late", len(late))],
        "view": view,
        "kind": kind,
        "kinds": list(_kinds()),
        "query": urlencode({"view": view, "kind": kind}),
    }
    return render(request, "web/service/matters.html", context)


def _kinds() -> Iterable[Kind]:
    for pack in packs_in_force():
        for one in pack.reported:
            if one.family == EVERYDAY:
                yield Kind(one.id, showing.say(one.title), FAMILY_ICONS[one.family])


def _row(matter: Matter) -> Row:
    run = matter.incident.run
    pack = pack_for(run.plan_version) if run else None
    return Row(
        matter,
        "、".join(showing.open_stages(run, pack)) if run and pack else "",
        showing.role_title(pack, matter.task.role) if pack and matter.task else "",
        matter.is_late(clock.now()),
    )


urlpatterns = [path("service/", matters, name="service")]
