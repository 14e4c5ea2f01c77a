"""Checking a plan against the city it is for: roster, absences, contacts, customers, beside what its files say.

One set of queries, then everything in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changbei.core import clock
from changbei.plans.checking import ERROR, Checked, Finding, check_files, finding, ordered
from changbei.plans.checking.offer import declared
from changbei.plans.model import Pack
from changbei.plans.selectors import packs_in_force
from changbei.readiness.plan_check.covering import Covering
from changbei.readiness.plan_check.reaching import Reaching
from changbei.readiness.plan_check.roster import Roster, read

__all__ = ["Report", "against_roster", "check", "check_only_files"]


@dataclass(frozen=True)
class Report:
    """What was found; `at` is the moment from which the week was looked at, None when only files were."""

    checked: Checked
    findings: list[Finding]
    at: datetime | None

    @property
    def pack(self) -> Pack:
        return self.checked.pack

    @property
    def ok(self) -> bool:
        """Whether the plan can be signed: warnings are for people to judge."""
        return not any(one.severity == ERROR for one in self.findings)

    def counts(self) -> dict[str, int]:
        counted = Counter(one.severity for one in self.findings)
        return {"error": counted["error"], "warning": counted["warning"]}

    def as_json(self) -> dict[str, Any]:
        """The same for command line, page and API."""
        return {
            "ok": self.ok,
            "pack": summary(self.pack),
            "at": self.at.isoformat() if self.at else None,
            "counts": self.counts(),
            "findings": [one.as_json() for one in self.findings],
        }


def check(files: Mapping[str, str], *, at: datetime | None = None) -> Report:
    """Everything: the files (path → text) by themselves, and the week from `at` (else now) on against the roster."""
    checked = check_files(files, declared())
    roster = read(at or clock.now())
    found = [*checked.findings, *against_others(checked), *against_roster(checked, roster)]
    return Report(checked, ordered(found), roster.now)


def check_only_files(files: Mapping[str, str]) -> Report:
    """What the files say by themselves; asks no database."""
    checked = check_files(files, declared())
    return Report(checked, checked.findings, None)


def against_others(checked: Checked) -> list[Finding]:
    """A report names a procedure, so that two plans in force cannot both have it."""
    return [
        finding(ERROR, "procedure-taken", "", found.place, name=name, plan=other.id)
        for other in packs_in_force()
        if other.id != checked.pack.id
        for name, found in checked.pack.procedures.items()
        if name in other.procedures
    ]


def against_roster(checked: Checked, roster: Roster) -> list[Finding]:
    """Who is there to hold roles, and who can be reached."""
    covering = Covering(checked.pack, roster, checked.places)
    found = list(covering.findings())
    found += Reaching(checked.pack, roster, checked.places).findings(covering.holding)
    return found


def summary(pack: Pack) -> dict[str, Any]:
    """What kind of pack it is, in numbers."""
    return {
        "id": pack.id,
        "version": pack.version,
        "digest": pack.digest,
        "clauses": len(pack.clauses),
        "procedures": sorted(pack.procedures),
        "steps": sum(len(procedure.steps) for procedure in pack.procedures.values()),
        "tables": sorted(pack.tables),
        "checks": sorted(pack.checks),
        "roles": len(pack.roles),
    }
