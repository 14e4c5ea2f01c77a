"""Customer files, numbers of the staff, reserve goods, manufacturers (E3.2.7, E3.2.8, E3.4.4, E3.5.3, E3.5.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from changbei.core import clock
from changbei.network.models import Manufacturer, Product
from changbei.notify import refusals
from changbei.people.models import Contact, Person, Unit
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.readiness import rules
from changbei.readiness.checks import refused
from changbei.readiness.models import CustomerFileCopy, ReserveGoods
from changbei.readiness.params import names, number, params, whole
from changbei.readiness.rules import Trouble


@check_kind(
    "customer_files",
    params=params(
        whole("max_age_days", "How old the safe copy may be.", minimum=1),
        whole("keep_days", "How long a copy may be kept.", minimum=1),
    ),
    registry="customer-files",
)
def customer_files(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """Each customer manager has a young, whole copy of the files, none is kept longer than it may be (E3.2.7); and the
    numbers in the files take messages.
    """
    copies: dict[int, list[rules.CopyRow]] = defaultdict(list)
    for one in CustomerFileCopy.objects.order_by("pk"):
        row = rules.CopyRow(
            clock.day_of(one.made_at), one.retailers, one.keep_until, one.destroyed_on is not None
        )
        copies[one.manager_id].append(row)
    counted = Person.objects.annotate(number=Count("customers", filter=Q(customers__active=True)))
    wanted = counted.filter(Q(number__gt=0, active=True) | Q(pk__in=list(copies))).order_by("staff_no")
    managers = [
        rules.ManagerRow(one.staff_no, one.name, one.number if one.active else 0, tuple(copies[one.pk]))
        for one in wanted
    ]
    found = rules.file_troubles(managers, number(given, "max_age_days", pack, 35), clock.day_of(now))
    return found + refused.of_districts(refusals.of_customers())


@check_kind(
    "staff_phones",
    params=params(whole("max_age_days", "How long a number counts as verified.", minimum=1)),
    registry="staff-phones",
)
def staff_phones(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """Everybody on the staff has a number that was verified (E3.2.8), and that carriers do not refuse."""
    staff: dict[int, list[rules.StaffRow]] = defaultdict(list)
    for one in Person.objects.filter(active=True).order_by("staff_no"):
        row = rules.StaffRow(one.staff_no, one.name, one.phone, one.phone_verified_on)
        staff[one.unit_id].append(row)
    units = [(unit.code, unit.name, staff[unit.pk]) for unit in Unit.objects.order_by("code")]
    found = rules.phone_troubles(units, number(given, "max_age_days", pack, 366), clock.day_of(now))
    return found + refused.troubles(refusals.of_staff())


@check_kind(
    "reserve_goods",
    params=params(whole("at_least", "How many products the list has at least.", minimum=1)),
    registry="reserve-goods",
)
def reserve_goods(given: Mapping[str, Any], pack: Pack, _now: datetime) -> list[Trouble]:
    """Of each product on the city's list no less than its floor is in store (E3.4.4)."""
    rows = ReserveGoods.objects.select_related("product").annotate(
        held=Coalesce(Sum("product__stock__cartons"), 0)
    )
    goods = [
        rules.ReserveRow(
            one.product.code,
            one.product.name,
            one.product.active and one.product.supply_class == Product.SupplyClass.GENERAL,
            one.held,
            one.floor_cartons,
        )
        for one in rows.order_by("product__code")
    ]
    return rules.goods_troubles(goods, number(given, "at_least", pack, 1))


@check_kind(
    "brand_files",
    params=params(whole("max_age_days", "How long a file counts as reviewed.", minimum=1)),
    registry="manufacturers",
)
def brand_files(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """The file of every manufacturer whose goods are sold has all seven parts (E3.5.3)."""
    return rules.brand_file_troubles(_makers(), number(given, "max_age_days", pack, 366), clock.day_of(now))


@check_kind(
    "manufacturer_contacts",
    params=params(names("groups", "Groups of contacts that every manufacturer has."), required=("groups",)),
    registry="contacts",
)
def manufacturer_contacts(given: Mapping[str, Any], _pack: Pack, _now: datetime) -> list[Trouble]:
    """Of every manufacturer whose goods are sold all groups of contacts are on file, with a number (E3.5.4)."""
    return rules.factory_contact_troubles(_makers(), given["groups"])


def _makers() -> list[rules.MakerRow]:
    """Every manufacturer with something that is sold; three queries."""
    groups: dict[str, set[str]] = defaultdict(set)
    for group, serves in Contact.objects.exclude(phone="").values_list("group", "serves"):
        for code in serves:
            groups[code].add(group)
    sold: dict[int, list[Product]] = defaultdict(list)
    for product in Product.objects.filter(active=True):
        sold[product.manufacturer_id].append(product)
    return [
        rules.MakerRow(
            one.code, one.name, _parts(one, sold[one.pk]), one.reviewed_on, frozenset(groups[one.code])
        )
        for one in Manufacturer.objects.filter(pk__in=list(sold)).order_by("code")
    ]


def _parts(one: Manufacturer, products: list[Product]) -> frozenset[str]:
    there = {
        "name": bool(one.name.get("zh-Hans")),
        "address": bool(one.address.strip()),
        "brands": bool(one.brands),
        "specifications": all(product.name.get("zh-Hans") for product in products),
        "prices": all(product.wholesale_fen and product.retail_fen for product in products),
        "scale": one.yearly_cases is not None,
        "prospects": bool(one.prospects.get("zh-Hans")),
    }
    return frozenset(part for part, is_there in there.items() if is_there)
