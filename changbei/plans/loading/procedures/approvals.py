"""Approvals: who may give them, up to which limit, and what happens when nobody does."""

from __future__ import annotations

from typing import Any

from changbei.plans.loading.procedures.asking import read_limit
from changbei.plans.loading.procedures.reader import ProcedureReader, step_paths
from changbei.plans.loading.procedures.tasks import read_task
from changbei.plans.loading.source import Path
from changbei.plans.model import Procedure, Timeout


def read_approval(reader: ProcedureReader, step: Path, clause: str) -> dict[str, Any]:
    path: Path = (*step, "approve")
    return {
        "task": read_task(reader, step, "approve", clause, path),
        "limit": read_limit(reader, (*path, "limit")),
        "apart": frozenset(
            reader.known(other, "step", reader.kinds) for other in _others(reader, (*path, "not_same_as"))
        ),
        "delegates": reader.roles((*path, "delegates")),
        "timeout": _timeout(reader, (*path, "timeout")),
        "act_first": reader.checked_condition((*path, "act_first")),
    }


def check_apart(reader: ProcedureReader, procedure: Procedure) -> None:
    """`not_same_as` has to name a step that a person does, and not the step itself."""
    for path in step_paths(reader):
        step = reader.words((*path, "id"))
        where: Path = (*path, "approve", "not_same_as")
        for other in filter(None, (reader.words(other) for other in _others(reader, where))):
            if other == step:
                reader.problem(where, "a step cannot be done by somebody other than itself")
            elif other in procedure.steps and procedure.steps[other].task is None:
                reader.problem(where, f"{other} is not done by a person")


def _others(reader: ProcedureReader, path: Path) -> tuple[Path, ...]:
    """Where the steps of `not_same_as` are named: one word, or a list of them."""
    return (path,) if isinstance(reader.at(path), str) else reader.entries(path)


def _timeout(reader: ProcedureReader, path: Path) -> Timeout | None:
    after = reader.duration((*path, "after"))
    return Timeout(after, reader.words((*path, "decides")) == "approved") if after else None
