"""Backups and restores as they are reported, spares as they are taken and brought back (E3.1.2, E3.1.6, E3.1.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotFound
from changbei.journal import services as journal
from changbei.network.models import Site
from changbei.people import access as people
from changbei.people.models import Person
from changbei.readiness.models import Backup, RestoreDrill, Spare, SpareUse

COVERED = ("customers", "sales")


@transaction.atomic
def record_backup(
    system: str,
    *,
    kind: str = Backup.Kind.DAILY_BATCH,
    covers: Sequence[str] = COVERED,
    taken_at: datetime,
    stored_at: datetime | None = None,
    medium: str = "",
    megabytes: int | None = None,
    sha256: str = "",
    actor: Person | None,
) -> Backup:
    """A backup was made; with `stored_at` it lies in the tape library (E3.1.6).

    Reported again with the same system, kind and time it adds what was not known yet. Journals
    `readiness.backup_recorded`. Raises Invalid with the field.
    """
    if actor is not None:
        people.require(actor, "readiness.record")
    _refuse_backup(system, kind, covers, taken_at, stored_at)
    backup, _new = Backup.objects.select_for_update().get_or_create(
        system=system,
        kind=kind,
        taken_at=taken_at,
        defaults={"covers": sorted(set(covers)), "reported_by": actor},
    )
    backup.covers = sorted({*backup.covers, *covers})
    backup.stored_at = stored_at or backup.stored_at
    backup.medium, backup.sha256 = medium or backup.medium, sha256 or backup.sha256
    backup.megabytes = backup.megabytes if megabytes is None else megabytes
    backup.save(update_fields=["covers", "stored_at", "medium", "sha256", "megabytes"])
    facts = {
        "system": system,
        "kind": kind,
        "covers": backup.covers,
        "taken_at": taken_at.isoformat(),
        "stored_at": backup.stored_at.isoformat() if backup.stored_at else None,
        "medium": backup.medium,
    }
    journal.append("readiness.backup_recorded", actor=actor, clause="E3.1.6", data=facts)
    return backup


def _refuse_backup(
    system: str, kind: str, covers: Sequence[str], taken_at: datetime, stored_at: datetime | None
) -> None:
    if not system.strip():
        raise Invalid("system", gettext_noop("is missing"))
    if kind not in Backup.Kind.values:
        raise Invalid("kind", f"{kind!r}: daily_batch or full")
    if not covers or set(covers) - set(COVERED):
        raise Invalid("covers", gettext_noop("name what is in it: customers, sales"))
    if taken_at > clock.now():
        raise Invalid("taken_at", gettext_noop("lies in the future"))
    if stored_at is not None and not taken_at <= stored_at <= clock.now():
        raise Invalid("stored_at", gettext_noop("must be after the backup and not in the future"))


@transaction.atomic
def record_restore_drill(
    system: str,
    *,
    on: date,
    restore_seconds: int,
    complete: bool,
    backup_taken_at: datetime | None = None,
    note: str = "",
    actor: Person | None,
) -> RestoreDrill:
    """A backup was restored to see that it can be (E2.3). Journals `readiness.restore_drilled`. Raises Invalid."""
    if actor is not None:
        people.require(actor, "readiness.record")
    if not system.strip():
        raise Invalid("system", gettext_noop("is missing"))
    if on > clock.local_now().date():
        raise Invalid("on", gettext_noop("lies in the future"))
    if restore_seconds < 0:
        raise Invalid("restore_seconds", gettext_noop("must not be negative"))
    drill = RestoreDrill.objects.create(
        system=system,
        on=on,
        backup_taken_at=backup_taken_at,
        restore_seconds=restore_seconds,
        complete=complete,
        by=actor,
        note=note.strip()[:200],
    )
    facts = {
        "system": system,
        "on": on.isoformat(),
        "restore_seconds": restore_seconds,
        "complete": complete,
    }
    journal.append("readiness.restore_drilled", actor=actor, clause="E3.1.2", data=facts)
    return drill


# --- spares


@dataclass(frozen=True)
class Taken:
    """`taken` of the spares asked for were there; `left` lie there still, of `planned`."""

    kind: str
    site: str
    taken: int
    left: int
    planned: int


@transaction.atomic
def use_spare(
    kind: str,
    count: int,
    site: str = "",
    *,
    run: UUID | None = None,
    item: str = "",
    drill: bool = False,
    actor: Person | None,
) -> Taken:
    """Take spares, as many as there are of those asked for (E3.1.8, E3.1.9, E3.1.12). Journals `readiness.spare_used`.

    `site`: its code; left out: where most of the kind lie. With `run` the same step takes only once; in a drill
    nothing is taken, only said. Raises NotFound for a kind that is not kept there, Invalid for a count below 1.
    """
    if actor is not None:
        people.require(actor, "readiness.record")
    if count < 1:
        raise Invalid("count", gettext_noop("a whole number from 1 is needed"))
    spare = _locked_spare(kind, site)
    known = SpareUse.objects.filter(run=run, item=item, spare=spare).first() if run else None
    if known is not None:
        return Taken(kind, spare.site.code, known.count, spare.present, spare.planned)
    taken = min(count, spare.present)
    if not drill and taken:
        SpareUse.objects.create(
            spare=spare, count=taken, used_at=clock.now(), used_by=actor, run=run, item=item[:80]
        )
        Spare.objects.filter(pk=spare.pk).update(present=F("present") - taken)
        spare.present -= taken
    facts = {
        "kind": kind,
        "site": spare.site.code,
        "asked": count,
        "taken": taken,
        "left": spare.present,
    }
    journal.append(
        "readiness.spare_used", actor=actor, run=run, item=item, clause="E3.1.8", drill=drill, data=facts
    )
    return Taken(kind, spare.site.code, taken, spare.present, spare.planned)


@transaction.atomic
def return_spare(
    kind: str,
    count: int,
    site: str = "",
    *,
    run: UUID | None = None,
    drill: bool = False,
    actor: Person | None,
) -> Taken:
    """Spares came back, mended or new: the oldest uses (of `run`, when given) are closed.

    `Taken.taken` is how many came back. Journals `readiness.spare_returned`. Raises Conflict when fewer are
    out; in a drill nothing is changed.
    """
    if actor is not None:
        people.require(actor, "readiness.record")
    if count < 1:
        raise Invalid("count", gettext_noop("a whole number from 1 is needed"))
    spare = _locked_spare(kind, site)
    if not drill:
        _close_uses(spare, count, run)
        Spare.objects.filter(pk=spare.pk).update(present=F("present") + count)
        spare.present += count
    facts = {"kind": kind, "site": spare.site.code, "returned": count, "left": spare.present}
    journal.append("readiness.spare_returned", actor=actor, run=run, clause="E3.1.8", drill=drill, data=facts)
    return Taken(kind, spare.site.code, count, spare.present, spare.planned)


def _close_uses(spare: Spare, count: int, run: UUID | None) -> None:
    """Close the oldest uses that are out; one that comes back in part is split."""
    out = SpareUse.objects.select_for_update().filter(spare=spare, returned_at__isnull=True)
    if run is not None:
        out = out.filter(run=run)
    uses = list(out.order_by("used_at", "pk"))
    if sum(use.count for use in uses) < count:
        raise Conflict(gettext_noop("fewer of these are out"))
    for use in uses:
        back = min(count, use.count)
        if back == 0:
            return
        if back < use.count:
            SpareUse.objects.create(
                spare=spare,
                count=use.count - back,
                used_at=use.used_at,
                used_by=use.used_by,
                run=use.run,
                item=f"{use.item}+"[:80],
            )
            use.count = back
        use.returned_at = clock.now()
        use.save(update_fields=["count", "returned_at"])
        count -= back


def _locked_spare(kind: str, site: str) -> Spare:
    rows = Spare.objects.select_for_update(of=("self",)).select_related("site").filter(kind=kind)
    if site:
        if not Site.objects.filter(code=site).exists():
            raise NotFound(f"there is no site {site}")
        rows = rows.filter(site__code=site)
    found = rows.order_by("-present", "pk").first()
    if found is None:
        raise NotFound(f"no {kind} is kept at {site or 'any site'}")
    return found
