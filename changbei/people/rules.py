"""Who holds a role now, and who may do what. Pure: values in, decisions out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Basis = Literal["duty", "post", "job", "named"]
Why = Literal["post", "duty", "deputy", "substitute", "named", "nobody"]


@dataclass(frozen=True)
class RoleSpec:
    """A role of a plan: exactly one of post, duty, job (identifiers), or named by the report, or of the
    command post.

    scope: where to look, `city`, `site`, `unit`, `district` or `named`. deputies: whether they count.
    """

    post: str = ""
    duty: str = ""
    job: str = ""
    scope: str = "city"
    deputies: bool = True
    command: bool = False

    @property
    def post_kind(self) -> str:
        return self.post or self.duty

    @property
    def is_named(self) -> bool:
        return self.scope == "named" or self.command


@dataclass(frozen=True)
class Offer:
    """One person (id) who could hold the role.

    group: the post, or the unit for a job; groups are tried one after the other, nearest first. rank: 1 is
    the holder, 2, 3 … the deputies in order; on duty and by job: any order that is stable.
    """

    person: int
    basis: Basis
    group: tuple[int, str] = (0, "")
    rank: int = 1


@dataclass(frozen=True)
class Away:
    """Somebody's absence that covers now."""

    out_of_city: bool
    reachable: bool
    substitute: int | None = None

    @property
    def keeps_from_post(self) -> bool:
        """A day at home within reach does not keep a head from being asked; being elsewhere or out of
        reach does.
        """
        return self.out_of_city or not self.reachable


@dataclass(frozen=True)
class Choice:
    """The person (id) and why; `away`: nobody present was left, this one is away but can be reached."""

    person: int | None
    why: Why
    away: bool = False


NOBODY = Choice(None, "nobody")


def choose(spec: RoleSpec, offers: Sequence[Offer], away: Mapping[int, Away]) -> Choice:
    """The holder of the role: on duty, else the holder, the deputies, the substitutes named in their
    absences.

    The nearest group decides; only when nobody of it is there the next is asked, and when nobody is there
    anywhere the first who is away but can be reached (E2.1a, E3.1.11). The order of `offers` does not matter.
    """
    usable = [offer for offer in offers if spec.deputies or offer.basis != "post" or offer.rank == 1]
    usable.sort(key=_precedence)
    if named := next((offer for offer in usable if offer.basis == "named"), None):
        return Choice(named.person, "named")
    groups = sorted({offer.group for offer in usable})
    for group in groups:
        if choice := _present([offer for offer in usable if offer.group == group], away):
            return choice
    for offer in usable:
        absence = away.get(offer.person)
        if absence is None or absence.reachable:
            return Choice(offer.person, _why(offer), away=True)
    return NOBODY


def _precedence(offer: Offer) -> tuple[tuple[int, str], bool, int, int]:
    return (offer.group, offer.basis != "duty", offer.rank, offer.person)


def _present(offers: Sequence[Offer], away: Mapping[int, Away]) -> Choice | None:
    """Among the people of one post, in order: who is there, else a substitute who is there."""
    for offer in offers:
        if _is_present(offer, away):
            return Choice(offer.person, _why(offer))
    for offer in offers:
        substitute = away[offer.person].substitute if offer.person in away else None
        if substitute is not None and not _kept(substitute, away):
            return Choice(substitute, "substitute")
    return None


def _is_present(offer: Offer, away: Mapping[int, Away]) -> bool:
    if offer.basis == "duty":
        return offer.person not in away  # who has any absence is not on duty
    return not _kept(offer.person, away)


def doing_the_part_of(person: int, away: Mapping[int, Away]) -> int | None:
    """Who does this person's part now: the person, or while kept away the substitute who is there; None for nobody."""
    if not _kept(person, away):
        return person
    substitute = away[person].substitute
    return substitute if substitute is not None and not _kept(substitute, away) else None


def _kept(person: int, away: Mapping[int, Away]) -> bool:
    return person in away and away[person].keeps_from_post


def _why(offer: Offer) -> Why:
    if offer.basis == "duty":
        return "duty"
    return "deputy" if offer.basis == "post" and offer.rank > 1 else "post"


def merge(absences: Iterable[Away]) -> Away:
    """Several absences of one person at once: the strictest of each, and the first substitute named."""
    every = list(absences)
    return Away(
        out_of_city=any(one.out_of_city for one in every),
        reachable=all(one.reachable for one in every),
        substitute=next((one.substitute for one in every if one.substitute is not None), None),
    )


class UnitTree:
    """Distances between units, from (id, parent id) pairs."""

    def __init__(self, parents: Mapping[int, int | None]) -> None:
        self.parents = parents

    def chain(self, unit: int) -> list[int]:
        """The unit, its parent, and so on up."""
        found = [unit]
        while (parent := self.parents.get(found[-1])) is not None and parent not in found:
            found.append(parent)
        return found

    def distance(self, a: int, b: int) -> int:
        """Steps from a up to the common unit and down to b; large when there is none."""
        up, down = self.chain(a), self.chain(b)
        for steps, unit in enumerate(up):
            if unit in down:
                return steps + down.index(unit)
        return 10_000

    def below(self, units: frozenset[int]) -> frozenset[int]:
        """These units and every unit below one of them."""
        return frozenset(one for one in self.parents if not units.isdisjoint(self.chain(one)))

    def in_line(self, a: int, b: int) -> bool:
        """Whether one stands above the other (or they are the same)."""
        return a in self.chain(b) or b in self.chain(a)


# ---- permissions


@dataclass(frozen=True)
class Grant:
    """Holders of a post kind, people with a job, or everybody (`*`); `own_unit`: only for things of their
    unit.
    """

    post: str = ""
    job: str = ""
    own_unit: bool = False


def _posts(*kinds: str, own_unit: bool = False) -> tuple[Grant, ...]:
    return tuple(Grant(post=kind, own_unit=own_unit) for kind in kinds)


def _jobs(*jobs: str, own_unit: bool = False) -> tuple[Grant, ...]:
    return tuple(Grant(job=job, own_unit=own_unit) for job in jobs)


EVERYBODY = (Grant(job="*"),)
LEADERS = _posts("leading-group-head", "leading-group-deputy")
OFFICE = _posts("leading-group-office")
HEADS = _posts(
    "marketing-center-head",
    "delivery-center-head",
    "info-center-head",
    "finance-head",
    "security-head",
    "inspection-head",
    "monopoly-inspection-head",
    "order-dept-head",
    "customer-service-head",
    "procurement-head",
)
DEPARTMENTS = _posts("marketing-department-head", "marketing-department-deputy", own_unit=True)
LEADING_GROUP = (
    "leading-group-head",
    "leading-group-deputy",
    "marketing-center-head",
    "delivery-center-head",
    "info-center-head",
    "finance-head",
    "security-head",
    "inspection-head",
    "marketing-department-head",
)
"""Kinds of the posts that make up the leading group, its head first (E2.1a)."""
DISPATCH = (*_posts("delivery-center-head", "dispatcher", "transfer-station-head"), *_jobs("dispatcher"))
TECHNICIANS = (*_posts("info-center-head", "info-technician"), *_jobs("technician"))

PERMISSIONS: Mapping[str, tuple[Grant, ...]] = {
    "people.see": EVERYBODY,
    "people.record_own_absence": EVERYBODY,
    "people.record_absence": (
        *LEADERS,
        *OFFICE,
        *HEADS,
        *DEPARTMENTS,
        *_posts("transfer-station-head", own_unit=True),
    ),
    "people.put_on_duty": (
        *LEADERS,
        *OFFICE,
        *HEADS,
        *DEPARTMENTS,
        *_posts("transfer-station-head", own_unit=True),
    ),
    "people.appoint": (*LEADERS, *OFFICE),
    "people.organise": (*LEADERS, *OFFICE, *_posts("info-center-head")),  # units, posts, newcomers
    "people.manage_accounts": _posts("info-center-head"),
    "people.verify_phone": (
        *LEADERS,
        *OFFICE,
        *HEADS,
        *DEPARTMENTS,
        *_posts("transfer-station-head", own_unit=True),
    ),
    "people.edit_contacts": (*OFFICE, *HEADS, *TECHNICIANS),
    "network.see": EVERYBODY,
    "network.import": (*_posts("marketing-center-head", "delivery-center-head"), *TECHNICIANS),
    "network.correct_phone": (
        *DEPARTMENTS,
        *_jobs("customer_manager", "market_manager", own_unit=True),
    ),  # E3.2.7
    "network.export_customer_files": (*HEADS, *DEPARTMENTS, *_jobs("customer_manager", "market_manager")),
    "network.export_files_of_others": (*HEADS, *DEPARTMENTS, *_jobs("market_manager", own_unit=True)),
    "plans.see": EVERYBODY,
    "plans.print_contacts": (*LEADERS, *OFFICE, *HEADS, *DEPARTMENTS),  # the printed plan with phone numbers
    "plans.adopt": LEADERS,  # E4: only the leading group changes the plan
    "plans.draft": (*LEADERS, *OFFICE, *HEADS, *_posts("marketing-department-head")),
    "plans.sign": _posts(*LEADING_GROUP),  # E2.2, E4
    "notify.send": (*LEADERS, *OFFICE, *HEADS, *DEPARTMENTS),
    "runs.see": EVERYBODY,
    "runs.see_confidential": (*LEADERS, *OFFICE),  # others read such runs only while they hold a part in them
    "runs.hand_over_any": (*LEADERS, *OFFICE, *HEADS),
    "runs.end": LEADERS,
    "incidents.see": EVERYBODY,
    "incidents.report": EVERYBODY,
    "incidents.see_service": (  # everyday matters of customers; whoever takes part in one sees it anyway
        *LEADERS,
        *OFFICE,
        *HEADS,
        *DEPARTMENTS,
        *_jobs("service_clerk", "market_manager", "auditor"),
    ),
    "incidents.command": LEADERS,
    "incidents.suspend": (*LEADERS, *OFFICE),
    "incidents.resume": (*LEADERS, *OFFICE),
    "incidents.restore": (*LEADERS, *OFFICE, *HEADS),
    "incidents.close": (*LEADERS, *OFFICE, *HEADS),
    "incidents.receive_warning": (*LEADERS, *OFFICE, *HEADS, *DISPATCH, *DEPARTMENTS),
    "delivery.see": EVERYBODY,
    "delivery.plan": DISPATCH,
    "delivery.recover": DISPATCH,
    "delivery.accept": DISPATCH,
    "supply.see": EVERYBODY,
    "supply.replenish": (
        *_posts("marketing-center-head", "procurement-head", "order-dept-head"),
        *DEPARTMENTS,
    ),
    "supply.correct_settlement": (*_posts("finance-head"), *_jobs("accountant")),  # E2.7
    "supply.allow_cash": (*_posts("finance-head", "customer-service-head"), *DEPARTMENTS),  # E3.2.4
    "supply.take_cash": (
        *_posts("finance-head"),
        *_jobs("accountant", "driver", "customer_manager", "market_manager"),
    ),
    "supply.watch": (*_posts("marketing-center-head", "procurement-head"), *_jobs("buyer")),  # E3.5.2
    "care.see": (  # visits to customers (J4); who goes there sees the own ones anyway
        *LEADERS,
        *_posts("marketing-center-head", "customer-service-head", "inspection-head"),
        *DEPARTMENTS,
        *_jobs("market_manager", own_unit=True),
        *_jobs("auditor"),
    ),
    "care.record": (*DEPARTMENTS, *_jobs("customer_manager", "market_manager", own_unit=True)),
    "care.lead": (
        *_posts("marketing-center-head", "customer-service-head"),
        *DEPARTMENTS,
        *_jobs("market_manager", own_unit=True),
    ),
    "readiness.see": EVERYBODY,
    "readiness.check": (*OFFICE, *HEADS, *DISPATCH),
    "readiness.record": (*OFFICE, *HEADS, *DEPARTMENTS, *DISPATCH, *TECHNICIANS, *_jobs("guard")),
    "readiness.review": (*LEADERS, *OFFICE, *_posts("inspection-head")),
    "readiness.rectify": (*LEADERS, *OFFICE, *HEADS, *DEPARTMENTS),
    "drills.run": (*LEADERS, *OFFICE, *HEADS),
}
"""What each permission asks for. A permission that is not here does not exist: asking for it is a
programming error.
"""


@dataclass(frozen=True)
class Standing:
    """What somebody is at the moment: job with its unit, and (post kind, unit) of each post, substituted
    ones included.
    """

    job: str
    unit: int
    posts: frozenset[tuple[str, int]]


def units_granted(permission: str, standing: Standing) -> frozenset[int] | None:
    """Units in which the permission holds; None means everywhere, an empty set nowhere."""
    if permission not in PERMISSIONS:
        raise LookupError(f"{permission!r} is no permission; see changbei.people.rules.PERMISSIONS")
    units: set[int] = set()
    for grant in PERMISSIONS[permission]:
        where = _where(grant, standing)
        if where and not grant.own_unit:
            return None
        units |= where
    return frozenset(units)


def _where(grant: Grant, standing: Standing) -> set[int]:
    if grant.job:
        return {standing.unit} if grant.job in {"*", standing.job} else set()
    return {unit for kind, unit in standing.posts if kind == grant.post}
