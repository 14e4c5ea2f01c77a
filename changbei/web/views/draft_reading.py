"""A draft as whoever writes or signs it reads it: checked against the roster, beside the version before, on paper."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.safestring import mark_safe

from changbei.plans import access, drafts
from changbei.plans.loading import load_pack, pack_for
from changbei.plans.models import PlanDraft
from changbei.plans.rendering import html
from changbei.readiness import plan_check
from changbei.web import drawn, showing
from changbei.web.entry import staff
from changbei.web.views.drafts import title_of
from changbei.web.views.plan_check import finding_rows, groups_of
from changbei.web.views.plan_paper import handed

KINDS = (("pdf", "PDF"), ("docx", "Word"), ("html", "HTML"))


@staff
def check(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """What the checker says of the draft, with the roster of the coming week."""
    draft = access.get_draft(request.user, uuid)
    report = plan_check.check(draft.files)
    rows = finding_rows(report.findings, report.pack)
    return _page(request, "check", draft, {"rows": rows, "counts": report.counts(), "at": report.at})


@staff
def changes(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """What the draft changes in the version it was begun from, in words and in behaviour."""
    draft = access.get_draft(request.user, uuid)
    problems = drafts.findings(draft.files)
    context: dict[str, Any] = {"problems": problems, "before": draft.base}
    if draft.base is not None and not problems:
        context |= groups_of(pack_for(draft.base), load_pack(draft.files))
    return _page(request, "changes", draft, context)


@staff
def paper(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The document that is put before the leading group, as a page."""
    draft = access.get_draft(request.user, uuid)
    problems = drafts.findings(draft.files)
    context: dict[str, Any] = {"problems": problems, "kinds": KINDS}
    if not problems:
        made = drawn.document(load_pack(draft.files), showing.language(), reader=request.user, contacts=False)
        context["paper"] = mark_safe(html.cover(made.cover) + html.body(made))  # noqa: S308 - every word is escaped
    return _page(request, "paper", draft, context)


@staff
def file(request: HttpRequest, uuid: UUID, kind: str) -> HttpResponse:
    """The same to keep; Invalid with every problem of a draft that is no plan yet."""
    pack = load_pack(access.get_draft(request.user, uuid).files)
    return handed(drawn.document_file(pack, showing.language(), kind, reader=request.user, contacts=False))


def _page(request: HttpRequest, name: str, draft: PlanDraft, context: dict[str, Any]) -> HttpResponse:
    tab = "diff" if name == "changes" else name
    shell = {"draft": draft, "title": title_of(draft), "tab": tab}
    return render(request, f"web/plan/draft_{name}.html", {**shell, **context})


urlpatterns = [
    path("plan/drafts/<uuid:uuid>/check/", check, name="plan-draft-check"),
    path("plan/drafts/<uuid:uuid>/changes/", changes, name="plan-draft-changes"),
    path("plan/drafts/<uuid:uuid>/document/", paper, name="plan-draft-paper"),
    path("plan/drafts/<uuid:uuid>/document.<slug:kind>", file, name="plan-draft-file"),
]
