"""Matters of everyday service: none without an owner, none past its limit (S8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from changbei.core import clock
from changbei.core.texts import LANGUAGES, pick
from changbei.incidents.matters import Matter, open_matters
from changbei.incidents.models import Incident
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.readiness import rules
from changbei.readiness.params import names, params
from changbei.readiness.rules import Trouble


@check_kind(
    "service_matters",
    params=params(names("procedures", "Which matters; left out: all those of the plan.")),
    registry="matters",
)
def service_matters(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """Every open matter of these procedures has an owner and is within its limit (S8)."""
    kinds = given.get("procedures") or list(pack.procedures)
    found = open_matters(Incident.objects.filter(kind__in=kinds, drill=False))
    return [trouble for one in found if (trouble := _trouble(one, now))]


def _trouble(matter: Matter, now: datetime) -> Trouble | None:
    number, title = matter.incident.number, matter.incident.title
    if matter.ownerless:
        return rules.trouble("matter-ownerless", number, number=number, title=title)
    if matter.is_late(now) and matter.due_at and matter.owner and matter.task:
        task = {language: pick(matter.task.title, language) for language in LANGUAGES}
        due = clock.day_of(matter.due_at).isoformat()
        return rules.trouble(
            "matter-late", number, number=number, title=title, task=task, owner=matter.owner.name, due=due
        )
    return None
