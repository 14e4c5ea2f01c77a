"""Everybody the plan needs can be called (E3.1.13)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from changbei.core import clock
from changbei.notify import refusals
from changbei.people.models import Contact, Person, Post, PostHolding
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.readiness import rules
from changbei.readiness.checks import refused
from changbei.readiness.params import names, number, params, whole
from changbei.readiness.rules import ContactRow, Trouble


@check_kind(
    "contact_groups",
    registry="contacts",
    params=params(
        names("groups", "Groups of contacts of which somebody must be there."),
        names("serves", "Equipment and services that some contact must serve."),
        names("posts", "Own posts whose holders must have a number."),
        names("leave_out", "Groups of contacts that another check looks at."),
        whole("max_age_days", "How long an entry counts as reviewed.", minimum=1),
    ),
)
def contact_groups(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """The contact list has everybody the plan needs, with numbers, reviewed in time (E3.1.13)."""
    rows = [
        ContactRow(
            contact.code,
            contact.group,
            contact.organisation,
            contact.phone,
            tuple(contact.serves),
            contact.reviewed_on,
        )
        for contact in Contact.objects.exclude(group__in=given.get("leave_out", [])).order_by("code")
    ]
    limit = number(given, "max_age_days", pack, 180)
    found = rules.contact_troubles(
        rows, given.get("groups", []), given.get("serves", []), limit, clock.day_of(now)
    )
    wanted = {row.code for row in rows}
    numbers = [one for one in refusals.of_contacts() if one.code in wanted]
    return found + refused.troubles(numbers) + _people_without_numbers(given.get("posts", []), now)


def _people_without_numbers(posts: list[str], now: datetime) -> list[Trouble]:
    """Own posts nobody holds, and their holders whom nobody could phone."""
    present = set(
        PostHolding.objects.filter(until__isnull=True, person__active=True).values_list(
            "post__kind", flat=True
        )
    )
    found = [rules.trouble("group-missing", post, group=post) for post in posts if post not in present]
    held = Post.objects.filter(kind__in=posts, holdings__since__lte=now)
    people = Person.objects.filter(
        holdings__post__in=held, holdings__until__isnull=True, active=True, phone="", second_phone=""
    )
    return found + [
        rules.trouble("no-phone", person.staff_no, who=person.name)
        for person in people.distinct().order_by("staff_no")
    ]
