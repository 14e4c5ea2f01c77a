"""checks.yaml → Check by id."""

from __future__ import annotations

from changbei.plans.loading.bench import ZERO, Reader
from changbei.plans.model import Check


def read_checks(checks: Reader) -> None:
    for path in checks.entries(("checks",)):
        check = checks.words((*path, "id"))
        if check in checks.bench.checks:
            checks.problem((*path, "id"), f"the id {check!r} is already used")
            continue
        checks.bench.checks[check] = Check(
            id=check,
            title=checks.map((*path, "title")),
            clause=checks.clause((*path, "clause")),
            kind=checks.words((*path, "kind")),
            params=checks.map((*path, "with")),
            every=checks.duration((*path, "every")) or ZERO,
            tell=checks.roles((*path, "tell")),
            mend=checks.map((*path, "mend")),
            place=checks.place(path),
        )
