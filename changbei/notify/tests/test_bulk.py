"""Notices in bulk: queries, own words, and what happens while they go out."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changbei.core import clock as core_clock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.journal.models import Entry
from changbei.network.models import Line, Retailer
from changbei.notify import (
    audiences,
    bulk,
    calls,
    claims,
    fanout,
    jobs,
    personal,
    reminding,
    rules,
    services,
    steering,
)
from changbei.notify.audiences import Query
from changbei.notify.bulk import Draft
from changbei.notify.channels.sms import shared_twin
from changbei.notify.confirming import Confirm
from changbei.notify.models import CallList, Message, Notice, Urgency
from changbei.notify.recipients import of_person
from changbei.notify.services import NewNotice
from changbei.people import access
from changbei.people.models import Absence, Person, PostHolding

pytestmark = pytest.mark.django_db
State = Message.State

TITLE = {"zh-Hans": "停送", "en": "No delivery"}
BODY = {
    "zh-Hans": "{retailer}：明日停送，线路{line}。",
    "en": "{retailer}: no delivery tomorrow, line {line}.",
}


@pytest.fixture
def carrier(settings, small_city, clock):
    settings.SMS_GATEWAY_URL, settings.EMAIL_URL = "twin:", ""
    shared_twin().clear()
    yield shared_twin()
    shared_twin().clear()


@pytest.fixture
def office(carrier) -> Person:
    return PostHolding.objects.filter(post__kind="leading-group-office").order_by("rank")[0].person


def driver() -> Person:
    return Person.objects.filter(job="driver").order_by("pk")[0]


def draft(**more: Any) -> Draft:
    given = {"query": Query(everybody=True), "title": TITLE, "body": BODY, "channels": ("sms",)} | more
    return Draft(**given)


def deliver() -> None:
    while jobs.send_due(kinds=["sms"]):
        pass


def crowd(number: int) -> None:
    """As many more shops as are missing to `number`, all beside the first."""
    columns = [
        str(one.column)
        for one in Retailer._meta.concrete_fields
        if one.name not in {"id", "uuid", "licence_no", "phone", "name"}
    ]
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO network_retailer (uuid, licence_no, phone, name, {names})"
            f" SELECT gen_random_uuid(), 'X' || g, '139' || lpad(g::text, 8, '0'), '店' || g, {names}"
            " FROM generate_series(1, %s) g, (SELECT * FROM network_retailer ORDER BY id LIMIT 1) r",
            [number - Retailer.objects.count()],
        )


# ---------------------------------------------------------------- queries


def test_all_that_a_query_says_must_hold(carrier) -> None:
    first = Retailer.objects.order_by("pk")[0]
    Retailer.objects.filter(line=first.line).exclude(pk=first.pk).update(is_key=False)
    Retailer.objects.filter(pk=first.pk).update(is_key=True, settlement="cash")
    query = audiences.read({"lines": [first.line.code], "key": True, "settlement": "cash"})
    assert [one.pk for one in audiences.retailers(query)] == [first.pk]
    others = audiences.read({"lines": [first.line.code], "key": False})
    assert set(audiences.retailers(others)) == set(
        Retailer.objects.filter(line=first.line).exclude(pk=first.pk)
    )


def test_an_area_a_manager_a_day_and_tiers(carrier) -> None:
    shop = Retailer.objects.order_by("pk")[10]
    e, n, d = shop.longitude, shop.latitude, 0.01
    area = {
        "type": "Polygon",
        "coordinates": [[[e - d, n - d], [e + d, n - d], [e + d, n + d], [e - d, n + d], [e - d, n - d]]],
    }
    inside = Retailer.objects.filter(longitude__range=(e - d, e + d), latitude__range=(n - d, n + d))
    assert set(audiences.retailers(audiences.read({"area": area}))) == set(inside)
    manager = shop.customer_manager
    found = audiences.retailers(
        audiences.read({"managers": [manager.staff_no], "order_days": [shop.order_weekday]})
    )
    assert set(found) == set(
        Retailer.objects.filter(customer_manager=manager, order_weekday=shop.order_weekday)
    )
    tiers = audiences.retailers(audiences.read({"tier_from": 10, "tier_to": 12}))
    assert set(tiers) == set(Retailer.objects.filter(supply_tier__in=[10, 11, 12]))


def test_who_closed_is_told_nothing(carrier) -> None:
    Retailer.objects.filter(pk__in=Retailer.objects.order_by("pk")[:7].values("pk")).update(active=False)
    assert audiences.retailers(Query(everybody=True)).count() == 293


def test_staff_by_job(carrier) -> None:
    assert set(audiences.people(audiences.read({"kind": "people", "jobs": ["driver"]}))) == set(
        Person.objects.filter(job="driver", active=True)
    )


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, ["audience"]),
        ({"everybody": False}, ["audience"]),
        ({"colour": "red"}, ["colour", "audience"]),
        ({"tier_from": 31}, ["tier_from"]),
        ({"tier_from": True}, ["tier_from"]),
        ({"order_days": [0]}, ["order_days"]),
        ({"lines": "L1"}, ["lines"]),
        ({"of": "nothing:1"}, ["of"]),
        ({"kind": "people", "key": True}, ["key"]),
        ({"jobs": ["driver"], "everybody": True}, ["jobs"]),
        ({"kind": "ghosts"}, ["kind"]),
    ],
)
def test_what_is_no_query_is_refused(given: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(Invalid) as error:
        audiences.read(given)
    assert [one.field for one in error.value.problems][: len(fields)] == fields[: len(error.value.problems)]


def test_a_query_is_the_same_after_it_was_kept(carrier) -> None:
    query = audiences.read({"tier_from": 3, "key": False, "order_days": [1, 2], "lines": ["L1"]})
    assert query.to_json() == {
        "kind": "retailers",
        "tier_from": 3,
        "key": False,
        "order_days": [1, 2],
        "lines": ["L1"],
    }
    assert audiences.read(query.to_json()) == query


def test_values_from_the_register_and_from_rooms_above_lie_beside_each_customer(carrier, monkeypatch) -> None:
    first, second, third = Retailer.objects.order_by("pk")[:3]
    days = {first.pk: "10-01", second.pk: {"zh-Hans": "明日", "en": "tomorrow"}}
    monkeypatch.setitem(personal._declared, "day", lambda shops: days)
    words = {"zh-Hans": "{retailer} {line} {day} 100%"}
    new = NewNotice(
        "test", words, words, Urgency.BULK, channels=("sms",), personal=("day", "line", "retailer")
    )
    shops = Retailer.objects.filter(pk__in=[first.pk, second.pk, third.pk], name__contains="").order_by("-pk")
    notice = fanout.tell_retailers(new, shops, actor=None)
    rows = list(notice.messages.order_by("pk").values_list("retailer", "address", "values"))
    assert rows == [
        (one.pk, one.phone, {"retailer": one.name, "line": one.line.name} | own)
        for one, own in ((third, {}), (second, {"day": days[second.pk]}), (first, {"day": "10-01"}))
    ]
    assert fanout.tell_retailers(new, Retailer.objects.none(), actor=None).messages.count() == 0


def test_the_preview_counts_samples_and_says_who_cannot_be_reached(office) -> None:
    Retailer.objects.filter(pk__in=Retailer.objects.order_by("pk")[:4].values("pk")).update(phone="")
    Retailer.objects.filter(pk=Retailer.objects.order_by("pk")[4].pk).update(phone="call me")
    found = bulk.preview(Query(everybody=True), ["sms"], actor=office)
    assert (found.count, found.unreachable, found.reachable) == (300, 5, 295)
    assert found.managers == Retailer.objects.values("customer_manager").distinct().count()
    assert len(found.sample) == 5
    assert found.sample == bulk.preview(Query(everybody=True), ["sms"], actor=office).sample
    assert bulk.preview(Query(everybody=True), ["sms", "paper"], actor=office).unreachable == 0
    assert Notice.objects.count() == 0


# ---------------------------------------------------------------- sending


def test_everybody_is_told_by_name_with_one_wording(office, carrier) -> None:
    line = Line.objects.order_by("pk")[0]
    notice = bulk.send(draft(query=Query(lines=(line.code,))), actor=office)
    shops = list(Retailer.objects.filter(line=line))
    assert notice.body == BODY and notice.personal == ["line", "retailer"] and notice.by == office
    assert notice.messages.count() == len(shops) > 5
    deliver()
    for shop in shops:
        assert carrier.to(shop.phone) == [f"停送：{shop.name}：明日停送，线路{line.name['zh-Hans']}。"]
    kept = notice.messages.values_list("values", flat=True)[0]
    assert set(kept) == {"retailer", "line"}


def test_words_that_are_the_same_for_all_leave_no_values(office) -> None:
    notice = bulk.send(draft(body={"zh-Hans": "明日停送。"}), actor=office)
    assert notice.messages.filter(values__isnull=True).count() == 300


def test_thousands_are_frozen_in_a_few_statements_and_on_record(office) -> None:
    crowd(3_000)
    with CaptureQueriesContext(connection) as captured:
        notice = bulk.send(draft(), actor=office)
    assert len(captured) < 20
    assert notice.messages.count() == notice.messages.values("retailer").distinct().count() == 3_000
    assert notice.messages.filter(state=State.QUEUED, due_at=core_clock.now(), channel="sms").count() == 3_000
    fact = Entry.objects.get(kind="notify.told").data
    assert fact["recipients"] == 3_000 and fact["messages"] == {"sms:queued": 3_000}
    assert fact["audience"] == {"kind": "retailers", "everybody": True}
    Retailer.objects.update(active=False)
    assert notice.messages.count() == 3_000


def test_the_rows_are_those_that_the_rules_say(office) -> None:
    """Odd numbers and names: a row of COPY is what a row of a single message would be."""
    odd = ["", "call me", "+86 13900000001", "0517-8390 0002", "1390000000x", "12", "(0517) 83900002"]
    names = ["店\t一", "店\\二", "店\n三", "{店}", "店五", "店六", "店七"]
    shops = list(Retailer.objects.order_by("pk")[:7])
    for shop, phone, name in zip(shops, odd, names, strict=True):
        Retailer.objects.filter(pk=shop.pk).update(phone=phone, name=name)
    notice = bulk.send(draft(), actor=office)
    for shop, phone, name in zip(shops, odd, names, strict=True):
        message = notice.messages.get(retailer=shop)
        reachable = bool(rules.address_of(rules.Recipient("retailer", shop.pk, "", phone), "sms"))
        assert message.address == (phone if reachable else "")
        assert message.state == (State.QUEUED if reachable else State.UNREACHABLE)
        assert message.values["retailer"] == name
    assert [bool(rules.address_of(rules.Recipient("retailer", 1, "", one), "sms")) for one in odd] == [
        False,
        False,
        True,
        True,
        False,
        False,
        False,
    ]


def test_an_audience_of_nobody_is_refused_and_nothing_is_left(office) -> None:
    with pytest.raises(Invalid, match="nobody is like that"):
        bulk.send(draft(query=Query(lines=("no such line",))), actor=office)
    assert Notice.objects.count() == 0 and not Entry.objects.filter(kind="notify.told").exists()


def test_who_may_not_send_sends_nothing(office) -> None:
    with pytest.raises(NotAllowed):
        bulk.send(draft(), actor=driver())
    assert Notice.objects.count() == 0


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"title": {"en": "only English"}}, "title"),
        ({"body": {"zh-Hans": "括号 { 不成对"}}, "body"),
        ({"body": {"zh-Hans": "{password}"}}, "body"),
        ({"body": {"zh-Hans": "长" * 1001}}, "body"),
        ({"channels": ()}, "channels"),
        ({"channels": ("pigeon",)}, "channels"),
        ({"drill": True}, "drill"),
    ],
)
def test_what_cannot_be_said_is_refused(office, more: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        bulk.send(draft(**more), actor=office)
    assert [one.field for one in error.value.problems] == [field]
    assert Notice.objects.count() == 0


def test_a_drill_goes_to_customers_only_when_that_is_ticked_and_says_so(office, carrier) -> None:
    one = Retailer.objects.order_by("pk")[0]
    query = Query(lines=(one.line.code,))
    notice = bulk.send(draft(query=query, drill=True, outside_in_drill=True), actor=office)
    assert notice.title["zh-Hans"] == "【演练】停送" and notice.drill
    deliver()
    assert carrier.to(one.phone)[0].startswith("【演练】停送：")
    assert Entry.objects.get(kind="notify.told").drill is True


def test_a_drill_to_colleagues_needs_no_tick(office) -> None:
    notice = bulk.send(
        draft(
            query=Query(kind="people", jobs=("driver",)),
            drill=True,
            channels=("inbox",),
            body={"zh-Hans": "演习。"},
        ),
        actor=office,
    )
    assert notice.messages.count() == Person.objects.filter(job="driver").count()
    assert set(notice.messages.values_list("state", flat=True)) == {State.DELIVERED}


# ---------------------------------------------------------------- while it goes out


def test_pause_keeps_back_what_is_left_and_resume_lets_it_go(office, carrier) -> None:
    notice = bulk.send(draft(), actor=office)
    assert jobs.send_due(limit=40, kinds=["sms"]) == 40
    assert steering.pause(notice, actor=office) == 260
    assert jobs.send_due(kinds=["sms"]) == 0
    with pytest.raises(Conflict):
        steering.pause(notice, actor=office)
    assert steering.progress(notice).left == 260 and steering.progress(notice).out == 40
    assert steering.resume(notice, actor=office) == 260
    deliver()
    assert steering.progress(notice).out == 300 and len(carrier.texts) == 300
    kinds = (
        Entry.objects.filter(kind__startswith="notify.notice_").order_by("pk").values_list("kind", flat=True)
    )
    assert list(kinds) == ["notify.notice_paused", "notify.notice_resumed"]


def test_what_a_worker_gives_back_while_it_is_paused_waits(office, carrier) -> None:
    notice = bulk.send(draft(query=Query(lines=(Line.objects.order_by("pk")[0].code,))), actor=office)
    first = notice.messages.order_by("pk")[0]
    carrier.refuse(first.address, 503)
    jobs.send_due(kinds=["sms"])
    first.refresh_from_db()
    assert first.state == State.QUEUED and first.due_at is not None
    steering.pause(notice, actor=office)
    first.refresh_from_db()
    assert first.due_at is None


def test_what_waits_its_turn_waits_as_long_after_a_pause_as_it_had_to_before(office, carrier, clock) -> None:
    words = {"zh-Hans": "请确认"}
    confirm = Confirm(1, 300, (of_person(driver()),))
    new = NewNotice("test", words, words, Urgency.IMMEDIATE, needs_acknowledgement=True, confirm=confirm)
    notice = services.tell(new, [of_person(office)])
    waiting = notice.messages.get(channel="sms", rung__gt=2)
    wait = waiting.due_at - clock.now()
    clock.advance(timedelta(seconds=60))
    assert steering.pause(notice, actor=office) == 2  # the text of now, and the second one
    clock.advance(timedelta(hours=3))
    assert (jobs.send_due(), reminding.remind_due(), reminding.next_due()) == (0, 0, None)
    assert steering.resume(notice, actor=office) == 2
    waiting.refresh_from_db()
    assert waiting.due_at == clock.now() + wait - timedelta(seconds=60) and waiting.held_seconds is None
    notice.refresh_from_db()
    assert notice.confirm_due_at == clock.now() + timedelta(seconds=240)
    assert jobs.send_due(kinds=["sms"]) == 1 and len(carrier.texts) == 1


def test_what_a_dead_worker_had_in_hand_waits_for_the_end_of_a_pause(office, carrier, clock) -> None:
    notice = bulk.send(draft(), actor=office)
    lease_until = clock.now() + timedelta(seconds=120)
    assert len(claims.claim("sms", clock.now(), lease_until, 5)) == 5
    assert steering.pause(notice, actor=office) == 295
    clock.advance(timedelta(days=2))
    assert jobs.send_due(kinds=["sms"]) == 5
    assert steering.progress(notice).states == {State.QUEUED: 300} and carrier.texts == []
    assert jobs.next_due() is None
    assert steering.resume(notice, actor=office) == 300
    deliver()
    assert steering.progress(notice).out == 300


def test_reminders_that_are_held_back_end_when_enough_have_confirmed(office, carrier, clock) -> None:
    words = {"zh-Hans": "请确认"}
    new = NewNotice("test", words, words, Urgency.IMMEDIATE, confirm=Confirm(1, 3_600))
    notice = services.tell(new, [of_person(office), of_person(driver())])
    steering.pause(notice, actor=office)
    services.acknowledge(notice, driver(), actor=driver())
    own = notice.messages.filter(person=office, channel="sms").order_by("rung")
    assert [one.state for one in own] == [State.QUEUED, State.STOPPED]
    steering.resume(notice, actor=office)
    clock.advance(timedelta(hours=1))
    jobs.send_due(kinds=["sms"])
    assert [one.state for one in own.all()] == [State.HANDED, State.STOPPED]


def test_cancel_is_for_good(office, carrier) -> None:
    notice = bulk.send(draft(), actor=office)
    jobs.send_due(limit=10, kinds=["sms"])
    assert steering.cancel(notice, actor=office) == 290
    assert jobs.send_due(kinds=["sms"]) == 0
    assert steering.progress(notice).states == {State.HANDED: 10, State.STOPPED: 290}
    for verb in (steering.cancel, steering.pause, steering.resume, steering.retry_failed):
        with pytest.raises(Conflict):
            verb(notice, actor=office)


def test_failed_ones_are_tried_again_with_the_number_of_today(office, carrier) -> None:
    line = Line.objects.order_by("pk")[0]
    wrong, lost, fine = Retailer.objects.filter(line=line).order_by("pk")[:3]
    carrier.refuse(wrong.phone, 422)
    notice = bulk.send(draft(query=Query(lines=(line.code,))), actor=office)
    deliver()
    notice.messages.filter(retailer=lost).update(state=State.FAILED, due_at=None)
    before = dict(notice.messages.values_list("retailer_id", "uuid"))
    Retailer.objects.filter(pk=wrong.pk).update(phone="13911112222")
    refused = notice.messages.get(retailer=wrong)
    assert refused.state in {State.FAILED, State.REFUSED}
    assert steering.retry_failed(notice, actor=office) == 2
    deliver()
    assert len(carrier.to("13911112222")) == 1
    assert len(carrier.to(fine.phone)) == 1
    after = dict(notice.messages.values_list("retailer_id", "uuid"))
    # The carrier had taken and lost one: a new key, or it would not be sent. It had never taken the other: the old one.
    assert after[lost.pk] != before[lost.pk] and after[wrong.pk] == before[wrong.pk]
    assert steering.progress(notice).failed == 0
    with pytest.raises(Conflict):
        steering.retry_failed(notice, actor=office)


def test_a_refused_number_that_nobody_mended_is_not_tried(office, carrier) -> None:
    notice = bulk.send(draft(query=Query(lines=(Line.objects.order_by("pk")[0].code,))), actor=office)
    notice.messages.update(state=State.REFUSED, due_at=None)
    with pytest.raises(Conflict):
        steering.retry_failed(notice, actor=office)


@pytest.fixture
def department(carrier) -> Person:
    return PostHolding.objects.filter(post__kind="marketing-department-head").order_by("pk")[0].person


def test_a_department_tells_its_own_customers_and_colleagues(department, office) -> None:
    units = access.units_with(department, "notify.send")
    own = Retailer.objects.filter(active=True, customer_manager__unit__in=units)
    assert 0 < own.count() < Retailer.objects.filter(active=True).count()
    assert bulk.preview(Query(everybody=True), ["sms"], actor=department).count == own.count()
    notice = bulk.send(draft(), actor=department)
    assert set(notice.messages.values_list("retailer", flat=True)) == set(own.values_list("pk", flat=True))
    assert notice.audience["units"]
    asked = Query(kind="people", everybody=True)
    told = bulk.send(draft(query=asked, body=TITLE, channels=("inbox",)), actor=department)
    assert set(told.messages.values_list("person__unit", flat=True)) <= units
    with pytest.raises(Invalid, match="units"):
        bulk.send(draft(query=Query(units=(office.unit.code,))), actor=department)


def test_a_notice_is_held_by_the_unit_it_is_of(department, office) -> None:
    own, other = bulk.send(draft(), actor=department), bulk.send(draft(), actor=office)
    colleague = PostHolding.objects.filter(post__kind="marketing-department-head").order_by("-pk")[0].person
    assert colleague.unit_id != department.unit_id
    for actor, notice in ((department, other), (colleague, own)):
        for verb in (steering.pause, steering.cancel, steering.tell_in_person):
            with pytest.raises(NotAllowed):
                verb(notice, actor=actor)
    assert steering.pause(own, actor=department) and steering.resume(own, actor=office)


def test_customers_are_asked_for_by_the_unit_of_their_manager(office) -> None:
    unit = Person.objects.filter(job="customer_manager").order_by("pk")[0].unit
    found = audiences.retailers(audiences.read({"units": [unit.code]}))
    assert found and {one.customer_manager.unit for one in found} == {unit}


def test_who_knows_already_is_not_tried_again(office, carrier) -> None:
    line = Line.objects.order_by("pk")[0]
    visited, silent, *_ = shops = Retailer.objects.filter(line=line).order_by("pk")
    notice = bulk.send(draft(query=Query(lines=(line.code,))), actor=office)
    notice.messages.update(state=State.DELIVERED, due_at=None)
    notice.messages.filter(retailer__in=[visited, silent]).update(state=State.FAILED)
    made = steering.tell_in_person(notice, actor=office)
    call = made.calls.get(retailer=visited)
    calls.record_call(call, "visited", actor=call.caller)
    assert steering.retry_failed(notice, actor=office) == 1
    deliver()
    assert [len(carrier.to(one.phone)) for one in (visited, silent, shops[2])] == [0, 1, 0]


def test_only_who_may_send_may_steer(office) -> None:
    notice = bulk.send(draft(), actor=office)
    for verb in (
        steering.cancel,
        steering.pause,
        steering.resume,
        steering.retry_failed,
        steering.tell_in_person,
    ):
        with pytest.raises(NotAllowed):
            verb(notice, actor=driver())
    notice.refresh_from_db()
    assert notice.paused_at is None and notice.stopped_at is None


# ---------------------------------------------------------------- paper


def test_whom_no_wire_reaches_somebody_goes_to(office) -> None:
    Absence.objects.all().delete()
    unreached = list(Retailer.objects.order_by("pk")[:3])
    Retailer.objects.filter(pk__in=[one.pk for one in unreached]).update(phone="")
    notice = bulk.send(draft(channels=("sms", "paper")), actor=office)
    on_paper = notice.messages.filter(channel="paper")
    assert {one.retailer_id for one in on_paper} == {one.pk for one in unreached}
    assert steering.progress(notice).unreachable == 0
    made = CallList.objects.get(notice=notice.uuid)
    assert {one.retailer_id for one in made.calls.all()} == {one.pk for one in unreached}
    assert made.script["zh-Hans"] == "客户：明日停送，线路您的线路。"
    call = made.calls.order_by("pk")[0]
    calls.record_call(call, "visited", actor=call.caller)
    assert on_paper.get(retailer=call.retailer_id).state == State.ACKNOWLEDGED
    assert on_paper.filter(state=State.QUEUED).count() == 2


def test_those_who_turned_out_unreachable_are_handed_to_the_managers_once(office, carrier) -> None:
    notice = bulk.send(draft(), actor=office)
    lost = list(notice.messages.order_by("pk")[:2])
    notice.messages.exclude(pk__in=[one.pk for one in lost]).update(state=State.DELIVERED, due_at=None)
    notice.messages.filter(pk=lost[0].pk).update(state=State.REFUSED, due_at=None)
    notice.messages.filter(pk=lost[1].pk).update(state=State.FAILED, due_at=None)
    made = steering.tell_in_person(notice, actor=office)
    assert made is not None
    assert {one.retailer_id for one in made.calls.all()} == {one.retailer_id for one in lost}
    with pytest.raises(Conflict):
        steering.tell_in_person(notice, actor=office)


def test_nobody_phones_any_more_for_what_was_stopped(office, clock) -> None:
    Retailer.objects.filter(line=Line.objects.order_by("pk")[0]).update(phone="")
    notice = bulk.send(draft(channels=("sms", "paper")), actor=office)
    made = CallList.objects.get(notice=notice.uuid)
    caller = made.calls.order_by("pk")[0].caller
    assert calls.calls_of(caller).exists()
    steering.cancel(notice, actor=office)
    made.refresh_from_db()
    assert made.finished_at == clock.now()
    assert not calls.calls_of(caller).exists() and calls.unfinished() == []


def test_when_everybody_was_reached_nobody_has_to_go(office) -> None:
    notice = bulk.send(draft(), actor=office)
    notice.messages.update(state=State.DELIVERED, due_at=None)
    assert steering.tell_in_person(notice, actor=office) is None
    assert CallList.objects.count() == 0


def test_who_said_call_me_later_is_called_later(office, clock) -> None:
    made = calls.make_call_list(Retailer.objects.all(), title=TITLE, script=TITLE, actor=None)
    call = made.calls.order_by("pk")[0]
    with pytest.raises(Invalid, match="call_at"):
        calls.record_call(call, "call_back", actor=call.caller)
    with pytest.raises(Invalid, match="call_at"):
        calls.record_call(
            call, "call_back", call_at=core_clock.now() - timedelta(minutes=1), actor=call.caller
        )
    at = core_clock.now() + timedelta(hours=2)
    calls.record_call(call, "call_back", call_at=at, actor=call.caller)
    call.refresh_from_db()
    assert (call.outcome, call.call_at, call.tries) == ("call_back", at, 1)
    part = calls.progress(made).whole
    assert (part.call_back, part.left, part.done) == (1, 300, 0)
    calls.record_call(call, "refused", actor=call.caller)
    call.refresh_from_db()
    assert call.call_at is None and calls.progress(made).whole.left == 300


def test_so_many_colleagues_confirm_or_the_sender_is_told_who_has_not(office, clock) -> None:
    notice = bulk.send(
        draft(
            query=Query(kind="people", jobs=("technician",)),
            title={"zh-Hans": "到岗"},
            body={"zh-Hans": "请到机房。"},
            channels=("inbox",),
            confirm_at_least=2,
            confirm_within_seconds=600,
        ),
        actor=office,
    )
    first, second, *_ = [one.person for one in notice.messages.select_related("person").order_by("pk")]
    services.acknowledge(notice, first, actor=first)
    assert steering.confirmed(notice) == 1
    assert first.pk not in steering.recipients(notice, steering.UNCONFIRMED).values_list("person", flat=True)
    assert steering.recipients(notice, steering.UNCONFIRMED).filter(person=second).exists()
    clock.advance(timedelta(seconds=599))
    assert reminding.remind_due() == 0
    clock.advance(timedelta(seconds=1))
    assert reminding.remind_due() == 1
    told = Message.objects.get(person=office, channel="inbox", notice__template="not-confirmed")
    assert told.notice.title["zh-Hans"] == "仅 1/2 人确认：到岗"
    assert second.name in told.body and first.name not in told.body


def test_more_cannot_confirm_than_are_told(office) -> None:
    number = Person.objects.filter(job="technician", active=True).count()
    with pytest.raises(Invalid) as refused:
        bulk.send(
            draft(
                query=Query(kind="people", jobs=("technician",)),
                body=TITLE,
                channels=("inbox",),
                confirm_at_least=number + 1,
            ),
            actor=office,
        )
    assert [one.field for one in refused.value.problems] == ["confirm_at_least"]
    assert not Notice.objects.exists()


def test_the_preview_of_colleagues_says_who_cannot_be_reached(office) -> None:
    staff = Person.objects.filter(job="technician", active=True).order_by("pk")
    Person.objects.filter(pk=staff[0].pk).update(phone="", second_phone="", email="")
    query = Query(kind="people", jobs=("technician",))
    assert bulk.preview(query, ["sms"], actor=office).unreachable == 1
    assert bulk.preview(query, ["inbox"], actor=office).unreachable == 0


def test_who_has_no_browser_for_pushes_is_said_to_be_out_of_reach(office, settings) -> None:
    settings.PUSH_KEY = "given"
    query = Query(kind="people", jobs=("technician",))
    assert bulk.preview(query, ["push"], actor=office).reachable == 0
    notice = bulk.send(draft(query=query, body=TITLE, channels=("push",)), actor=office)
    found = set(notice.messages.values_list("channel", "state", "error"))
    assert found == {("push", "unreachable", "no browser takes pushes")}
    assert notice.messages.count() == Person.objects.filter(job="technician", active=True).count()
