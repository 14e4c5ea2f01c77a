"""The scripts: what happens when, taken from the city that is there, and what the people then decide.

A script reports by the same verbs as pages and feeds do, as the person at whose place it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Q

from changbei.core import clock
from changbei.core.errors import Conflict
from changbei.delivery import planning, selectors
from changbei.delivery.models import Stop
from changbei.incidents import services as incidents
from changbei.incidents.cap_writer import NewWarning, WarningText, write
from changbei.incidents.models import Incident
from changbei.network.models import District, Product, Retailer, Site
from changbei.people import services as people
from changbei.people.models import Person, PostHolding
from changbei.site.drills.colleagues import Preferences

WEATHER_SERVICE = "weather@changbei.invalid"


@dataclass(frozen=True)
class Event:
    """Something that happens `after` the beginning; `happen` gets whether it is a drill, and reports it."""

    name: str
    after: timedelta
    happen: Callable[[bool], Incident | None]


@dataclass(frozen=True)
class Scenario:
    """Events in the order of time; `prepare` sets the scene before the first."""

    id: str
    title: Mapping[str, str]
    events: Sequence[Event]
    preferences: Preferences = field(default_factory=Preferences)
    prepare: Callable[[], None] = lambda: None


def plan_today() -> None:
    planning.plan_day(clock.local_now().date(), actor=None)


# --- vehicle breakdown (E3.3.1)


def van_breaks_down(drill: bool) -> Incident:
    """The fully loaded van with the most customers left stops on the way to its next one."""
    day = selectors.day_for(clock.local_now().date())
    tours = [one for one in selectors.tours(day) if one.tour.line_id and one.tour.driver] if day else []
    if not tours:
        raise Conflict("no van is on the road today")
    tour = max(tours, key=lambda one: (one.open, one.tour.vehicle.number)).tour
    here = tour.stops.filter(status=Stop.Status.PLANNED).order_by("sequence")[0].retailer
    report = {
        "vehicle": tour.vehicle.number,
        "place": {"text": here.address, "longitude": here.longitude, "latitude": here.latitude},
        "injured": False,
        "goods_aboard": True,
        "cause": "fault",
        "driver_fit": True,
    }
    return incidents.report(
        "vehicle-breakdown", report, actor=tour.driver, source="web", drill=drill
    ).incident


# --- severe weather (E3.2)


def typhoon_warning(drill: bool) -> Incident | None:
    """The weather service publishes an orange typhoon warning for the largest district that is not most of the city."""
    district = _district()
    now = clock.now()
    warning = NewWarning(
        sender=WEATHER_SERVICE,
        identifier=f"typhoon-{now:%Y%m%d%H%M%S}",
        sent=now,
        texts=[
            WarningText(
                "zh-CN",
                "台风橙色预警",
                f"台风橙色预警：预计6小时内影响{district.name['zh-Hans']}",
                "受台风影响，预计未来6小时阵风可达10级以上并伴有强降雨。",
                "停止户外作业，减少出行。",
                district.name["zh-Hans"],
                "演示气象台",
            ),
            WarningText(
                "en-US",
                "Orange typhoon warning",
                f"Orange typhoon warning for {district.name['en']} within six hours",
                "Gusts of force 10 and heavy rain are expected within six hours.",
                "Stop work outdoors, travel less.",
                district.name["en"],
                "Demo weather service",
            ),
        ],
        area=district.outline,
        effective=now,
        expires=now + timedelta(hours=6),
        status="Exercise" if drill else "Actual",
        colour="orange",
    )
    return incidents.receive_warning(write(warning), source="scenario").incident


def _district() -> District:
    """The district with the most customers among those with less than half of the city's."""
    total = Retailer.objects.filter(active=True).count()
    counted = District.objects.annotate(shops=Count("retailers", filter=Q(retailers__active=True)))
    fitting = [one for one in counted.order_by("-shops", "code") if 0 < one.shops * 2 < total]
    if not fitting:
        raise Conflict("there is no district with less than half of the customers")
    return fitting[0]


# --- ordering system down (E3.1.7)


def leaders_travel() -> None:
    """Head and deputy head are both out of the city today: somebody has to act for them (E2.1c)."""
    now = clock.now()
    for kind in ("leading-group-head", "leading-group-deputy"):
        for holding in PostHolding.objects.filter(post__kind=kind, rank=1, until__isnull=True).select_related(
            "person"
        ):
            people.record_absence(
                holding.person,
                now,
                now + timedelta(hours=10),
                out_of_city=True,
                substitute=None,
                actor=holding.person,
            )


def server_fails(drill: bool) -> Incident:
    report = {
        "fails": "server",
        "since": clock.local_now().isoformat(timespec="minutes"),
        "stops_work": True,
        "city_wide": True,
        "desks": 12,
    }
    reporter = _somebody(job="order_clerk")
    return incidents.report(
        "ordering-system-down", report, actor=reporter, source="web", drill=drill
    ).incident


# --- the network and safety (E3.1.1, E3.1.3–E3.1.5, E2.8)


def _minute() -> str:
    return clock.local_now().isoformat(timespec="minutes")


def power_fails(drill: bool) -> Incident:
    """The mains fail in the server room in the middle of the order hours; the UPS takes over."""
    report = {"place": "server_room", "since": _minute(), "on_ups": True, "orders_today": True}
    return _reported("power-cut", report, _somebody(job="guard"), drill)


def attack_seen(drill: bool) -> Incident:
    """A clerk finds a strange program on the order computer."""
    report = {"what": "malware", "since": _minute(), "computer": "订单部 PC-07", "stops_work": False}
    return _reported("information-security", report, _somebody(job="order_clerk"), drill)


def line_fails(drill: bool) -> Incident:
    report = {"line": "trunk", "since": _minute(), "stops_work": True, "city_wide": False}
    return _reported("line-fault", report, _somebody(job="order_clerk"), drill)


def board_fails(drill: bool) -> Incident:
    report = {"equipment": "voice-board", "since": _minute(), "stops_work": True}
    return _reported("equipment-fault", report, _somebody(job="order_clerk"), drill)


def fire_breaks_out(drill: bool) -> Incident:
    """A small fire near the network cabinet: one person hurt, network equipment touched."""
    report = {"what": "fire", "since": _minute(), "place": "订单部二楼弱电间", "hurt": 1, "touches": True}
    return _reported("safety-accident", report, _somebody(job="order_clerk"), drill)


def _reported(kind: str, report: dict[str, object], reporter: Person, drill: bool) -> Incident:
    return incidents.report(kind, report, actor=reporter, source="web", drill=drill).incident


# --- sudden demand (E3.4)


def wedding(drill: bool) -> Incident:
    """An honest shop asks, through its customer manager, for goods for a wedding in the coming week."""
    shop = (
        Retailer.objects.filter(active=True, conduct=Retailer.Conduct.LAW_ABIDING, marked_prices=True)
        .select_related("customer_manager")
        .order_by("-supply_tier", "pk")[0]
    )
    goods = Product.objects.filter(
        supply_class=Product.SupplyClass.GENERAL, active=True, stock__cartons__gte=200
    )
    report = {
        "retailer": shop.licence_no,
        "occasion": "wedding",
        "needed_on": (clock.local_now().date() + timedelta(days=8)).isoformat(),
        "path": "planned",
        "lines": [
            {"product": product.code, "cartons": cartons}
            for product, cartons in zip(goods.distinct().order_by("code")[:2], (6, 4), strict=True)
        ],
    }
    return incidents.report(
        "sudden-demand", report, actor=shop.customer_manager, source="web", drill=drill
    ).incident


# --- flooded warehouse (E3.2.3)


def warehouse_floods(drill: bool) -> Incident:
    """Water stands in the warehouse of the delivery centre."""
    site = Site.objects.order_by("pk")[0]
    report = {"site": site.code, "depth_centimetres": 20, "rising": False}
    reporter = _somebody(job="warehouse_keeper")
    return incidents.report("warehouse-flood", report, actor=reporter, source="web", drill=drill).incident


# --- order of the leading group (E2.2)


def group_orders(drill: bool) -> Incident:
    due_at = clock.local_now() + timedelta(days=2)
    report = {"subject": "检查防汛物资", "due_at": due_at.isoformat(timespec="minutes")}
    reporter = _somebody(job="secretary")
    return incidents.report("group-order", report, actor=reporter, source="web", drill=drill).incident


def _somebody(*, job: str) -> Person:
    person = Person.objects.filter(job=job, active=True).order_by("staff_no").first()
    if person is None:
        raise Conflict(f"nobody in the city has the job {job}")
    return person


def _at(minutes: float, name: str, happen: Callable[[bool], Incident | None]) -> Event:
    return Event(name, timedelta(minutes=minutes), happen)


def _title(hans: str, hant: str, english: str) -> Mapping[str, str]:
    return {"zh-Hans": hans, "zh-Hant": hant, "en": english}


SCENARIOS: Mapping[str, Scenario] = {
    scenario.id: scenario
    for scenario in (
        Scenario(
            "vehicle-breakdown",
            _title("送货车辆故障", "送貨車輛故障", "A delivery van breaks down"),
            [_at(5, "vehicle-breakdown", van_breaks_down)],
            Preferences(asleep=("confirm-place",)),
            plan_today,
        ),
        Scenario(
            "severe-weather",
            _title("台风橙色预警", "颱風橙色預警", "An orange typhoon warning"),
            [_at(5, "severe-weather", typhoon_warning)],
            Preferences(asleep=("report-finance",)),
            plan_today,
        ),
        Scenario(
            "ordering-system-down",
            _title("订货系统中断", "訂貨系統中斷", "The ordering system fails"),
            [_at(5, "ordering-system-down", server_fails)],
            Preferences(decisions={"standby": "failed"}, asleep=("set-up-post",)),
            leaders_travel,
        ),
        Scenario(
            "sudden-demand",
            _title("婚宴用货", "婚宴用貨", "Goods for a wedding"),
            [_at(5, "sudden-demand", wedding)],
        ),
        Scenario(
            "power-cut",
            _title("停电", "停電", "A power cut"),
            [_at(5, "power-cut", power_fails)],
            Preferences(forms={"find-cause": {"cause": "supplier"}}),
        ),
        Scenario(
            "information-security",
            _title("恶意程序", "惡意程式", "A strange program"),
            [_at(5, "information-security", attack_seen)],
            Preferences(decisions={"grade": "rather-large"}, asleep=("contain",)),
        ),
        Scenario(
            "line-fault",
            _title("专线中断", "專線中斷", "The line to the systems fails"),
            [_at(5, "line-fault", line_fails)],
            Preferences(decisions={"spare-line": "phone"}, asleep=("self-check",)),
        ),
        Scenario(
            "equipment-fault",
            _title("语音板故障", "語音板故障", "A voice board fails"),
            [_at(5, "equipment-fault", board_fails)],
        ),
        Scenario(
            "safety-accident",
            _title("弱电间起火", "弱電間起火", "A fire near the network cabinet"),
            [_at(5, "safety-accident", fire_breaks_out)],
            Preferences(decisions={"assess": "equipment"}, asleep=("attend-unit",)),
        ),
        Scenario(
            "warehouse-flood",
            _title("仓库进水", "倉庫進水", "The warehouse is flooded"),
            [_at(5, "warehouse-flood", warehouse_floods)],
        ),
        Scenario(
            "group-order",
            _title("限期办理", "限期辦理", "An order of the leading group"),
            [_at(5, "group-order", group_orders)],
        ),
        Scenario(
            "typhoon-day",
            _title("台风日", "颱風日", "A typhoon day"),
            [
                _at(1 / 3, "severe-weather", typhoon_warning),
                _at(1, "vehicle-breakdown", van_breaks_down),
                _at(2.5, "ordering-system-down", server_fails),
                _at(4, "sudden-demand", wedding),
            ],
            Preferences(decisions={"standby": "failed"}),
            plan_today,
        ),
    )
}


def start_of_drill(today: datetime) -> datetime:
    """09:40 of the next day on which vans go out: every drill begins in the middle of a delivery morning."""
    day = planning.next_delivery_day(today.astimezone(clock.LOCAL).date())
    return datetime(day.year, day.month, day.day, 9, 40, tzinfo=clock.LOCAL)
