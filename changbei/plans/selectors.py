"""Which version of a plan holds."""

from __future__ import annotations

from changbei.core.errors import there
from changbei.plans.loading import pack_for
from changbei.plans.model import TIERS, Pack
from changbei.plans.models import PlanVersion

__all__ = [
    "all_in_force",
    "first_in_force",
    "in_force",
    "pack_in_force",
    "packs_in_force",
    "read_in_force",
    "version_named",
    "versions",
]

_DIGEST_SIGNS = 8


def all_in_force() -> list[PlanVersion]:
    """The versions that hold now, without their files: emergencies before everyday service, the city's plan before
    those of its units, then by id.
    """
    versions = PlanVersion.objects.filter(in_force=True).defer("files").order_by("pack")
    order = {tier: number for number, tier in enumerate(TIERS)}

    def rank(version: PlanVersion) -> tuple[bool, int]:
        pack = pack_for(version)
        return pack.is_everyday, order.get(pack.tier, len(order))

    return sorted(versions, key=rank)


def packs_in_force() -> list[Pack]:
    """The compiled plans that hold now, in the order of `all_in_force`."""
    return [pack_for(version) for version in all_in_force()]


def first_in_force() -> PlanVersion | None:
    """The plan to look into where no run says which."""
    return next(iter(all_in_force()), None)


def in_force(pack_id: str) -> PlanVersion:
    """The version of the pack that holds now; NotFound when none does."""
    version = PlanVersion.objects.filter(pack=pack_id, in_force=True).first()
    return there(version, f"no version of the plan {pack_id} is in force")


def pack_in_force(pack_id: str) -> Pack:
    """The compiled pack of the version that holds now; NotFound when none does."""
    return pack_for(in_force(pack_id))


def read_in_force() -> int:
    """Have every pack in force compiled in this process, which takes seconds each; how many there are."""
    return len(packs_in_force())


def versions(pack_id: str) -> list[PlanVersion]:
    """All versions of the pack, the newest first, without their files."""
    return list(PlanVersion.objects.filter(pack=pack_id).order_by("-adopted_at", "-pk"))


def version_named(name: str) -> PlanVersion:
    """A version by what people call it: its id, the beginning of its digest (8 signs), PACK:VERSION or VERSION.

    Where several have this name the one adopted last; NotFound when none has it.
    """
    pack, colon, version = name.partition(":")
    if colon:
        found = PlanVersion.objects.filter(pack=pack, version=version)
    else:
        found = PlanVersion.objects.filter(version=name)
        if name.isdigit() and (by_id := PlanVersion.objects.filter(pk=int(name))).exists():
            found = by_id
        elif (
            len(name) >= _DIGEST_SIGNS
            and (by_digest := PlanVersion.objects.filter(digest__startswith=name)).exists()
        ):
            found = by_digest
    return there(found.order_by("-adopted_at", "-pk").first(), f"no version of a plan is called {name!r}")
