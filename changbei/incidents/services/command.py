"""Who commands: the command post of a major event, the acting commander, and what happens when leaders come and go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, NotAllowed
from changbei.incidents import plan, rules, telling
from changbei.incidents.models import Authorisation, CommandPost, Incident, Level
from changbei.incidents.noting import fact, note
from changbei.incidents.rules import Command
from changbei.incidents.services.locking import lock
from changbei.journal import services as journal
from changbei.journal.rows import Rows, reserve
from changbei.notify import services as notify
from changbei.notify.recipients import of_people
from changbei.people.models import Person
from changbei.people.resolution import Leaders, RoleSpec, Roster, leaders_present, resolve
from changbei.plans import tables
from changbei.plans.model import COMMANDER, DEPUTY_COMMANDER, Pack
from changbei.runs import services as runs

TABLE = "acting-commander"


def roles_of(decided: Command) -> dict[str, str]:
    """The roles of a plan that the command fills, as `Run.scope["command"]` keeps them."""
    return {COMMANDER: decided.commander, DEPUTY_COMMANDER: decided.deputy_commander}


def scope_of(decided: Command) -> dict[str, Any]:
    """What the command is in `Run.scope`: who fills its roles, and which of them somebody fills as acting."""
    return {"command": roles_of(decided), "acting": [COMMANDER] if decided.acting else []}


@dataclass
class Taken:
    """Who commands from the first moment on, and for a major event the command post, not written yet."""

    decided: Command
    post: CommandPost | None = None
    authorisation: Authorisation | None = None
    facts: list[journal.NewEntry] = field(default_factory=list)

    def put(self, rows: Rows) -> None:
        if self.post:
            rows.insert_objects([self.post])
        if self.authorisation:
            rows.insert_objects([self.authorisation])


def take_command(incident: Incident, pack: Pack, roster: Roster, now: datetime) -> Taken:
    """Decide who commands; for a major event the command post is set up at once (E2.1b), acting included (E2.1c)."""
    decided, post_kind = decide(incident.family, pack, now, roster.leaders())
    taken = Taken(decided)
    if incident.level != Level.MAJOR:
        return taken
    people = {staff_no: roster.by_staff_no.get(staff_no) for staff_no in roles_of(decided).values()}
    if decided.acting:
        people[decided.commander] = Person.objects.get(staff_no=decided.commander)
    taken.post = CommandPost(
        id=reserve({CommandPost: 1})[CommandPost][0],
        incident=incident,
        set_up_at=now,
        commander=people[decided.commander],
        deputy_commander=people[decided.deputy_commander],
        acting=decided.acting,
    )
    taken.facts.append(_commanded("incidents.command_post_set_up", incident, decided, clause="E2.1b"))
    if decided.acting:
        taken.authorisation = _authorisation(taken.post, decided, post_kind, now)
        taken.facts.append(_asked(taken.authorisation))
    return taken


def set_up_again(incident: Incident, pack: Pack) -> None:
    """The incident has become a major one: the command post is set up now, and the run's command roles follow."""
    now = clock.now()
    decided, post = decide(incident.family, pack, now, leaders_present(now))
    _set_up(incident, decided, post, now)
    if incident.run:
        runs.change_scope(incident.run.uuid, scope_of(decided))
    tell_command(incident, pack)


def _set_up(incident: Incident, decided: Command, post_kind: str, now: datetime) -> None:
    command_post, _ = CommandPost.objects.update_or_create(
        incident=incident, defaults={"set_up_at": now, "stood_down_at": None, **_people(decided)}
    )
    journal.append_many([_commanded("incidents.command_post_set_up", incident, decided, clause="E2.1b")])
    if decided.acting:
        _ask_leaders(command_post, decided, post_kind, now)


def decide(family: str, pack: Pack, now: datetime, leaders: Leaders) -> tuple[Command, str]:
    """Who commands an event of this family (E2.1b, E2.1c), and the kind of the post of whoever does as acting."""
    acting, post = "", ""
    if leaders.both_away and TABLE in pack.tables:
        said = tables.evaluate(pack.tables[TABLE], {"family": family}).outputs
        post = str((said or {}).get("post", ""))  # no report is lost for a hole in a table
        holder = resolve(RoleSpec(post=post), {}, now) if post else None
        acting = holder.person.staff_no if holder and holder.person and not holder.away else ""
    decided = rules.command(
        leaders.head.staff_no if leaders.head else "",
        leaders.deputy.staff_no if leaders.deputy else "",
        head_present=leaders.head_present,
        deputy_present=leaders.deputy_present,
        acting=acting,
    )
    return decided, post


def _people(decided: Command) -> dict[str, object]:
    wanted = [decided.commander, decided.deputy_commander]
    people = {person.staff_no: person for person in Person.objects.filter(staff_no__in=wanted)}
    return {
        "commander": people.get(decided.commander),
        "deputy_commander": people.get(decided.deputy_commander),
        "acting": decided.acting,
    }


def _ask_leaders(command_post: CommandPost, decided: Command, post: str, now: datetime) -> None:
    """The record of the authorisation: acting begins at once, the leaders confirm it with one tap."""
    authorisation = _authorisation(command_post, decided, post, now)
    authorisation.save()
    journal.append_many([_asked(authorisation)])


def _authorisation(command_post: CommandPost, decided: Command, post: str, now: datetime) -> Authorisation:
    return Authorisation(
        command_post=command_post,
        acting_commander=command_post.commander,
        post=post,
        asked_of=list(decided.ask),
        requested_at=now,
    )


def _asked(authorisation: Authorisation) -> journal.NewEntry:
    incident = authorisation.command_post.incident
    acting = authorisation.acting_commander
    return fact(
        "incidents.authorisation_asked",
        incident,
        None,
        clause="E2.1c",
        acting=acting.staff_no,
        post=authorisation.post,
        asked=list(authorisation.asked_of),
    )


def tell_command(incident: Incident, pack: Pack) -> None:
    """Tell the command post's people, and ask absent leaders for their authorisation."""
    post = (
        CommandPost.objects.select_related("commander", "deputy_commander").filter(incident=incident).first()
    )
    if post is None:
        return
    authorisation = post.authorisations.filter(granted_at__isnull=True).order_by("-pk").first()
    notify.tell_many(_orders(incident, pack, post, authorisation if post.acting else None))


def orders_of(incident: Incident, pack: Pack, taken: Taken) -> list[notify.Order]:
    """The same for a command that was just taken."""
    return _orders(incident, pack, taken.post, taken.authorisation) if taken.post else []


def _orders(
    incident: Incident, pack: Pack, post: CommandPost, authorisation: Authorisation | None
) -> list[notify.Order]:
    if post.commander is None:
        return []
    together = [person for person in (post.commander, post.deputy_commander) if person]
    name = post.commander.name
    if not post.acting:
        return [_order(incident, pack, "command-post", together, {"commander": name})]
    kind = authorisation.post if authorisation else ""
    title = _post_title(kind) or kind
    orders = [_order(incident, pack, "acting-commander", together, {"post": title})]
    if authorisation:
        leaders = list(Person.objects.filter(staff_no__in=authorisation.asked_of).order_by("pk"))
        orders.append(_order(incident, pack, "authorisation-asked", leaders, {"name": name, "post": title}))
    return orders


def _order(
    incident: Incident, pack: Pack, template: str, people: list[Person], values: Mapping[str, Any]
) -> notify.Order:
    notice = telling.compose(incident, pack, template, values, needs_acknowledgement=True)
    return notice, of_people(people)


def _post_title(kind: str) -> dict[str, str] | None:
    """The name of the first post of a kind, e.g. of the delivery centre's head."""
    spec = resolve(RoleSpec(post=kind), {}, clock.now()) if kind else None
    if spec is None or spec.person is None:
        return None
    held = spec.person.holdings.filter(post__kind=kind, until__isnull=True).select_related("post").first()
    return held.post.name if held else None


@transaction.atomic
def authorise(command_post: CommandPost, *, actor: Person) -> Authorisation:
    """A leader who was asked grants the authorisation (E2.1c). Granting twice changes nothing.

    Raises NotAllowed for anybody else, Conflict when nothing is asked or the command post has stood down.
    """
    post = (
        CommandPost.objects.select_for_update(of=("self",))
        .select_related("incident__run")
        .get(pk=command_post.pk)
    )
    authorisation = post.authorisations.order_by("-pk").first()
    if authorisation is None or post.stood_down_at:
        raise Conflict(gettext_noop("no authorisation is asked for"))
    if actor.staff_no not in authorisation.asked_of:
        raise NotAllowed(gettext_noop("only the head and the deputy head authorise an acting commander"))
    if authorisation.granted_at:
        return authorisation
    authorisation.granted_by, authorisation.granted_at = actor, clock.now()
    authorisation.save(update_fields=["granted_by", "granted_at"])
    acting = authorisation.acting_commander.staff_no
    note(
        "incidents.authorisation_granted",
        post.incident,
        actor,
        clause="E2.1c",
        acting=acting,
        post=authorisation.post,
    )
    return authorisation


@transaction.atomic
def reassess_command(incident: Incident) -> Command | None:
    """Somebody left or came back: the command of an open incident passes on, or is handed back. None: nothing changed.

    For a local event the instructing leader changes in the same way, without a command post (E2.1d).
    """
    incident = lock(incident)
    if incident.status == Incident.Status.CLOSED or incident.run is None:
        return None
    pack, now = plan.of_incident(incident).pack, clock.now()
    decided, post_kind = decide(incident.family, pack, now, leaders_present(now))
    before = dict(incident.run.scope.get("command") or {})
    post = (
        CommandPost.objects.select_for_update().filter(incident=incident, stood_down_at__isnull=True).first()
    )
    if before == roles_of(decided) and (post is None or post.acting == decided.acting):
        return None
    runs.change_scope(incident.run.uuid, scope_of(decided))
    if post is not None:
        _pass_command(incident, pack, post, decided, post_kind, now)
    return decided


def _pass_command(
    incident: Incident, pack: Pack, post: CommandPost, decided: Command, post_kind: str, now: datetime
) -> None:
    was_acting, old = post.acting, post.commander.staff_no if post.commander else ""
    for name, value in _people(decided).items():
        setattr(post, name, value)
    post.save(update_fields=["commander", "deputy_commander", "acting"])
    handed_back = was_acting and not decided.acting
    kind = "incidents.command_handed_back" if handed_back else "incidents.command_passed"
    clause = "E2.1b" if handed_back else "E2.1c"
    journal.append_many([_commanded(kind, incident, decided, clause=clause, before=old)])
    if decided.acting:
        _ask_leaders(post, decided, post_kind, now)
    tell_command(incident, pack)


def stand_down(incident: Incident, *, actor: Person | None) -> None:
    """The command post of an incident ends."""
    ended = CommandPost.objects.filter(incident=incident, stood_down_at__isnull=True).update(
        stood_down_at=clock.now()
    )
    if ended:
        note("incidents.command_post_stood_down", incident, actor, clause="E2.1b")


def _commanded(
    kind: str, incident: Incident, decided: Command, *, clause: str, before: str = ""
) -> journal.NewEntry:
    return fact(
        kind,
        incident,
        None,
        clause=clause,
        commander=decided.commander,
        deputy_commander=decided.deputy_commander,
        acting=decided.acting,
        before=before,
    )
