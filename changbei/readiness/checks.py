"""The checks that the product offers to plans (`checks.yaml`, `kind:`), and running those of the plans in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from changbei.core.clock import LOCAL
from changbei.network.models import Product, Site, Vehicle
from changbei.people.models import Absence, Contact, DutyShift, Person, Post, PostHolding, Unit
from changbei.plans.model import Check, Pack
from changbei.readiness import rules
from changbei.readiness.rules import ContactRow, ReserveVan, SiteReserve, Trouble
from changbei.supply import rules as supply

AHEAD_DAYS = 7

Look = Callable[[Mapping[str, Any], Pack, datetime], list[Trouble]]


def troubles(check: Check, pack: Pack, now: datetime) -> list[Trouble]:
    """What does not hold of one check, now. Raises LookupError for a kind the product does not know."""
    return KINDS[check.kind](check.params, pack, now)


def _setting(params: Mapping[str, Any], name: str, pack: Pack, default: int) -> int:
    """A number given in the check itself, or by the name of a setting of the plan (`NAME_setting`)."""
    if setting := params.get(f"{name}_setting"):
        return int(pack.settings[setting].value)
    return int(params.get(name, default))


def leading_group(params: Mapping[str, Any], _pack: Pack, now: datetime) -> list[Trouble]:
    """Every post of the leading group has a holder (E2.1a)."""
    held = PostHolding.objects.filter(since__lte=now, person__active=True, rank=1)
    held = held.filter(Q(until__isnull=True) | Q(until__gt=now))
    missing = []
    for unit_kind, post_kind in params.get("one_per_unit", {}).items():
        with_holder = held.filter(post__kind=post_kind).values("post__unit_id")
        units = Unit.objects.filter(kind=unit_kind).exclude(pk__in=with_holder).order_by("code")
        missing += [(post_kind, unit.name) for unit in units]
    kinds = list(held.values_list("post__kind", flat=True).distinct())
    return rules.vacant_posts(params.get("one_each", []), kinds, missing)


def reserve_vehicles(params: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """Each site keeps its reserve vans, fit and looked at every working day (E3.2.6)."""
    wanted = _setting(params, "at_least", pack, 1)
    vans: dict[int, list[ReserveVan]] = {}
    for van in Vehicle.objects.filter(is_reserve=True).order_by("pk"):
        fit = van.state == Vehicle.State.FIT
        vans.setdefault(van.site_id, []).append(ReserveVan(van.number, fit, van.checked_on))
    sites = [
        SiteReserve(site.code, site.name, tuple(vans.get(site.pk, ())))
        for site in Site.objects.order_by("pk")
    ]
    return rules.reserve_troubles(sites, wanted, _today(now))


def reachable_technician(params: Mapping[str, Any], _pack: Pack, now: datetime) -> list[Trouble]:
    """At every working hour of the days ahead somebody on duty can be reached (E3.1.11)."""
    hours = rules.working_hours(now.astimezone(LOCAL), AHEAD_DAYS)
    reachable = _reachable(params["post"], now, hours)
    return [
        rules.trouble(
            "no-technician",
            f"{hour:%Y-%m-%d %H:00}",
            hour=f"{hour:%m-%d %H:00}",
            found=count,
            wanted=int(params.get("at_least", 1)),
        )
        for hour, count in rules.unreachable_hours(hours, reachable, int(params.get("at_least", 1)))
    ]


def _reachable(post: str, now: datetime, hours: list[datetime]) -> dict[datetime, int]:
    """How many people on duty for a kind of post have a number and are not away, by hour."""
    until = now + timedelta(days=AHEAD_DAYS + 1)
    shifts = DutyShift.objects.filter(
        post__kind=post, starts_at__lt=until, ends_at__gt=now, person__active=True
    )
    rows = list(shifts.select_related("person"))
    away = list(
        Absence.objects.filter(
            person__in=[row.person_id for row in rows], starts_at__lt=until, ends_at__gt=now
        )
    )

    def there(row: DutyShift, hour: datetime) -> bool:
        if not row.starts_at <= hour < row.ends_at or not (row.person.phone or row.person.second_phone):
            return False
        return not any(
            one.person_id == row.person_id and not one.reachable and one.starts_at <= hour < one.ends_at
            for one in away
        )

    return {hour: len({row.person_id for row in rows if there(row, hour)}) for hour in hours}


def contact_groups(params: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """The contact list has everybody the plan needs, with numbers, reviewed in time (E3.1.13)."""
    rows = [
        ContactRow(
            contact.code,
            contact.group,
            contact.organisation,
            contact.phone,
            tuple(contact.serves),
            contact.reviewed_on,
        )
        for contact in Contact.objects.order_by("code")
    ]
    limit = _setting(params, "max_age_days", pack, 180)
    found = rules.contact_troubles(
        rows, params.get("groups", []), params.get("serves", []), limit, _today(now)
    )
    return found + _people_without_numbers(params.get("posts", []), now)


def _people_without_numbers(posts: list[str], now: datetime) -> list[Trouble]:
    """Own heads and technicians whom nobody could phone."""
    held = Post.objects.filter(kind__in=posts, holdings__since__lte=now)
    people = Person.objects.filter(
        holdings__post__in=held, holdings__until__isnull=True, active=True, phone="", second_phone=""
    )
    return [
        rules.trouble("no-phone", person.staff_no, who=person.name)
        for person in people.distinct().order_by("staff_no")
    ]


def stock_floor(params: Mapping[str, Any], pack: Pack, _now: datetime) -> list[Trouble]:
    """Of the common goods kept for weddings and funerals no less than the floor is in store, city-wide (E3.4.4).

    `products`: their codes, else all general goods; `floor_cartons`, or `floor_cartons_setting`.
    """
    goods = Product.objects.filter(active=True, supply_class=Product.SupplyClass.GENERAL)
    if codes := params.get("products"):
        goods = goods.filter(code__in=codes)
    names = {product.code: product.name for product in goods}
    rows = goods.values_list("code").annotate(held=Coalesce(Sum("stock__cartons"), 0)).order_by()
    held = dict(rows)
    floor = _setting(params, "floor_cartons", pack, 0)
    return [
        rules.trouble("below-floor", code, product=names[code], found=held[code], wanted=floor)
        for code in supply.below_floor(held, floor)
    ]


def _today(now: datetime) -> date:
    return now.astimezone(LOCAL).date()


KINDS: Mapping[str, Look] = {
    "leading_group": leading_group,
    "reserve_vehicles": reserve_vehicles,
    "reachable_technician": reachable_technician,
    "contact_groups": contact_groups,
    "stock_floor": stock_floor,
}
