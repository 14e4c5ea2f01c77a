"""Decisions told to the public: bulletins, as pages, a feed and CAP messages read them (E3.2.1).

A bulletin never changes; the next one of the same suspension changes what holds. Those of drills are never public.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import there
from changbei.incidents.cap.parts import Reference
from changbei.incidents.cap_writer import NewWarning, WarningText, write
from changbei.incidents.models import Bulletin, Suspension

SHOWN = 50
LEAST_LIFE = timedelta(hours=24)  # of a message about what is over by then
Kind = Bulletin.Kind
MESSAGE_TYPES: Mapping[str, str] = {Kind.SUSPENDED: "Alert", Kind.CHANGED: "Update", Kind.RESUMED: "Cancel"}
LANGUAGES: Mapping[str, str] = {"zh-Hans": "zh-CN", "zh-Hant": "zh-TW", "en": "en-US"}
EVENT = {"zh-Hans": "暂停配送服务", "zh-Hant": "暫停配送服務", "en": "Deliveries suspended"}


def publish(
    suspension: Suspension, *, title: Mapping[str, str], body: Mapping[str, str], area_name: Mapping[str, str]
) -> Bulletin:
    """Add a bulletin to the suspension's chain; the caller has locked the suspension.

    The first announces it, those after it change it, the one after the resumption lifts it.
    """
    before = suspension.bulletins.count()
    kind = Kind.CHANGED if before else Kind.SUSPENDED
    return Bulletin.objects.create(
        suspension=suspension,
        number=before + 1,
        kind=Kind.RESUMED if suspension.resumed_at else kind,
        title=dict(title),
        body=dict(body),
        area_name=dict(area_name),
        area=suspension.area,
        starts_at=suspension.starts_at,
        ends_at=suspension.ends_at,
        published_at=clock.now(),
        drill=suspension.incident.drill,
    )


def public() -> QuerySet[Bulletin]:
    """What the public sees, the newest first: one statement. `holds` is that no later bulletin took its place."""
    later = Bulletin.objects.filter(suspension=OuterRef("suspension"), number__gt=OuterRef("number"))
    return (
        Bulletin.objects.filter(drill=False).annotate(holds=~Exists(later)).order_by("-published_at", "-pk")
    )


def in_force(bulletin: Bulletin, now: datetime) -> bool:
    """Whether it says how things stand now: the last of its chain, not lifted, and not over by itself."""
    return bool(getattr(bulletin, "holds", True)) and bulletin.kind != Kind.RESUMED and bulletin.ends_at > now


def get(uuid: UUID) -> Bulletin:
    """A public bulletin; NotFound for others, those of drills included."""
    return there(public().filter(uuid=uuid).first(), gettext_noop("there is no such notice"))


def identifier(bulletin: Bulletin) -> str:
    return f"urn:uuid:{bulletin.uuid}"


def cap(bulletin: Bulletin, *, sender: str, address: str = "") -> bytes:
    """The bulletin as CAP 1.2: an Alert, then Updates, then a Cancel, each naming all that it takes the place of.

    `sender` is the name this house publishes under, `address` the bulletin's page.
    """
    earlier = Bulletin.objects.filter(suspension=bulletin.suspension_id, number__lt=bulletin.number)
    references = [Reference(sender, identifier(one), one.published_at) for one in earlier.order_by("number")]
    message_type = MESSAGE_TYPES[bulletin.kind] if references else "Alert"
    over = bulletin.kind == Kind.RESUMED
    texts = [
        WarningText(
            language=LANGUAGES[language],
            event=EVENT[language],
            headline=bulletin.title.get(language, ""),
            description=bulletin.body.get(language, ""),
            area=bulletin.area_name.get(language, "") or EVENT[language],
        )
        for language in LANGUAGES
        if bulletin.title.get(language)
    ]
    return write(
        NewWarning(
            sender=sender,
            identifier=identifier(bulletin),
            sent=bulletin.published_at,
            texts=texts,
            area=bulletin.area,
            effective=bulletin.published_at,
            onset=None if over else bulletin.starts_at,
            expires=max(bulletin.ends_at, bulletin.published_at + LEAST_LIFE),
            status="Exercise" if bulletin.drill else "Actual",
            msg_type=message_type,
            references=references,
            category="Other",
            response_types=("AllClear",) if over else ("Monitor",),
            urgency="Past" if over else "Expected",
            severity="Minor",
            certainty="Observed",
            web=address,
        )
    )
