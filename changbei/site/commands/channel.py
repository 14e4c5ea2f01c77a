"""`changbei channel`: which ways out of the house are set up, and whether they work."""

from __future__ import annotations

import uuid
from pathlib import Path

import click

from changbei.core.errors import Conflict, Invalid
from changbei.site.commands.base import with_database

TITLE = {
    "zh-Hans": "【测试】常备通知通道测试",
    "zh-Hant": "【測試】常備通知管道測試",
    "en": "[TEST] Changbei: a test of this channel",
}
BODY = {
    "zh-Hans": "收到即表示此通道可用，无需处理。",
    "zh-Hant": "收到即表示此管道可用，無需處理。",
    "en": "That you read this says that the channel works; nothing is to be done.",
}


@click.group(name="channel")
def channel_group() -> None:
    """Ways by which notices leave the house."""


@channel_group.command(name="list")
@with_database
def list_channels() -> None:
    """The channels that are set up, whether they open, and what is still to be handed over by each."""
    from changbei.notify import selectors  # noqa: PLC0415 - needs Django
    from changbei.notify.channels import registry  # noqa: PLC0415
    from changbei.notify.ladders import KINDS  # noqa: PLC0415

    unsent, offered = selectors.unsent(), registry.offered()
    for kind in KINDS:
        if kind not in offered:
            click.echo(f"{kind}\t-")
            continue
        try:
            registry.channel(kind)
            hooks = (registry.RECEIPTS, registry.REPLIES, registry.KEYS)
            state, back = "ok", [name for name in hooks if registry.hook(kind, name)]
        except ValueError as error:
            state, back = f"wrong: {error}", []
        click.echo(f"{kind}\t{state}\tunsent {unsent.get(kind, 0)}\tcalls back: {', '.join(back) or '-'}")
    registry.close_all()


@channel_group.command(name="test")
@click.argument("kind")
@click.argument("address")
@click.option("--language", default="zh-Hans", show_default=True, help="zh-Hans, zh-Hant or en.")
@with_database
def test(kind: str, address: str, language: str) -> None:
    """Hand one test message of KIND to ADDRESS: a number, a mailbox, `house` for webhooks and chats, a staff number
    for push. It goes at once, past queues, ladders and limits, and is in no journal; exit code 1 when it was not taken.
    """
    from changbei.core import texts  # noqa: PLC0415
    from changbei.notify.channels import Outgoing, registry  # noqa: PLC0415
    from changbei.notify.ladders import INBOX, PUSH  # noqa: PLC0415
    from changbei.notify.models import Urgency  # noqa: PLC0415
    from changbei.people.models import Person  # noqa: PLC0415

    if kind == INBOX or kind not in registry.offered():
        raise Conflict(
            f"{kind} is not set up; there are: {', '.join(k for k in registry.offered() if k != INBOX)}"
        )
    if kind == PUSH:
        person = Person.objects.filter(staff_no=address).first()
        if person is None:
            raise Invalid("address", f"nobody has the staff number {address!r}")
        address = str(person.pk)
    try:
        opened = registry.channel(kind)
    except ValueError as error:
        raise Conflict(str(error)) from error
    title, body = texts.pick(TITLE, language), texts.pick(BODY, language)
    one = Outgoing(uuid.uuid4(), address, title, body, Urgency.URGENT, language=language)
    (outcome,) = opened.send([one], stop=lambda: False)
    registry.close_all()
    if outcome is None or outcome.state not in {"handed", "delivered"}:
        raise Conflict(f"{outcome.state}: {outcome.detail}" if outcome else "not tried")
    click.echo(f"{outcome.state}\t{outcome.carrier_id or '-'}")


@channel_group.command(name="key")
@click.argument("file", type=click.Path(path_type=Path))
def key(file: Path) -> None:
    """Make the key that signs web pushes, in FILE, and print its public part. A key that is there stays."""
    from changbei.notify.channels.push import vapid  # noqa: PLC0415

    try:
        vapid.make_key(file)
    except FileExistsError:
        click.echo(f"{file} is there already", err=True)
    click.echo(vapid.public_key_of(file))


@channel_group.command(name="rules")
@with_database
def rules() -> None:
    """The ladders and limits in force, as CHANGBEI_NOTICES changes them."""
    from changbei.notify.book import book  # noqa: PLC0415
    from changbei.notify.models import Urgency  # noqa: PLC0415

    try:
        found = book()
    except (ValueError, OSError) as error:
        raise Conflict(str(error)) from error
    ladders = {Urgency(urgency).name.lower(): rungs for urgency, rungs in found.staff.items()}
    ladders["others"] = found.others
    for name, rungs in ladders.items():
        words = [
            f"{one.channel} after {one.after_seconds} s" if one.after_seconds else one.channel
            for one in rungs
        ]
        click.echo(f"{name}\t{', '.join(words)}")
    for limit, numbers in (("a minute", found.a_minute), ("an hour a person", found.an_hour_a_person)):
        for kind, number in numbers.items():
            click.echo(f"limit\t{kind}\t{number} {limit}")
    if found.quiet:
        hours = f"{found.quiet.begins:%H:%M}-{found.quiet.ends:%H:%M}"
        click.echo(f"quiet\t{hours}\t{', '.join(sorted(found.quiet.channels))}")
