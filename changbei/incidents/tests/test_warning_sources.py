"""Warnings from outside: feeds that are polled, a folder that is emptied, files that are pushed (E3.2)."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from changbei.core import clock as core_clock
from changbei.core.clock import VirtualClock
from changbei.core.errors import Invalid, NotAllowed, Outside
from changbei.incidents import cap, services
from changbei.incidents.feeds import http
from changbei.incidents.models import Incident, Warning, WarningSource
from changbei.incidents.services import sources
from changbei.incidents.tests import people
from changbei.incidents.tests.test_warnings import alert, reference

pytestmark = pytest.mark.usefixtures("plan")


class Site(BaseHTTPRequestHandler):
    pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
    asked: list[tuple[str, str]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("If-None-Match", "")))
        status, headers, body = self.pages.get(self.path, (404, {}, b""))
        if headers.get("ETag") and headers["ETag"] == self.headers.get("If-None-Match"):
            status, body = 304, b""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def site() -> Iterator[str]:
    """A web site; its pages are put into `Site.pages`."""
    Site.pages, Site.asked = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def source(place: str, kind: str = "url", **more: Any) -> WarningSource:
    return services.save_source(None, name=f"{kind} source", kind=kind, place=place, actor=None, **more)


def atom(*entries: str) -> bytes:
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>{"".join(entries)}</feed>'
    return feed.encode()


def entry(number: int, inside: str) -> str:
    return f"<entry><id>urn:{number}</id><updated>2026-11-23T08:00:00Z</updated>{inside}</entry>"


def body(data: bytes) -> str:
    return data.decode().partition("?>")[2]


def link(path: str) -> str:
    return f'<link href="{path}" type="application/cap+xml"/>'


def test_a_feed_brings_what_is_inside_and_what_it_links_to(site: str, clock: VirtualClock) -> None:
    inside = entry(1, f'<content type="text/xml">{body(alert("W-1", colour="blue"))}</content>')
    feed = atom(inside, entry(2, link(f"{site}/2.cap")))
    Site.pages["/feed"] = (200, {"ETag": '"a"'}, feed)
    Site.pages["/2.cap"] = (200, {}, alert("W-2", colour="blue"))
    found = source(f"{site}/feed")
    assert services.poll_due() == 1
    assert sorted(Warning.objects.values_list("identifier", flat=True)) == ["W-1", "W-2"]
    found.refresh_from_db()
    assert (found.heard_at, found.failures, found.trouble, found.etag) == (core_clock.now(), 0, "", '"a"')
    assert services.poll_due() == 0  # not before its time
    clock.advance(timedelta(seconds=60))
    assert services.poll_due() == 1
    assert Site.asked == [("/feed", ""), ("/2.cap", ""), ("/feed", '"a"')]
    assert Warning.objects.count() == 2


def test_an_entry_that_cannot_be_fetched_is_tried_again(site: str, clock: VirtualClock) -> None:
    Site.pages["/feed"] = (200, {"ETag": '"a"'}, atom(entry(1, link(f"{site}/1.cap"))))
    found = source(f"{site}/feed")
    services.poll_due()
    found.refresh_from_db()
    assert found.trouble.startswith("entry 1: 127.0.0.1") and found.etag == "" and found.heard_at is not None
    Site.pages["/1.cap"] = (200, {}, alert("W-1"))
    clock.advance(timedelta(seconds=60))
    services.poll_due()
    assert Incident.objects.get().warnings.get().identifier == "W-1"


def test_a_source_that_fails_is_asked_less_often_and_found_silent(site: str, clock: VirtualClock) -> None:
    found = source(f"{site}/nothing")
    for minutes in (1, 2, 4):
        assert services.poll_due() == 1
        found.refresh_from_db()
        assert found.due_at == core_clock.now() + timedelta(minutes=minutes)
        clock.advance(timedelta(minutes=minutes))
    assert (found.failures, found.heard_at) == (3, None)
    assert sources.silent(core_clock.now()) == []
    clock.advance(timedelta(hours=1))
    assert sources.silent(core_clock.now()) == [found]


def test_what_is_no_warning_is_kept_once(site: str, clock: VirtualClock) -> None:
    Site.pages["/feed"] = (200, {}, b"<html>sorry</html>")
    found = source(f"{site}/feed")
    for _ in range(2):
        services.poll(found)
    warning = Warning.objects.get()
    assert (warning.verdict, bytes(warning.raw), warning.origin) == ("refused", b"<html>sorry</html>", found)
    assert found.failures == 2


def test_an_answer_without_end_is_broken_off(site: str) -> None:
    Site.pages["/feed"] = (200, {}, b" " * (8 * 1024 * 1024 + 1))
    found = source(f"{site}/feed")
    assert services.poll(found).troubles == ["more than 8388608 bytes"]
    assert found.failures == 1


def test_a_feed_leads_nobody_into_the_house(site: str) -> None:
    with pytest.raises(Outside, match="not a public address"):
        http.check_address("http://127.0.0.1:1/x", home=site)
    with pytest.raises(Outside, match="not an address"):
        http.check_address("file:///etc/passwd", home=site)
    http.check_address(f"{site}/other", home=site)


def put(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    os.utime(folder / name, (1_000_000_000, 1_000_000_000))


def test_a_folder_is_emptied_and_nothing_is_lost(tmp_path: Path) -> None:
    put(tmp_path, "good.xml", alert("W-1"))
    put(tmp_path, "bad.xml", b"<alert/>")
    put(tmp_path, "later.xml.part", b"<aler")
    (tmp_path / "new.xml").write_bytes(b"<alert")  # somebody is still writing
    os.utime(tmp_path / "new.xml", (4_000_000_000, 4_000_000_000))
    found = source(str(tmp_path), "folder")
    haul = services.poll(found)
    assert sorted(one.action for one in haul.received) == ["refused", "start"]
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert names == [
        "kept/good.xml",
        "kept/good.xml.outcome.json",
        "later.xml.part",
        "new.xml",
        "refused/bad.xml",
        "refused/bad.xml.outcome.json",
    ]
    said = json.loads((tmp_path / "refused/bad.xml.outcome.json").read_text())
    assert [reason["code"] for reason in said[0]["reasons"]][:1] == ["no-namespace"]
    put(tmp_path, "good.xml", alert("W-1"))
    assert [one.action for one in services.poll(found).received] == ["duplicate"]
    assert (tmp_path / "kept/good-2.xml").exists()


def test_what_is_pushed_is_read_strictly_unless_agreed_otherwise() -> None:
    data = alert("W-1").replace(b"<status>Actual", b"<status>actual")
    [refused] = services.pushed(data, actor=people.head())
    assert (refused.action, [one["code"] for one in refused.warning.reasons]) == ("refused", ["letter-case"])
    found = source("", "push", person=people.head(), strict=False)
    [taken] = services.pushed(data, actor=people.head())
    found.refresh_from_db()
    assert (taken.action, taken.warning.origin, found.heard_at) == ("start", found, core_clock.now())
    with pytest.raises(NotAllowed):
        services.pushed(data, actor=people.van().keeper)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("status,action", [("Actual", "start"), ("Test", "note")])
def test_an_envelope_is_opened_and_a_test_envelope_starts_nothing(
    version: str, status: str, action: str
) -> None:
    inside = (
        f"<xmlContent><embeddedXMLContent>{body(alert())}</embeddedXMLContent></xmlContent>"
        if version == "1.0"
        else f"<otherContent><contentData>{base64.b64encode(alert()).decode()}</contentData></otherContent>"
    )
    data = (
        f'<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:{version}"><distributionStatus>{status}'
        f"</distributionStatus><contentObject>{inside}</contentObject></EDXLDistribution>"
    ).encode()
    [received] = services.receive_file(data, name="x.xml", origin=None)
    assert (received.action, received.warning.status) == (action, status)


def test_what_a_file_only_links_to_is_on_record(clock: VirtualClock) -> None:
    inside = entry(1, f"<content>{body(alert('W-1', colour='blue'))}</content>")
    feed = atom(inside, entry(2, link("https://weather.example/2.cap")), entry(3, ""))
    taken, missing = services.receive_file(feed, name="feed.xml", origin=None)
    assert (taken.action, taken.warning.identifier) == ("note", "W-1")
    assert (missing.action, bytes(missing.warning.raw)) == ("refused", feed)
    assert [(one["code"], one["element"]) for one in missing.warning.reasons] == [
        ("elsewhere", "entry 2"),
        ("entry-empty", "entry 3"),
    ]
    assert "https://weather.example/2.cap" in missing.warning.reasons[0]["message"]["en"]


def test_a_cancel_that_comes_first_keeps_the_warning_from_starting(clock: VirtualClock) -> None:
    sent = core_clock.now()
    clock.advance(timedelta(minutes=5))
    told = cap.Reference("warnings@weather.example", "W-1", sent)
    cancel = services.receive_warning(alert("W-2", msg_type="Cancel", references=[told]), source="x")
    late = services.receive_warning(alert("W-1", sent=sent), source="x")
    assert (late.action, late.warning.replaced_by) == ("note", cancel.warning)
    assert not Incident.objects.exists()


def test_an_update_that_comes_first_is_joined_by_what_it_updates(clock: VirtualClock) -> None:
    sent = core_clock.now()
    clock.advance(timedelta(minutes=5))
    told = cap.Reference("warnings@weather.example", "W-1", sent)
    update = services.receive_warning(alert("W-2", msg_type="Update", references=[told]), source="x")
    late = services.receive_warning(alert("W-1", sent=sent, colour="red"), source="x")
    assert update.incident is not None and late.incident == update.incident
    assert (late.action, Incident.objects.count()) == ("note", 1)


def test_other_words_under_the_same_identity_are_kept() -> None:
    first = services.receive_warning(alert(), source="x")
    again = services.receive_warning(alert().replace(b"\n", b"\n "), source="x")
    other = services.receive_warning(alert(colour="red"), source="x")
    assert (again.action, again.warning) == ("duplicate", first.warning)
    assert (other.action, [one["code"] for one in other.warning.reasons]) == ("refused", ["identity-reused"])


def test_long_identities_are_told_apart() -> None:
    one, two = (services.receive_warning(alert("W" * 300 + end, colour="blue"), source="x") for end in "ab")
    assert one.warning.pk != two.warning.pk and two.action == "note"
    later = services.receive_warning(
        alert("W-2", msg_type="Update", colour="blue", references=[cap.Reference(
            "warnings@weather.example", "W" * 300 + "a", one.warning.sent
        )]), source="x"
    )  # fmt: skip
    one.warning.refresh_from_db()
    assert one.warning.replaced_by == later.warning


def test_a_reader_gets_the_own_language() -> None:
    warning = services.receive_warning(alert(), source="x").warning
    assert services.words_for(warning, "en")["headline"] == "Orange warning: typhoon, Sample City"
    assert services.words_for(warning, "zh-Hant")["headline"] == "示例市氣象臺發布颱風橙色預警信號"
    assert reference(warning).identifier == "W-1"


@pytest.mark.parametrize(
    "changes,field",
    [
        ({"name": ""}, "name"),
        ({"place": "ftp://weather.example"}, "place"),
        ({"kind": "folder", "place": "here"}, "place"),
        ({"kind": "push"}, "person"),
        ({"interval_seconds": 1}, "interval_seconds"),
        ({"silent_after_seconds": 30}, "silent_after_seconds"),
    ],
)
def test_sources_that_make_no_sense(changes: dict[str, Any], field: str) -> None:
    given = {"name": "x", "kind": "url", "place": "http://weather.example/", **changes}
    with pytest.raises(Invalid) as caught:
        services.save_source(None, actor=None, **given)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert not WarningSource.objects.exists()
