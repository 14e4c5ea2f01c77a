"""People in virtual time: who is told, who sees it and when, who is busy with something else, who does it.

A person sees messages whatever they do, but works on one thing at a time: urgency, then the nearer deadline, orders
what waits. Whoever cannot be reached is escalated past, along the step's chain, as the engine does; the first who
takes note does the task. Routine work begins in working hours only. With `deputy`, a second person holds that role
beside the holder: both are told, and whoever can begin first does it.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from typing import Any

from changbei.plans.rehearsal.draws import Draws
from changbei.plans.rehearsal.exact import ExactRun
from changbei.plans.rehearsal.model import BY_SOMEBODY_ELSE, NOBODY, SOMEBODY_ELSE
from changbei.plans.rehearsal.playing import (
    ACK_DUE,
    DONE,
    DUE,
    FINISHED,
    NEVER,
    PERSON,
    READY,
    ROLE,
    SEEN,
    SEEN_AT,
    SLOT,
    STARTED,
    TOLD,
    WORK,
    Playing,
    Record,
)
from changbei.plans.rehearsal.preparing import Prepared, Slot


class People(Playing):
    """The people of one run: what reaches them, what they are at, and what waits for them."""

    __slots__ = ("_away", "_busy", "_deputy", "_deputy_times", "_free_at", "_queues", "times")

    def __init__(self, prepared: Prepared, draws: Draws, deputy: str) -> None:
        super().__init__(prepared)
        self.times, self._deputy_times = draws.times, draws.deputies
        people = len(prepared.scenario.roster.people)
        self._deputy = deputy
        # Past the people of the roster: the deputy of the role under question, and (-2 from the end, -1 is
        # nobody) somebody else.
        self._away = [*draws.away, 0, 0, 0]
        self._busy = [False] * (people + 3)
        self._free_at = [0] * (people + 3)
        self._queues: dict[int, list[tuple[int, int, int, int, Any]]] = {}

    # --- what reaches them

    def tell(self, case: int, item: Any, role: str, now: int, holder: str) -> None:
        """Find out who will take the task on, and when: the holder, or the first along the chain who answers."""
        slot = self.record(case, item, now)
        record = self.records[case][item]
        calendar = self.prepared.calendar
        ack = calendar.after(slot.ack_within, now) if slot.ack_within else NEVER
        due = calendar.after(slot.within, now) if slot.within else NEVER
        record[ROLE], record[DUE], record[ACK_DUE] = role, due, ack
        person, best = self._prompt(role, now, slot.first, holder)
        told = late = 0
        if best > ack:
            person, best, told = self._escalate(slot, ack, due, person, best)
        if best > due:
            person, best, late = self._escalate(slot, due, NEVER, person, best)
        record[TOLD] = told + late
        if best < NEVER:
            record[PERSON] = person
            self._free_at[person] = max(self._free_at[person], best) + self.times[self._work_column(slot)]
            self.push(best, SEEN, case, item)

    def _escalate(self, slot: Slot, at: int, until: int, person: int, best: int) -> tuple[int, int, int]:
        """Tell one role of the chain after the other, until somebody takes note: who, when, and how many were told."""
        told = 0
        for column, role in enumerate(slot.chain, slot.first + 1):
            if at > best or at > until:
                break
            told += 1
            other, seen = self._prompt(role, at, column, "")
            if seen < best:
                person, best = other, seen
            at += slot.every
        return person, best, told

    def _prompt(self, role: str, at: int, column: int, holder: str) -> tuple[int, int]:
        """Who of those who hold the role takes note first, and when; NEVER when nobody holds it."""
        if holder:
            people = self.prepared.scenario.roster.people
            person = people.index(holder) if holder in people else SOMEBODY_ELSE
        else:
            changes = self.prepared.role_holders.get(role)
            person = changes[1][bisect_right(changes[0], at) - 1] if changes else NOBODY
        slower = self.prepared.pace.night_times if self.prepared.calendar.is_night(at) else 1.0
        seen = NEVER if person == NOBODY else max(at, self._away[person]) + int(self.times[column] * slower)
        if role != self._deputy:
            return person, seen
        second = len(self.prepared.scenario.roster.people)
        also = max(at, self._away[second]) + int(self._deputy_times[column] * slower)
        if max(also, self._free_at[second]) < max(seen, self._free_at[person] if person >= 0 else 0):
            return second, also
        return person, seen

    # --- what they do

    def seen(self, case: int, run: Any, item: Any, now: int) -> None:
        if not run.is_open(item):
            return
        record = self.records[case][item]
        record[SEEN_AT] = now
        slot = self.prepared.slots[record[SLOT]]
        if slot.step.apart:
            record[PERSON] = self._somebody_apart(case, slot, record, now)
        if isinstance(run, ExactRun):
            run.acknowledge(item, self.staff_no(record[PERSON]), now)
        if slot.rank == 2:
            opens = self.prepared.calendar.opening(now)
            if opens > now:
                self.push(opens, WORK, case, item)
                return
        self.queue(case, item, now)

    def _somebody_apart(self, case: int, slot: Slot, record: Record, now: int) -> int:
        """Two different people where the clause says so: whoever did the one does not do the other."""
        person: int = record[PERSON]
        names = self.records[case]
        did = {
            names[key][PERSON]
            for other in slot.step.apart
            if (key := self._key(case, other)) in names and names[key][FINISHED] >= 0
        }
        if person not in did:
            return person
        for role in slot.chain:
            changes = self.prepared.role_holders.get(role)
            other = changes[1][bisect_right(changes[0], now) - 1] if changes else NOBODY
            if other != NOBODY and other not in did:
                return other
        return SOMEBODY_ELSE

    def _key(self, case: int, name: str) -> Any:
        light = self.prepared.lights[case]
        return light.index[name] if light else name

    def staff_no(self, person: int) -> str:
        people = self.prepared.scenario.roster.people
        if person == SOMEBODY_ELSE:
            return BY_SOMEBODY_ELSE
        return people[person] if person < len(people) else f"deputy of {self._deputy}"

    def queue(self, case: int, item: Any, now: int) -> None:
        record = self.records[case][item]
        person = record[PERSON]
        record[READY] = now
        slot = self.prepared.slots[record[SLOT]]
        work = self.times[self._work_column(slot)]
        if self._busy[person]:
            self.number += 1
            waiting = self._queues.setdefault(person, [])
            heapq.heappush(waiting, (slot.rank, record[DUE], self.number, case, item))
        else:
            self._start(case, item, record, person, work, now)

    @staticmethod
    def _work_column(slot: Slot) -> int:
        return slot.work + 1 if slot.by_hand else slot.work

    def _start(self, case: int, item: Any, record: Record, person: int, work: int, now: int) -> None:
        self._busy[person] = True
        record[STARTED] = now
        if self.first_action < 0:
            self.first_action = now
        self.push(now + work, DONE, case, item)

    def next(self, person: int, now: int) -> None:
        """Whoever has finished something takes up what waits for them."""
        self._busy[person] = False
        waiting = self._queues.get(person)
        while waiting:
            _, _, _, case, item = heapq.heappop(waiting)
            if self.runs[case].is_open(item):
                record = self.records[case][item]
                slot = self.prepared.slots[record[SLOT]]
                self._start(case, item, record, person, self.times[self._work_column(slot)], now)
                return
