"""Notices in bulk, public notices and paper, as people see them."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lxml import etree

from changbei.core import clock as core_clock
from changbei.core.texts import LANGUAGES
from changbei.incidents import bulletins, cap
from changbei.incidents import services as incidents
from changbei.incidents.models import Bulletin, Suspension
from changbei.incidents.services.customers import public_notice
from changbei.incidents.tests import people as cast
from changbei.network.models import Line, Retailer
from changbei.notify import calls, steering
from changbei.notify.models import Call, Message, Notice
from changbei.people.models import Person, PostHolding
from changbei.web.kept import Shelf
from changbei.web.tests.conftest import client_of
from changbei.web.tests.test_api import Caller
from changbei.web.views import public

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adopted")]
ATOM = "{http://www.w3.org/2005/Atom}"
SCHEMA = Path(__file__).resolve().parents[4] / "shared" / "data" / "cap" / "xsd" / "CAP-v1.2.xsd"


@pytest.fixture
def office(settings: Any) -> Client:
    settings.SMS_GATEWAY_URL, settings.EMAIL_URL = "twin:", ""
    holding = PostHolding.objects.filter(post__kind="leading-group-office").order_by("rank")[0]
    return client_of(holding.person, "office")


@pytest.fixture
def driver() -> Client:
    return client_of(Person.objects.filter(job="driver").order_by("pk")[0], "driver")


def whole(drill: bool = False) -> Suspension:
    data = {"phenomenon": "typhoon", "area": cast.box(), "colour": "orange"}
    incident = incidents.report("severe-weather", data, actor=None, source="web", drill=drill).incident
    now = core_clock.now()
    return incidents.suspend(
        incident,
        area=cast.box(),
        starts_at=now,
        ends_at=now + timedelta(hours=9),
        reason="台风",
        scope="whole",
        actor=cast.head(),
    )


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant", "en"])
def test_the_way_to_the_public_notices_keeps_the_readers_language(office: Client, language: str) -> None:
    page = office.get("/broadcasts/", headers={"Accept-Language": language}).content.decode()
    assert f'href="/notices/in/{language}/"' in page


def form(**more: Any) -> dict[str, Any]:
    given = {
        "kind": "retailers",
        "title_hans": "停送",
        "body_hans": "{retailer}：明日停送。",
        "channels": ["sms"],
        "urgency": "3",
    }
    return given | more


# ---------------------------------------------------------------- new notice


def test_the_preview_counts_who_is_like_that(office: Client) -> None:
    line = Line.objects.order_by("pk")[0]
    number = Retailer.objects.filter(line=line).count()
    page = office.post("/broadcasts/new/preview", form(lines=[line.code])).content.decode()
    assert f">{number}<" in page.replace("\n", "") and "For example" in page
    shop = Retailer.objects.get(name=re.findall(r"<strong>([^<]+)</strong>", page)[0])
    assert f"{shop.name}：明日停送。" in page
    assert Notice.objects.filter(audience__isnull=False).count() == 0


def test_a_query_that_says_nothing_asks_for_more(office: Client) -> None:
    page = office.post("/broadcasts/new/preview", form()).content.decode()
    assert "Draw an area, or choose. The number appears here." in page and "cb-error" not in page
    page = office.post("/broadcasts/new/", form()).content.decode()
    assert "say who is told, or that it is everybody" in page


def test_sending_leads_to_the_page_that_follows_it(office: Client) -> None:
    line = Line.objects.order_by("pk")[0]
    response = office.post("/broadcasts/new/", form(lines=[line.code]))
    notice = Notice.objects.get(audience__isnull=False)
    assert response.status_code == 303 and response.headers["Location"] == f"/broadcasts/{notice.uuid}/"
    assert notice.messages.count() == Retailer.objects.filter(line=line).count()
    page = office.get(f"/broadcasts/{notice.uuid}/").content.decode()
    assert "客户：明日停送。" in page and "Pause" in page
    assert notice.audience == {"kind": "retailers", "lines": [line.code]}


def test_the_same_form_sent_twice_is_one_notice(office: Client) -> None:
    """The back button, and once more."""
    line = Line.objects.order_by("pk")[0]
    key = re.findall(r'name="once" value="([^"]+)"', office.get("/broadcasts/new/").content.decode())[0]
    answers = [office.post("/broadcasts/new/", form(lines=[line.code], once=key)) for _again in range(2)]
    assert {one.headers["Location"] for one in answers} == {f"/broadcasts/{key}/"}
    notice = Notice.objects.get(audience__isnull=False)
    assert notice.messages.count() == Retailer.objects.filter(line=line).count()
    other = re.findall(r'name="once" value="([^"]+)"', office.get("/broadcasts/new/").content.decode())[0]
    assert other != key


def test_colleagues_by_their_job_in_words_are_asked_to_confirm(office: Client) -> None:
    page = office.get("/broadcasts/new/").content.decode()
    assert '<option value="warehouse_keeper">Warehouse keeper</option>' in page
    asked = form(kind="people", jobs=["technician"], channels=["inbox", "sms"], body_hans="请到机房。")
    office.post("/broadcasts/new/", asked | {"confirm_at_least": "2", "confirm_minutes": "5"})
    notice = Notice.objects.get(audience__isnull=False)
    assert (notice.needs_acknowledgement, notice.confirm_at_least) == (True, 2)
    assert notice.confirm_due_at == notice.created_at + timedelta(minutes=5)
    notice.messages.filter(channel="sms").update(state="stopped", error="acknowledged")
    page = office.get(f"/broadcasts/{notice.uuid}/?state=unconfirmed").content.decode()
    assert "0 / 2" in page and "Not confirmed yet" in page and "confirmed already" in page


def test_nobody_is_refused_with_the_form(office: Client) -> None:
    Retailer.objects.update(is_key=False)
    response = office.post("/broadcasts/new/", form(key="yes"))
    assert response.status_code == 422
    assert "there is no one to tell" in response.content.decode()
    assert not Notice.objects.filter(audience__isnull=False).exists()


def test_a_driver_sends_nothing_and_sees_no_way_to(driver: Client, office: Client) -> None:
    assert 'href="/broadcasts/"' in office.get("/tasks/").content.decode()
    assert 'href="/broadcasts/"' not in driver.get("/tasks/").content.decode()
    assert driver.get("/broadcasts/new/").status_code == 403
    assert driver.post("/broadcasts/new/", form(everybody="on")).status_code == 403
    assert not Notice.objects.filter(audience__isnull=False).exists()


def test_the_words_of_a_template_with_what_is_known_of_a_suspension(office: Client) -> None:
    suspension = whole()
    page = office.get(f"/broadcasts/new/?of=suspension:{suspension.uuid}&template=service-suspended")
    body = page.context["form"].initial["body_hans"]
    assert body.startswith("{retailer}：受台风影响，您所在区域自")
    response = office.post("/broadcasts/new/", form(of=f"suspension:{suspension.uuid}", body_hans=body))
    assert response.status_code == 303
    notice = Notice.objects.get(audience__isnull=False)
    assert notice.messages.count() == suspension.retailers.count()


def test_pause_go_on_and_stop(office: Client) -> None:
    office.post("/broadcasts/new/", form(everybody="on"))
    notice = Notice.objects.get(audience__isnull=False)
    for verb, due in (("pause", 0), ("resume", 300), ("cancel", 0)):
        assert office.post(f"/broadcasts/{notice.uuid}/{verb}").status_code == 303
        assert notice.messages.filter(due_at__isnull=False).count() == due
    assert steering.progress(notice).stopped == 300
    refused = notice.messages.order_by("pk")[7]
    notice.messages.filter(pk=refused.pk).update(state="refused", error="no such number")
    page = office.get(f"/broadcasts/{notice.uuid}/").content.decode()
    assert "1–50 / 300" in page and "Not needed any more 299" in page and "Refused by the carrier 1" in page
    page = office.get(f"/broadcasts/{notice.uuid}/?state=refused").content.decode()
    assert refused.retailer.name in page and f"{refused.address} · no such number" in page
    assert page.count("cb-people-state") == 1
    assert office.post(f"/broadcasts/{notice.uuid}/pause").status_code == 409


def test_in_a_drill_customers_are_told_only_when_ticked(office: Client) -> None:
    response = office.post("/broadcasts/new/", form(everybody="on", drill="on"))
    assert response.status_code == 422 and not Notice.objects.filter(audience__isnull=False).exists()
    office.post("/broadcasts/new/", form(everybody="on", drill="on", outside_in_drill="on"))
    assert Notice.objects.get(audience__isnull=False).title["zh-Hans"] == "【演练】停送"


# ---------------------------------------------------------------- the public


@pytest.mark.clause("E3.2.1")
def test_the_public_page_needs_no_login_no_session_and_one_question_at_most(client: Client) -> None:
    suspension = whole()
    public_notice(suspension, "public-suspended", actor=None)
    first = client.get("/notices/in/en/")
    assert first.status_code == 200 and "In force" in first.content.decode()
    assert "台风" in first.content.decode() and not first.cookies
    assert first.headers["Cache-Control"].startswith("public, max-age=30")
    with CaptureQueriesContext(connection) as captured:
        again = client.get("/notices/in/en/")
    assert len(captured) == 1 and again.content == first.content
    unchanged = client.get("/notices/in/en/", headers={"if-none-match": first.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_the_public_page_stands_under_load_and_without_the_database(
    client: Client, clock: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    public_notice(whole(), "public-suspended", actor=None)
    looks: list[str] = []

    def version() -> str:
        looks.append(public.VERSION)
        return "1"

    def away() -> str:
        looks.append(public.VERSION)
        raise OperationalError("no connection")

    shelf = Shelf(version, tmp_path, look_seconds=60)
    monkeypatch.setattr(public, "SHELF", shelf)
    first = client.get("/notices/in/en/").content.decode()
    with CaptureQueriesContext(connection) as captured:
        for _ in range(100):
            assert client.get("/notices/in/en/").content.decode() == first
    assert (len(looks), len(captured)) == (1, 0)

    clock.advance(timedelta(minutes=5))
    restarted = Shelf(away, tmp_path, look_seconds=60)
    for gone in (restarted, shelf):
        gone._ask, gone._looks_again = away, 0.0
        monkeypatch.setattr(public, "SHELF", gone)
        answer = client.get("/notices/in/en/")
        page = answer.content.decode()
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert "As of" in page and "09:40" in page and "may have changed since" in page
        assert "In force" in page and "may have changed since" not in first
        assert client.get("/notices/in/zh-hant/").status_code == 503  # nobody had asked for it
    assert len(looks) == 3


def test_what_changes_is_seen_at_once_and_what_runs_out_ends(client: Client, clock: Any) -> None:
    suspension = whole()
    public_notice(suspension, "public-suspended", actor=None)
    before = client.get("/notices/in/en/")
    clock.advance(timedelta(hours=10))
    assert "No public notice is in force" in client.get("/notices/in/en/").content.decode()
    incidents.extend(suspension, core_clock.now() + timedelta(hours=5), actor=cast.head())
    page = client.get("/notices/in/en/", headers={"if-none-match": before.headers["ETag"]})
    assert page.status_code == 200 and "Changed, in force" in page.content.decode()
    incidents.resume(suspension, actor=cast.head())
    public_notice(Suspension.objects.get(pk=suspension.pk), "public-resumed", actor=None)
    page = client.get("/notices/in/en/")
    assert (
        "No public notice is in force" in page.content.decode() and "Service is back" in page.content.decode()
    )


def test_a_drill_is_never_public(client: Client) -> None:
    suspension = whole(drill=True)
    public_notice(suspension, "public-suspended", actor=None)
    made = Bulletin.objects.get()
    assert made.drill and "No public notice is in force" in client.get("/notices/in/en/").content.decode()
    assert client.get(f"/notices/{made.uuid}/en/").status_code == 404
    assert client.get(f"/notices/{made.uuid}.cap.xml").status_code == 404
    assert str(made.uuid) not in client.get("/notices/feed.atom").content.decode()
    assert b"<status>Exercise</status>" in bulletins.cap(made, sender="a@b.example")


@pytest.mark.clause("E3.2.1")
def test_the_chain_of_cap_messages_is_what_our_own_strict_reader_accepts(client: Client, clock: Any) -> None:
    suspension = whole()
    public_notice(suspension, "public-suspended", actor=None)
    clock.advance(timedelta(hours=1))
    incidents.extend(suspension, suspension.ends_at + timedelta(hours=3), actor=cast.head())
    clock.advance(timedelta(days=2))  # nobody resumed in time
    incidents.resume(suspension, actor=cast.head())
    public_notice(Suspension.objects.get(pk=suspension.pk), "public-resumed", actor=None)
    made = list(Bulletin.objects.order_by("number"))
    assert [one.kind for one in made] == ["suspended", "changed", "resumed"]
    before: list[cap.Reference] = []
    for one, msg_type in zip(made, ("Alert", "Update", "Cancel"), strict=True):
        response = client.get(f"/notices/{one.uuid}.cap.xml")
        assert response.headers["Content-Type"] == "application/cap+xml; charset=utf-8"
        found = cap.read(response.content, strict=True)
        assert (found.verdict, found.reasons) == ("accepted", ())
        assert found.alert is not None
        assert (found.alert.msg_type, found.alert.references) == (msg_type, tuple(before))
        assert [info.language for info in found.alert.infos] == ["zh-CN", "zh-TW", "en-US"]
        assert [info.headline for info in found.alert.infos] == [one.title[name] for name in LANGUAGES]
        assert found.alert.lifts == (msg_type == "Cancel")
        if SCHEMA.exists():
            etree.XMLSchema(etree.parse(SCHEMA)).assertValid(etree.fromstring(response.content))
        before.append(found.alert.identity)
    everything = client.get("/notices/feed.atom").content
    assert len(cap.unpack(everything).parts) == 3  # each leads to its message


def test_the_feed_leads_to_every_page(client: Client) -> None:
    public_notice(whole(), "public-suspended", actor=None)
    response = client.get("/notices/en/feed.atom")
    root = ElementTree.fromstring(response.content)
    [entry] = root.findall(f"{ATOM}entry")
    made = Bulletin.objects.get()
    assert entry.findtext(f"{ATOM}id") == f"urn:uuid:{made.uuid}"
    links = {link.get("rel"): link.get("href", "") for link in entry.findall(f"{ATOM}link")}
    assert links["alternate"].endswith(f"/notices/{made.uuid}/en/")
    assert links["enclosure"].endswith(f"/notices/{made.uuid}.cap.xml")
    assert client.get(f"/notices/{made.uuid}/en/").status_code == 200


def test_three_ready_texts_come_from_the_same_decision(client: Client) -> None:
    suspension = whole()
    made = public_notice(suspension, "public-suspended", actor=None)
    assert [one.medium for one in made] == ["tv", "radio", "mobile"]
    assert {one.bulletin_id for one in made} == {Bulletin.objects.get().pk}
    public_notice(suspension, "public-suspended", actor=None)
    assert Bulletin.objects.count() == 1


# ---------------------------------------------------------------- calls and paper


def test_phone_again_later_moves_the_customer_to_the_end_and_back(office: Client, clock: Any) -> None:
    line = Line.objects.order_by("pk")[0]
    made = calls.make_call_list(
        Retailer.objects.filter(line=line), title={"zh-Hans": "电话"}, script={"zh-Hans": "停送"}, actor=None
    )
    call = made.calls.order_by("retailer__line_sequence")[0]
    mine = client_of(call.caller, "caller")
    first = mine.get("/calls/").context["next"]
    mine.post(f"/calls/{made.uuid}/{first.retailer.uuid}/", {"outcome": "call_back", "back": "30"})
    page = mine.get("/calls/")
    assert page.context["next"].pk != first.pk and page.context["queue"][-1].pk == first.pk
    clock.advance(timedelta(minutes=31))
    assert mine.get("/calls/").context["next"].pk == first.pk
    assert Call.objects.get(pk=first.pk).outcome == "call_back"


@pytest.mark.clause("E3.2.2")
def test_a_call_list_prints_with_boxes(office: Client) -> None:
    line = Line.objects.order_by("pk")[0]
    made = calls.make_call_list(
        Retailer.objects.filter(line=line),
        title={"zh-Hans": "电话"},
        script={"zh-Hans": "停送"},
        actor=None,
        drill=True,
    )
    page = office.get(f"/calls/{made.uuid}/paper?all=1").content.decode()
    for shop in Retailer.objects.filter(line=line):
        assert shop.name in page and shop.phone in page
    assert "DRILL" in page
    paper = office.get(f"/calls/{made.uuid}/paper?all=1&format=pdf")
    assert paper.headers["Content-Type"] == "application/pdf" and paper.content.startswith(b"%PDF")


def test_the_call_tree_of_the_plan_names_who_holds_each_part(office: Client, driver: Client) -> None:
    page = office.get("/call-tree/customer-service-emergency/").content.decode()
    head = cast.head()
    assert head.name in page and head.phone in page and "□" in page
    assert office.get("/call-tree/customer-service-emergency/?format=pdf").content.startswith(b"%PDF")
    assert driver.get("/call-tree/customer-service-emergency/").status_code == 403
    assert Message.objects.filter(channel="paper").count() == 0


# ---------------------------------------------------------------- the API


def test_the_api_looks_sends_and_steers(office: Client) -> None:
    person = PostHolding.objects.filter(post__kind="leading-group-office").order_by("rank")[0].person
    caller = Caller(person, "office")
    line = Line.objects.order_by("pk")[0]
    number = Retailer.objects.filter(line=line).count()
    query = {"lines": [line.code]}
    status, looked = caller.post("/notices/preview", {"query": query})
    assert (status, looked["count"], looked["unreachable"], len(looked["sample"])) == (200, number, 0, 5)
    words = {"title": {"zh-Hans": "停送"}, "body": {"zh-Hans": "{retailer}：停送"}, "query": query}
    status, sent = caller.post("/notices", words)
    assert (status, sent["total"], sent["left"]) == (201, number, number)
    for verb, field in (("pause", "paused"), ("cancel", "cancelled")):
        status, now = caller.post(f"/notices/{sent['uuid']}/{verb}")
        assert status == 200 and now[field] is True
    status, now = caller.get(f"/notices/{sent['uuid']}")
    assert now["states"] == {"stopped": number}
    status, refused = caller.post("/notices", words | {"query": {"lines": ["no such line"]}})
    assert status == 422 and refused["problems"][0]["field"] == "audience"


def test_the_api_refuses_who_may_not_send(office: Client) -> None:
    caller = Caller(Person.objects.filter(job="driver").order_by("pk")[0], "driver-api")
    body = {"query": {"everybody": True}, "title": {"zh-Hans": "停"}, "body": {"zh-Hans": "停"}}
    assert caller.post("/notices", body)[0] == 403
    assert not Notice.objects.filter(audience__isnull=False).exists()
