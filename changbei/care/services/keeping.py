"""How long visits are kept: photos and records are deleted when the plan says so, a photo earlier on request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from changbei.care import access, checklists
from changbei.care.models import Photo, Sample, Visit
from changbei.care.services.planning import append
from changbei.core import clock
from changbei.core.errors import Invalid, NotAllowed
from changbei.journal import services as journal
from changbei.people.models import Person

AT_ONCE = 500


@transaction.atomic
def remove_photo(photo: Photo, why: str, *, actor: Person) -> None:
    """Delete a photo that should not be there: it shows people or papers. Raises NotAllowed, Invalid(why)."""
    if photo.by_id != actor.pk and not access.may_lead(actor, photo.visit.retailer):
        raise NotAllowed(access.LEAD)
    if not why.strip():
        raise Invalid("why", gettext_noop("a reason is needed"))
    append("care.photo_removed", photo.visit, actor, "J4", reason=why.strip()[:200], sha256=photo.sha256)
    _delete([photo])


@transaction.atomic
def delete_old() -> int:
    """Delete photos and visits whose time is over; how many."""
    now = clock.now()
    photos = list(Photo.objects.filter(at__lt=now - _kept(checklists.PHOTOS_KEPT)).order_by("pk")[:AT_ONCE])
    _delete(photos)
    over = now - _kept(checklists.VISITS_KEPT)
    left = Q(done_at=None, planned_for__lt=clock.day_of(over))
    visits = list(Visit.objects.filter(Q(done_at__lt=over) | left).order_by("pk")[:AT_ONCE])
    _delete(
        list(Photo.objects.filter(Q(visit__in=visits) | Q(visit__of__in=visits)))
    )  # a spot check goes along
    Visit.objects.filter(pk__in=[one.pk for one in visits]).delete()
    Sample.objects.filter(visits=None, drawn_at__lt=over).delete()
    if photos or visits:
        data = {"photos": len(photos), "visits": len(visits)}
        journal.append("care.old_deleted", actor=None, clause="J4", data=data)
    return len(photos) + len(visits)


def _kept(name: str) -> timedelta:
    now = clock.now()
    return checklists.setting(name).after(now) - now


def _delete(photos: Sequence[Photo]) -> None:
    """The rows now; the files once that is certain."""
    for photo in photos:
        transaction.on_commit(partial(photo.file.storage.delete, str(photo.file.name)))
    Photo.objects.filter(pk__in=[one.pk for one in photos]).delete()
