"""The plan in force as files: the official document, pocket handbooks, procedures as BPMN and SVG."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from changbei.people import access as people
from changbei.plans.model import Pack
from changbei.plans.rendering.files import TYPES
from changbei.plans.selectors import pack_in_force
from changbei.web import drawn, showing
from changbei.web.api.tasks import REFUSALS
from changbei.web.downloads import download

router = Router(tags=["plans"])


def _answers(*kinds: str) -> dict[str, Any]:
    """How the description of the API says that a file comes back."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {"responses": {200: {"description": "The file", "content": content}}}


PAPERS = _answers("application/pdf", "text/html", TYPES["docx"])


@router.get("/{pack}/document.{kind}", response=REFUSALS, openapi_extra=PAPERS)
def document(request: HttpRequest, pack: str, kind: str, contacts: bool = False) -> HttpResponse:
    """The official document; `kind` is pdf, docx or html. `contacts`: with phone numbers, for those who may."""
    found = _pack(request, pack)
    return _handed(
        drawn.document_file(found, showing.language(), kind, reader=request.user, contacts=contacts)
    )


@router.get("/{pack}/handbooks/{who}.{kind}", response=REFUSALS, openapi_extra=PAPERS)
def handbook(request: HttpRequest, pack: str, who: str, kind: str, contacts: bool = False) -> HttpResponse:
    """The pocket handbook of a role or post of the plan, or of `all`."""
    found = _pack(request, pack)
    return _handed(
        drawn.handbook_file(found, who, showing.language(), kind, reader=request.user, contacts=contacts)
    )


@router.get(
    "/{pack}/procedures/{procedure}.bpmn", response=REFUSALS, openapi_extra=_answers("application/xml")
)
def bpmn(request: HttpRequest, pack: str, procedure: str) -> HttpResponse:
    """A procedure as BPMN 2.0 with its drawing."""
    return _handed(drawn.bpmn_file(_pack(request, pack), procedure, showing.language()))


@router.get("/{pack}/procedures/{procedure}.svg", response=REFUSALS, openapi_extra=_answers("image/svg+xml"))
def diagram(request: HttpRequest, pack: str, procedure: str) -> HttpResponse:
    """A procedure as a diagram for a wide page."""
    found = _pack(request, pack)
    made = drawn.diagram(found, drawn.procedure_of(found, procedure), showing.language())
    return _handed(drawn.File(f"{procedure}.svg", "image/svg+xml", made.wide.encode()))


def _pack(request: HttpRequest, pack: str) -> Pack:
    people.require(request.user, "plans.see")
    return pack_in_force(pack)


def _handed(file: drawn.File) -> HttpResponse:
    return download(file.data, file.name, file.kind)
