"""Verbs about people: absences, duty, appointments. Each writes and journals in one transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, Words
from changbei.journal import services as journal
from changbei.people import access
from changbei.people.accounts import (
    DemoLogin,
    create_account,
    create_demo_accounts,
    issue_token,
    revoke_token,
    set_password,
    switch_account,
)
from changbei.people.models import Absence, Account, Contact, DutyShift, Person, Post, PostHolding

__all__ = [
    "DemoLogin",
    "appoint",
    "create_account",
    "create_demo_accounts",
    "edit_contact",
    "end_absence",
    "issue_token",
    "put_on_duty",
    "put_on_duty_weekly",
    "record_absence",
    "relieve",
    "retire",
    "revoke_token",
    "set_password",
    "switch_account",
    "take_off_duty",
]

MOST_WEEKS = 26
"""For how many weeks a shift can be repeated in one go."""
MOST_RANKS = 99
LONGEST = timedelta(days=3660)
"""How far from now absences and shifts begin and end."""
HAS_LEFT = gettext_noop("%(name)s has left")
IS_AWAY = gettext_noop("%(name)s is away at that time (%(when)s)")
ON_DUTY = gettext_noop("%(name)s is on this duty at that time already (%(when)s)")


@transaction.atomic
def record_absence(
    person: Person,
    starts_at: datetime,
    ends_at: datetime,
    *,
    out_of_city: bool = False,
    reachable: bool = True,
    substitute: Person | None = None,
    actor: Person | None,
) -> Absence:
    """Somebody is or will be away; everybody may say so of themselves. Journals `people.absence_recorded`.

    Said again in the same words it is the same absence. Raises Invalid for a period that is empty or over, or a
    substitute who is the person, has left, or is away meanwhile; Conflict when the person has left.
    """
    if actor is not None:
        own = actor.pk == person.pk
        access.require(actor, "people.record_own_absence" if own else "people.record_absence", person)
    person, *others = _lock(person, substitute)
    substitute = others[0] if others else None
    _refuse_who_has_left(person)
    _refuse_period(starts_at, ends_at)
    if substitute is not None:
        _refuse_substitute(person, substitute, starts_at, ends_at)
    said = {
        "person": person,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "out_of_city": out_of_city,
        "reachable": reachable,
        "substitute": substitute,
    }
    if known := Absence.objects.filter(**said).first():
        return known
    absence = Absence.objects.create(**said, recorded_by=actor)
    journal.append("people.absence_recorded", actor=actor, data=_absence_facts(absence))
    return absence


@transaction.atomic
def end_absence(absence: Absence, *, actor: Person | None) -> None:
    """Back early: the absence ends now, one that had not begun is struck out. Journals
    `people.absence_ended`.

    Roles that went to deputies and substitutes come back when the reaction resolves them anew. Raises
    Conflict when the absence is over already.
    """
    if actor is not None:
        own = actor.pk == absence.person_id
        access.require(actor, "people.record_own_absence" if own else "people.record_absence", absence.person)
    absence = (
        Absence.objects.select_for_update(of=("self",))
        .select_related("person", "substitute")
        .get(pk=absence.pk)
    )
    now = clock.now()
    if absence.ends_at <= now:
        raise Conflict(gettext_noop("the absence is over already"))
    if absence.starts_at >= now:
        absence.delete()
    else:
        absence.ends_at = now
        absence.save(update_fields=["ends_at"])
    journal.append("people.absence_ended", actor=actor, data=_absence_facts(absence))


@transaction.atomic
def put_on_duty(
    post: Post, person: Person, starts_at: datetime, ends_at: datetime, *, actor: Person | None
) -> DutyShift:
    """Put somebody on the roster. Journals `people.duty_changed`.

    Raises Invalid for a period that is empty or over, Conflict when the person has left, is away meanwhile or is
    on this duty already.
    """
    if actor is not None:
        access.require(actor, "people.put_on_duty", post)
    person = _lock(person)[0]
    _refuse_period(starts_at, ends_at)
    _refuse_who_has_left(person)
    meanwhile = Q(starts_at__lt=ends_at, ends_at__gt=starts_at)
    said = {"name": person.name, "when": _when(starts_at)}
    if person.absences.filter(meanwhile).exists():
        raise Conflict(Words(IS_AWAY, **said))
    if person.duty.filter(meanwhile, post=post).exists():
        raise Conflict(Words(ON_DUTY, **said))
    shift = DutyShift.objects.create(post=post, person=person, starts_at=starts_at, ends_at=ends_at)
    journal.append("people.duty_changed", actor=actor, data=_shift_facts(shift) | {"change": "on"})
    return shift


@transaction.atomic
def put_on_duty_weekly(
    post: Post, person: Person, starts_at: datetime, ends_at: datetime, weeks: int, *, actor: Person | None
) -> list[DutyShift]:
    """The same shift in each of `weeks` weeks, the first at `starts_at`: all of them, or none when one cannot be.

    Raises Invalid for a number of weeks that is not from 1 to MOST_WEEKS or shifts longer than a week, else as
    `put_on_duty`.
    """
    if not 1 <= weeks <= MOST_WEEKS:
        raise Invalid("weeks", Words(gettext_noop("from 1 to %(most)d weeks"), most=MOST_WEEKS))
    if weeks > 1 and ends_at - starts_at > timedelta(weeks=1):
        raise Invalid("ends_at", gettext_noop("what is repeated weekly is a week long at most"))
    later = [timedelta(weeks=number) for number in range(weeks)]
    return [put_on_duty(post, person, starts_at + by, ends_at + by, actor=actor) for by in later]


@transaction.atomic
def take_off_duty(shift: DutyShift, *, actor: Person | None) -> None:
    """Take a shift off the roster; what was already served stays. Journals `people.duty_changed`."""
    if actor is not None:
        access.require(actor, "people.put_on_duty", shift.post)
    shift = (
        DutyShift.objects.select_for_update(of=("self",)).select_related("post", "person").get(pk=shift.pk)
    )
    now = clock.now()
    if shift.ends_at <= now:
        raise Conflict(gettext_noop("the shift is over already"))
    if shift.starts_at >= now:
        shift.delete()
    else:
        shift.ends_at = now
        shift.save(update_fields=["ends_at"])
    journal.append("people.duty_changed", actor=actor, data=_shift_facts(shift) | {"change": "off"})


@transaction.atomic
def appoint(
    post: Post,
    person: Person,
    rank: int = 1,
    *,
    instead_of: Collection[str] | None = None,
    actor: Person | None,
) -> PostHolding:
    """Make `person` the holder (rank 1) or a deputy; whoever had that rank, and the person's other rank,
    end now. Who has that rank already keeps it.

    Journals `people.holder_changed`. `instead_of`: staff numbers of those whom the caller saw in that rank. Raises
    Conflict when others have it by now, and for somebody who has left; Invalid for a rank that is none.
    """
    if actor is not None:
        access.require(actor, "people.appoint", post)
    if not 1 <= rank <= MOST_RANKS:
        raise Invalid("rank", gettext_noop("1 is the holder, 2, 3 … the deputies"))
    Post.objects.select_for_update().get(pk=post.pk)
    person = _lock(person)[0]
    _refuse_who_has_left(person)
    now = clock.now()
    current = post.holdings.filter(until__isnull=True)
    replaced = list(current.filter(rank=rank).select_related("person"))
    if [one.person_id for one in replaced] == [person.pk]:
        return replaced[0]
    if instead_of is not None and {one.person.staff_no for one in replaced} != set(instead_of):
        raise Conflict(gettext_noop("somebody else has been appointed or relieved in the meantime"))
    current.filter(Q(rank=rank) | Q(person=person)).update(until=now)
    holding = PostHolding.objects.create(post=post, person=person, rank=rank, since=now)
    facts = _post_facts(post) | {"person": person.staff_no, "rank": rank}
    journal.append("people.holder_changed", actor=actor, data=facts)
    return holding


@transaction.atomic
def relieve(post: Post, person: Person, *, actor: Person | None) -> None:
    """End a holding. Journals `people.holder_changed`; Conflict when the person does not hold the post."""
    if actor is not None:
        access.require(actor, "people.appoint", post)
    ended = post.holdings.filter(person=person, until__isnull=True).update(until=clock.now())
    if not ended:
        raise Conflict(Words(gettext_noop("%(name)s does not hold this post"), name=person.name))
    journal.append(
        "people.holder_changed",
        actor=actor,
        data=_post_facts(post) | {"person": None, "left": person.staff_no},
    )


@transaction.atomic
def retire(person: Person, *, actor: Person | None) -> None:
    """Somebody leaves: no posts, no future duty, no login. Journals `people.person_left`.

    Raises Conflict for somebody who has left already, and for oneself: nobody is left then who could mend it.
    """
    if actor is not None:
        access.require(actor, "people.appoint", person)
        if actor.pk == person.pk:
            raise Conflict(gettext_noop("nobody can record of themselves that they have left"))
    person = _lock(person)[0]
    if not person.active:
        raise Conflict(Words(gettext_noop("%(name)s has left already"), name=person.name))
    now = clock.now()
    posts = sorted(person.holdings.filter(until__isnull=True).values_list("post__code", flat=True))
    person.holdings.filter(until__isnull=True).update(until=now)
    person.duty.filter(starts_at__gte=now).delete()
    person.duty.filter(starts_at__lt=now, ends_at__gt=now).update(ends_at=now)
    person.active = False
    person.save(update_fields=["active"])
    Account.objects.filter(person=person).update(is_active=False)
    journal.append("people.person_left", actor=actor, data={"person": person.staff_no, "posts": posts})


@transaction.atomic
def edit_contact(
    contact: Contact, *, person: str, phone: str, email: str = "", actor: Person | None
) -> Contact:
    """Correct or confirm an outside contact; it counts as reviewed today (E3.1.13). Journals
    `people.contact_reviewed`.
    """
    if actor is not None:
        access.require(actor, "people.edit_contacts")
    if not phone.strip():
        raise Invalid("phone", gettext_noop("a contact needs a telephone number"))
    contact = Contact.objects.select_for_update().get(pk=contact.pk)
    changed = sorted(
        name
        for name, new in (("person", person), ("phone", phone), ("email", email))
        if getattr(contact, name) != new.strip()
    )
    contact.person, contact.phone, contact.email = person.strip(), phone.strip(), email.strip()
    contact.reviewed_on = clock.today()
    contact.save(update_fields=["person", "phone", "email", "reviewed_on"])
    journal.append(
        "people.contact_reviewed",
        actor=actor,
        clause="E3.1.13",
        data={"contact": contact.code, "changed": changed},
    )
    return contact


@transaction.atomic
def verify_phone(person: Person, *, phone: str, second_phone: str = "", actor: Person | None) -> Person:
    """Somebody called the number and was answered, today (E3.2.8); the number may be corrected with that.

    Everybody may do so for themselves. Journals `people.phone_verified`. Raises Invalid without a number.
    """
    if actor is not None and actor.pk != person.pk:
        access.require(actor, "people.verify_phone", person)
    if not phone.strip():
        raise Invalid("phone", gettext_noop("a number is needed"))
    person = _lock(person)[0]
    person.phone, person.second_phone = phone.strip(), second_phone.strip()
    person.phone_verified_on = clock.today()
    person.save(update_fields=["phone", "second_phone", "phone_verified_on"])
    facts = {"person": person.staff_no, "on": person.phone_verified_on.isoformat()}
    journal.append("people.phone_verified", actor=actor, clause="E3.2.8", data=facts)
    return person


def _lock(*people: Person | None) -> list[Person]:
    """Lock these people in the order of their ids and return them as they are now."""
    wanted = [person.pk for person in people if person is not None]
    found = {
        person.pk: person
        for person in Person.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    }
    return [found[pk] for pk in wanted]


def _refuse_period(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise Invalid("ends_at", gettext_noop("must be after the beginning"))
    now = clock.now()
    if ends_at <= now:
        raise Invalid("ends_at", gettext_noop("this time is over already"))
    for name, moment in (("starts_at", starts_at), ("ends_at", ends_at)):
        if abs(moment - now) > LONGEST:
            raise Invalid(name, gettext_noop("this day is too far away"))


def _refuse_who_has_left(person: Person) -> None:
    if not person.active:
        raise Conflict(Words(HAS_LEFT, name=person.name))


def _when(moment: datetime) -> str:
    return moment.astimezone(clock.LOCAL).strftime("%m-%d %H:%M")


def _refuse_substitute(person: Person, substitute: Person, starts_at: datetime, ends_at: datetime) -> None:
    if substitute.pk == person.pk:
        raise Invalid("substitute", gettext_noop("nobody can stand in for themselves"))
    if not substitute.active:
        raise Invalid("substitute", Words(HAS_LEFT, name=substitute.name))
    if substitute.absences.filter(starts_at__lt=ends_at, ends_at__gt=starts_at).exists():
        raise Invalid("substitute", Words(IS_AWAY, name=substitute.name, when=_when(starts_at)))


def _absence_facts(absence: Absence) -> dict[str, object]:
    return {
        "person": absence.person.staff_no,
        "starts_at": absence.starts_at.isoformat(),
        "ends_at": absence.ends_at.isoformat(),
        "out_of_city": absence.out_of_city,
        "reachable": absence.reachable,
        "substitute": absence.substitute.staff_no if absence.substitute else None,
    }


def _shift_facts(shift: DutyShift) -> dict[str, object]:
    return _post_facts(shift.post) | {
        "person": shift.person.staff_no,
        "starts_at": shift.starts_at.isoformat(),
        "ends_at": shift.ends_at.isoformat(),
    }


def _post_facts(post: Post) -> dict[str, object]:
    return {"post": post.code, "kind": post.kind}
