"""The checks of the shipped plan against the small city."""

from __future__ import annotations

from datetime import timedelta

import pytest

from changbei.core import clock as core_clock
from changbei.core.clock import VirtualClock
from changbei.core.errors import NotAllowed
from changbei.delivery.models import RepairOrder
from changbei.delivery.selectors import repairs
from changbei.incidents.models import WarningSource
from changbei.incidents.services import save_source
from changbei.journal.models import Entry
from changbei.network.models import Product, Site, Stock, Vehicle
from changbei.notify.models import Message
from changbei.people.models import Absence, Contact, DutyShift, Person, PostHolding
from changbei.plans.loading import pack_for
from changbei.plans.models import PlanVersion
from changbei.readiness import checks, services
from changbei.readiness.models import CheckDue, Finding, VehicleCheck

pytestmark = pytest.mark.usefixtures("plan")
ELSEWHERE = ("forecast-published", "supply-warnings")  # of other rooms; nobody has looked at the weather yet


def found(check: str) -> list[str]:
    return list(
        Finding.objects.filter(check_id=check, mended_at__isnull=True)
        .order_by("subject")
        .values_list("subject", flat=True)
    )


def dispatcher() -> Person:
    return PostHolding.objects.filter(post__kind="dispatcher", until__isnull=True).order_by("pk")[0].person


def test_the_small_city_is_ready() -> None:
    services.run_checks(actor=None)
    assert not Finding.objects.exclude(check_id__in=ELSEWHERE).exists()


@pytest.mark.clause("E3.2.6")
def test_a_site_without_a_fit_reserve_van_is_found_once_and_mended() -> None:
    van = (
        Vehicle.objects.filter(is_reserve=True, site__kind="transfer_station")
        .select_related("site")
        .order_by("pk")[0]
    )
    services.check_vehicle(van, fit=False, note="brakes", actor=dispatcher())
    services.run_checks(actor=None)
    assert services.run_checks(actor=None) == (0, 0)
    assert found("reserve-vehicles") == [f"no-reserve:{van.site.code}"]
    assert Finding.objects.get(check_id="reserve-vehicles").clause == "E3.2.6"
    services.check_vehicle(van, fit=True, actor=dispatcher())
    assert services.run_checks(actor=None) == (0, 1)
    assert found("reserve-vehicles") == []
    kinds = Entry.objects.filter(kind__startswith="readiness.finding_", data__check="reserve-vehicles")
    assert list(kinds.order_by("id").values_list("kind", flat=True)) == [
        "readiness.finding_opened",
        "readiness.finding_mended",
    ]


@pytest.mark.clause("E3.2.6")
def test_a_van_nobody_looked_at(clock: VirtualClock) -> None:
    clock.advance(timedelta(days=2))
    services.run_checks(actor=None)
    reserve = Vehicle.objects.filter(is_reserve=True).values_list("number", flat=True)
    sites = Site.objects.values_list("code", flat=True)
    expected = [f"unchecked:{number}" for number in reserve] + [f"unfit-days:{site}" for site in sites]
    assert sorted(found("reserve-vehicles")) == sorted(expected)
    text = Finding.objects.get(subject="unfit-days:transfer-station-1").text["en"]
    assert text.endswith("had no reserve vehicle found fit: 11-24")


def test_who_is_to_know_is_told_once() -> None:
    van = Vehicle.objects.filter(is_reserve=True, site__kind="transfer_station").order_by("pk")[0]
    Vehicle.objects.filter(pk=van.pk).update(state="under_repair")
    services.run_checks(actor=None)
    services.run_checks(actor=None)
    head = PostHolding.objects.get(post__kind="delivery-center-head", rank=1, until__isnull=True).person
    messages = Message.objects.filter(notice__template="readiness-finding", channel="inbox")
    assert messages.filter(person=head).count() == 1
    assert "reserve" in messages.filter(person=head).get().notice.body["en"]


@pytest.mark.clause("E2.1a")
def test_a_vacant_post_of_the_leading_group() -> None:
    PostHolding.objects.filter(post__kind="finance-head").delete()
    PostHolding.objects.filter(post__code="marketing-department-head-990101").delete()
    services.run_checks(actor=None)
    department = "vacant:marketing-department-head:Sample Core marketing department"
    assert found("leading-group") == ["vacant:finance-head", department]
    said = Finding.objects.filter(check_id="leading-group", subject=department).values_list("text", flat=True)
    assert [text["zh-Hans"] for text in said] == ["样城区营销部经理岗位空缺。"]


@pytest.mark.clause("E3.1.11")
def test_hours_without_a_technician() -> None:
    first = DutyShift.objects.filter(post__kind="info-technician", starts_at__date="2026-11-24").order_by(
        "starts_at"
    )[0]
    Absence.objects.create(
        person=first.person,
        starts_at=first.starts_at,
        ends_at=first.ends_at,
        out_of_city=True,
        reachable=False,
    )
    services.run_checks(actor=None)
    assert found("reachable-technician") == ["no-technician:2026-11-24 08:00"]


@pytest.mark.clause("E3.1.13")
def test_a_contact_that_was_not_reviewed(clock: VirtualClock) -> None:
    contact = Contact.objects.order_by("pk")[0]
    Contact.objects.filter(pk=contact.pk).update(reviewed_on="2026-01-01")
    services.run_checks(actor=None)
    assert found("contact-groups") == [f"stale:{contact.code}"]


@pytest.mark.clause("E3.2")
def test_a_source_of_warnings_that_is_silent(clock: VirtualClock) -> None:
    source = save_source(None, name="feed", kind="url", place="https://weather.example/", actor=None)
    services.run_checks(actor=None)
    clock.advance(timedelta(hours=1))
    services.run_checks(actor=None)
    assert found("warning-sources") == []  # for an hour silence is allowed
    clock.advance(timedelta(minutes=1))
    services.run_checks(actor=None)
    assert found("warning-sources") == [f"source-silent:{source.uuid}"]
    text = Finding.objects.get(check_id="warning-sources").text["en"]
    assert text.startswith("The source of warnings “feed” has been silent since 11-23 09:40.")
    WarningSource.objects.update(heard_at=clock.now())
    services.run_checks(actor=None)
    assert found("warning-sources") == []


def test_a_vehicle_check_is_on_record_with_who_did_it() -> None:
    van = Vehicle.objects.filter(is_reserve=True).order_by("pk")[0]
    services.check_vehicle(van, fit=True, note=" fine ", actor=dispatcher())
    check = VehicleCheck.objects.latest("pk")
    assert (check.vehicle, check.fit, check.by, check.note) == (van, True, dispatcher(), "fine")
    entry = Entry.objects.get(kind="readiness.vehicle_checked")
    assert (entry.clause, entry.data) == ("E3.2.6", {"vehicle": van.number, "fit": True, "note": "fine"})


def test_a_van_that_was_mended_ends_its_repair() -> None:
    van = Vehicle.objects.order_by("pk")[0]
    Vehicle.objects.filter(pk=van.pk).update(state="under_repair")
    order = RepairOrder.objects.create(vehicle=van, ordered_at=core_clock.now())
    services.check_vehicle(van, fit=False, actor=dispatcher())
    assert list(repairs()) == [order]
    services.check_vehicle(van, fit=True, actor=dispatcher())
    order.refresh_from_db()
    assert order.finished_at == core_clock.now() and not repairs().exists()


def test_a_van_that_has_taken_over_stays_in_use() -> None:
    van = Vehicle.objects.filter(is_reserve=True).order_by("pk")[0]
    Vehicle.objects.filter(pk=van.pk).update(state="in_use")
    services.check_vehicle(van, fit=True, actor=dispatcher())
    van.refresh_from_db()
    assert van.state == "in_use"


def test_a_driver_does_not_check_reserve_vans() -> None:
    van = Vehicle.objects.filter(is_reserve=True).select_related("keeper").order_by("pk")[0]
    before = VehicleCheck.objects.count()
    with pytest.raises(NotAllowed):
        services.check_vehicle(van, fit=True, actor=van.keeper)  # type: ignore[arg-type]
    assert VehicleCheck.objects.count() == before


def test_each_check_runs_as_often_as_its_plan_says(clock: VirtualClock) -> None:
    services.run_due_checks()
    PostHolding.objects.filter(post__kind="finance-head").delete()
    Contact.objects.filter(pk=Contact.objects.order_by("pk")[0].pk).update(reviewed_on="2026-01-01")
    clock.advance(timedelta(hours=23))
    services.run_due_checks()
    assert found("leading-group") + found("contact-groups") == []  # these two are daily
    clock.advance(timedelta(hours=1))
    services.run_due_checks()
    assert (len(found("leading-group")), len(found("contact-groups"))) == (1, 1)
    assert services.run_due_checks() == 0
    dues = dict(CheckDue.objects.values_list("check_id", "due_at"))
    assert dues["leading-group"] == clock.now() + timedelta(days=1)
    assert dues["reachable-technician"] == clock.now() + timedelta(hours=1)


def test_the_floor_of_goods_for_weddings(plan: PlanVersion) -> None:
    kept, other = Product.objects.filter(supply_class="general", active=True).order_by("pk")[:2]
    Stock.objects.filter(product=kept).update(cartons=4)
    sites = Stock.objects.filter(product=kept).count()
    params = {"products": [kept.code, other.code], "floor_cartons": 4 * sites}
    assert checks.goods.stock_floor(params, pack_for(plan), core_clock.now()) == []
    params["floor_cartons"] = 4 * sites + 1
    (trouble,) = checks.goods.stock_floor(params, pack_for(plan), core_clock.now())
    assert trouble.subject == f"below-floor:{kept.code}"
    assert (
        trouble.text["en"]
        == f"{4 * sites} cartons of {kept.name['en']} are in store, {4 * sites + 1} are to be kept."
    )


@pytest.mark.parametrize("all_of_them", [True, False])
def test_what_a_check_found_that_no_plan_has_any_more_is_mended(all_of_them: bool) -> None:
    PostHolding.objects.filter(post__kind="finance-head").delete()
    services.run_checks(actor=None)
    now = core_clock.now()
    CheckDue.objects.create(check_id="of-yesterday", due_at=now + timedelta(days=1))
    old = Finding.objects.create(
        check_id="of-yesterday", clause="E1", subject="x", text={"en": "x"}, found_at=now
    )
    assert (services.run_checks(actor=None) if all_of_them else (0, services.run_due_checks())) == (0, 1)
    old.refresh_from_db()
    assert old.mended_at == now and not CheckDue.objects.filter(check_id="of-yesterday").exists()
    fact = Entry.objects.filter(kind="readiness.finding_mended").get()
    assert fact.data == {"check": "of-yesterday", "subject": "x", "text": {"en": "x"}}
    assert found("leading-group") == ["vacant:finance-head"]
