"""Call lists and the call tree of a plan on paper: who calls whom, with numbers and boxes to tick (E3.1.13, E3.2.2)."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from changbei.core.errors import NotAllowed, there
from changbei.notify.models import CallList
from changbei.people import access as people
from changbei.people.models import Person
from changbei.plans import selectors as plans
from changbei.web import entry
from changbei.web.downloads import download
from changbei.web.papers import call_tree
from changbei.web.papers.call_tree import CallTree
from changbei.web.views.calls import may_lead, units_led


def _answer(request: HttpRequest, tree: CallTree, name: str, back: str) -> HttpResponse:
    """As a page that prints well, or with `?format=pdf` as a file."""
    if request.GET.get("format") == "pdf":
        return download(call_tree.pdf(tree), f"{name}.pdf", "application/pdf")
    query = request.GET.copy()
    query["format"] = "pdf"
    context = {"tree": tree, "pdf_url": f"{request.path}?{query.urlencode()}", "back": back}
    return render(request, "web/paper/call_tree.html", context)


@entry.staff
def of_list(request: HttpRequest, call_list: UUID) -> HttpResponse:
    """The own part of a list, or with `?all=1` everybody's, for who leads."""
    person = entry.actor(request)
    found = there(CallList.objects.filter(uuid=call_list).first(), _("There is no such list or caller."))
    if not request.GET.get("all"):
        return _answer(request, call_tree.of_list(found, [person], reader=person), "calls", reverse("calls"))
    if not may_lead(person):
        raise NotAllowed(_("Heads print the calls of all, everybody the own."))
    led = units_led(person)
    callers = None if led is None else Person.objects.filter(unit__in=led)
    tree = call_tree.of_list(found, callers, reader=person)
    return _answer(request, tree, "call-tree", f"{reverse('calls')}?view=team")


@entry.staff
def of_plan(request: HttpRequest, pack: str) -> HttpResponse:
    """Everybody whom the plan may need, as the parts are held now; for who may print its telephone numbers."""
    people.require(request.user, "plans.print_contacts")
    return _answer(request, call_tree.of_plan(plans.pack_in_force(pack)), "call-tree", reverse("plan"))


urlpatterns = [
    path("calls/<uuid:call_list>/paper", of_list, name="calls-paper"),
    path("call-tree/<slug:pack>/", of_plan, name="call-tree"),
]
