"""The site of a chaos run: three people, their posts and keys, and a plan whose hours are seconds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.core.management import call_command

from changbei.core import clock
from changbei.people.accounts import issue_token
from changbei.people.models import Account, Person, Post, PostHolding, Unit
from changbei.plans import services as plans

PACK = Path(__file__).parent / "pack"
POSTS = {
    "desk": ("chaos-desk", "leading-group-head"),
    "crew": ("chaos-crew",),
    "chief": ("chaos-chief", "leading-group-deputy"),
}


def furnish(pack: Path = PACK) -> dict[str, str]:
    """Tables, people and plan in an empty database; the keys for the HTTP API, by staff number."""
    call_command("migrate", verbosity=0)
    unit = Unit.objects.create(code="chaos", kind="office", name=_text("Chaos"))
    keys = {}
    for number, (name, posts) in enumerate(POSTS.items()):
        keys[name] = _person(unit, name, f"1390000000{number}", posts)
    plans.adopt(pack, actor=None)
    return keys


def _person(unit: Unit, name: str, phone: str, posts: tuple[str, ...]) -> str:
    person = Person.objects.create(
        staff_no=name, name=f"Chaos {name}", phone=phone, unit=unit, job="technician"
    )
    for code in posts:
        post = Post.objects.create(code=code, kind=code, name=_text(code), unit=unit)
        PostHolding.objects.create(post=post, person=person, since=clock.now() - timedelta(days=1))
    account = Account.objects.create(login=name, password="!", person=person)  # noqa: S106 - cannot log in
    return issue_token(account, "chaos", actor=None)


def _text(words: str) -> dict[str, str]:
    return {"zh-Hans": words, "zh-Hant": words, "en": words}
