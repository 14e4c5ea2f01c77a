"""`changbei channel`: what is set up, whether it works, the key for pushes, the rules in force."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from changbei.core.errors import Conflict, Invalid
from changbei.network.city import City
from changbei.notify.channels.push.vapid import public_key_of
from changbei.notify.channels.registry import close_all
from changbei.notify.channels.sms import shared_twin
from changbei.notify.tests.servers import MailServer, SmsServer, serving
from changbei.people.models import Person
from changbei.site.commands import channel as commands

PHONE = "13800000001"


@pytest.fixture(autouse=True)
def as_set_up(settings: Any) -> Any:
    settings.SMS_GATEWAY_URL, settings.EMAIL_URL, settings.PUSH_KEY, settings.NOTICES_FILE = (
        "twin:",
        "",
        "",
        "",
    )
    shared_twin().clear()
    yield
    shared_twin().clear()
    close_all()


def _run(command: click.Command, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The command on the test's own database: what is around it would close that."""
    with command.make_context(command.name, list(arguments)) as context:
        context.invoke(inspect.unwrap(command.callback), **context.params)  # type: ignore[arg-type]
    return capsys.readouterr().out


@pytest.mark.django_db
def test_what_is_set_up_and_what_is_wrong_with_it(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.VOICE_GATEWAY_URL = "no-such-carrier+https://x.invalid"
    lines = _run(commands.list_channels, capsys).splitlines()
    found = {line.split("\t")[0]: line for line in lines}
    assert found["inbox"] == "inbox\tok\tunsent 0\tcalls back: -"
    assert found["sms"].startswith("sms\tok\tunsent 0\tcalls back: receipts, replies")
    assert found["email"] == "email\t-"
    assert found["voice"].startswith("voice\twrong: ") and "no-such-carrier" in found["voice"]


@pytest.mark.django_db
def test_a_test_message_is_marked_as_one_and_its_failure_is_said(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    server, mails = SmsServer(), MailServer()
    with serving(server), serving(mails):
        settings.SMS_GATEWAY_URL = server.url
        said = _run(commands.test, capsys, "sms", PHONE, "--language", "en")
        assert said.startswith("handed\t")
        (text,) = server.twin.texts
        assert (text.to, text.text[:6]) == (PHONE, "[TEST]")
        server.twin.refuse(PHONE, 503)
        with pytest.raises(Conflict, match="retry: HTTP 503"):
            _run(commands.test, capsys, "sms", PHONE)
        settings.EMAIL_URL = f"smtp://127.0.0.1:{mails.server_address[1]}"
        assert _run(commands.test, capsys, "email", "somebody@city.invalid").startswith("handed\t")
        assert len(mails.mail) == 1


@pytest.mark.django_db
def test_what_cannot_be_tested_says_why(
    small_city: City, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("inbox", "email", "pigeon"):
        with pytest.raises(Conflict, match=f"{kind} is not set up; there are: sms"):
            _run(commands.test, capsys, kind, "x")
    key = tmp_path / "push.pem"
    CliRunner().invoke(commands.key, [str(key)])
    settings.PUSH_KEY, settings.PUSH_CONTACT = str(key), "mailto:office@city.invalid"
    with pytest.raises(Invalid, match="nobody has the staff number"):
        _run(commands.test, capsys, "push", "P-0")
    person = Person.objects.order_by("pk")[0]
    with pytest.raises(Conflict, match="failed: no browser of this person takes pushes"):
        _run(commands.test, capsys, "push", person.staff_no)
    settings.PUSH_CONTACT = ""
    with pytest.raises(Conflict, match="CHANGBEI_PUSH_CONTACT"):
        _run(commands.test, capsys, "push", person.staff_no)


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "push.pem"
    first = CliRunner().invoke(commands.key, [str(path)])
    assert (first.exit_code, first.stdout.strip()) == (0, public_key_of(path))
    assert path.stat().st_mode & 0o777 == 0o600
    again = CliRunner().invoke(commands.key, [str(path)])
    assert (again.stdout, again.stderr) == (first.stdout, f"{path} is there already\n")


@pytest.mark.django_db
def test_the_rules_in_force(settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = _run(commands.rules, capsys).splitlines()
    assert lines[0] == "immediate\tinbox, push, sms, voice after 120 s, sms after 180 s"
    assert lines[-1] == "others\tsms"
    file = tmp_path / "notices.yaml"
    file.write_text(
        "ladders: {others: [sms, {voice: 1h}]}\nlimits:\n"
        '  a_minute: {sms: 600}\n  quiet: {from: "22:00", until: "07:00"}\n',
        encoding="utf-8",
    )
    settings.NOTICES_FILE = str(file)
    own = _run(commands.rules, capsys).splitlines()
    assert own[-3:] == [
        "others\tsms, voice after 3600 s",
        "limit\tsms\t600 a minute",
        "quiet\t22:00-07:00\tpush, sms, voice",
    ]
    settings.NOTICES_FILE = str(tmp_path / "missing.yaml")
    with pytest.raises(Conflict, match=r"missing\.yaml"):
        _run(commands.rules, capsys)
