"""The leading group is complete (E2.1a)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from changbei.people.models import Post, PostHolding, Unit
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.readiness import rules
from changbei.readiness.params import names, params
from changbei.readiness.rules import Trouble


@check_kind(
    "leading_group",
    params=params(
        names("one_each", "Kinds of posts of which one must be held."),
        {
            "one_per_unit": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "Kind of unit → kind of post that each such unit has a holder of.",
            }
        },
    ),
)
def leading_group(given: Mapping[str, Any], _pack: Pack, now: datetime) -> list[Trouble]:
    """Every post of the leading group has a holder (E2.1a)."""
    held = PostHolding.objects.filter(since__lte=now, person__active=True, rank=1)
    held = held.filter(Q(until__isnull=True) | Q(until__gt=now))
    there = set(held.values_list("post__kind", flat=True))
    named = {(kind, unit): name for kind, unit, name in Post.objects.values_list("kind", "unit", "name")}
    called = {kind: name for (kind, _unit), name in named.items()}
    vacant = [(kind, called.get(kind, kind)) for kind in given.get("one_each", []) if kind not in there]
    for unit_kind, post_kind in given.get("one_per_unit", {}).items():
        with_holder = held.filter(post__kind=post_kind).values("post__unit_id")
        for unit in Unit.objects.filter(kind=unit_kind).exclude(pk__in=with_holder).order_by("code"):
            unnamed = {language: f"{name} {post_kind}" for language, name in unit.name.items()}
            subject = f"{post_kind}:{unit.name.get('en', '')}"
            vacant.append((subject, named.get((post_kind, unit.pk), unnamed)))
    return [rules.trouble("vacant", subject, post=name) for subject, name in vacant]
