"""What watchers see of the engine: the line, the figures, the page, and the banner on every page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from changbei.core.clock import VirtualClock
from changbei.journal import heartbeat, outbox
from changbei.journal.models import Cursor, Entry
from changbei.notify.models import Message
from changbei.runs.models import Timer
from changbei.web.tests.conftest import Case

STILL = "The engine has stood still"


@pytest.fixture
def at_work(breakdown: Case) -> Case:
    """Nothing is due, all facts are looked at, the engine has just given a sign."""
    Message.objects.update(due_at=None)
    Timer.objects.update(due_at=None)
    breakdown.incident.run.actions.update(due_at=None)  # type: ignore[union-attr]
    newest = Entry.objects.order_by("-txid", "-id")[0]
    Cursor.objects.update_or_create(reader="reactions", defaults={"txid": newest.txid, "entry_id": newest.pk})
    heartbeat.beat()
    return breakdown


def test_healthy_is_one_word_without_a_login(at_work: Case) -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_a_still_engine_and_what_waits_for_it_are_said(at_work: Case, clock: VirtualClock) -> None:
    message = Message.objects.order_by("pk")[0]
    Message.objects.filter(pk=message.pk).update(due_at=clock.now())
    clock.advance(timedelta(seconds=95))
    answer = Client().get("/healthz")
    assert answer.status_code == 503
    assert answer.content.decode().splitlines() == [
        "the engine has given no sign for 95 s",
        "messages: the oldest has been due for 95 s",
    ]


def test_facts_that_wait_are_said(at_work: Case, clock: VirtualClock) -> None:
    first = Entry.objects.order_by("txid", "id")[0]
    Cursor.objects.filter(reader="reactions").update(txid=0, entry_id=0)
    assert outbox.oldest_unread() == first.at
    clock.advance(timedelta(seconds=61))
    heartbeat.beat()
    assert Client().get("/healthz").content.decode() == "facts have waited for reactions for 61 s\n"


def test_a_sign_from_the_future_is_none(at_work: Case, clock: VirtualClock) -> None:
    """The clock was set back by an hour: an engine that is dead must not look alive for that hour."""
    heartbeat.Heartbeat.objects.update(at=clock.now() + timedelta(hours=1))
    assert heartbeat.still_seconds() == heartbeat.STILL_AFTER_SECONDS
    heartbeat.beat()
    assert heartbeat.still_seconds() == 0


def test_figures_for_prometheus(at_work: Case, clock: VirtualClock) -> None:
    Message.objects.filter(channel="inbox").update(due_at=clock.now())
    inbox = Message.objects.filter(channel="inbox").count()
    clock.advance(timedelta(seconds=7))
    lines = Client().get("/metrics").content.decode().splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert figures["changbei_tick_age_seconds"] == "7.0"
    assert figures["changbei_engine_still_seconds"] == "0.0"
    assert figures['changbei_oldest_due_seconds{kind="messages"}'] == "7.0"
    assert figures['changbei_oldest_due_seconds{kind="timers"}'] == "0.0"
    assert inbox > 0
    assert figures['changbei_unsent_messages{channel="inbox"}'] == f"{inbox}.0"
    assert figures['changbei_open_incidents{level="LOCAL"}'] == "1.0"
    assert figures["changbei_running_procedures"] == "1.0"
    assert figures["changbei_outbox_lag_entries"] == "0.0"


def test_a_claim_that_ran_out_is_counted(at_work: Case, clock: VirtualClock) -> None:
    past = clock.now() - timedelta(seconds=5)
    Timer.objects.filter(pk=Timer.objects.order_by("pk")[0].pk).update(due_at=past, lease_until=past)
    text = Client().get("/metrics").content.decode()
    assert 'changbei_stalled_leases{kind="timers"} 1.0' in text
    assert 'changbei_stalled_leases{kind="messages"} 0.0' in text


def test_figures_are_for_this_machine_or_for_who_has_the_key(at_work: Case, settings) -> None:
    assert Client(REMOTE_ADDR="192.0.2.7").get("/metrics").status_code == 403
    assert Client(headers={"x-forwarded-for": "192.0.2.7"}).get("/metrics").status_code == 403
    settings.METRICS_TOKEN = "k"
    assert Client().get("/metrics").status_code == 403
    assert Client(headers={"authorization": "Bearer x"}).get("/metrics").status_code == 403
    assert (
        Client(REMOTE_ADDR="192.0.2.7", headers={"authorization": "Bearer k"}).get("/metrics").status_code
        == 200
    )


def test_the_page_for_people(at_work: Case, clock: VirtualClock) -> None:
    assert "The engine works." in at_work.holder.get(reverse("status")).content.decode()
    clock.advance(timedelta(seconds=20))
    late = at_work.holder.get(reverse("status"), headers={"HX-Request": "true"})
    assert "The engine does not keep up." in late.content.decode()
    assert late["X-Engine-Still"] == "20"
    assert Client().get(reverse("status")).status_code == 302
    assert at_work.outsider.get(reverse("status")).status_code == 403


def test_every_page_says_at_once_that_the_engine_stands_still(at_work: Case, clock: VirtualClock) -> None:
    page = reverse("contacts")
    assert STILL not in at_work.holder.get(page).content.decode().partition("<script")[0]
    clock.advance(timedelta(seconds=75))
    shown = at_work.holder.get(page).content.decode()
    assert "The engine has stood still for 1:15: deadlines and messages are not moving." in shown
    beat = at_work.holder.get(reverse("status-beat"), headers={"HX-Request": "true"})
    assert (beat.status_code, beat["X-Engine-Still"]) == (204, "75")
