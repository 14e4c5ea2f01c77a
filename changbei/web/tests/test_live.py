"""What is new comes to an open page by itself: by a stream that keeps no thread, else by asking with one word."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse

from changbei.core.clock import VirtualClock
from changbei.network.city import City
from changbei.notify import services, standing
from changbei.notify.models import Urgency
from changbei.notify.recipients import of_person
from changbei.notify.services import NewNotice
from changbei.people.models import Person
from changbei.web.streams import Hub
from changbei.web.tests.conftest import client_of

WORDS = {"zh-Hans": "请确认", "en": "Please confirm"}


def _tell(person: Person) -> None:
    new = NewNotice("test", WORDS, WORDS, Urgency.ROUTINE, needs_acknowledgement=True)
    services.tell(new, [of_person(person)])


@pytest.fixture
def somebody(small_city: City, clock: VirtualClock) -> Person:
    return Person.objects.filter(job="customer_manager").order_by("pk")[0]


def test_the_word_changes_with_each_message_and_each_answer(somebody: Person) -> None:
    before = standing.of_one(somebody)
    _tell(somebody)
    told = standing.of_one(somebody)
    assert (standing.waiting(before), standing.waiting(told)) == (0, 1)
    message = somebody.messages.get(channel="inbox")
    services.acknowledge(message, somebody, actor=somebody)
    assert standing.of_one(somebody) == f"{message.pk}-0"
    other = Person.objects.exclude(pk=somebody.pk).order_by("pk")[0]
    assert standing.of([somebody.pk, other.pk]) == {somebody.pk: f"{message.pk}-0", other.pk: "0-0"}


def test_a_watch_reads_inboxes_only_when_something_happened(
    somebody: Person, django_assert_num_queries: Any
) -> None:
    watch = standing.Watch()
    watch([somebody.pk])
    with django_assert_num_queries(1):
        assert watch([somebody.pk]) == {somebody.pk: "0-0"}
    _tell(somebody)
    assert standing.waiting(watch([somebody.pk])[somebody.pk]) == 1


def test_the_bell_answers_only_when_the_word_is_another(somebody: Person) -> None:
    client = client_of(somebody, "bell")
    seen = standing.of_one(somebody)
    assert client.get(reverse("inbox-bell"), {"seen": seen}).status_code == 204
    _tell(somebody)
    answer = client.get(reverse("inbox-bell"), {"seen": seen})
    assert answer.headers["HX-Trigger"] == "changbei:told"
    assert f"seen={standing.of_one(somebody)}" in answer.content.decode()


def test_no_stream_where_the_socket_cannot_be_had(somebody: Person) -> None:
    assert client_of(somebody, "live").get(reverse("inbox-live")).status_code == 204
    assert Client().get(reverse("inbox-live")).status_code == 302


def _read_until(peer: socket.socket, wanted: bytes) -> bytes:
    found = b""
    while wanted not in found:
        part = peer.recv(4_096)
        assert part, found
        found += part
    return found


@pytest.fixture
def words() -> dict[int, str]:
    return {7: "1-0", 8: "5-5"}


Streamed = tuple[Hub, socket.socket, socket.socket]


@pytest.fixture
def stream(words: dict[int, str]) -> Iterator[Streamed]:
    """A hub that has taken a connection of person 7: the hub, the browser's end, what the server is left with."""
    hub = Hub(lambda people: {one: words[one] for one in people}, every_seconds=0.01)
    browser, servers = socket.socketpair()
    browser.settimeout(10)
    with browser, servers:
        request = RequestFactory().get("/messages/live")
        request.META["gunicorn.socket"] = servers
        assert hub.take(request, 7, "1-0")
        yield hub, browser, servers


def test_a_stream_says_a_new_word_once(words: dict[int, str], stream: Streamed) -> None:
    hub, browser, servers = stream
    head = _read_until(browser, b"retry: 3000\n\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and b"Content-Type: text/event-stream" in head
    with pytest.raises(BrokenPipeError):
        servers.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")  # the server's own answer goes nowhere
    words[7] = "2-1"
    assert _read_until(browser, b"\n\n") == b"event: told\nid: 2-1\ndata: 2-1\n\n"
    words[8] = "6-6"  # somebody else's
    words[7] = "3-2"
    assert _read_until(browser, b"\n\n") == b"event: told\nid: 3-2\ndata: 3-2\n\n"
    assert len(hub) == 1


def test_a_page_that_is_closed_is_forgotten(stream: Streamed) -> None:
    hub, browser, _servers = stream
    browser.close()
    while len(hub):
        time.sleep(0.01)


def _site(tmp_path: Path) -> tuple[subprocess.Popen[bytes], int]:
    """gunicorn on this test's database, with two threads in all."""
    settings, inside = connection.settings_dict, Path(__file__).resolve().parents[3]
    host = settings["HOST"]
    url = f"postgresql://{settings['USER']}@/{settings['NAME']}?host={host}&port={settings['PORT'] or 5432}"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("gunicorn")), "changbei.site.wsgi:application", f"--bind=127.0.0.1:{port}",
        "--worker-class=gthread", "--threads=2", "--workers=1", "--no-control-socket", "--log-level=warning",
    ]  # fmt: skip
    env = {**os.environ, "CHANGBEI_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "changbei.site.settings"}
    with (tmp_path / "log").open("wb") as log:
        return subprocess.Popen(command, cwd=inside, env=env, stdout=log, stderr=log), port


def _asked(port: int, path: str, cookie: str) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", port), timeout=30)
    peer.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
    return peer


@pytest.mark.django_db(transaction=True)
def test_forty_streams_leave_two_threads_free(somebody: Person, tmp_path: Path) -> None:
    client = client_of(somebody, "forty")
    cookie = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())
    server, port = _site(tmp_path)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert server.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.1)
        streams = [_asked(port, "/messages/live?seen=0-0", cookie) for _ in range(40)]
        for one in streams:
            assert b"text/event-stream" in _read_until(one, b"retry: 3000\n\n")
        with _asked(port, "/messages/bell?seen=0-0", cookie) as page:
            assert _read_until(page, b"\r\n\r\n").startswith(b"HTTP/1.1 204")
        _tell(somebody)
        word = standing.of_one(somebody).encode()
        for one in streams:
            assert _read_until(one, b"\n\n") == b"event: told\nid: %s\ndata: %s\n\n" % (word, word)
            one.close()
        assert (tmp_path / "log").read_text() == ""
    finally:
        server.terminate()
        server.wait(20)
