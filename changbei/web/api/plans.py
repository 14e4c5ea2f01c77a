"""Plans in force: what the checker finds, what is covered, what changed. The same JSON as the command line gives."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Router
from pydantic import AwareDatetime

from changbei.people import access as people
from changbei.plans import selectors
from changbei.plans.comparing import compare
from changbei.plans.coverage import claims
from changbei.plans.coverage import coverage as covered
from changbei.plans.loading import pack_for
from changbei.readiness import plan_check
from changbei.web.api.tasks import REFUSALS

router = Router(tags=["plans"])


@router.get("/diff", response={200: dict[str, Any], **REFUSALS})
def diff(request: HttpRequest, before: str, after: str) -> dict[str, Any]:
    """What changed between two versions: id, digest, PACK:VERSION or VERSION."""
    people.require(request.user, "plans.see")
    packs = [pack_for(selectors.version_named(name)) for name in (before, after)]
    return compare(*packs).as_json()


@router.get("/{pack}/check", response={200: dict[str, Any], **REFUSALS})
def check(request: HttpRequest, pack: str, at: AwareDatetime | None = None) -> dict[str, Any]:
    """The version in force against the roster of the week from `at` (else now) on."""
    people.require(request.user, "plans.see")
    return plan_check.check(selectors.in_force(pack).files, at=at).as_json()


@router.get("/{pack}/coverage", response={200: dict[str, Any], **REFUSALS})
def coverage(request: HttpRequest, pack: str) -> dict[str, Any]:
    """For each clause of the version in force what fulfils it, and which tests ran it."""
    people.require(request.user, "plans.see")
    return covered(selectors.pack_in_force(pack), claims(settings.ROOT)).as_json()
