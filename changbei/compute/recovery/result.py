"""A recovered day: who drives what, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from changbei.compute.recovery.policy import Policy


@dataclass(frozen=True, slots=True)
class Call:
    """The van stops at a place and takes over these orders' goods, listed in the sequence it will deliver them."""

    place: int
    orders: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """The van serves an order."""

    order: int


Token = Call | Stop


@dataclass(frozen=True, slots=True)
class VanPlan:
    """One van's remaining day. begin_seconds: per token when service or hand-over begins (waiting included);
    return_seconds: back at its end location; a reserve van that stays has no tokens and returns when it is ready."""

    tokens: tuple[Token, ...]
    begin_seconds: tuple[int, ...]
    return_seconds: int
    driving_seconds: int

    @property
    def orders(self) -> tuple[int, ...]:
        """The orders served, in sequence."""
        return tuple(token.order for token in self.tokens if isinstance(token, Stop))

    @property
    def calls(self) -> tuple[Call, ...]:
        """The places called at, in sequence."""
        return tuple(token for token in self.tokens if isinstance(token, Call))


@dataclass(frozen=True, slots=True)
class Recovery:
    """A plan and its figures. Order, van and place numbers are those of the `Problem`.

    extra_driving_seconds: against the undisturbed remainder of the day; negative when unserved stops save more.
    unserved: orders not delivered today; their summed priority and value beside. moved: stranded orders that another
    van delivers. touched_vans: sound vans (no reserves) whose list changes. reserve_vans: reserve vans that leave.
    shifted: served orders whose beginning of service moves by more than 15 minutes against what the customer was told;
    shifted_aboard: those of them that were aboard sound vans. feasible: the independent checker found nothing.
    first_seconds: wall time until the first valid plan; wall_seconds: until this one.
    """

    policy: Policy
    vans: tuple[VanPlan, ...]
    driving_seconds: int
    extra_driving_seconds: int
    unserved: tuple[int, ...]
    unserved_priority: int
    unserved_value: int
    moved: tuple[int, ...]
    touched_vans: tuple[int, ...]
    reserve_vans: tuple[int, ...]
    shifted: tuple[int, ...]
    shifted_aboard: tuple[int, ...]
    overtime_seconds: int
    feasible: bool
    iterations: int
    first_seconds: float
    wall_seconds: float

    @property
    def complete(self) -> bool:
        """Every customer is served today."""
        return not self.unserved
