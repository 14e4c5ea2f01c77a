"""Versions of a plan: drafts written file by file with live findings, signed by the leading group, reviews due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from changbei.core.errors import Invalid
from changbei.people import access as people
from changbei.people.models import Post
from changbei.plans import access, drafts, reviews
from changbei.plans.loading.pack import draft as read
from changbei.plans.models import PlanDraft, PlanReview, PlanVersion, Signature
from changbei.plans.selectors import packs_in_force
from changbei.web import htmx, showing
from changbei.web.entry import actor, may_act, staff
from changbei.web.widgets import DayInput

FIRST_FILE = "plan.yaml"
SPARE_LINES = 12
STATES = {
    "edited": (gettext_lazy("Being written"), "neutral", "pencil"),
    "review": (gettext_lazy("Before the leading group"), "notice", "hourglass"),
    "adopted": (gettext_lazy("Adopted"), "good", "circle-check"),
    "withdrawn": (gettext_lazy("Withdrawn"), "neutral", "ban"),
}
OPEN = {PlanDraft.State.EDITED, PlanDraft.State.REVIEW}
REASONS = {
    "period": gettext_lazy("Its review period ends"),
    "drill": gettext_lazy("After a drill"),
    "event": gettext_lazy("After an event that found it wanting"),
}


class SubmitForm(forms.Form):
    effective_on = forms.DateField(label=gettext_lazy("Holds from"), widget=DayInput())
    reason = forms.CharField(
        label=gettext_lazy("Why the plan is changed"), widget=forms.Textarea, max_length=2000
    )


@staff
def versions(request: HttpRequest) -> HttpResponse:
    """Versions with their signatures and dates of effect, drafts, and the reviews that are due."""
    people.require(request.user, "plans.see")
    rows = PlanVersion.objects.order_by("pack", "-effective_on", "-adopted_at", "-pk")
    signed, titles = _signatures_by_version(), _titles()
    context = {
        "versions": [
            {"version": one, "title": titles.get(one.pack, one.pack), "signed": signed.get(one.pk, [])}
            for one in rows
        ],
        "drafts": [_listed(one, titles) for one in access.drafts(request.user)],
        "reviews": [_review(one, titles) for one in access.reviews(request.user)],
        "packs": [(pack, titles.get(pack, pack)) for pack in sorted({one.pack for one in rows})],
        "may_draft": may_act(request, "plans.draft"),
    }
    return render(request, "web/plan/versions.html", context)


def _titles() -> dict[str, str]:
    """What the plans in force are called, by pack."""
    return {pack.id: showing.say(pack.titles) for pack in packs_in_force()}


def title_of(draft: PlanDraft, titles: Mapping[str, str] | None = None) -> str:
    """What the draft's plan is called: as in force, else as the draft itself says, as far as that can be read."""
    known = _titles() if titles is None else titles
    if draft.pack in known:
        return known[draft.pack]
    return showing.say(read(draft.files, None).pack.titles) or draft.pack


def _with_posts(signatures: Sequence[Signature]) -> list[dict[str, Any]]:
    """Signatures with the name of the post that the person held then."""
    kinds = {one.post for one in signatures}
    names = {one.kind: showing.say(one.name) for one in Post.objects.filter(kind__in=kinds).order_by("-pk")}
    return [{"signature": one, "post": names.get(one.post, one.post)} for one in signatures]


def _signatures_by_version() -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    rows = Signature.objects.filter(draft__adopted__isnull=False, signed=True).select_related(
        "draft", "person"
    )
    for row in _with_posts(list(rows.order_by("at", "pk"))):
        one = row["signature"]
        if one.digest == one.draft.digest:
            found.setdefault(one.draft.adopted_id, []).append(row)
    return found


def _listed(draft: PlanDraft, titles: Mapping[str, str]) -> dict[str, Any]:
    words, tone, icon = STATES[draft.state]
    title = title_of(draft, titles)
    return {"draft": draft, "title": title, "words": words, "tone": tone, "icon": icon}


def _review(review: PlanReview, titles: Mapping[str, str]) -> dict[str, Any]:
    pack = review.version.pack
    return {
        "review": review,
        "title": titles.get(pack, pack),
        "reason": REASONS[review.reason],
        "overdue": reviews.is_overdue(review),
    }


@staff
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    asked = request.POST.get("review")
    review = access.get_review(request.user, asked) if asked else None
    pack_id = review.version.pack if review else request.POST.get("pack", "")
    draft = drafts.begin(pack_id, actor=actor(request), review=review)
    return htmx.go_to(request, reverse("plan-draft", args=[draft.uuid]))


@staff
@require_POST
def begin_new(request: HttpRequest) -> HttpResponse:
    """A plan from nothing: a small one to be written in."""
    given = request.POST
    draft = drafts.begin_new(given.get("pack", ""), given.get("title", ""), actor=actor(request))
    return htmx.go_to(request, reverse("plan-draft", args=[draft.uuid]))


@staff
@require_POST
def finish_review(request: HttpRequest, uuid: UUID) -> HttpResponse:
    review = access.get_review(request.user, uuid)
    reviews.finish(review, outcome=request.POST.get("outcome", ""), actor=actor(request))
    return htmx.go_to(request, reverse("plan-versions"))


@staff
def draft(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """One file of the draft to be written in, what is wrong with the whole, and the signatures."""
    found = access.get_draft(request.user, uuid)
    name = request.GET.get("file", FIRST_FILE)
    text = found.files.get(name, "")
    problems = drafts.findings(found.files)
    left, leader = drafts.missing(found) if not problems else (0, False)
    lines = text.count("\n") + SPARE_LINES
    words, tone, icon = STATES[found.state]
    context = {
        "draft": found,
        "title": title_of(found),
        "state": {"words": words, "tone": tone, "icon": icon},
        "file": name,
        "files": sorted(found.files),
        "text": text,
        "rows": lines,
        "numbers": "\n".join(str(number) for number in range(1, lines + 1)),
        "problems": problems,
        "changed": _changed(found),
        "form": SubmitForm(),
        "signatures": _with_posts(list(found.signatures.select_related("person").order_by("at", "pk"))),
        "left": left,
        "leader": leader,
        "may_draft": may_act(request, "plans.draft"),
        "may_sign": may_act(request, "plans.sign") and not _has_signed(found, request),
        "may_withdraw": found.state in OPEN
        and (found.begun_by == actor(request) or may_act(request, "plans.adopt")),
    }
    return render(request, "web/plan/draft.html", context)


def _has_signed(found: PlanDraft, request: HttpRequest) -> bool:
    """Whether the reader's signature stands under the files as they are."""
    own = found.signatures.filter(digest=found.digest, signed=True, person=people.person_of(request.user))
    return own.exists()


def _changed(found: PlanDraft) -> list[str]:
    before = found.base.files if found.base else {}
    return sorted(name for name in {*before, *found.files} if before.get(name) != found.files.get(name))


@staff
@require_POST
def findings(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """What would be wrong if the file were saved as it stands in the editor; nothing is saved."""
    found = access.get_draft(request.user, uuid)
    try:
        files = drafts.with_file(found, request.POST.get("file", ""), request.POST.get("text", ""))
        problems = drafts.findings(files)
    except Invalid as invalid:
        problems = invalid.problems
    return render(request, "web/plan/findings.html", {"problems": problems, "draft": found})


@staff
@require_POST
def save(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found, name = access.get_draft(request.user, uuid), request.POST.get("file", "")
    text = None if "remove" in request.POST else request.POST.get("text", "")
    drafts.save_file(found, name, text, revision=_whole(request.POST.get("revision")), actor=actor(request))
    there = FIRST_FILE if text is None else name
    return htmx.go_to(request, f"{reverse('plan-draft', args=[uuid])}?file={there}")


def _whole(text: str | None) -> int:
    if not text or not text.isascii() or not text.isdigit():
        raise Invalid("revision", "a whole number")
    return int(text)


@staff
@require_POST
def submit(request: HttpRequest, uuid: UUID) -> HttpResponse:
    form = SubmitForm(request.POST)
    if not form.is_valid():
        raise Invalid(next(iter(form.errors)), str(next(iter(form.errors.values()))[0]))
    found = access.get_draft(request.user, uuid)
    given = form.cleaned_data
    drafts.submit(found, given["effective_on"], reason=given["reason"], actor=actor(request))
    return _back(request, uuid)


@staff
@require_POST
def sign(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found = access.get_draft(request.user, uuid)
    drafts.sign(found, digest=request.POST.get("digest", ""), actor=actor(request))
    return _back(request, uuid)


@staff
@require_POST
def refuse(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found, given = access.get_draft(request.user, uuid), request.POST
    drafts.refuse(found, digest=given.get("digest", ""), words=given.get("words", ""), actor=actor(request))
    return _back(request, uuid)


@staff
@require_POST
def withdraw(request: HttpRequest, uuid: UUID) -> HttpResponse:
    drafts.withdraw(access.get_draft(request.user, uuid), actor=actor(request))
    return htmx.go_to(request, reverse("plan-versions"))


def _back(request: HttpRequest, uuid: UUID) -> HttpResponse:
    return htmx.go_to(request, reverse("plan-draft", args=[uuid]))


urlpatterns = [
    path("plan/versions/", versions, name="plan-versions"),
    path("plan/drafts/", begin, name="plan-draft-begin"),
    path("plan/drafts/new", begin_new, name="plan-draft-new"),
    path("plan/drafts/<uuid:uuid>/", draft, name="plan-draft"),
    path("plan/drafts/<uuid:uuid>/findings", findings, name="plan-draft-findings"),
    path("plan/drafts/<uuid:uuid>/save", save, name="plan-draft-save"),
    path("plan/drafts/<uuid:uuid>/submit", submit, name="plan-draft-submit"),
    path("plan/drafts/<uuid:uuid>/sign", sign, name="plan-draft-sign"),
    path("plan/drafts/<uuid:uuid>/refuse", refuse, name="plan-draft-refuse"),
    path("plan/drafts/<uuid:uuid>/withdraw", withdraw, name="plan-draft-withdraw"),
    path("plan/reviews/<uuid:uuid>/finish", finish_review, name="plan-review-finish"),
]
