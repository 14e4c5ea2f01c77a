"""exercises.yaml → Exercise by id: what is rehearsed by name, and put before whoever begins an exercise."""

from __future__ import annotations

from collections.abc import Mapping

from changbei.plans.loading.bench import ZERO, Reader
from changbei.plans.loading.shapes import listed
from changbei.plans.loading.source import Path
from changbei.plans.model import Exercise, Part, Procedure


def read_exercises(reader: Reader, procedures: Mapping[str, Procedure]) -> dict[str, Exercise]:
    """What is reported are fields of the form, and what is decided are options of the procedure's steps."""
    found: dict[str, Exercise] = {}
    for path in reader.entries(("exercises",)):
        exercise = reader.words((*path, "id"))
        if exercise in found:
            reader.problem((*path, "id"), f"the id {exercise!r} is already used")
            continue
        parts = tuple(_part(reader, entry, procedures) for entry in reader.entries((*path, "parts")))
        found[exercise] = Exercise(exercise, reader.map((*path, "title")), parts)
    return found


def _part(reader: Reader, path: Path, procedures: Mapping[str, Procedure]) -> Part:
    name = reader.known((*path, "procedure"), "procedure", reader.bench.known.get("procedure", ()))
    part = Part(
        name,
        reader.duration((*path, "after")) or ZERO,
        reader.map((*path, "report")),
        reader.map((*path, "decisions")),
    )
    if name in procedures:
        _check(reader, path, part, procedures[name])
    return part


def _check(reader: Reader, path: Path, part: Part, procedure: Procedure) -> None:
    fields = procedure.form.get("properties", {})
    for field in part.report:
        if field not in fields:
            message = f"the form of {procedure.id} has no field {field!r}; {listed(field, fields)}"
            reader.problem((*path, "report", field), message, at_key=True)
    steps = {step.id: step for stage in procedure.stages for step in stage.steps if step.task}
    for step, option in part.decisions.items():
        if step not in steps:
            message = f"{procedure.id} has no step {step!r} for a person; {listed(step, steps)}"
            reader.problem((*path, "decisions", step), message, at_key=True)
            continue
        task = steps[step].task
        options = [one.id for one in task.options] if task else []
        if options and option not in options:
            reader.problem((*path, "decisions", step), f"no such option; {listed(option, options)}")
