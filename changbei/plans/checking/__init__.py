"""Checking plans before anybody signs them: everything that the files alone can say. Pure; no Django.

What needs the roster and the registers is in `runs.checking`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from changbei.plans.checking import declared, exploring, loaded, params, reading, tables, tasks
from changbei.plans.checking.finding import ERROR, WARNING, Finding, finding, ordered
from changbei.plans.checking.offer import Offer
from changbei.plans.checking.places import Places
from changbei.plans.loading.draft import Draft
from changbei.plans.loading.pack import draft
from changbei.plans.model import Pack

__all__ = ["ERROR", "WARNING", "Checked", "Finding", "Offer", "Places", "check_files", "finding", "ordered"]

Look = Callable[[Pack, Offer, Places], Iterator[Finding]]


@dataclass(frozen=True)
class Checked:
    """A pack as far as it could be read, and what was found."""

    draft: Draft
    places: Places
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        return not self.findings

    @property
    def pack(self) -> Pack:
        return self.draft.pack


def check_files(files: Mapping[str, str], offer: Offer, *, walks: bool = True) -> Checked:
    """Everything that the files (path → text) say by themselves. `walks=False` leaves the exploration out.

    Mistakes of loading do not hide others: what can still be read is looked at, too.
    """
    found = draft(files, offer.actions or None)
    places = Places(found)
    said = loaded.findings(found.problems, places)
    looks: list[Look] = [declared.findings, _tasks, reading.findings, params.findings, tables.findings]
    if walks:
        looks.append(exploring.findings)
    for look in looks:
        said += look(found.pack, offer, places)
    return Checked(found, places, ordered(_without_echoes(said)))


def _tasks(pack: Pack, _offer: Offer, places: Places) -> Iterator[Finding]:
    yield from tasks.findings(pack, places)


ECHOES = {
    "never-holds": {"unknown-option", "unknown-choice", "never-produced", "unknown-fact"},
    "never-reached": {
        "unknown-option",
        "unknown-choice",
        "never-produced",
        "unknown-fact",
        "waits-for-itself",
    },
    "condition-fails": {"never-produced", "unknown-fact"},
    "cannot-be-left": {"waits-for-itself", "never-produced", "unknown-fact"},
    "table-row-dead": {"table-overlap"},
}
"""Findings that only repeat, in the same place, what another one says better."""


def _without_echoes(findings: list[Finding]) -> Iterator[Finding]:
    by_line: dict[tuple[str, int], set[str]] = {}
    for one in findings:
        by_line.setdefault((one.file, one.line), set()).add(one.kind)
    for one in findings:
        if not ECHOES.get(one.kind, set()) & by_line[(one.file, one.line)]:
            yield one
