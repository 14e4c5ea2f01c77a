"""Which customers goods go to first (S9): counted by class, credit grade, district and customer manager."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.core.errors import Invalid
from changbei.network.models import District, Retailer

EXCELLENT, NETWORK_STORE, HIGH_FORMAT, VULNERABLE = CLASSES = (
    "excellent",
    "network_store",
    "high_format",
    "vulnerable",
)
"""The four classes of S9, in its order. A customer may belong to several and counts in each."""
GRADES = ("A", "B", "C", "D")
SHORT = {EXCELLENT: "优秀", NETWORK_STORE: "网络店", HIGH_FORMAT: "高业态", VULNERABLE: "弱势"}
LAST_MOMENT = time(23, 59)


@dataclass(frozen=True)
class Shop:
    """What decides the classes of one customer, and who counts it."""

    district: str
    manager: str
    manager_name: str
    grade: str
    classes: tuple[str, ...]


def classes_of(
    *, grade: str, law_abiding: bool, network_store: bool, high_format: bool, vulnerable: bool
) -> tuple[str, ...]:
    """The classes of one customer. Excellent and honest is only who keeps the law; who needs care needs it anyway."""
    holds = {
        EXCELLENT: grade == "A" and law_abiding,
        NETWORK_STORE: network_store and law_abiding,
        HIGH_FORMAT: high_format,
        VULNERABLE: vulnerable,
    }
    return tuple(name for name in CLASSES if holds[name])


def shops(formats: Collection[str]) -> list[Shop]:
    """Every active customer; `formats`: the retail formats that count as high. One query."""
    rows = Retailer.objects.filter(active=True).order_by("pk")
    found = rows.values_list(
        "district__code",
        "customer_manager__staff_no",
        "customer_manager__name",
        "credit_grade",
        "conduct",
        "network_store__id",
        "retail_format",
        "is_vulnerable",
    )
    return [
        Shop(
            district,
            manager,
            name,
            grade,
            classes_of(
                grade=grade,
                law_abiding=conduct == Retailer.Conduct.LAW_ABIDING,
                network_store=store is not None,
                high_format=retail_format in formats,
                vulnerable=vulnerable,
            ),
        )
        for district, manager, name, grade, conduct, store, retail_format, vulnerable in found
    ]


def formats_of(words: str) -> frozenset[str]:
    """The formats that a setting names, divided by spaces. Raises Invalid for one that no customer has."""
    wanted = frozenset(words.split())
    known = set(Retailer.objects.order_by().values_list("retail_format", flat=True).distinct())
    if strange := sorted(wanted - known):
        raise Invalid(
            "formats", f"no customer has the format {strange[0]!r}; there are {', '.join(sorted(known))}"
        )
    return wanted


def by_manager(found: Iterable[Shop]) -> list[dict[str, Any]]:
    """What each customer manager reports on: the own customers of each class."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for shop in found:
        counts[shop.manager, shop.manager_name].update(shop.classes)
    return [
        {"staff_no": staff_no, "label": _label(name, own), **{one: own[one] for one in CLASSES}}
        for (staff_no, name), own in sorted(counts.items())
    ]


def _label(name: str, counts: Mapping[str, int]) -> str:
    return f"{name}：" + "、".join(f"{SHORT[one]}{counts[one]}" for one in CLASSES)


def by_district(found: Iterable[Shop]) -> list[dict[str, Any]]:
    """The sum by district, class and credit grade."""
    counts: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for shop in found:
        counts[shop.district].update((one, shop.grade) for one in shop.classes)
    names = dict(District.objects.values_list("code", "name"))
    return [
        {
            "district": code,
            "name": names[code],
            "counts": {
                one: {grade: own[one, grade] for grade in GRADES if own[one, grade]} for one in CLASSES
            },
        }
        for code, own in sorted(counts.items())
    ]


def totals(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many of each class there are in all districts."""
    summed: Counter[str] = Counter()
    for row in rows:
        summed.update({one: sum(row["counts"][one].values()) for one in CLASSES})
    return {one: summed[one] for one in CLASSES}


def month_end(today: date) -> datetime:
    """The last moment of the month."""
    return datetime.combine(clock.next_month(today) - timedelta(days=1), LAST_MOMENT, LOCAL)


def next_month(today: date) -> str:
    """The month that is reported for, as 2026-12."""
    return clock.next_month(today).strftime("%Y-%m")
