"""What goes in and out. Texts are maps with the three languages; `staff_no` names people."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime


def _without_nul(words: str) -> str:
    if "\0" in words:
        raise ValueError("has a character that no text has")
    return words


Words = Annotated[str, AfterValidator(_without_nul)]
Text = dict[str, str]
Json = dict[str, Any]


class Problem(Schema):
    field: str
    message: str


class Refusal(Schema):
    """Every error answers like this. `error`: not_known, not_allowed, not_found, not_offered, conflict, invalid,
    outside, failed. `problems` names each field that is wrong.
    """

    error: str
    message: str
    problems: list[Problem] = []


class PersonOut(Schema):
    staff_no: str
    name: str
    phone: str


class ReportIn(Schema):
    """`kind` is a procedure of a plan in force, `data` its form."""

    kind: str
    data: Json


class IncidentOut(Schema):
    uuid: UUID
    number: str
    kind: str
    family: str
    title: Text
    level: str
    status: str
    drill: bool
    place: str
    longitude: float | None
    latitude: float | None
    affected_retailers: int
    reported_at: AwareDatetime
    restored_at: AwareDatetime | None
    closed_at: AwareDatetime | None


class ReportOut(Schema):
    """`joined`: somebody had reported the same thing; the report was added to that incident."""

    joined: bool
    incident: IncidentOut


class TaskOut(Schema):
    uuid: UUID
    number: str
    item: str
    kind: str
    title: Text
    guide: Text
    role: str
    holder: PersonOut | None
    clause: str
    status: str
    options: list[Json]
    evidence: list[str]
    page: str
    opened_at: AwareDatetime
    acknowledge_due_at: AwareDatetime | None
    due_at: AwareDatetime | None
    acknowledged_at: AwareDatetime | None
    done_at: AwareDatetime | None
    done_by: PersonOut | None
    late: bool
    escalations: int
    result: Json


class RoleOut(Schema):
    role: str
    title: Text
    clause: str
    person: PersonOut | None
    why: str
    handed_over: bool
    since: AwareDatetime


class MessageOut(Schema):
    uuid: UUID
    to: str  # staff, customer or contact
    name: str
    channel: str
    template: str
    state: str
    queued_at: AwareDatetime
    handed_at: AwareDatetime | None
    delivered_at: AwareDatetime | None
    acknowledged_at: AwareDatetime | None


class IncidentFull(IncidentOut):
    """With everything about it; `messages` are the newest 500 of `messages_count`."""

    tasks: list[TaskOut]
    roles: list[RoleOut]
    messages: list[MessageOut]
    messages_count: int
    suspensions: list[SuspensionOut]
    recoveries: list[UUID]


class IncidentList(Schema):
    count: int
    items: list[IncidentOut]


class ResultIn(Schema):
    """The filled form of the step, when it has one."""

    result: Json = {}


class DecisionIn(ResultIn):
    option: str


class ApprovalIn(ResultIn):
    approved: bool


class HandOverIn(Schema):
    to: str  # staff number


class EvidenceOut(Schema):
    uuid: UUID
    kind: str
    note: str
    sha256: str
    at: AwareDatetime


class OptionOut(Schema):
    """`titles`: what it is best at, of fewest_unserved, none_unserved (by overtime), cheapest, calmest.

    `unserved_weight`: customers left out, who needs care counting 3, a key customer 2, others 1. `arrivals_shifted`: by
    more than 15 minutes; `arrivals_shifted_aboard`: those of them whose van drives on.
    """

    rank: int
    kind: str
    titles: list[str]
    extra_minutes: float
    stops_moved: int
    vans_touched: int
    arrivals_shifted: int
    arrivals_shifted_aboard: int
    unserved: int
    unserved_weight: int
    overtime_minutes: float
    waiting_minutes: float = 0.0
    longest_wait_minutes: float = 0.0
    last_delivery_at: AwareDatetime | None
    accepted_at: AwareDatetime | None
    plan: Json


class RecoveryOut(Schema):
    """`status`: offered, accepted, stale, undone. The options in the order in which they are proposed."""

    uuid: UUID
    number: str
    vehicle: str
    status: str
    computed_at: AwareDatetime
    computing_seconds: float
    stops_stranded: int
    options: list[OptionOut]


class AcceptIn(Schema):
    rank: int


class LoadOut(Schema):
    """One customer's cartons. `van` "" and sequence 0: nobody drives there (yet). `goods`: aboard, site, van."""

    model_config = {"from_attributes": True}

    licence_no: str
    urgent: bool
    name: str
    van: str
    plate: str
    site: str
    sequence: int
    cartons: int
    goods: str


class LoadsOut(Schema):
    """By van and sequence. `version` grows with every change of the day's plan."""

    on: date
    version: int
    loads: list[LoadOut]


class ChangeOut(Schema):
    now: LoadOut
    before: LoadOut


class ChangesOut(Schema):
    on: date
    since: int
    version: int
    added: list[LoadOut]
    removed: list[LoadOut]
    changed: list[ChangeOut]


class UrgentOrderIn(Schema):
    """From 1 to 10 000 cartons. Without `ready_at`, which is today, the goods stand at the site's gate after the usual
    half hour of picking."""

    licence_no: Words
    cartons: int
    order_fen: int = 0
    ready_at: AwareDatetime | None = None


class UrgentOrdersIn(Schema):
    orders: list[UrgentOrderIn]


class CancelIn(Schema):
    licence_nos: list[Words]


class LateIn(Schema):
    """A van, by its number, that leaves so many minutes later or is held up so long on its way."""

    van: Words
    minutes: int


class CountedOut(Schema):
    stops: int


class ClosureIn(Schema):
    """GeoJSON Polygon or MultiPolygon, WGS 84; without `since` from now on, without `until` for the rest of the day.
    `reason`: at most 160 characters."""

    area: Json
    reason: Words
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class ClosureOut(ClosureIn):
    uuid: UUID
    since: AwareDatetime
    lifted_at: AwareDatetime | None


class RecomputeIn(Schema):
    """`causes`: closed, urgent, late, cancelled, lent, broken; kept with what is computed."""

    causes: list[str] = []


class RecoveriesOut(Schema):
    recoveries: list[RecoveryOut]


class WarningOut(Schema):
    uuid: UUID
    verdict: str
    status: str
    msg_type: str
    event: str
    headline: str
    severity: str
    colour: str
    sent: AwareDatetime | None
    effective_at: AwareDatetime | None
    expires_at: AwareDatetime | None
    received_at: AwareDatetime
    incident: str  # number or ""
    reasons: list[Json]
    texts: list[Json]  # each language: language, event, headline, description, instruction


class ReceivedOut(Schema):
    """`action`: refused, duplicate, start, join, propose, end or note."""

    action: str
    warning: WarningOut
    others: list[ReceivedOut] = []  # of the same body


class AreaIn(Schema):
    """GeoJSON Polygon or MultiPolygon, WGS 84."""

    area: Json


class CountOut(Schema):
    """Active customers inside the area, key customers among them, all of the city, and the share of it."""

    retailers: int
    key: int
    total: int
    share: float


class SuspensionIn(AreaIn):
    """Without `scope` the share of the city's customers decides between whole and partial."""

    incident: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    reason: str
    scope: str = ""


class ExtensionIn(Schema):
    ends_at: AwareDatetime


class SuspensionOut(Schema):
    uuid: UUID
    number: str
    scope: str
    reason: str
    area: Json
    retailers: int
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    decided_at: AwareDatetime
    resumed_at: AwareDatetime | None


IncidentFull.model_rebuild()
