"""All files of a pack → Pack, with every problem found on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from changbei.core.errors import Problem
from changbei.plans.actions import Action
from changbei.plans.loading.bench import ZERO, Bench, Reader
from changbei.plans.loading.calls import check_calls
from changbei.plans.loading.checklists import read_checklist
from changbei.plans.loading.checks import read_checks
from changbei.plans.loading.clauses import check_fulfilment, placed, read_clause
from changbei.plans.loading.draft import Draft, usable
from changbei.plans.loading.exercises import read_exercises
from changbei.plans.loading.files import digest_of, read_files
from changbei.plans.loading.messages import read_template
from changbei.plans.loading.plan import date_of, read_plan
from changbei.plans.loading.procedures import read_procedure
from changbei.plans.loading.tables import read_table
from changbei.plans.model import Exercise, Pack, Procedure, clause_order


def build(
    files: Mapping[str, str], actions: Mapping[str, Action] | None
) -> tuple[Pack | None, list[Problem]]:
    """The pack and all problems; without problems the pack is complete. `actions` None: names of actions
    pass.
    """
    found = draft(files, actions)
    return (None if found.problems else found.pack), found.problems


def draft(files: Mapping[str, str], actions: Mapping[str, Action] | None) -> Draft:
    """What can be read of the pack, and all problems; without problems the pack is complete."""
    bench = Bench(actions)
    by_kind = read_files(files, bench)
    plan = Reader(bench, by_kind["plan"][0])
    read_plan(plan)
    for source in by_kind["clause"]:
        read_clause(Reader(bench, source), files[source.file])
    for kind, read in (("table", read_table), ("message", read_template), ("checks", read_checks)):
        for source in by_kind[kind]:
            read(Reader(bench, source))
    procedures = {p.id: p for p in (read_procedure(bench, source) for source in by_kind["procedure"])}
    check_calls(bench, plan.words(("id",)), by_kind["procedure"], procedures)
    check_fulfilment(bench, by_kind["clause"], procedures)
    for source in by_kind["checklist"]:
        read_checklist(Reader(bench, source), procedures)
    exercises: dict[str, Exercise] = {}
    for source in by_kind["exercises"]:
        exercises |= read_exercises(Reader(bench, source), procedures)
    problems = sorted(
        dict.fromkeys(bench.problems), key=lambda p: (p.file, p.line, p.column, p.field, p.message)
    )
    if problems:
        procedures = {id_: usable(procedure) for id_, procedure in procedures.items() if id_}
    pack = _assemble(plan, digest_of(files), procedures, exercises)
    sources = {source.file: source for found in by_kind.values() for source in found}
    return Draft(pack, problems, dict(sorted(sources.items())))


def _assemble(
    plan: Reader, digest: str, procedures: Mapping[str, Procedure], exercises: Mapping[str, Exercise]
) -> Pack:
    bench = plan.bench
    return Pack(
        id=plan.words(("id",)),
        titles=plan.map(("titles",)),
        issuer=plan.map(("issuer",)),
        tier=plan.words(("tier",)),
        version=plan.words(("version",)),
        effective_on=date_of(plan.words(("effective_on",))) or date.min,
        review_period=plan.duration(("review_period",)) or ZERO,
        digest=digest,
        settings=bench.settings,
        roles=bench.roles,
        ladders=bench.ladders,
        audiences=bench.audiences,
        registries=bench.registries,
        clauses={
            id_: placed(bench.clauses[id_], plan.map(("sections",)))
            for id_ in sorted(bench.clauses, key=clause_order)
        },
        tables=bench.tables,
        procedures={id_: indexed(procedure) for id_, procedure in procedures.items()},
        templates=bench.templates,
        checks=bench.checks,
        exercises=exercises,
        checklists=bench.checklists,
    )


def indexed(procedure: Procedure) -> Procedure:
    """With its indexes, and `not_same_as` both ways: it holds whichever of the two steps is done last."""
    apart: dict[str, set[str]] = {step: set(found.apart) for step, found in procedure.steps.items()}
    for step, others in list(apart.items()):
        for other in list(others):
            apart[other].add(step)
    stages = tuple(
        replace(stage, steps=tuple(replace(step, apart=frozenset(apart[step.id])) for step in stage.steps))
        for stage in procedure.stages
    )
    steps = {step.id: step for stage in stages for step in stage.steps}
    kinds = dict.fromkeys(step.awaits for step in steps.values() if step.awaits)
    return replace(
        procedure,
        stages=stages,
        steps=steps,
        awaiting={kind: tuple(step for step in steps.values() if step.awaits == kind) for kind in kinds},
        waiting_until=tuple(step for step in steps.values() if step.wait_until is not None),
        countdowns=tuple(step for step in steps.values() if step.countdown is not None),
        acting_first=tuple(step for step in steps.values() if step.act_first is not None),
    )
