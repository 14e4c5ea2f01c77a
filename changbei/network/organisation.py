"""Units, posts and people one by one, as an administrator says: under the rules of the files, each a fact of its own.

What is given goes by the columns of `imports.KINDS`; everything wrong with it is raised as Invalid, by column.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from changbei.core import clock, texts
from changbei.core.errors import Conflict, Invalid, Words
from changbei.journal import services as journal
from changbei.network.imports import single
from changbei.network.models import District, Site
from changbei.people import access
from changbei.people import services as people
from changbei.people.models import Person, Post, Unit

Given = Mapping[str, Any]
Row = TypeVar("Row", bound=Model)

ORGANISE = "people.organise"
MAY_CALL = "people.verify_phone"
"""Who keeps the numbers of a unit's staff puts right how they are reached (E3.2.8); everybody the own."""
REACHED_BY = frozenset({"phone", "second_phone", "email", "language", "phone_verified_on"})
NAMED = 5
"""How many of those who use something are called by name."""


# ---- units


@transaction.atomic
def add_unit(given: Given, *, actor: Person | None) -> Unit:
    """A new unit. Journals `people.unit_added`. Raises NotAllowed, Invalid."""
    _require(actor)
    _lock_units()
    unit = _create(Unit, single.read_new("units", given), "code")
    journal.append("people.unit_added", actor=actor, data={"unit": unit.code})
    return unit


@transaction.atomic
def change_unit(unit: Unit, given: Given, *, actor: Person | None) -> Unit:
    """Another name, kind or place in the house. Journals `people.unit_changed`. Raises NotAllowed, Invalid."""
    _require(actor)
    _lock_units()
    changed = _write(unit, single.read_change("units", given, unit))
    if changed:
        journal.append("people.unit_changed", actor=actor, data={"unit": unit.code, "changed": changed})
    return unit


@transaction.atomic
def remove_unit(unit: Unit, *, actor: Person | None) -> None:
    """A unit that nothing uses. Journals `people.unit_removed`. Raises NotAllowed, Conflict naming what uses it."""
    _require(actor)
    _lock_units()
    _refuse_used(uses_of_unit(unit))
    facts = {"unit": unit.code, "name": unit.name}
    unit.delete()
    journal.append("people.unit_removed", actor=actor, data=facts)


def uses_of_unit(unit: Unit) -> list[str]:
    """What belongs to a unit, in the reader's words; it cannot be removed before."""
    return _said(
        (_("units below it"), [_name(one.name) for one in unit.children.order_by("pk")]),
        (_("posts"), [_name(one.name) for one in unit.posts.order_by("pk")]),
        (_("people"), _names(unit.people.filter(active=True))),
        (_("people who have left"), _names(unit.people.filter(active=False))),
        (_("sites"), [_name(one.name) for one in Site.objects.filter(unit=unit).order_by("pk")]),
        (_("districts"), [_name(one.name) for one in District.objects.filter(marketing_department=unit)]),
    )


# ---- posts


@transaction.atomic
def add_post(given: Given, *, actor: Person | None) -> Post:
    """A new post, which nobody holds yet. Journals `people.post_added`. Raises NotAllowed, Invalid."""
    _require(actor)
    post = _create(Post, single.read_new("posts", given), "code")
    journal.append("people.post_added", actor=actor, data={"post": post.code, "kind": post.kind})
    return post


@transaction.atomic
def change_post(post: Post, given: Given, *, actor: Person | None) -> Post:
    """Another name, kind or unit. Journals `people.post_changed`. Raises NotAllowed, Invalid.

    `plans.posts.change` is for all who do not know whether a plan names the kind.
    """
    _require(actor)
    post = Post.objects.select_for_update().get(pk=post.pk)
    changed = _write(post, single.read_change("posts", given, post))
    if changed:
        facts = {"post": post.code, "kind": post.kind, "changed": changed}
        journal.append("people.post_changed", actor=actor, data=facts)
    return post


@transaction.atomic
def remove_post(post: Post, *, actor: Person | None) -> None:
    """A post that nobody holds or will be on duty for. Journals `people.post_removed`, with who held it when. Raises
    NotAllowed, Conflict naming who uses it. `plans.posts.remove` is for all who do not know whether a plan names it.
    """
    _require(actor)
    post = Post.objects.select_for_update().get(pk=post.pk)
    _refuse_used(uses_of_post(post))
    held = post.holdings.order_by("since").values_list("person__staff_no", "rank", "since", "until")
    facts = {
        "post": post.code,
        "kind": post.kind,
        "name": post.name,
        "held": [
            [who, rank, since.isoformat(), until and until.isoformat()] for who, rank, since, until in held
        ],
    }
    post.delete()
    journal.append("people.post_removed", actor=actor, data=facts)


def uses_of_post(post: Post) -> list[str]:
    """Who holds a post or is on its roster, in the reader's words; it cannot be removed before."""
    holders = Person.objects.filter(holdings__post=post, holdings__until__isnull=True)
    ahead = Person.objects.filter(duty__post=post, duty__ends_at__gt=clock.now())
    return _said((_("held by"), _names(holders)), (_("on its roster"), _names(ahead)))


# ---- people


@transaction.atomic
def add_person(given: Given, *, actor: Person | None) -> Person:
    """A newcomer; with a post and a rank, appointed to a post whose rank is free. Journals `people.person_added`.

    Raises NotAllowed, also without the permission to appoint when there is a post, and Invalid.
    """
    _require(actor)
    said = single.read_new("staff", given)
    person = _create(Person, said, "staff_no")
    journal.append("people.person_added", actor=actor, data={"person": person.staff_no})
    if said.values["post"]:
        post = Post.objects.get(pk=said.values["post"])
        people.appoint(post, person, said.values["rank"], instead_of=[], actor=actor)
    return person


@transaction.atomic
def change_person(person: Person, given: Given, *, actor: Person | None) -> Person:
    """Another name, number, unit or job. A new number counts as not verified. Journals `people.person_changed`: what
    changed, not how. Raises NotAllowed, Invalid.
    """
    person = Person.objects.select_for_update().get(pk=person.pk)
    said = single.read_change("staff", given, person)
    if said.fields.keys() <= REACHED_BY:
        if actor is not None and actor.pk != person.pk:
            access.require(actor, MAY_CALL, person)
    else:
        _require(actor)
    changed = _write(person, said)
    if changed:
        facts = {"person": person.staff_no, "changed": changed}
        journal.append("people.person_changed", actor=actor, data=facts)
    return person


# ---- all of them


def _require(actor: Person | None) -> None:
    if actor is not None:
        access.require(actor, ORGANISE)


def _lock_units() -> None:
    """One change at a time, so that no unit comes to stand below itself."""
    list(Unit.objects.select_for_update().order_by("pk").values_list("pk"))


def _create(model: type[Row], said: single.Said, key: str) -> Row:
    try:
        with transaction.atomic():
            return model._default_manager.create(**said.fields)
    except IntegrityError:
        raise Invalid(key, gettext_noop("is in the database already")) from None


def _write(row: Model, said: single.Said) -> list[str]:
    """The names of what changed."""
    for name, value in said.fields.items():
        setattr(row, name, value)
    if said.fields:
        row.save(update_fields=list(said.fields))
    return sorted(name.removesuffix("_id") for name in said.fields)


def _refuse_used(uses: list[str]) -> None:
    if uses:
        raise Conflict(Words(gettext_noop("it is still in use: %(uses)s"), uses="; ".join(uses)))


def _said(*uses: tuple[str, list[str]]) -> list[str]:
    return [_("%(what)s: %(names)s") % {"what": what, "names": _some(names)} for what, names in uses if names]


def _some(names: list[str]) -> str:
    shown = " · ".join(names[:NAMED])
    more = len(names) - NAMED
    return _("%(names)s and %(more)d more") % {"names": shown, "more": more} if more > 0 else shown


def _names(found: QuerySet[Person]) -> list[str]:
    return [one.name for one in found.order_by("pk").distinct()]


def _name(words: texts.Text) -> str:
    return texts.pick(words, get_language() or "")
