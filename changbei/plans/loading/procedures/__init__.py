"""procedures/ID.yaml → Procedure."""

from __future__ import annotations

from changbei.plans.conditions import Condition
from changbei.plans.loading.bench import Bench
from changbei.plans.loading.procedures.approvals import check_apart
from changbei.plans.loading.procedures.asking import read_level
from changbei.plans.loading.procedures.forms import check_form
from changbei.plans.loading.procedures.reader import ProcedureReader
from changbei.plans.loading.procedures.stages import read_stages
from changbei.plans.loading.schedules import read_schedules
from changbei.plans.loading.shapes import listed
from changbei.plans.loading.source import Path, Source
from changbei.plans.model import Procedure, Same


def read_procedure(bench: Bench, source: Source) -> Procedure:
    reader = ProcedureReader(bench, source)
    form = reader.map(("form",))
    check_form(reader, ("form",))
    stages = read_stages(reader)
    procedure = Procedure(
        id=reader.words(("id",)),
        title=reader.map(("title",)),
        summary=reader.map(("summary",)),
        family=reader.words(("family",)),
        clauses=tuple(reader.clause(entry) for entry in reader.entries(("clauses",))),
        form=form,
        same=_same(reader),
        roles=_named_roles(reader),
        level=read_level(reader),
        context=reader.context,
        stages=stages,
        schedules=read_schedules(reader),
        restored_by=reader.known(("restored_by",), "step", reader.kinds),
        place=reader.place(()),
        confidential=reader.at(("confidential",)) is True,
        steps={step.id: step for stage in stages for step in stage.steps},
    )
    check_apart(reader, procedure)
    return procedure


def _same(reader: ProcedureReader) -> Same | None:
    by = reader.checked_value(("same", "by"))
    within = reader.duration(("same", "within"))
    return Same(by, within) if by and within else None


def _named_roles(reader: ProcedureReader) -> dict[str, Condition]:
    bench = reader.bench
    names = bench.known.get("role", set())
    found: dict[str, Condition] = {}
    for role in reader.map(("roles",)):
        path: Path = ("roles", role)
        if role not in names:
            reader.problem(path, f"unknown role {role!r}; {listed(role, names)}", at_key=True)
        elif role in bench.roles and bench.roles[role].scope != "named":
            reader.problem(
                path, f"{role} is not a role that a report names (scope: named in plan.yaml)", at_key=True
            )
        if expression := reader.checked_value(path):
            found[role] = expression
    return found
