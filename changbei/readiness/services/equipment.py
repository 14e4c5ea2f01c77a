"""Backups and restores as they are reported, spares as they are taken and brought back (E3.1.2, E3.1.6, E3.1.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotFound, there
from changbei.journal import services as journal
from changbei.journal.models import Entry
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
    refuse_backup(system, kind, covers, taken_at, stored_at)
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


def refuse_backup(
    system: str, kind: str, covers: Sequence[str], taken_at: datetime, stored_at: datetime | None
) -> None:
    """Raises Invalid with the field for a backup that cannot be."""
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
    if on > clock.today():
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

    `site`: its code; left out: where most of the kind lie. With `run` the same step takes only once, wherever that
    was; in a drill nothing is taken, only said. Raises NotFound for a kind that is not kept there, Invalid for a count
    below 1.
    """
    if actor is not None:
        people.require(actor, "readiness.record")
    if count < 1:
        raise Invalid("count", gettext_noop("a whole number from 1 is needed"))
    if known := _use_of(run, item, kind):
        return _taken(known.spare, known.count)
    spare = _locked_spare(kind, site)
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
    return _taken(spare, taken)


def _use_of(run: UUID | None, item: str, kind: str) -> SpareUse | None:
    """What this step of a run has taken already."""
    if run is None:
        return None
    uses = SpareUse.objects.select_related("spare__site").filter(run=run, item=item[:80], spare__kind=kind)
    return uses.first()


def _taken(spare: Spare, count: int) -> Taken:
    return Taken(spare.kind, spare.site.code, count, spare.present, spare.planned)


@transaction.atomic
def return_spare(
    kind: str,
    count: int,
    site: str = "",
    *,
    run: UUID | None = None,
    item: str = "",
    drill: bool = False,
    actor: Person | None,
) -> Taken:
    """Spares came back, mended or new: the oldest uses (of `run`, when given) are closed.

    `site`: its code; left out: where most of those that are out were taken. With `run` and `item` the same step brings
    back only once. `Taken.taken` is how many came back. Journals `readiness.spare_returned`. Raises Conflict when
    fewer are out; in a drill nothing is changed.
    """
    if actor is not None:
        people.require(actor, "readiness.record")
    if count < 1:
        raise Invalid("count", gettext_noop("a whole number from 1 is needed"))
    if known := _return_of(run, item, kind):
        return _taken(_locked_spare(kind, known.data["site"]), count)
    spare = _locked_spare(kind, site or _site_of_most_out(kind, run))
    if not drill:
        _close_uses(spare, count, run)
        Spare.objects.filter(pk=spare.pk).update(present=F("present") + count)
        spare.present += count
    facts = {"kind": kind, "site": spare.site.code, "returned": count, "left": spare.present}
    journal.append(
        "readiness.spare_returned",
        actor=actor,
        run=run,
        item=item,
        clause="E3.1.8",
        drill=drill,
        data=facts,
    )
    return _taken(spare, count)


def _out(kind: str, run: UUID | None) -> QuerySet[SpareUse]:
    """The uses that are out, of one run or of all."""
    out = SpareUse.objects.filter(spare__kind=kind, returned_at__isnull=True)
    return out if run is None else out.filter(run=run)


def _site_of_most_out(kind: str, run: UUID | None) -> str:
    """The code of the site where most of these are out, "" when none are."""
    sites = _out(kind, run).values("spare__site__code").annotate(out=Sum("count"))
    found = sites.order_by("-out", "spare__site__code").first()
    return found["spare__site__code"] if found else ""


def _return_of(run: UUID | None, item: str, kind: str) -> Entry | None:
    """The fact that this step of a run has brought spares back already."""
    if run is None or not item:
        return None
    facts = Entry.objects.filter(run=run, kind="readiness.spare_returned", item=item, data__kind=kind)
    return facts.first()


def _close_uses(spare: Spare, count: int, run: UUID | None) -> None:
    """Close the oldest uses that are out; one that comes back in part is split."""
    out = _out(spare.kind, run).filter(spare=spare).select_for_update(of=("self",))
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
    return there(rows.order_by("-present", "pk").first(), f"no {kind} is kept at {site or 'any site'}")
