"""What the printed plan takes from elsewhere than its files: who signed, earlier versions, people, vehicles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature on the version that is printed."""

    name: str
    post: str
    at: datetime
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """A version of the plan; the newest comes first."""

    version: str
    effective_on: date
    adopted_at: datetime | None
    adopted_by: str
    digest: str
    in_force: bool
    remark: str = ""


@dataclass(frozen=True, slots=True)
class StaffContact:
    """Somebody who holds a role of the plan. `rank` 1 is the holder, 2 the first deputy …; 0 is on duty now."""

    role: str  # id of the role
    rank: int
    name: str
    unit: str
    phone: str
    second_phone: str


@dataclass(frozen=True, slots=True)
class OutsideContact:
    organisation: str
    person: str
    phone: str
    email: str
    serves: str
    reviewed_on: date


@dataclass(frozen=True, slots=True)
class SiteVehicles:
    """The vans kept at a site; `reserves` of them are reserve vans (E3.2.6). Capacity in cartons."""

    site: str
    vans: int
    reserves: int
    capacity_cartons: int


@dataclass(frozen=True, slots=True)
class Contacts:
    """Personal data: only for those who may have it."""

    staff: tuple[StaffContact, ...]
    outside: tuple[OutsideContact, ...]


@dataclass(frozen=True, slots=True)
class Annex:
    """`contacts` None leaves that appendix out and says so. `effective_on` None: what is printed is a draft.

    `figures` are numbers about the organisation: words → count. `actions` names what the product does by the
    action's id, in the language that is printed.
    """

    effective_on: date | None = None
    signed: tuple[Signed, ...] = ()
    revisions: tuple[Revision, ...] = ()
    contacts: Contacts | None = None
    vehicles: tuple[SiteVehicles, ...] = ()
    figures: Mapping[str, int] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
    made_at: datetime | None = None
