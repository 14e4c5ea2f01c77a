"""Rehearse the plan: the same results as `changbei plan rehearse --json`."""

from __future__ import annotations

from datetime import time
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from changbei.people import access as people
from changbei.readiness import rehearsals
from changbei.web.api.tasks import REFUSALS

router = Router(tags=["rehearsals"])


@router.get("", response={200: list[str], **REFUSALS})
def names(request: HttpRequest) -> list[str]:
    """What can be rehearsed: scenarios, then procedures."""
    people.require(request.user, "drills.run")
    return rehearsals.names()


@router.get("/{name}", response={200: dict[str, Any], **REFUSALS})
def rehearsal(
    request: HttpRequest,
    name: str,
    runs: Query[int] = 1000,
    seed: Query[int] = 1,
    no_answer: Query[float | None] = None,
    at: Query[time] = rehearsals.BEGINS,
    from_journal: Query[bool] = False,
) -> dict[str, Any]:
    """Times in seconds, shares between 0 and 1; nothing is written."""
    return rehearsals.rehearse(
        name, runs=runs, seed=seed, no_answer_share=no_answer, at=at, journal=from_journal, actor=request.user
    )
