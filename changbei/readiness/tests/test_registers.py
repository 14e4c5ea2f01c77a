"""What every check of the registers finds, on the shipped plan and the small city, which is ready."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from changbei.core.clock import LOCAL, VirtualClock
from changbei.core.errors import Conflict, Invalid, NotAllowed, NotFound
from changbei.incidents.tests.people import holder
from changbei.journal.models import Entry
from changbei.network.models import Manufacturer, Product, Retailer, Site, Stock, Vehicle
from changbei.people.models import Contact, Person
from changbei.readiness import registers, selectors, services
from changbei.readiness.models import (
    Backup,
    CheckDue,
    CustomerFileCopy,
    Finding,
    Inspection,
    InspectionTarget,
    Rectification,
    ReserveGoods,
    RestoreDrill,
    Spare,
    SpareUse,
    StandbyPair,
    Ups,
)

pytestmark = pytest.mark.usefixtures("plan")


def look(check: str) -> list[str]:
    """The subjects that a check finds now."""
    services.run_checks(actor=None)
    rows = Finding.objects.filter(check_id=check, mended_at__isnull=True).order_by("subject")
    return list(rows.values_list("subject", flat=True))


def english(check: str) -> str:
    return str(
        Finding.objects.filter(check_id=check, mended_at__isnull=True).order_by("subject")[0].text["en"]
    )


def technician() -> Person:
    return Person.objects.filter(job="technician").order_by("pk")[0]


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=LOCAL)


# --- backups (E2.3, E3.1.2) and tapes (E3.1.6)


@pytest.mark.clause("E2.3", "E3.1.2")
def test_the_age_of_backups_and_how_restoring_went(clock: VirtualClock) -> None:
    assert look("backups") == []
    Backup.objects.filter(taken_at__gte=at(22, 0)).delete()
    assert look("backups") == ["old-backup:marketing-system:customers", "old-backup:marketing-system:sales"]
    assert english("backups") == (
        "The last backup of the marketing system with customer data is 37 hours old (limit 36)."
    )
    RestoreDrill.objects.update(on=date(2026, 8, 22), restore_seconds=4 * 3600 + 1)
    assert look("backups")[2:] == ["old-restore:marketing-system", "slow-restore:marketing-system"]
    RestoreDrill.objects.update(complete=False)
    assert look("backups")[0] == "incomplete-restore:marketing-system"
    RestoreDrill.objects.all().delete()
    Backup.objects.all().delete()
    assert look("backups") == [
        "no-backup:marketing-system:customers",
        "no-backup:marketing-system:sales",
        "no-restore:marketing-system",
    ]
    services.record_backup("marketing-system", taken_at=at(22, 20), actor=technician())
    services.record_restore_drill(
        "marketing-system", on=date(2026, 11, 23), restore_seconds=2700, complete=True, actor=technician()
    )
    assert look("backups") == []


def test_the_figures_of_readiness() -> None:
    (figures,) = selectors.backup_figures()
    assert (figures.system, figures.restore_seconds, figures.drill_age_days) == ("marketing-system", 2760, 41)
    assert figures.backup_age == at(23, 9, 40) - at(22, 21)


@pytest.mark.clause("E3.1.6")
def test_a_batch_reaches_the_tape_library_on_its_own_day(clock: VirtualClock) -> None:
    assert look("tape-library") == []
    Backup.objects.filter(kind="daily_batch", taken_at=at(18, 20, 30)).delete()
    Backup.objects.filter(kind="daily_batch", taken_at=at(20, 20, 30)).update(stored_at=None)
    Backup.objects.filter(kind="daily_batch", taken_at=at(21, 20, 30)).update(stored_at=at(22, 0))
    assert look("tape-library") == [
        "late-on-tape:marketing-system:2026-11-21",
        "no-batch:marketing-system:2026-11-18",
        "not-on-tape:marketing-system:2026-11-20",
    ]
    clock.advance_to(at(24, 0, 30))
    assert "no-batch:marketing-system:2026-11-23" in look("tape-library")
    services.record_backup(
        "marketing-system", taken_at=at(23, 20, 30), stored_at=at(23, 23, 59), medium="T1", actor=None
    )
    assert "no-batch:marketing-system:2026-11-23" not in look("tape-library")


@pytest.mark.clause("E3.1.6")
def test_a_backup_reported_twice_is_one() -> None:
    before = Backup.objects.count()
    services.record_backup("marketing-system", taken_at=at(23, 8), covers=["sales"], actor=technician())
    made = services.record_backup(
        "marketing-system", taken_at=at(23, 8), stored_at=at(23, 9), actor=technician()
    )
    assert Backup.objects.count() == before + 1
    assert (made.covers, made.stored_at) == (["customers", "sales"], at(23, 9))


@pytest.mark.parametrize(
    "given,field",
    [
        ({"taken_at": at(23, 10)}, "taken_at"),
        ({"taken_at": at(23, 8), "stored_at": at(23, 7)}, "stored_at"),
        ({"taken_at": at(23, 8), "stored_at": at(24, 7)}, "stored_at"),
        ({"taken_at": at(23, 8), "covers": ["photos"]}, "covers"),
        ({"taken_at": at(23, 8), "kind": "weekly"}, "kind"),
    ],
)
def test_a_backup_that_cannot_be(given: dict[str, Any], field: str) -> None:
    before = Backup.objects.count()
    with pytest.raises(Invalid) as refused:
        services.record_backup("marketing-system", actor=None, **given)
    assert refused.value.problems[0].field == field
    assert Backup.objects.count() == before


def test_drivers_record_no_backups() -> None:
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    with pytest.raises(NotAllowed):
        services.record_backup("marketing-system", taken_at=at(23, 8), actor=driver)
    assert not Backup.objects.filter(taken_at=at(23, 8)).exists()


# --- standby (E3.1.7), power (E3.1.1)


@pytest.mark.clause("E3.1.7")
def test_the_pair_in_hot_standby() -> None:
    assert look("hot-standby") == []
    StandbyPair.objects.update(switch_over_seconds=301)
    assert look("hot-standby") == ["slow-test:ordering-hosts"]
    StandbyPair.objects.update(took_over=False, tested_on=date(2026, 8, 22))
    assert look("hot-standby") == ["failed-test:ordering-hosts", "old-test:ordering-hosts"]
    StandbyPair.objects.update(tested_on=None)
    assert look("hot-standby") == ["untested:ordering-hosts"]
    StandbyPair.objects.all().delete()
    assert look("hot-standby") == ["no-pair:ordering-system"]


@pytest.mark.clause("E3.1.1")
def test_backup_power_lasts_five_hours() -> None:
    assert look("backup-power") == []
    Ups.objects.filter(room="order-dept").update(runtime_minutes=299)
    assert look("backup-power") == ["short-ups:ups-order-dept"]
    assert english("backup-power") == "Backup power, order department lasted 299 minutes, 300 are asked for."
    Ups.objects.filter(room="server-room").update(tested_on=date(2026, 5, 22))
    Ups.objects.filter(room="order-dept").delete()
    assert look("backup-power") == ["no-ups:order-dept", "old-test:ups-server-room"]


# --- spares (E3.1.8, E3.1.9, E3.1.12)


@pytest.mark.parametrize(
    "check,kind,clause",
    [
        pytest.param("spare-line-sockets", "line-socket", "E3.1.8", marks=pytest.mark.clause("E3.1.8")),
        pytest.param("spare-voice-boards", "voice-board", "E3.1.8", marks=pytest.mark.clause("E3.1.8")),
        pytest.param("collectors", "collector", "E3.1.9", marks=pytest.mark.clause("E3.1.9")),
        pytest.param("spare-scanners", "scanner", "E3.1.9", marks=pytest.mark.clause("E3.1.9")),
        pytest.param("spare-handhelds", "handheld", "E3.1.9", marks=pytest.mark.clause("E3.1.9")),
        pytest.param("spare-order-pcs", "order-pc", "E3.1.12", marks=pytest.mark.clause("E3.1.12")),
    ],
)
def test_a_spare_that_was_taken_is_found_until_one_is_back(check: str, kind: str, clause: str) -> None:
    assert look(check) == []
    taken = services.use_spare(kind, 1, "delivery-center", actor=technician())
    assert (taken.taken, taken.left) == (1, taken.planned - 1)
    assert look(check) == [f"spare-gone:{kind}:delivery-center"]
    assert Finding.objects.get(check_id=check).clause == clause
    assert services.return_spare(kind, 1, "delivery-center", actor=technician()).left == taken.planned
    assert look(check) == []
    assert SpareUse.objects.get().returned_at == at(23, 9, 40)


@pytest.mark.clause("E3.1.9")
def test_plans_that_are_too_small_are_found() -> None:
    Spare.objects.filter(kind="collector").update(planned=1, present=1)
    assert look("collectors") == ["few-spares:collector"]
    assert english("collectors") == "There are 1 of collectors, 2 are asked for."


def test_no_more_spares_are_taken_than_lie_there() -> None:
    taken = services.use_spare("voice-board", 3, actor=None)
    assert (taken.taken, taken.left) == (1, 0)
    assert services.use_spare("voice-board", 1, actor=None).taken == 0
    with pytest.raises(Conflict):
        services.return_spare("voice-board", 2, actor=None)
    with pytest.raises(NotFound):
        services.use_spare("voice-board", 1, "transfer-station-1", actor=None)
    assert Spare.objects.get(kind="voice-board").present == 0


def test_spares_that_come_back_one_by_one() -> None:
    services.use_spare("line-socket", 3, actor=None)
    services.return_spare("line-socket", 1, actor=None)
    out = SpareUse.objects.filter(returned_at__isnull=True)
    assert [use.count for use in out] == [2]
    assert Spare.objects.get(kind="line-socket").present == 6


def two_sites() -> tuple[str, str]:
    """The codes of two sites, each with two order computers of two."""
    Spare.objects.filter(kind="order-pc").delete()
    first, second = Site.objects.order_by("pk")[:2]
    for site in (first, second):
        Spare.objects.create(kind="order-pc", site=site, planned=2, present=2)
    return first.code, second.code


def lying() -> list[int]:
    return list(Spare.objects.filter(kind="order-pc").order_by("pk").values_list("present", flat=True))


def test_a_step_that_is_tried_again_takes_no_second_spare() -> None:
    first, _second = two_sites()
    run = uuid4()
    for _ in range(2):
        taken = services.use_spare("order-pc", 1, run=run, item="count-pc", actor=None)
        assert (taken.site, taken.taken, taken.left, taken.planned) == (first, 1, 1, 2)
    assert lying() == [1, 2]


def test_a_spare_comes_back_to_where_one_is_out() -> None:
    first, second = two_sites()
    run = uuid4()
    services.use_spare("order-pc", 1, second, run=run, actor=None)
    services.use_spare("order-pc", 2, first, actor=None)
    assert services.return_spare("order-pc", 1, run=run, actor=None).site == second
    assert services.return_spare("order-pc", 2, actor=None).site == first
    assert lying() == [2, 2]
    with pytest.raises(Conflict):
        services.return_spare("order-pc", 1, actor=None)
    with pytest.raises(Conflict):
        services.return_spare("order-pc", 1, run=run, actor=None)


def test_a_step_that_is_tried_again_brings_its_spares_back_once() -> None:
    _first, second = two_sites()
    run = uuid4()
    services.use_spare("order-pc", 2, second, run=run, item="count-pc", actor=None)
    for _ in range(2):
        back = services.return_spare("order-pc", 1, run=run, item="return-one", actor=None)
        assert (back.site, back.taken, back.left) == (second, 1, 1)
    assert lying() == [2, 1]
    for _ in range(2):
        back = services.return_spare("order-pc", 1, second, run=run, item="return-rest", actor=None)
        assert (back.site, back.taken, back.left) == (second, 1, 2)
    assert lying() == [2, 2]


# --- inspections (E2.8, E3.1.10)


@pytest.mark.clause("E2.8")
def test_inspections_that_were_not_made(clock: VirtualClock) -> None:
    assert look("safety-inspections") == []
    Inspection.objects.filter(target__code="warehouse-1", irregular=False).delete()
    Inspection.objects.filter(target__code="offices", irregular=False).update(done_on=date(2026, 10, 23))
    Inspection.objects.create(
        target=InspectionTarget.objects.get(code="server-room"), planned_on=date(2026, 11, 20), irregular=True
    )
    InspectionTarget.objects.filter(kind="power-room").update(active=False)
    assert look("safety-inspections") == [
        "inspection-due:offices",
        "inspection-missed:server-room:2026-11-20",
        "never-inspected:warehouse-1",
        "no-target:power-room",
    ]


@pytest.mark.clause("E2.8")
def test_a_kind_of_place_nobody_looks_at_unannounced() -> None:
    Inspection.objects.filter(target__kind="vehicle", irregular=True).update(done_on=date(2026, 5, 24))
    assert look("safety-inspections") == ["no-irregular:vehicle"]


@pytest.mark.clause("E3.1.10")
def test_lightning_and_fire() -> None:
    assert look("lightning-fire") == []
    Inspection.objects.filter(target__code="network-equipment").update(done_on=date(2026, 5, 24))
    assert look("lightning-fire") == ["inspection-due:network-equipment"]
    made = services.record_inspection(
        "network-equipment", findings=["Earth lead loose", " "], actor=technician()
    )
    assert look("lightning-fire") == []
    mend = Rectification.objects.get()
    assert (mend.inspection, mend.text, mend.clause) == (made, "Earth lead loose", "E3.1.10")
    assert (mend.owner, mend.due_on) == (holder("info-center-head"), date(2026, 12, 7))
    assert mend.remind_at == datetime(2026, 12, 3, 9, tzinfo=LOCAL)


def test_the_rota_has_regular_dates_and_dates_nobody_is_told() -> None:
    assert services.plan_rota() > 0
    assert services.plan_rota() == 0
    ahead = Inspection.objects.filter(done_on__isnull=True)
    places = InspectionTarget.objects.count()
    assert ahead.filter(irregular=False).count() == places
    assert ahead.filter(irregular=True).exclude(target__kind="network-equipment").count() >= places - 1
    assert not ahead.filter(irregular=True, target__kind="network-equipment").exists()
    shown = registers.rows(registers.get("inspections"), actor=technician())
    assert not shown.filter(irregular=True, done_on__isnull=True, planned_on__gt="2026-11-23").exists()
    last = Inspection.objects.get(target__code="offices", irregular=False, done_on__isnull=False)
    planned = ahead.get(target__code="offices", irregular=False).planned_on
    assert last.done_on is not None
    assert last.done_on < planned <= last.done_on + timedelta(days=30)


@pytest.mark.clause("E2.8")
def test_an_inspection_counts_for_the_one_that_was_planned() -> None:
    services.plan_rota()
    open_one = Inspection.objects.get(target__code="warehouse-2", irregular=False, done_on__isnull=True)
    guard = Person.objects.filter(job="guard").order_by("pk")[0]
    made = services.record_inspection("warehouse-2", findings=["Exit blocked"], actor=guard)
    assert made is not None and made.pk == open_one.pk
    assert (made.done_on, made.by) == (date(2026, 11, 23), guard)
    assert Rectification.objects.get().owner == holder("transfer-station-head")


# --- customer files (E3.2.7), telephones (E3.2.8)


def manager() -> Person:
    return Person.objects.filter(customers__isnull=False).distinct().order_by("pk")[0]


@pytest.mark.clause("E3.2.7")
def test_safe_copies_that_are_old_lacking_missing_or_kept_too_long() -> None:
    assert look("customer-files") == []
    one = manager()
    CustomerFileCopy.objects.filter(manager=one).update(made_at=at(1, 12) - timedelta(days=14))
    assert look("customer-files") == [f"old-copy:{one.staff_no}"]
    count = one.customers.filter(active=True).count()
    CustomerFileCopy.objects.filter(manager=one).update(made_at=at(1, 12), retailers=count - 3)
    assert look("customer-files") == [f"lacking-copy:{one.staff_no}"]
    CustomerFileCopy.objects.filter(manager=one).update(retailers=count, keep_until=date(2026, 11, 22))
    assert look("customer-files") == [f"kept-too-long:{one.staff_no}:2026-11-01"]
    services.destroy_copy(CustomerFileCopy.objects.get(manager=one), actor=one)
    assert look("customer-files") == [f"no-copy:{one.staff_no}"]


@pytest.mark.clause("E3.2.7")
def test_files_taken_out_are_one_page_that_needs_nothing_else() -> None:
    one = manager()
    CustomerFileCopy.objects.filter(manager=one).delete()
    made = services.export_files(
        one, purpose="Typhoon <night>", kept_at="Safe", keep_days=90, language="en", actor=one
    )
    page = made.data.decode()
    for retailer in Retailer.objects.filter(customer_manager=one):
        assert retailer.licence_no in page and retailer.phone in page and retailer.address in page
    assert page.count("<article>") == one.customers.filter(active=True).count() == made.copy.retailers
    assert "Typhoon &lt;night&gt;" in page and "2027-02-21" in page and one.name in page
    assert "http" not in page and "<script" not in page and "src=" not in page
    entry = Entry.objects.get(kind="readiness.customer_files_exported")
    assert (entry.clause, entry.data["purpose"]) == ("E3.2.7", "Typhoon <night>")
    assert entry.data["sha256"] == made.copy.sha256
    assert look("customer-files") == []


def test_nobody_takes_out_the_files_of_a_colleague() -> None:
    one = manager()
    other = Person.objects.filter(job="customer_manager").exclude(pk=one.pk).order_by("pk")[0]
    before = CustomerFileCopy.objects.count()
    with pytest.raises(NotAllowed):
        services.export_files(one, purpose="x", kept_at="y", keep_days=9, language="en", actor=other)
    head = holder("marketing-center-head")
    with pytest.raises(Invalid):
        services.export_files(one, purpose=" ", kept_at="y", keep_days=9, language="en", actor=head)
    assert CustomerFileCopy.objects.count() == before
    assert (
        services.export_files(
            one, purpose="x", kept_at="y", keep_days=9, language="en", actor=head
        ).copy.made_by
        == head
    )


@pytest.mark.clause("E3.2.8")
def test_numbers_nobody_has_verified() -> None:
    assert look("staff-phones") == []
    first, second = Person.objects.filter(unit__code="info-center").order_by("staff_no")[:2]
    Person.objects.filter(pk=first.pk).update(phone="")
    Person.objects.filter(pk=second.pk).update(phone_verified_on=date(2025, 11, 21))
    count = Person.objects.filter(unit__code="info-center", active=True).count()
    assert look("staff-phones") == ["unverified:info-center"]
    assert english("staff-phones") == (
        f"2 of {count} people of Information centre have no number that was verified: {first.name}、{second.name}"
    )
    register = registers.get("staff_phones")
    for one in (first, second):
        registers.save(register, {"phone": "10000009999"}, pk=one.pk, actor=holder("info-center-head"))
    assert look("staff-phones") == []


# --- goods (E3.4.4), manufacturers (E3.5.3, E3.5.4)


@pytest.mark.clause("E3.4.4")
def test_goods_kept_for_weddings() -> None:
    assert look("reserve-stock") == []
    goods = list(ReserveGoods.objects.select_related("product").order_by("product__code"))
    Stock.objects.filter(product=goods[0].product).update(cartons=0)
    ReserveGoods.objects.filter(pk=goods[0].pk).update(floor_cartons=1)
    Product.objects.filter(pk=goods[1].product_id).update(supply_class="scarce")
    assert look("reserve-stock") == [
        f"below-floor:{goods[0].product.code}",
        f"not-common:{goods[1].product.code}",
    ]
    ReserveGoods.objects.exclude(pk__in=[one.pk for one in goods[2:6]]).delete()
    assert look("reserve-stock") == ["few-goods:list"]


@pytest.mark.clause("E3.5.3")
def test_brand_files_have_seven_parts() -> None:
    assert look("brand-files") == []
    Manufacturer.objects.filter(code="M03").update(address=" ", yearly_cases=None, brands=[], prospects={})
    Manufacturer.objects.filter(code="M05").update(reviewed_on=date(2025, 11, 21))
    Product.objects.filter(manufacturer__code="M07").update(wholesale_fen=0)
    assert look("brand-files") == ["brand-file:M03", "brand-file:M07", "old-brand-file:M05"]
    assert english("brand-files").endswith("lacks: address, brands, scale, prospects")


@pytest.mark.clause("E3.5.4")
def test_three_groups_of_contacts_of_every_manufacturer() -> None:
    assert look("manufacturer-contacts") == []
    Contact.objects.filter(code="m02-area").delete()
    Contact.objects.filter(code="m04-marketing").update(phone="")
    assert look("manufacturer-contacts") == [
        "no-factory-contact:M02:manufacturer-area",
        "no-factory-contact:M04:manufacturer-marketing",
    ]
    assert look("contact-groups") == []  # these are that check's business, not the information centre's


# --- how things stand


def test_since_when_a_check_does_not_hold(clock: VirtualClock) -> None:
    services.run_checks(actor=None)
    clock.advance(timedelta(hours=1))
    StandbyPair.objects.update(took_over=False)
    services.run_checks(actor=None)
    clock.advance(timedelta(hours=1))
    services.run_checks(actor=None)
    state = CheckDue.objects.get(check_id="hot-standby")
    assert (state.holds, state.since, state.looked_at) == (False, at(23, 10, 40), at(23, 11, 40))
    assert state.due_at == at(24, 11, 40)
    shown = {one.check.id: one for one in selectors.standing(actor=technician())}
    assert [finding.subject for finding in shown["hot-standby"].findings] == ["failed-test:ordering-hosts"]
    assert (shown["hot-standby"].holds, shown["hot-standby"].registry) == (False, "standby")
    clauses = [one.check.clause for one in selectors.standing(actor=technician())]
    assert clauses.index("E3.1.9") < clauses.index("E3.1.10") < clauses.index("E3.1.11")


# --- the common verb


def test_a_row_is_added_changed_and_on_record() -> None:
    spares, head = registers.get("spares"), holder("info-center-head")
    row = registers.save(
        spares,
        {
            "kind": "router",
            "site": "transfer-station-1",
            "planned": "2",
            "present": "2",
            "counted_on": "2026-11-23",
        },
        actor=head,
    )
    assert (row.kind, row.site.code, row.planned, row.counted_on) == (
        "router",
        "transfer-station-1",
        2,
        date(2026, 11, 23),
    )
    registers.save(spares, {"present": 1}, pk=row.pk, actor=head)
    entry = Entry.objects.filter(kind="readiness.register_changed").latest("id")
    assert (entry.data["before"], entry.data["after"]) == ({"present": 2}, {"present": 1})
    with pytest.raises(Conflict):
        registers.save(
            spares, {"kind": "router", "site": "transfer-station-1", "planned": 1, "present": 1}, actor=head
        )


def test_a_key_that_another_row_has_is_refused_by_its_name() -> None:
    power, head = registers.get("power"), holder("info-center-head")
    first, second = Ups.objects.order_by("pk")[:2]
    with pytest.raises(Invalid) as refused:
        registers.save(power, {"code": first.code, "room": "server-room"}, pk=second.pk, actor=head)
    assert [one.field for one in refused.value.problems] == ["code"]
    registers.save(power, {"code": second.code, "runtime_minutes": "301"}, pk=second.pk, actor=head)
    rows = dict(Ups.objects.values_list("code", "runtime_minutes"))
    assert len(rows) == Ups.objects.count() and rows[second.code] == 301


def test_a_backup_that_was_recorded_with_a_wrong_time_is_put_right() -> None:
    backups, count = registers.get("backups"), Backup.objects.count()
    wrong, other = Backup.objects.filter(kind="daily_batch").order_by("-taken_at")[:2]
    earlier = wrong.taken_at - timedelta(minutes=5)
    registers.save(backups, {"taken_at": earlier.isoformat()}, pk=wrong.pk, actor=technician())
    assert Backup.objects.get(pk=wrong.pk).taken_at == earlier
    entry = Entry.objects.filter(kind="readiness.register_changed").latest("id")
    assert entry.data["before"] == {"taken_at": wrong.taken_at.isoformat()}
    for moment in (at(24, 0), other.taken_at):
        with pytest.raises(Invalid) as refused:
            registers.save(backups, {"taken_at": moment.isoformat()}, pk=wrong.pk, actor=technician())
        assert [one.field for one in refused.value.problems] == ["taken_at"]
    assert Backup.objects.get(pk=wrong.pk).taken_at == earlier
    assert Backup.objects.count() == count


def test_a_colleague_keeps_the_number_that_is_not_given() -> None:
    phones, office = registers.get("staff-phones"), holder("leading-group-office")
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    Person.objects.filter(pk=driver.pk).update(second_phone="13911112222")
    registers.save(phones, {"phone": "13900001111"}, pk=driver.pk, actor=office)
    driver.refresh_from_db()
    assert (driver.phone, driver.second_phone) == ("13900001111", "13911112222")
    registers.save(phones, {"second_phone": ""}, pk=driver.pk, actor=office)
    driver.refresh_from_db()
    assert (driver.phone, driver.second_phone) == ("13900001111", "")


def test_a_van_that_was_looked_at_is_fit_or_not() -> None:
    van = Vehicle.objects.filter(is_reserve=True).order_by("pk")[0]
    keeper = holder("leading-group-office")
    with pytest.raises(Invalid) as refused:
        registers.save(registers.get("vehicles"), {"note": "washed"}, pk=van.pk, actor=keeper)
    assert [one.field for one in refused.value.problems] == ["state"]


@pytest.mark.parametrize(
    ("register", "given", "field"),
    [
        ("spares", {"kind": "router", "site": "delivery-center", "planned": 9_999_999_999, "present": 1}, "planned"),
        ("restore-drills", {"system": "x", "on": "2026-11-23", "minutes": 40_000_000, "complete": True}, "minutes"),
        ("power", {"code": "x", "name": {}, "room": "server-room"}, "name"),
        ("power", {"code": "x", "name": {"fr": "onduleur"}, "room": "server-room"}, "name"),
        ("power", {"code": "x", "name": {"en": " "}, "room": "server-room"}, "name"),
        ("power", {"code": "x", "name": {"en": "x" * 121}, "room": "server-room"}, "name"),
    ],
)  # fmt: skip
def test_what_no_column_holds_is_refused_by_its_name(
    register: str, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        registers.save(registers.get(register), given, actor=holder("info-center-head"))
    assert [one.field for one in refused.value.problems] == [field]


def test_words_in_some_languages_stand_for_the_others() -> None:
    made = registers.save(
        registers.get("power"),
        {"code": "x", "name": {"en": "UPS"}, "room": "server-room"},
        actor=holder("info-center-head"),
    )
    assert made.name == {"zh-Hans": "UPS", "zh-Hant": "UPS", "en": "UPS"}


def test_all_wrong_values_are_told_and_nothing_is_written() -> None:
    with pytest.raises(Invalid) as refused:
        registers.save(
            registers.get("spares"),
            {"kind": "router", "site": "nowhere", "planned": "-1", "present": "many"},
            actor=holder("info-center-head"),
        )
    assert [one.field for one in refused.value.problems] == ["site", "planned", "present"]
    assert not Spare.objects.filter(kind="router").exists()


def test_one_machine_is_no_pair() -> None:
    with pytest.raises(Invalid):
        registers.save(
            registers.get("standby"),
            {"code": "x", "name": "X", "system": "x", "first_machine": "a", "second_machine": "a"},
            actor=holder("info-center-head"),
        )
    assert not StandbyPair.objects.filter(code="x").exists()


def test_words_typed_in_one_language_leave_the_others() -> None:
    power, head = registers.get("power"), holder("info-center-head")
    pk = Ups.objects.get(code="ups-server-room").pk
    registers.save(power, {"name": "UPS one"}, pk=pk, language="en", actor=head)
    name = Ups.objects.get(pk=pk).name
    assert (name["en"], name["zh-Hans"]) == ("UPS one", "数据机房备用电源")


def test_a_file_changes_what_is_there_adds_what_is_not_or_does_nothing() -> None:
    spares, head = registers.get("spares"), holder("info-center-head")
    lines = {
        2: {"kind": "scanner", "site": "delivery-center", "planned": "3", "present": "3"},
        4: {"kind": "router", "site": "delivery-center", "planned": "1", "present": "1"},
    }
    assert registers.save_many(spares, lines, language="en", actor=head) == 2
    assert Spare.objects.get(kind="scanner", site__code="delivery-center").planned == 3
    with pytest.raises(Invalid) as refused:
        registers.save_many(
            spares,
            {2: {**lines[2], "planned": "9"}, 4: {**lines[4], "planned": "x"}},
            language="en",
            actor=head,
        )
    assert [(one.field, one.line) for one in refused.value.problems] == [("planned", 4)]
    assert Spare.objects.get(kind="scanner", site__code="delivery-center").planned == 3


def test_drivers_change_no_register() -> None:
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    with pytest.raises(NotAllowed):
        registers.save(registers.get("spares"), {}, actor=driver)
