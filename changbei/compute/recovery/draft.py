"""A plan under construction: the lists that differ from today's, what nobody serves yet, and refilling it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from changbei.compute.recovery.lines import NEVER, Ground, Line
from changbei.compute.recovery.model import IntArray


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
        changed = sum(line.price - planned_line(self.ground, van).price for van, line in self.lines.items())
        return changed + int(self.ground.unserved_price[list(self.bank)].sum())

    @cached_property
    def where(self) -> dict[int, int]:
        """Order → van, for the orders on the named vans."""
        count = self.ground.count
        return {node: van for van, line in self.lines.items() for node in line.nodes if node < count}

    @cached_property
    def on_lines(self) -> IntArray:
        """The orders on the named vans."""
        return np.array(sorted(self.where), dtype=np.int64)

    @property
    def feasible(self) -> bool:
        """All named vans keep every hard limit."""
        return all(line.feasible for line in self.lines.values())

    def line(self, van: int) -> Line:
        """The van's list, today's when nothing changed."""
        found = self.lines.get(van)
        return found if found is not None else planned_line(self.ground, van)

    def replaced(self, lines: dict[int, Line], bank: tuple[int, ...]) -> Draft:
        """With some lists exchanged."""
        return Draft(self.ground, {**self.lines, **lines}, bank)

    def tidied(self) -> Draft:
        """Without calls nobody needs; a van that takes nothing over drives today's list, as long as that holds: the
        disruption is no occasion to rearrange other people's lines."""
        lines = {van: line.without_idle_calls() for van, line in self.lines.items()}
        back = {
            van for van, line in lines.items() if not line.called and planned_line(self.ground, van).feasible
        }
        kept = {van: line for van, line in lines.items() if van not in back}
        home = self.ground.home
        return Draft(self.ground, kept, tuple(order for order in self.bank if int(home[order]) not in back))


def planned_line(ground: Ground, van: int) -> Line:
    """Today's list of the van, scheduled once."""
    line = ground.planned_lines.get(van)
    if line is None:
        line = ground.planned_lines[van] = ground.line(van, ground.problem.planned[van])
    return line


@dataclass
class _Table:
    """Cheapest insertion of every waiting order into every named van, kept up to date as lists change."""

    draft: Draft
    lines: dict[int, Line]
    orders: IntArray
    extra: IntArray = field(init=False)
    position: IntArray = field(init=False)

    def __post_init__(self) -> None:
        self.vans = list(self.lines)
        shape = (len(self.orders), len(self.vans))
        self.extra, self.position = np.full(shape, NEVER), np.zeros(shape, dtype=np.int64)
        self.waiting = np.ones(len(self.orders), dtype=np.bool_)
        ground = self.draft.ground
        self.source, self.home = ground.source[self.orders], ground.home[self.orders]
        for column in range(len(self.vans)):
            self.refresh(column)

    def refresh(self, column: int) -> None:
        line = self.lines[self.vans[column]]
        self.extra[:, column] = NEVER
        own = () if self.draft.ground.policy.keep_sequences else (-1,)
        for source in (*own, *line.called):
            fits = (self.home == line.van) if source < 0 else (self.source == source)
            rows = np.flatnonzero(fits & self.waiting)
            if len(rows):
                extra, position = line.insertion(self.orders[rows], source)
                self.extra[rows, column], self.position[rows, column] = extra, position

    def take(self, row: int, column: int) -> None:
        """Insert; should the exact schedule refuse (detours that shorten the way), the pair is struck out."""
        van = self.vans[column]
        line = self.lines[van].with_node(int(self.orders[row]), int(self.position[row, column]))
        if not line.feasible and self.lines[van].feasible:
            self.extra[row, column] = NEVER
            return
        self.lines[van] = line
        self.waiting[row] = False
        self.extra[row] = NEVER
        self.refresh(column)


def refill(draft: Draft, rng: np.random.Generator, *, regret: bool, noise_seconds: float = 0.0) -> Draft:
    """Insert what nobody serves wherever it fits: the order that would lose most by waiting first (regret), or the
    cheapest first, with a little noise so that repetitions differ."""
    if not draft.bank or not draft.lines:
        return draft
    table = _Table(draft, dict(draft.lines), np.array(draft.bank, dtype=np.int64))
    prices = draft.ground.unserved_price[table.orders]
    blur = rng.uniform(0, noise_seconds, table.extra.shape) if noise_seconds else np.zeros(table.extra.shape)
    while True:
        seen = table.extra + blur
        best = seen.min(axis=1)
        if best.min(initial=NEVER) >= NEVER:
            break
        if regret:
            second = np.minimum(np.partition(seen, 1, axis=1)[:, 1], prices) if seen.shape[1] > 1 else prices
            row = int(np.where(best < NEVER, second - best, -np.inf).argmax())
        else:
            row = int(best.argmin())
        table.take(row, int(seen[row].argmin()))
    bank = tuple(int(order) for order in table.orders[table.waiting])
    return Draft(draft.ground, table.lines, bank)
