"""`changbei login`: who may log in. What a login may do follows from the job and the posts of its person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from changbei.core.errors import NotFound, there
from changbei.site.commands.base import with_database

if TYPE_CHECKING:
    from changbei.people.models import Account

generate_option = click.option(
    "--generate", is_flag=True, help="Make a password and print it, instead of asking for one."
)


@click.group(name="login")
def login_group() -> None:
    """Logins. What one may do follows from the job and the posts of its person."""


@login_group.command(name="add")
@click.argument("login")
@click.option("--as", "staff_no", required=True, help="Staff number of the person it belongs to.")
@click.option("--admin", is_flag=True, help="It opens every page; its person does no more than before.")
@generate_option
@with_database
def add(login: str, staff_no: str, admin: bool, generate: bool) -> None:
    """Make LOGIN for a person on file."""
    from changbei.people.accounts import create_account  # noqa: PLC0415 - needs Django
    from changbei.people.models import Person  # noqa: PLC0415

    person = Person.objects.filter(staff_no=staff_no, active=True).first()
    if person is None:
        raise NotFound(f"nobody has the staff number {staff_no!r}; people come with `changbei import staff`")
    password = _password(generate=generate)
    create_account(login, password, person=person, is_admin=admin, actor=None)
    _say(login, password if generate else person.name)


@login_group.command(name="list")
@with_database
def list_logins() -> None:
    """Every login: its person, administrator or not, whether it is closed."""
    from changbei.people.models import Account  # noqa: PLC0415 - needs Django

    for one in Account.objects.select_related("person").order_by("login"):
        whose = f"{one.person.staff_no} {one.person.name}" if one.person else "-"
        _say(one.login, whose, "admin" if one.is_admin else "-", "open" if one.is_active else "closed")


@login_group.command(name="password")
@click.argument("login")
@generate_option
@with_database
def password(login: str, generate: bool) -> None:
    """Give LOGIN another password; whoever is logged in by the old one is logged out."""
    from changbei.people.accounts import set_password  # noqa: PLC0415 - needs Django

    account = account_of(login)
    word = _password(generate=generate)
    set_password(account, word, actor=None)
    _say(login, word if generate else "changed")


@login_group.command(name="off")
@click.argument("login")
@click.option("--on", is_flag=True, help="Open it again.")
@with_database
def off(login: str, on: bool) -> None:
    """Close LOGIN: its sessions end, and its keys for the HTTP API open nothing."""
    from changbei.people.accounts import switch_account  # noqa: PLC0415 - needs Django

    switch_account(account_of(login), on=on, actor=None)
    _say(login, "open" if on else "closed")


def account_of(login: str) -> Account:
    """The account with this login. Raises NotFound."""
    from changbei.people.models import Account  # noqa: PLC0415 - needs Django

    found = Account.objects.select_related("person").filter(login=login).first()
    return there(found, f"there is no login {login!r}")


def _password(*, generate: bool) -> str:
    from changbei.people.accounts import made_password  # noqa: PLC0415 - needs Django

    if generate:
        return made_password()
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _say(*words: str) -> None:
    click.echo("\t".join(words))
