"""The delivery day, its recoveries and the drivers' lists, as a browser asks for them."""

from __future__ import annotations

import gzip
from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from changbei.core.clock import LOCAL, VirtualClock
from changbei.delivery import driving, planning, recovery, replacing, selectors, services
from changbei.delivery.models import Breakdown, DeliveryDay, Handover, RecoveryCase, Stop, Tour
from changbei.incidents.models import Incident, Report
from changbei.journal.models import Entry
from changbei.network.models import Vehicle
from changbei.people.models import Person
from changbei.web.tests.conftest import client_of

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 11, 23)
PART = {"HX-Request": "true"}


@pytest.fixture
def desk(dispatcher: Person) -> Client:
    return client_of(dispatcher, "dispatcher")


@pytest.fixture
def tour(day: DeliveryDay) -> Tour:
    """The tour with most left to do."""
    return max(selectors.tours(day), key=lambda one: one.open).tour


@pytest.fixture
def case(tour: Tour) -> RecoveryCase:
    """Its van breaks down at the next shop, and ways to recover are offered."""
    case = recovery.offer(broken(tour), run=None, iterations=50)
    assert case is not None
    return case


def broken(tour: Tour) -> Breakdown:
    here = tour.stops.filter(status="planned").order_by("sequence")[0].retailer
    report = services.BreakdownReport(
        tour.vehicle.number, here.longitude, here.latitude, here.address, goods_aboard=True, injured=False
    )
    return services.report_breakdown(report, run=None, actor=None)


def stopped_in(case: RecoveryCase) -> Breakdown:
    assert case.breakdown is not None
    return case.breakdown


# ---------------------------------------------------------------- the day


def test_while_nothing_is_computed_the_page_does_not_say_that_nothing_happened(
    desk: Client, tour: Tour
) -> None:
    assert b"No van has broken down" in desk.get("/delivery/").content
    stopped = broken(tour)
    shown = desk.get("/delivery/").content
    assert b"The alternatives are being computed" in shown and b"No van has broken down" not in shown
    recovery.offer(stopped, run=None, iterations=50)
    assert b"The alternatives are being computed" not in desk.get("/delivery/").content


def test_the_day_shows_each_tour_and_what_is_missing(
    desk: Client, day: DeliveryDay, case: RecoveryCase
) -> None:
    page = desk.get("/delivery/")
    assert page.status_code == 200
    assert [row.state for row in page.context["rows"]].count("broken") == 1
    assert len(page.context["rows"]) == 6
    counts = page.context["counts"]
    waiting = Stop.objects.filter(goods_at=stopped_in(case)).count()
    assert counts["unserved"] == waiting == len(page.context["unserved"])
    assert counts["done"] == Stop.objects.filter(day=day, status="delivered").count()
    assert counts["done"] + counts["open"] + counts["unserved"] == counts["total"]
    assert counts["broken"] == 1
    assert f"/delivery/recoveries/{case.uuid}/" in page.content.decode()
    assert page.context["reserve_ready"] == 5


def test_a_van_that_drives_can_be_reported_in_one_tap(desk: Client, tour: Tour) -> None:
    words = desk.get("/delivery/").content.decode()
    assert f"/report/vehicle-breakdown/?vehicle={tour.vehicle.number}" in words
    broken(tour)
    words = desk.get("/delivery/").content.decode()
    assert f"/report/vehicle-breakdown/?vehicle={tour.vehicle.number}" not in words


def test_the_table_is_filtered_and_sorted(desk: Client, case: RecoveryCase) -> None:
    number = stopped_in(case).tour.vehicle.number
    rows = desk.get("/delivery/?state=broken").context["rows"]
    assert [row.tour.vehicle.number for row in rows] == [number]
    rows = desk.get(f"/delivery/?site={stopped_in(case).tour.site.code}&sort=van").context["rows"]
    numbers = [row.tour.vehicle.number for row in rows]
    assert number in numbers
    assert numbers == sorted(numbers, key=lambda one: (len(one), one))
    plate = stopped_in(case).tour.vehicle.plate
    rows = desk.get("/delivery/", {"q": plate}).context["rows"]
    assert [row.tour.vehicle.number for row in rows] == [number]
    # pressing a heading sends the order that was chosen and then the new one: the last counts
    rows = desk.get("/delivery/?sort=state&sort=van").context["wish"]
    assert rows.sort == "van"


def test_a_van_with_nothing_but_held_stops_stands_still(desk: Client, tour: Tour) -> None:
    services.hold_stops(list(tour.stops.values_list("pk", flat=True)), actor=None, run=None)
    [row] = desk.get("/delivery/?state=suspended").context["rows"]
    assert (row.tour.pk, row.state_words, row.next_at) == (tour.pk, "Held", None)


def test_a_late_van_says_so(desk: Client, tour: Tour, clock: VirtualClock) -> None:
    assert desk.get("/delivery/").context["counts"]["late"] == 0
    Stop.objects.filter(tour=tour, status="planned").update(expected_at=clock.now() + timedelta(hours=8))
    page = desk.get("/delivery/?state=late")
    assert [row.tour.pk for row in page.context["rows"]] == [tour.pk]
    assert page.context["rows"][0].late_tone == "bad"
    assert page.context["rows"][0].late_words.endswith("min late")


def test_the_page_of_the_day_is_compressed_for_who_takes_it(desk: Client, day: DeliveryDay) -> None:
    packed = desk.get("/delivery/", headers={"accept-encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in packed.headers["Vary"]
    assert b"Van" in gzip.decompress(packed.content)
    assert "Content-Encoding" not in desk.get("/delivery/").headers


def test_a_poll_gets_the_part_that_changes(desk: Client, day: DeliveryDay) -> None:
    part = desk.get("/delivery/?sort=van", headers=PART)
    words = part.content.decode()
    assert words.lstrip().startswith('<div class="cb-day-live')
    assert 'hx-get="/delivery/?sort=van"' in words
    assert part.headers["X-Clock-Rate"] == "0.0"


def test_another_day_and_a_day_without_deliveries(desk: Client, day: DeliveryDay) -> None:
    empty = desk.get("/delivery/?date=2026-11-22")
    assert (empty.status_code, empty.context["day"]) == (200, None)
    assert empty.context["days"] == [MONDAY]
    for none in ("soon", "0001-01-01", "9999-12-31"):
        assert desk.get(f"/delivery/?date={none}").status_code == 404
        assert desk.get(f"/delivery/lines/?date={none}").status_code == 404
        assert desk.get(f"/delivery/export/{none}.csv").status_code == 404
    assert desk.get("/delivery/map/vans.json?date=2026-11-22").json()["features"] == []


def test_a_day_that_nobody_has_planned_is_planned_from_its_lines(desk: Client, day: DeliveryDay) -> None:
    tuesday, saturday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=5)
    here = f"/delivery/?date={tuesday}"
    assert "Plan the usual lines" in desk.get(here).content.decode()
    assert "Plan the usual lines" not in desk.get(f"/delivery/?date={saturday}").content.decode()
    outsider = client_of(Person.objects.filter(job="customer_manager").order_by("pk")[0], "manager")
    assert "Plan the usual lines" not in outsider.get(here).content.decode()
    assert outsider.post("/delivery/usual/", {"date": str(tuesday)}).status_code == 403
    for on, tours in ((tuesday, 2), (tuesday, 2), (saturday, 0), (MONDAY - timedelta(days=7), 0)):
        assert desk.post("/delivery/usual/", {"date": str(on)})["Location"] == f"/delivery/?date={on}"
        assert (Tour.objects.filter(day__date=on).count() >= 1) == bool(tours)
    assert Entry.objects.filter(kind="delivery.day_planned", data__date=str(tuesday)).count() == 1
    assert desk.post("/delivery/usual/", {"date": "x"}).status_code == 404


def test_as_many_questions_for_many_tours_as_for_few(desk: Client, day: DeliveryDay) -> None:
    desk.get("/delivery/")
    with CaptureQueriesContext(connection) as whole:
        desk.get("/delivery/")
    few = list(Tour.objects.filter(day=day).order_by("pk").values_list("pk", flat=True)[2:])
    Stop.objects.filter(tour__in=few).delete()
    Tour.objects.filter(pk__in=few).delete()
    with CaptureQueriesContext(connection) as part:
        desk.get("/delivery/")
    assert len(whole) == len(part) <= 26


def test_the_map_of_the_day(desk: Client, day: DeliveryDay) -> None:
    manifest = desk.get("/delivery/map.json").json()
    assert {"lines", "retailers", "vans", "warnings", "suspensions", "districts"} <= set(manifest["layers"])
    assert manifest["layers"]["vans"]["refresh_seconds"] == 10
    assert len(desk.get("/delivery/map/vans.json").json()["features"]) == 11
    assert desk.get("/delivery/map/secrets.json").status_code == 404


def test_strangers_see_nothing(day: DeliveryDay, case: RecoveryCase, tour: Tour) -> None:
    stranger = client_of(None, "stranger")
    assert stranger.get("/delivery/").status_code == 403
    assert stranger.get(f"/delivery/recoveries/{case.uuid}/").status_code == 404
    assert stranger.get(f"/delivery/tours/{tour.uuid}/").status_code == 404
    assert Client().get("/delivery/").status_code == 302


# ---------------------------------------------------------------- recovery


def test_options_stand_beside_each_other(desk: Client, case: RecoveryCase) -> None:
    page = desk.get(f"/delivery/recoveries/{case.uuid}/")
    options = list(case.options.order_by("rank"))
    assert [one.option.rank for one in page.context["choices"]] == [one.rank for one in options]
    assert page.context["chosen"].rank == 1
    assert page.context["may_accept"]
    assert sum(share.takes for share in page.context["shares"]) == options[0].stops_moved
    last = options[-1].rank
    other = desk.get(f"/delivery/recoveries/{case.uuid}/?option={last}", headers=PART)
    assert other.context["chosen"].rank == last
    assert f"recoveries/{case.uuid}/map.json?option={last}" in other.content.decode()


def test_the_map_shows_before_and_after(desk: Client, case: RecoveryCase) -> None:
    option = case.options.get(rank=1)
    manifest = desk.get(f"/delivery/recoveries/{case.uuid}/map.json?option=1").json()
    assert {"before", "after", "stops", "vans"} <= set(manifest["layers"])
    assert len(manifest["layers"]["after"]["data"]["features"]) == len(option.plan["tours"])


def test_the_dispatcher_accepts(desk: Client, dispatcher: Person, case: RecoveryCase) -> None:
    url = f"/delivery/recoveries/{case.uuid}/"
    answer = desk.post(f"{url}accept", {"option": "1"})
    assert (answer.status_code, answer.headers["Location"]) == (303, url)
    option = case.options.get(rank=1)
    assert option.accepted_by == dispatcher
    assert Entry.objects.get(kind="delivery.recovery_accepted").actor_id == dispatcher.pk
    page = desk.get(url)
    assert page.context["accepted"].rank == 1
    assert not page.context["may_accept"]
    assert dispatcher.name in page.content.decode()


def test_nobody_else_accepts_and_nothing_changes(case: RecoveryCase) -> None:
    driver = stopped_in(case).tour.driver
    assert driver is not None
    wheel = client_of(driver, "driver")
    before = list(Stop.objects.order_by("pk").values_list("pk", "tour_id", "sequence"))
    page = wheel.get(f"/delivery/recoveries/{case.uuid}/")
    assert (page.context["may_accept"], page.context["waits_for_others"]) == (False, True)
    assert wheel.post(f"/delivery/recoveries/{case.uuid}/accept", {"option": "1"}).status_code == 403
    assert wheel.post(f"/delivery/recoveries/{case.uuid}/anew").status_code == 403
    assert list(Stop.objects.order_by("pk").values_list("pk", "tour_id", "sequence")) == before
    assert not case.options.filter(accepted_at__isnull=False).exists()
    assert wheel.get(f"/delivery/recoveries/{case.uuid}/accept").status_code == 405


def test_a_wrong_option_is_refused(desk: Client, case: RecoveryCase) -> None:
    url = f"/delivery/recoveries/{case.uuid}/accept"
    assert desk.post(url, {"option": "best"}).status_code == 422
    assert desk.post(url, {"option": "9"}).status_code == 404
    assert RecoveryCase.objects.get(pk=case.pk).status == "offered"


def test_out_of_date_options_are_computed_anew(desk: Client, case: RecoveryCase, day: DeliveryDay) -> None:
    url = f"/delivery/recoveries/{case.uuid}/"
    held = Stop.objects.filter(day=day, status="planned", goods_at=None)[0]
    services.hold_stops([held.pk], actor=None, run=None)
    page = desk.get(url)
    assert (page.context["stale"], page.context["may_accept"], page.context["may_compute"]) == (
        True,
        False,
        True,
    )

    refused = desk.post(f"{url}accept", {"option": "1"}, follow=True)
    assert "Nothing was changed" in refused.content.decode()
    assert RecoveryCase.objects.get(pk=case.pk).status == "stale"
    assert not case.options.filter(accepted_at__isnull=False).exists()

    answer = desk.post(f"{url}anew")
    newer = RecoveryCase.objects.latest("pk")
    assert newer.pk != case.pk
    assert answer.headers["Location"] == f"/delivery/recoveries/{newer.uuid}/"
    assert desk.get(url).context["newer"] == newer
    again = desk.post(f"{url}anew")
    assert again.headers["Location"] == f"/delivery/recoveries/{newer.uuid}/"
    assert RecoveryCase.objects.count() == 2


def test_vans_that_break_down_at_once_ask_for_one_decision(
    desk: Client, case: RecoveryCase, day: DeliveryDay
) -> None:
    other = max((one for one in selectors.tours(day) if one.tour.pk != stopped_in(case).tour_id), key=_open)
    newer = recovery.offer(broken(other.tour), run=None, iterations=50)
    assert newer is not None
    page = desk.get("/delivery/", headers=PART)
    assert [(one.case, one.is_open) for one in page.context["cases"]] == [(newer, True), (case, False)]
    text = page.content.decode()
    assert text.count("cannot go on") == 1
    assert "To decide together" in text

    first = desk.get(f"/delivery/recoveries/{case.uuid}/")
    assert (first.context["newer"], first.context["decided_with"]) == (newer, None)
    answer = desk.post(f"/delivery/recoveries/{case.uuid}/anew")
    assert answer.headers["Location"] == f"/delivery/recoveries/{newer.uuid}/"

    held = Stop.objects.filter(day=day, status="planned", goods_at=None)[0]
    services.hold_stops([held.pk], actor=None, run=None)
    page = desk.get("/delivery/", headers=PART)
    assert [one.is_open for one in page.context["cases"]] == [True, True]


def _open(one: selectors.TourFigures) -> int:
    return one.open


def test_borrowed_vans_need_papers(desk: Client, case: RecoveryCase) -> None:
    site = stopped_in(case).tour.site
    Vehicle.objects.filter(is_reserve=True, site=site).update(state=Vehicle.State.UNDER_REPAIR)
    newer = recovery.offer(stopped_in(case), run=None, iterations=50)
    assert newer is not None
    borrowed = newer.options.get(kind="nearest_reserve")
    page = desk.get(f"/delivery/recoveries/{newer.uuid}/?option={borrowed.rank}")
    [share] = page.context["borrowed"]
    assert share.vehicle.site != site
    assert share.vehicle.plate in page.content.decode()
    assert "Transport papers" in page.content.decode()


# ---------------------------------------------------------------- the driver's list


def test_a_driver_records_the_next_stop(tour: Tour) -> None:
    assert tour.driver is not None
    wheel = client_of(tour.driver, "driver")
    page = wheel.get(f"/delivery/tours/{tour.uuid}/")
    step = page.context["next"]
    first = tour.stops.filter(status="planned").order_by("sequence")[0]
    assert step.stop == first
    assert step.navigate.startswith(f"geo:{first.retailer.latitude:.6f},{first.retailer.longitude:.6f}?q=")
    assert f"tel:{first.retailer.phone}" in page.content.decode()
    assert len(page.context["rest"]) == tour.stops.filter(status="planned").count() - 1

    url = f"/delivery/tours/{tour.uuid}/stops/{first.retailer.uuid}/"
    part = wheel.post(url, {"status": "refused"}, headers=PART)
    assert part.status_code == 200
    assert part.context["next"].stop != first
    first.refresh_from_db()
    assert first.status == "refused"
    assert wheel.post(url, {"status": "delivered"}).status_code == 409
    first.refresh_from_db()
    assert first.status == "refused"


def test_nobody_records_for_another_van(tour: Tour, day: DeliveryDay) -> None:
    other = Tour.objects.filter(day=day).exclude(pk=tour.pk).exclude(driver=tour.driver)[0]
    assert other.driver is not None
    wheel = client_of(other.driver, "other")
    first = tour.stops.filter(status="planned").order_by("sequence")[0]
    assert not wheel.get(f"/delivery/tours/{tour.uuid}/").context["may_record"]
    answer = wheel.post(f"/delivery/tours/{tour.uuid}/stops/{first.retailer.uuid}/", {"status": "delivered"})
    assert answer.status_code == 403
    first.refresh_from_db()
    assert (first.status, first.done_at) == ("planned", None)


def test_goods_are_taken_over_at_the_broken_van(desk: Client, case: RecoveryCase) -> None:
    option = case.options.get(kind="site_reserve")
    desk.post(f"/delivery/recoveries/{case.uuid}/accept", {"option": str(option.rank)})
    reserve = Tour.objects.get(line__isnull=True)
    assert reserve.driver is not None
    wheel = client_of(reserve.driver, "reserve")
    page = wheel.get(f"/delivery/tours/{reserve.uuid}/")
    step = page.context["next"]
    assert step.handover == Handover.objects.get(tour=reserve)
    assert step.place == stopped_in(case).place
    number = stopped_in(case).tour.vehicle.number
    url = f"/delivery/tours/{reserve.uuid}/goods-of/{number}/"
    assert wheel.post(url).status_code == 303
    assert not Stop.objects.filter(tour=reserve, goods_at__isnull=False).exists()
    assert wheel.post(url).status_code == 409
    assert wheel.post(f"/delivery/tours/{reserve.uuid}/goods-of/nothing/").status_code == 404
    assert wheel.get(f"/delivery/tours/{reserve.uuid}/").context["next"].handover is None


def test_a_broken_vans_list_says_who_waits(desk: Client, case: RecoveryCase) -> None:
    tour = stopped_in(case).tour
    page = desk.get(f"/delivery/tours/{tour.uuid}/")
    assert page.context["next"] is None
    assert len(page.context["stranded"]) == case.stops_stranded
    assert not page.context["may_record"]
    found = desk.get(f"/delivery/tours/{tour.uuid}/map.json").json()
    assert len(found["layers"]["stops"]["data"]["features"]) == tour.stops.count()


def test_who_drives_nothing_today_is_told_so(desk: Client, dispatcher: Person) -> None:
    page = desk.get("/delivery/mine/")
    assert page.status_code == 200
    assert "You drive no tour today" in page.content.decode()


# ---------------------------------------------------------------- undoing, papers, who is late


def test_a_decision_is_taken_back_on_the_page(desk: Client, case: RecoveryCase) -> None:
    url = f"/delivery/recoveries/{case.uuid}/"
    option = case.options.get(kind="site_reserve")
    desk.post(f"{url}accept", {"option": str(option.rank)})
    page = desk.get(url)
    assert page.context["may_undo"] and page.context["driven_by"] == []
    [papers] = page.context["papers"]
    answer = desk.post(f"/delivery/papers/{papers.pk}/written", {"next": url})
    assert (answer.status_code, answer.headers["Location"]) == (303, url)
    assert desk.post(f"/delivery/papers/{papers.pk}/written").status_code == 409
    assert desk.post("/delivery/papers/0/written").status_code == 404

    assert "Undone." in desk.post(f"{url}undo", follow=True).content.decode()
    page = desk.get(url)
    assert (page.context["undone"], page.context["may_compute"], page.context["may_accept"]) == (
        True,
        True,
        False,
    )
    assert RecoveryCase.objects.get(pk=case.pk).status == "undone"
    assert "Nothing was changed" in desk.post(f"{url}undo", follow=True).content.decode()

    # the question is asked anew from here, and this time somebody drives on the answer
    desk.post(f"{url}anew")
    newer = RecoveryCase.objects.latest("pk")
    fresh = newer.options.get(kind="site_reserve")
    desk.post(f"/delivery/recoveries/{newer.uuid}/accept", {"option": str(fresh.rank)})
    tour = Tour.objects.get(line__isnull=True)
    services.record_handover(Handover.objects.get(tour=tour), actor=tour.driver)
    refused = desk.post(f"/delivery/recoveries/{newer.uuid}/undo", follow=True)
    assert f"cannot be undone ({tour.vehicle.number})" in refused.content.decode()
    assert refused.context["driven_by"] == [tour.vehicle.number]


def test_options_say_what_they_are_best_at(desk: Client, case: RecoveryCase) -> None:
    options = list(case.options.order_by("rank"))
    cheap = min(options, key=lambda one: round(one.extra_minutes))
    assert "cheapest" in cheap.titles
    assert "Cheapest" in desk.get(f"/delivery/recoveries/{case.uuid}/").content.decode()


def test_who_is_left_out_and_why(desk: Client, tour: Tour, day: DeliveryDay) -> None:
    """Every shift ends at noon: somebody is left out, ordinary customers before the one who needs care."""
    ahead = list(tour.stops.filter(status="planned").select_related("retailer").order_by("sequence"))
    ahead[-1].retailer.is_vulnerable = True
    ahead[-1].retailer.save(update_fields=["is_vulnerable"])
    Vehicle.objects.filter(is_reserve=True).update(state=Vehicle.State.UNDER_REPAIR)
    Tour.objects.filter(day=day).update(shift_ends_at=datetime(2026, 11, 23, 10, 30, tzinfo=LOCAL))
    found = recovery.offer(broken(tour), run=None, iterations=50)
    assert found is not None
    first = found.options.order_by("rank")[0]
    assert first.unserved > 0
    assert first.unserved_weight == first.unserved + 2 * (ahead[-1].pk in first.plan["unserved"])
    assert set(first.plan["why"]) == {str(pk) for pk in first.plan["unserved"]}
    assert set(first.plan["why"].values()) <= {"shift_over", "others_first"}
    page = desk.get(f"/delivery/recoveries/{found.uuid}/?option=1")
    assert all(one.why for one in page.context["unserved"])
    assert page.context["unserved"][0].why in page.content.decode()


def test_who_is_late_is_listed_those_first_who_need_care(
    desk: Client, tour: Tour, clock: VirtualClock
) -> None:
    clock.advance(timedelta(minutes=50))  # and not a word from the road
    ahead = list(tour.stops.filter(status="planned").select_related("retailer").order_by("sequence"))
    second = ahead[1].retailer
    second.is_vulnerable = True
    second.save(update_fields=["is_vulnerable"])
    late = desk.get("/delivery/").context["late"]
    assert late[0].stop.retailer == second
    of_ours = {one.stop.pk for one in late if one.stop.tour_id == tour.pk}
    assert of_ours == {stop.pk for stop in ahead if clock.now() - stop.planned_at > timedelta(minutes=15)}
    assert {one.minutes for one in late if one.stop.pk == ahead[0].pk} == {
        round((clock.now() - ahead[0].planned_at).total_seconds() / 60)
    }


def test_the_map_says_how_old_a_position_is(desk: Client, tour: Tour, clock: VirtualClock) -> None:
    assert tour.driver is not None
    driving.here(tour, 119.123, 33.456, 8, at=clock.now(), actor=tour.driver)

    def drawn() -> tuple[list[float], str]:
        vans = desk.get("/delivery/map/vans.json").json()["features"]
        van = next(one for one in vans if one["properties"]["name"] == tour.vehicle.number)
        return van["geometry"]["coordinates"], dict(van["properties"]["facts"])["Position"]

    clock.advance(timedelta(minutes=4))
    assert drawn() == ([119.123, 33.456], "from the phone, 4 min ago")
    clock.advance(timedelta(minutes=30))
    where, words = drawn()
    assert where != [119.123, 33.456]
    assert words == "estimated; the phone has been silent for 34 min"


def test_one_click_from_a_broken_van_to_its_options(
    desk: Client, tour: Tour, clock: VirtualClock, adopted: object
) -> None:
    assert tour.driver is not None
    driving.here(tour, 119.123, 33.456, 8, at=clock.now(), actor=tour.driver)
    answer = desk.post(f"/delivery/tours/{tour.uuid}/broken-down")
    incident = Incident.objects.get()
    assert incident.run is not None
    waiting = f"/delivery/runs/{incident.run.uuid}/"
    assert (answer.status_code, answer.headers["Location"]) == (303, waiting)
    assert (incident.longitude, incident.latitude) == (119.123, 33.456)
    report = Report.objects.get()
    assert (report.data["goods_aboard"], report.data["injured"]) == (True, False)
    assert report.data["place"]["text"].startswith("Position from the phone, 0 min ago; next customer: ")

    # The engine is at work; the page asks every second, and goes on as soon as there is something to compare.
    assert "The options are being computed" in desk.get(waiting).content.decode()
    found = services.BreakdownReport(
        tour.vehicle.number, 119.123, 33.456, "", goods_aboard=True, injured=False
    )
    stopped = services.report_breakdown(found, run=incident.run, actor=None)
    case = recovery.offer(stopped, run=incident.run, iterations=50)
    assert case is not None
    assert desk.get(waiting, headers=PART).headers["HX-Redirect"] == f"/delivery/recoveries/{case.uuid}/"

    assert desk.post(f"/delivery/tours/{tour.uuid}/broken-down").status_code == 409
    wheel = client_of(tour.driver, "driver")
    assert wheel.post(f"/delivery/tours/{tour.uuid}/broken-down").status_code == 403
    assert Report.objects.count() == 1


def test_options_come_for_a_van_that_had_nothing_aboard_but_was_to_fetch_goods(
    desk: Client, case: RecoveryCase, dispatcher: Person, day: DeliveryDay, adopted: object
) -> None:
    services.accept(case.options.get(kind="site_reserve"), actor=dispatcher)
    called = Tour.objects.get(day=day, line=None)
    desk.post(f"/delivery/tours/{called.uuid}/broken-down")
    run = Incident.objects.get().run
    assert run is not None
    report = services.BreakdownReport(
        called.vehicle.number, 119.0, 33.6, "street", goods_aboard=True, injured=False
    )
    again = services.report_breakdown(report, run=run, actor=None)
    assert not Stop.objects.filter(goods_at=again).exists()
    assert "The options are being computed" in desk.get(f"/delivery/runs/{run.uuid}/").content.decode()
    assert recovery.offer(again, run=run, iterations=50) is not None


def test_vans_in_repair_and_who_says_that_they_are_back(desk: Client, tour: Tour, day: DeliveryDay) -> None:
    report = services.BreakdownReport(
        tour.vehicle.number, 119.0, 33.6, "street", goods_aboard=True, injured=False
    )
    order = services.order_repair(services.report_breakdown(report, run=None, actor=None), actor=None)
    assert "Vans in repair" in desk.get("/delivery/").content.decode()
    ahead = planning.plan_day(day.date + timedelta(days=7), actor=None)
    page = desk.get(f"/delivery/?date={ahead.date}").content.decode()
    assert f"Van {tour.vehicle.number} is in repair: " in page
    own = Tour.objects.get(day=ahead, vehicle=tour.vehicle)
    [reserve] = replacing.vans_for(own)
    assert f"Let van {reserve.number} drive, room for {reserve.capacity_cartons}" in page
    answer = desk.post(f"/delivery/tours/{own.uuid}/van", {"vehicle": reserve.number})
    assert answer.headers["Location"] == f"/delivery/?date={ahead.date}"
    page = desk.get(f"/delivery/?date={ahead.date}")
    assert "is in repair: " not in page.content.decode()
    [papers] = page.context["papers"]
    assert (papers.vehicle, papers.from_vehicle) == (reserve, tour.vehicle)
    assert desk.post(f"/delivery/papers/{papers.pk}/written").status_code == 303
    assert desk.get(f"/delivery/?date={ahead.date}").context["papers"] == []
    assert desk.post(f"/delivery/tours/{own.uuid}/van", {"vehicle": "none"}).status_code == 404
    assert desk.post(f"/delivery/repairs/{order.pk}/mended").status_code == 303
    page = desk.get(f"/delivery/?date={ahead.date}").content.decode()
    assert f"Van {tour.vehicle.number} is back; van {reserve.number} is to drive for it: " in page
    assert desk.post(f"/delivery/tours/{own.uuid}/van", {"vehicle": tour.vehicle.number}).status_code == 303
    assert "is back;" not in desk.get(f"/delivery/?date={ahead.date}").content.decode()
    assert desk.post(f"/delivery/repairs/{order.pk}/mended").status_code == 404
