"""Who may see and change a delivery day."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_noop

from changbei.core.errors import NotAllowed, NotFound, there
from changbei.delivery.models import Breakdown, RecoveryCase, RecoveryOption, Stop, Tour
from changbei.people import access as people
from changbei.people.models import Person


def get_case(actor: object, uuid: UUID) -> RecoveryCase:
    """A recovery with its breakdown; NotFound for a stranger."""
    cases = RecoveryCase.objects.select_related(
        "breakdown__tour__vehicle", "breakdown__tour__site", "day", "run"
    )
    case = cases.filter(uuid=uuid).first()
    if case is None or not people.may(actor, "delivery.see"):
        raise NotFound(f"recovery {uuid}")
    return case


def get_option(actor: object, case: RecoveryCase, rank: int) -> RecoveryOption:
    return there(RecoveryOption.objects.filter(case=case, rank=rank).first(), f"option {rank}")


def get_tour(actor: object, uuid: UUID) -> Tour:
    tour = Tour.objects.select_related("vehicle", "driver", "site", "line", "day").filter(uuid=uuid).first()
    if tour is None or not people.may(actor, "delivery.see"):
        raise NotFound(f"tour {uuid}")
    return tour


def may_accept(actor: object) -> bool:
    """Dispatchers decide for the whole city: reserve vans are one pool (E3.3.2)."""
    return people.may(actor, "delivery.accept")


def require_accept(actor: object) -> None:
    if not may_accept(actor):
        raise NotAllowed(gettext_noop("dispatchers and the head of the delivery centre accept a recovery"))


def require_own(tour: Tour, actor: Person) -> None:
    if actor.pk != tour.driver_id:
        raise NotAllowed(gettext_noop("a driver speaks for the own tour only"))


def driven_by(person: Person) -> Q:
    """The tours that this person drives, or drove until somebody else took the van on."""
    return Q(driver=person) | Q(pk__in=Breakdown.objects.filter(relieved=person).values("tour"))


def drove(tour: Tour, actor: Person, at: datetime | None = None) -> bool:
    """Whether this person was the tour's driver at that moment (None: now). Whoever was relieved drove until the van
    stood still."""
    if actor.pk == tour.driver_id:
        return True
    return at is not None and tour.breakdowns.filter(relieved=actor, at__gte=at).exists()


def require_record(stop: Stop, actor: Person | None, at: datetime | None = None) -> None:
    if stop.tour is None:
        raise NotFound(gettext_noop("this stop is on no tour"))
    require_record_tour(stop.tour, actor, at)


def require_record_tour(tour: Tour, actor: Person | None, at: datetime | None = None) -> None:
    """Who drove the tour then, or a dispatcher; None is the day itself being played or imported."""
    if actor is None or drove(tour, actor, at):
        return
    if not people.may(actor, "delivery.recover"):
        raise NotAllowed(gettext_noop("the tour's driver or a dispatcher records its stops"))
