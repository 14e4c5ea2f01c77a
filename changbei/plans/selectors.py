"""Which version of a plan holds."""

from __future__ import annotations

from changbei.core.errors import NotFound
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack
from changbei.plans.models import PlanVersion

__all__ = ["in_force", "pack_in_force", "versions"]


def in_force(pack_id: str) -> PlanVersion:
    """The version of the pack that holds now; NotFound when none does."""
    version = PlanVersion.objects.filter(pack=pack_id, in_force=True).first()
    if version is None:
        raise NotFound(f"no version of the plan {pack_id} is in force")
    return version


def pack_in_force(pack_id: str) -> Pack:
    """The compiled pack of the version that holds now; NotFound when none does."""
    return pack_for(in_force(pack_id))


def versions(pack_id: str) -> list[PlanVersion]:
    """All versions of the pack, the newest first, without their files."""
    return list(PlanVersion.objects.filter(pack=pack_id).order_by("-adopted_at", "-pk"))
