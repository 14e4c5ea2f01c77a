"""A plan under construction: the lists that differ from today's, what nobody serves yet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from changbei.compute.recovery.lines import Ground, Line


@dataclass(frozen=True)
class Draft:
    """Lists of the vans that are not (or need not be) driving today's list, and the orders nobody serves. Vans that are
    not named drive as planned, so the search costs as much as the disrupted neighbourhood, not as the day."""

    ground: Ground
    lines: dict[int, Line]
    bank: tuple[int, ...]

    @cached_property
    def price(self) -> int:
        """Driving and calm of the named vans above today's, and the price of everything unserved."""
        changed = sum(line.price - self.ground.planned_line(van).price for van, line in self.lines.items())
        return changed + int(self.ground.unserved_price[list(self.bank)].sum())

    @cached_property
    def rank(self) -> tuple[int, int, int]:
        """The less the better: priority and value of what nobody serves, then the price."""
        orders, left = self.ground.problem.orders, list(self.bank)
        return int(orders.priority[left].sum()), int(orders.value[left].sum()), self.price

    @property
    def feasible(self) -> bool:
        """All named vans keep every hard limit."""
        return all(line.feasible for line in self.lines.values())

    def line(self, van: int) -> Line:
        """The van's list, today's when nothing changed."""
        found = self.lines.get(van)
        return found if found is not None else self.ground.planned_line(van)

    def tidied(self) -> Draft:
        """Without calls nobody needs; a van that takes nothing over drives today's list, as long as that holds: the
        disruption is no occasion to rearrange other people's lines."""
        lines = {van: line.without_idle_calls() for van, line in self.lines.items()}
        back = {
            van for van, line in lines.items() if not line.called and self.ground.planned_line(van).feasible
        }
        kept = {van: line for van, line in lines.items() if van not in back}
        home = self.ground.home
        return Draft(self.ground, kept, tuple(order for order in self.bank if int(home[order]) not in back))
