"""Notices in bulk: asked for by a query, looked at, and sent. `steering` is what is done with them afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core.errors import Invalid, Problem
from changbei.core.texts import LANGUAGES
from changbei.journal import locks
from changbei.notify import audiences, fanout, personal, rules, services, steering, wording
from changbei.notify.audiences import Preview, Query
from changbei.notify.channels.registry import offered
from changbei.notify.confirming import Confirm
from changbei.notify.ladders import INBOX
from changbei.notify.models import Message, Notice, Urgency
from changbei.notify.paper import PAPER
from changbei.notify.recipients import of_people, of_person
from changbei.notify.services import NewNotice
from changbei.people import access
from changbei.people.models import Person, Unit

BY_HAND = "by-hand"  # the template of what somebody has written
LONGEST_TITLE, LONGEST_BODY = 80, 1_000


def ways(kind: str) -> tuple[str, ...]:
    """The channels one may choose for retailers or for people, as they are set up here."""
    if kind == "people":
        return offered()
    return (*(one for one in offered() if one != INBOX), PAPER)


def own_of(query: Query, actor: object) -> Query:
    """The query as far as the actor may tell: who may tell one unit only tells its customers and colleagues.

    Raises NotAllowed, and Invalid for units that are named and belong to others.
    """
    access.require(actor, steering.PERMISSION)
    own = access.units_with(actor, steering.PERMISSION)
    if own is None:
        return query
    codes = set(Unit.objects.filter(pk__in=own).values_list("code", flat=True))
    if not codes.issuperset(query.units):
        raise Invalid("units", gettext_noop("only customers and colleagues of the own unit may be told"))
    return replace(query, units=query.units or tuple(sorted(codes)))


def preview(query: Query, channels: Sequence[str], *, actor: object) -> Preview:
    """Who would be told by these channels, if the actor sent it. Changes nothing. Raises as `own_of`."""
    query = own_of(query, actor)
    if query.kind == "people":
        staff = of_people(audiences.people(query))
        missed = len(staff) - services.count_reached(_as_asked(channels), staff)
        return Preview(len(staff), missed, 0, audiences.sample_of_people(query))
    found = audiences.retailers(query)
    counts = fanout.with_and_without(found)
    managers = found.order_by().values("customer_manager").distinct().count()
    unreachable = sum(counts.get(has, 0) for has in _without_a_way(tuple(channels)))
    return Preview(sum(counts.values()), unreachable, managers, audiences.sample_of_retailers(query))


def _without_a_way(channels: tuple[str, ...]) -> list[bool]:
    """Whether it is those with a number, or without, whom these channels do not reach, by the rules that will write."""
    shapes = fanout.shapes(_as_asked(channels), fanout.way())
    return [has for has, rows in shapes.items() if _is_unreachable(rows)]


def _as_asked(channels: Sequence[str]) -> NewNotice:
    return NewNotice(BY_HAND, {}, {}, Urgency.BULK, channels=tuple(channels))


def _is_unreachable(rows: Sequence[rules.Row]) -> bool:
    return all(row.state == Message.State.UNREACHABLE for row in rows)


@dataclass(frozen=True)
class Draft:
    """A notice before it is sent. Texts may hold `personal.known()` placeholders."""

    query: Query
    title: Mapping[str, str]
    body: Mapping[str, str]
    channels: tuple[str, ...]
    urgency: Urgency = Urgency.BULK
    template: str = BY_HAND
    clause: str = "E3.2.1"
    incident: UUID | None = None
    run: UUID | None = None
    needs_acknowledgement: bool = False
    confirm_at_least: int = 0  # so many have to confirm within the time, else the sender is told who has not
    confirm_within_seconds: int = 1_800
    drill: bool = False
    outside_in_drill: bool = False
    key: UUID | None = None  # made by who sends, once: sent again with it, it is the same notice


def check(draft: Draft) -> tuple[str, ...]:
    """The placeholders that each recipient fills. Invalid, with every problem, for what cannot be sent."""
    problems = [*_problems("title", draft.title, LONGEST_TITLE), *_problems("body", draft.body, LONGEST_BODY)]
    possible = ways(draft.query.kind)
    if not draft.channels:
        problems.append(Problem("channels", gettext_noop("choose at least one way")))
    problems += [
        Problem("channels", gettext_noop("is not set up here"))
        for one in draft.channels
        if one not in possible
    ]
    if draft.drill and draft.query.kind == "retailers" and not draft.outside_in_drill:
        problems.append(
            Problem("drill", gettext_noop("customers are told in a drill only when that is ticked"))
        )
    if draft.confirm_at_least < 0 or draft.confirm_within_seconds < 1:
        problems.append(
            Problem("confirm_at_least", gettext_noop("a number of recipients, and a time, are needed"))
        )
    if problems:
        raise Invalid(problems=problems)
    used = wording.placeholders(draft.title, draft.body)
    unknown = sorted(used - set(personal.known()))
    if unknown:
        raise Invalid(
            "body", f"{{{unknown[0]}}}: there is no such placeholder; {', '.join(personal.known())}"
        )
    return tuple(sorted(used))


def _problems(field: str, text: Mapping[str, str], longest: int) -> list[Problem]:
    if not (text.get("zh-Hans") or "").strip():
        return [Problem(field, gettext_noop("words in Chinese are needed"))]
    if set(text) - set(LANGUAGES):
        return [Problem(field, f"languages are {', '.join(LANGUAGES)}")]
    if any(len(words) > longest for words in text.values()):
        return [Problem(field, f"at most {longest} characters")]
    try:
        wording.placeholders(text)
    except ValueError:
        return [Problem(field, gettext_noop("a brace { or } stands alone"))]
    return []


def send(draft: Draft, *, actor: Person) -> Notice:
    """Freeze the answer to the query and queue a message for each; on record with the query and the numbers. A key
    that was sent with before is that notice.

    Raises NotAllowed, and Invalid for an audience of nobody or of other units, for words that cannot be said, for
    ways not set up.
    """
    draft = replace(draft, query=own_of(draft.query, actor))
    own = check(draft)
    new = NewNotice(
        template=draft.template,
        title=_filled(draft.title),
        body=_filled(draft.body),
        urgency=draft.urgency,
        incident=draft.incident,
        run=draft.run,
        clause=draft.clause,
        needs_acknowledgement=draft.needs_acknowledgement,
        confirm=_confirm(draft, actor),
        drill=draft.drill,
        outside_in_drill=draft.outside_in_drill,
        channels=draft.channels,
        personal=own,
        key=draft.key,
    )
    with transaction.atomic():
        if draft.key is not None and (known := _sent_with(draft.key)):
            return known
        notice = (
            _to_people(draft, new, actor)
            if draft.query.kind == "people"
            else _to_retailers(draft, new, actor)
        )
        if PAPER in draft.channels:
            steering.tell_in_person(notice, actor=actor)
    return notice


def _sent_with(key: UUID) -> Notice | None:
    """Whoever sends with the same key at this moment waits."""
    locks.hold(f"notify.send:{key}")
    return Notice.objects.filter(uuid=key).first()


def _confirm(draft: Draft, actor: Person) -> Confirm | None:
    if not draft.confirm_at_least:
        return None
    return Confirm(draft.confirm_at_least, draft.confirm_within_seconds, chain=(of_person(actor),))


def _filled(text: Mapping[str, str]) -> dict[str, str]:
    return {language: words.strip() for language, words in text.items() if words.strip()}


def _to_people(draft: Draft, new: NewNotice, actor: Person) -> Notice:
    staff = of_people(audiences.people(draft.query))
    _enough(draft, len(staff))
    notice = services.tell(new, staff, actor=actor)
    Notice.objects.filter(pk=notice.pk).update(audience=draft.query.to_json(), by=actor)
    return notice


def _to_retailers(draft: Draft, new: NewNotice, actor: Person) -> Notice:
    found = audiences.retailers(draft.query)
    _enough(draft, found.count() if draft.confirm_at_least else int(found.exists()))
    return fanout.tell_retailers(new, found, audience=draft.query.to_json(), actor=actor)


def _enough(draft: Draft, recipients: int) -> None:
    if not recipients:
        raise Invalid("audience", gettext_noop("nobody is like that: there is no one to tell"))
    if draft.confirm_at_least > recipients:
        raise Invalid("confirm_at_least", gettext_noop("there are not so many recipients"))
