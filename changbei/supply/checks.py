"""What this room looks at for plans (`checks.yaml`): early warnings nobody deals with yet (E3.5.2a, E3.5.2b)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changbei.core.texts import Text
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.plans.schemas import object_
from changbei.supply import early, wording


@dataclass(frozen=True)
class Unattended:
    """An early warning that nobody has taken up or set aside: about what, and in words (three languages)."""

    subject: str
    text: Text


@check_kind("supply_warnings", params=object_(), registry="early-warnings")
def supply_warnings(_params: Mapping[str, Any], pack: Pack, _now: datetime) -> list[Unattended]:
    """Look at stock, demand and goods under way, and name every warning that waits for somebody."""
    early.look(pack)
    waiting = (
        early.standing().filter(incident__isnull=True, set_aside_at__isnull=True).select_related("product")
    )
    return [Unattended(f"{one.kind}:{one.subject}", wording.of_warning(one)) for one in waiting]
