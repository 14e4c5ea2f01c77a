"""Telling customers, outside contacts and the public; the call lists of the customer managers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from changbei.core import clock, moments
from changbei.core.clock import LOCAL
from changbei.core.errors import Invalid
from changbei.delivery.models import Stop
from changbei.incidents import bulletins, plan, telling
from changbei.incidents.models import Bulletin, Incident, PublicNotice, Suspension
from changbei.incidents.noting import note
from changbei.incidents.translated import reason_text
from changbei.network import selectors as network
from changbei.network.models import Retailer
from changbei.notify import calls, fanout, personal
from changbei.notify import services as notify
from changbei.notify.models import CallList, Message, Notice, Urgency
from changbei.notify.recipients import of_contact, of_people
from changbei.people.models import Contact, Person

MEDIA = ("tv", "radio", "mobile")
PUBLIC_SUSPENDED = "public-suspended"


@dataclass(frozen=True)
class Told:
    """How many got a message, how many have no address, and the notice that tracks them."""

    told: int
    unreachable: int
    notice: Notice


def notify_customers(
    incident: Incident,
    template: str,
    *,
    audience: str,
    suspension: Suspension | None = None,
    area: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    item: str = "",
    actor: Person | None,
) -> Told:
    """One tracked message to each customer: of a suspension, of an area, or of today's order day (E3.2.1, E2.4)."""
    retailers = _audience(audience, suspension, area)
    given = (suspension_values(suspension) if suspension else {"area": network.area_name(retailers)}) | dict(
        values or {}
    )
    with transaction.atomic():
        new = telling.compose(
            incident,
            plan.of_incident(incident).pack,
            template,
            given,
            item=item,
            own=personal.known(),
            urgency=Urgency.BULK,
        )
        notice = fanout.tell_retailers(new, retailers, actor=actor)
        if suspension is not None and suspension.notice is None:
            suspension.notice = notice.uuid
            suspension.save(update_fields=["notice"])
    return counted(notice)


def counted(notice: Notice) -> Told:
    """How far a notice to customers goes."""
    states = dict(notice.messages.values_list("state").annotate(number=Count("pk")).order_by())
    unreachable = states.get(Message.State.UNREACHABLE, 0)
    return Told(sum(states.values()) - unreachable, unreachable, notice)


def _audience(
    audience: str, suspension: Suspension | None, area: Mapping[str, Any] | None
) -> QuerySet[Retailer]:
    if audience == "suspension" and suspension is not None:
        return Retailer.objects.filter(suspensions__suspension=suspension).order_by("pk")
    if audience == "area" and area:
        return Retailer.objects.filter(pk__in=network.retailer_ids_in(area)).order_by("pk")
    if audience == "order_day":
        weekday = clock.now().astimezone(LOCAL).isoweekday()
        return Retailer.objects.filter(active=True, order_weekday=weekday).order_by("pk")
    raise Invalid("audience", "suspension, area or order_day is needed, with what belongs to it")


def suspension_values(suspension: Suspension) -> dict[str, Any]:
    """What messages about a suspension may name."""
    retailers = Retailer.objects.filter(suspensions__suspension=suspension)
    return {
        "area": network.area_name(retailers),
        "reason": reason_text(suspension.incident, suspension.reason),
        "from": moments.moment(suspension.starts_at),
        "until": moments.end(suspension.starts_at, suspension.ends_at),
        "period": moments.period(suspension.starts_at, suspension.ends_at),
    }


@transaction.atomic
def make_call_list(
    suspension: Suspension, *, script: str, template: str, item: str = "", actor: Person | None
) -> CallList:
    """One call per customer for the customer's own manager, who is told how many there are (E3.2.2)."""
    incident = suspension.incident
    pack = plan.of_incident(incident).pack
    values = suspension_values(suspension)
    title, body = telling.words(pack, script, {"number": incident.number, "title": incident.title} | values)
    retailers = Retailer.objects.filter(suspensions__suspension=suspension, active=True).order_by("pk")
    made = calls.make_call_list(
        retailers,
        title=title,
        script=body,
        incident=incident.uuid,
        run=incident.run.uuid if incident.run else None,
        clause="E3.2.2",
        drill=incident.drill,
        actor=actor,
    )
    suspension.call_list = made.uuid
    suspension.save(update_fields=["call_list"])
    counts = dict(made.calls.values_list("caller").annotate(number=Count("pk")).order_by("caller"))
    callers = Person.objects.in_bulk(list(counts))
    orders = [
        (
            telling.compose(
                incident,
                pack,
                template,
                values | {"calls": counts[pk]},
                item=item,
                needs_acknowledgement=True,
            ),
            of_people([callers[pk]]),
        )
        for pk in sorted(callers)
    ]
    notify.tell_many(orders, actor=actor)
    return made


@transaction.atomic
def public_notice(suspension: Suspension, template: str, *, actor: Person | None) -> list[PublicNotice]:
    """Words for television, radio and mobile, ready to be read out (E3.2.1); the same words are not made twice."""
    incident = suspension.incident
    pack = plan.of_incident(incident).pack
    values = {"number": incident.number, "title": incident.title} | suspension_values(suspension)
    made, new = [], 0
    suspension = (
        Suspension.objects.select_for_update(of=("self",)).select_related("incident").get(pk=suspension.pk)
    )
    bulletin: Bulletin | None = None
    for medium in MEDIA:
        title, text = telling.words(pack, f"{template}-{medium}", values)
        known = PublicNotice.objects.filter(suspension=suspension, medium=medium, text=text).first()
        if known is None:
            new += 1
            bulletin = bulletin or bulletins.publish(
                suspension, title=title, body=text, area_name=values["area"]
            )
            known = PublicNotice.objects.create(
                suspension=suspension, bulletin=bulletin, medium=medium, text=text, at=bulletin.published_at
            )
        made.append(known)
    if new:
        note(
            "incidents.public_notice_made",
            incident,
            actor,
            clause="E3.2.1",
            suspension=str(suspension.uuid),
            template=template,
            media=list(MEDIA),
            bulletin=str(bulletin.uuid) if bulletin else "",
        )
    return made


def announce_change(suspension: Suspension, *, actor: Person | None) -> list[PublicNotice]:
    """What the public was told has changed: the same words with the new times. Nothing when it was not told."""
    last = suspension.bulletins.order_by("-number").first()
    if last is None or last.kind == Bulletin.Kind.RESUMED:
        return []
    return public_notice(suspension, PUBLIC_SUSPENDED, actor=actor)


def contacts_of(group: str, serves: str) -> list[Contact]:
    """The outside contacts of a group that serve something; "" stands for anything."""
    found = Contact.objects.order_by("code")
    if group:
        found = found.filter(group=group)
    return list(found.filter(serves__contains=[serves]) if serves else found)


def tell_contacts(
    incident: Incident,
    template: str,
    *,
    group: str,
    serves: str,
    values: Mapping[str, Any] | None = None,
    item: str = "",
    actor: Person | None,
) -> Notice | None:
    """Tell the outside contacts of a group that serve something (E3.1.13, E3.3.3); None, on record, when none do."""
    contacts = contacts_of(group, serves)
    if not contacts:
        note(
            "incidents.contact_missing",
            incident,
            actor,
            item=item,
            clause="E3.1.13",
            group=group,
            serves=serves,
        )
        return None
    notice = telling.compose(incident, plan.of_incident(incident).pack, template, values or {}, item=item)
    return notify.tell(notice, [of_contact(contact) for contact in contacts], actor=actor)


@dataclass(frozen=True)
class Affected:
    """What an area concerns; `orders_today` customers order today, `stops_today` deliveries are still to be made."""

    retailers: int
    total: int
    key: int
    orders_today: int
    stops_today: int
    managers: int

    @property
    def share(self) -> float:
        return self.retailers / self.total if self.total else 0.0


def affected(incident: Incident, area: Mapping[str, Any]) -> Affected:
    """Count the customers of an area and keep their number with the incident (E3.2)."""
    ids = network.retailer_ids_in(area)
    today = clock.today()
    found = Retailer.objects.filter(pk__in=ids)
    counts = found.aggregate(
        key=Count("pk", filter=Q(is_key=True)),
        orders=Count("pk", filter=Q(order_weekday=today.isoweekday())),
        managers=Count("customer_manager", distinct=True),
    )
    stops = Stop.objects.filter(day__date=today, status=Stop.Status.PLANNED, retailer_id__in=ids).count()
    Incident.objects.filter(pk=incident.pk).update(affected_retailers=len(ids))
    total = Retailer.objects.filter(active=True).count()
    return Affected(len(ids), total, counts["key"], counts["orders"], stops, counts["managers"])
