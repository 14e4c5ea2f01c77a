"""Adopting versions of plans (E2.2, E4, E5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict
from changbei.journal import locks
from changbei.journal.services import Actor, append
from changbei.plans.loading import load_pack, read_folder
from changbei.plans.model import Pack
from changbei.plans.models import PlanVersion


def adopt(folder: Path | str, *, actor: Actor | None, effective_on: date | None = None) -> PlanVersion:
    """Take the pack in `folder` as a version of its plan, in force from `effective_on` (else its own date).

    Nobody signs here, and the journal says so: this is for demonstrations and drills. A plan that people work by is
    `set_up` once, and changed by drafts that the leading group signs (`plans.drafts`).
    Running incidents keep the version they started on. The same files again are the same version, which
    then is the one in force. Raises Invalid with every problem of the pack; nothing has changed then.
    """
    return take(read_folder(folder), actor=actor, effective_on=effective_on)


def set_up(folder: Path | str, *, actor: Actor | None) -> PlanVersion:
    """The first version of a plan on a new site: an act of its own, in the journal (E4).

    Raises Conflict when a version of the plan is there already: from then on it is changed by signed drafts only.
    """
    files = read_folder(folder)
    pack = load_pack(files)
    with transaction.atomic():
        lock(pack.id)
        if PlanVersion.objects.filter(pack=pack.id).exists():
            raise Conflict(
                gettext_noop("this plan has a version already; it is changed by a draft that is signed")
            )
        append("plans.first_set_up", actor=actor, clause="E4", data={"pack": pack.id, "digest": pack.digest})
        return take(files, actor=actor)


def take(
    files: dict[str, str],
    *,
    actor: Actor | None,
    effective_on: date | None = None,
    signed_by: Sequence[str] = (),
) -> PlanVersion:
    """Make these files a version of their plan. `signed_by`: staff numbers, none where nobody signed."""
    pack = load_pack(files)
    with transaction.atomic():
        lock(pack.id)
        version = PlanVersion.objects.filter(pack=pack.id, digest=pack.digest).first()
        if version is None:
            version = _store(pack, files, effective_on or pack.effective_on, actor, signed_by)
        elif effective_on is not None and effective_on != version.effective_on:
            PlanVersion.objects.filter(pk=version.pk).update(effective_on=effective_on)
            version.effective_on = effective_on
        if version.effective_on <= clock.today():
            _put_in_force(version, actor)
    return version


def take_effect(*, actor: Actor | None) -> list[PlanVersion]:
    """Put the versions into force whose day has come: of each plan the one with the latest date, then the
    latest adopted.
    """
    taken = []
    for pack_id in PlanVersion.objects.order_by("pack").values_list("pack", flat=True).distinct():
        if _due(pack_id) is None:
            continue
        with transaction.atomic():
            lock(pack_id)
            if version := _due(pack_id):
                _put_in_force(version, actor)
                taken.append(version)
    return taken


def _due(pack_id: str) -> PlanVersion | None:
    """The version of a plan that is to take the place of the one in force. One whose day does not lie after that of
    the one in force was taken back, and stays back.
    """
    versions = PlanVersion.objects.filter(pack=pack_id)
    come = versions.filter(effective_on__lte=clock.today())
    latest = come.order_by("effective_on", "adopted_at", "pk").last()
    current = versions.filter(in_force=True).first()
    if latest is None or (current is not None and latest.effective_on <= current.effective_on):
        return None
    return latest


def _store(
    pack: Pack, files: dict[str, str], effective_on: date, actor: Actor | None, signed_by: Sequence[str]
) -> PlanVersion:
    version = PlanVersion.objects.create(
        pack=pack.id,
        version=pack.version,
        digest=pack.digest,
        files=files,
        effective_on=effective_on,
        adopted_at=clock.now(),
        adopted_by=f"{actor.name} ({actor.staff_no})" if actor else "",
    )
    append("plans.adopted", actor=actor, clause="E4", data={**_told(version), "signed_by": list(signed_by)})
    return version


def _put_in_force(version: PlanVersion, actor: Actor | None) -> None:
    if PlanVersion.objects.filter(pk=version.pk, in_force=True).exists():
        return
    PlanVersion.objects.filter(pack=version.pack, in_force=True).update(in_force=False)
    PlanVersion.objects.filter(pk=version.pk).update(in_force=True)
    version.in_force = True
    append("plans.put_in_force", actor=actor, clause="E5", data=_told(version))


def _told(version: PlanVersion) -> dict[str, str]:
    return {
        "pack": version.pack,
        "version": version.version,
        "digest": version.digest,
        "effective_on": version.effective_on.isoformat(),
    }


def lock(pack_id: str) -> None:
    """One adoption of a plan at a time until the transaction ends, the first one included, when there is no row to
    lock yet.
    """
    locks.hold(f"plans.adopt:{pack_id}")
