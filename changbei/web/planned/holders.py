"""Roles with who holds them now, where and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from changbei.network.models import District, Site
from changbei.people.models import Person, Unit
from changbei.people.resolution import Holder, Scope, leaders_present, resolve_many
from changbei.plans.model import COMMANDER, DEPUTY_COMMANDER, Pack, Role
from changbei.runs.roles import spec_of
from changbei.web import showing
from changbei.web.components import Clause, PersonCard
from changbei.web.planned.words import anchor_of


@dataclass(frozen=True)
class Held:
    """Somebody in a role, and where."""

    card: PersonCard
    where: str


@dataclass(frozen=True)
class RoleRow:
    role: Role
    anchor: str
    title: str
    clause: Clause | None
    source: str
    holders: Sequence[Held]
    note: str = ""
    posts_url: str = ""  # where the posts that the role looks at are filled


def roles(pack: Pack, now: datetime) -> list[RoleRow]:
    """Who holds each role at `now` and why; local roles in each unit that has one of its own."""
    held: dict[str, list[Held]] = defaultdict(list)
    for where, scope, names in _scopes(pack):
        specs = {name: spec_of(pack, name) for name in names}
        for name, holder in resolve_many(specs, scope, now).items():
            held[name].append(_held(holder, where))
    commanding = _commanding(now)
    return [_role(pack, role, held[name], commanding) for name, role in pack.roles.items()]


def _scopes(pack: Pack) -> Iterator[tuple[str, Scope, list[str]]]:
    """What is said of the place, the scope, and the roles held in it: the whole city, then unit by unit."""
    city = [name for name, role in pack.roles.items() if role.scope == "city" and not role.command]
    yield "", {}, city
    for unit, names in _local_units(pack):
        yield showing.say(unit.name), {"unit": unit.code, "site": unit.code, "district": unit.code}, names


def _local_units(pack: Pack) -> list[tuple[Unit, list[str]]]:
    at_sites = [name for name, role in pack.roles.items() if role.scope == "site"]
    in_units = [name for name, role in pack.roles.items() if role.scope in ("unit", "district")]
    departments = District.objects.exclude(marketing_department=None).values("marketing_department")
    found = [(site.unit, at_sites) for site in Site.objects.select_related("unit").order_by("pk")]
    found += [(unit, in_units) for unit in Unit.objects.filter(pk__in=departments).order_by("pk")]
    return [(unit, names) for unit, names in found if names]


def _held(holder: Holder, where: str) -> Held:
    note = showing.why(holder.why)
    if holder.away:
        note = f"{note} · {_('nobody is there; can be reached')}"
    return Held(showing.person_card(holder.person, post=note, away=holder.away), where)


def _commanding(now: datetime) -> dict[str, Person | None]:
    """Commander and deputy commander as they would be set at `now`; empty when both leaders are away (E2.1c)."""
    leaders = leaders_present(now)
    if leaders.both_away:
        return {}
    if leaders.head_present:
        return {
            COMMANDER: leaders.head,
            DEPUTY_COMMANDER: leaders.deputy if leaders.deputy_present else None,
        }
    return {COMMANDER: leaders.deputy, DEPUTY_COMMANDER: None}


def _role(pack: Pack, role: Role, held: Sequence[Held], commanding: Mapping[str, Person | None]) -> RoleRow:
    note = ""
    if role.command:
        if not commanding:
            note = _("Both leaders are away: the acting commander follows from the kind of event.")
        else:
            who = commanding.get(role.id)
            held = [Held(showing.person_card(who, post=_("if an event were reported now")), "")]
    elif role.scope == "named":
        note = _("Named by the report.")
    return RoleRow(
        role,
        anchor_of(f"role:{role.id}"),
        showing.say(role.title),
        showing.clause(role.clause, pack),
        _source(role),
        held,
        note,
        posts_address(role),
    )


def posts_address(role: Role) -> str:
    """The posts that the role looks at, with who holds them; nothing for a role that is no post's."""
    kind = role.post or role.duty
    return f"{reverse('people')}?{urlencode({'q': kind})}" if kind else ""


def _source(role: Role) -> str:
    """Where the plan takes the holder from, as it is written in the pack."""
    kind = next((name for name in ("post", "duty", "job") if getattr(role, name)), "")
    return f"{kind}: {getattr(role, kind)}" if kind else ("command" if role.command else role.scope)
