"""`changbei token`: keys for the HTTP API."""

from __future__ import annotations

import click

from changbei.core.errors import there
from changbei.site.commands.base import with_database
from changbei.site.commands.login import account_of


@click.group(name="token")
def token_group() -> None:
    """Keys for the HTTP API. What a key may do is what the person of its login may do."""


@token_group.command(name="create")
@click.argument("login")
@click.option("--label", required=True, help="What the key is for, e.g. “weather feed”.")
@with_database
def create(login: str, label: str) -> None:
    """Make a key for LOGIN and print it. It is shown this once; only its SHA-256 is kept."""
    from changbei.people.accounts import issue_token  # noqa: PLC0415 - needs Django

    click.echo(issue_token(account_of(login), label, actor=None))


@token_group.command(name="list")
@click.argument("login")
@with_database
def list_tokens(login: str) -> None:
    """The keys of LOGIN: number, label, when made, whether revoked."""
    for token in account_of(login).tokens.order_by("pk"):
        state = f"revoked {token.revoked_at:%Y-%m-%d %H:%M}" if token.revoked_at else "valid"
        click.echo(f"{token.pk}\t{token.label}\t{token.created_at:%Y-%m-%d %H:%M}\t{state}")


@token_group.command(name="revoke")
@click.argument("login")
@click.argument("number", type=int)
@with_database
def revoke(login: str, number: int) -> None:
    """Revoke key NUMBER of LOGIN (the numbers are listed by `changbei token list`)."""
    from changbei.people.accounts import revoke_token  # noqa: PLC0415 - needs Django

    token = there(account_of(login).tokens.filter(pk=number).first(), f"{login} has no key {number}")
    revoke_token(token, actor=None)
    click.echo(f"revoked: {token.label}")
