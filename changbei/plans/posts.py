"""Posts that plans in force name: of each kind one has to stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from changbei.core import texts
from changbei.core.errors import Conflict, Invalid, Words
from changbei.network import organisation
from changbei.people.models import Person, Post
from changbei.plans.selectors import packs_in_force

NEEDED = gettext_noop("no other post is of this kind, which a plan names: %(plans)s")


def kinds_named() -> dict[str, list[str]]:
    """Kinds of post in the roles of plans in force, each with the titles of these plans in the reader's language."""
    found: dict[str, list[str]] = {}
    for pack in packs_in_force():
        title = texts.pick(pack.titles, get_language() or "")
        for kind in dict.fromkeys(role.post or role.duty for role in pack.roles.values()):
            found.setdefault(kind, []).append(title)
    return {kind: titles for kind, titles in found.items() if kind}


def needing(post: Post) -> list[str]:
    """Plans in force that name the kind of this post while no other post is of it."""
    others = Post.objects.filter(kind=post.kind).exclude(pk=post.pk)
    return [] if others.exists() else kinds_named().get(post.kind, [])


def uses(post: Post) -> list[str]:
    """What the post cannot be removed for, in the reader's words."""
    plans = needing(post)
    named = [_("plans: %(plans)s") % {"plans": " · ".join(plans)}] if plans else []
    return [*organisation.uses_of_post(post), *named]


@transaction.atomic
def change(post: Post, given: Mapping[str, Any], *, actor: Person | None) -> Post:
    """As `organisation.change_post`; Invalid also for taking away a kind's last post while a plan names it."""
    before, plans = post.kind, needing(post)
    post = organisation.change_post(post, given, actor=actor)
    if plans and post.kind != before:
        raise Invalid("kind", Words(NEEDED, plans=" · ".join(plans)))
    return post


@transaction.atomic
def remove(post: Post, *, actor: Person | None) -> None:
    """As `organisation.remove_post`; Conflict also for a kind's last post while a plan names it."""
    plans = needing(post)
    organisation.remove_post(post, actor=actor)
    if plans:
        raise Conflict(Words(NEEDED, plans=" · ".join(plans)))
