"""exercises.yaml → Exercise by id: what is rehearsed by name, and put before whoever begins an exercise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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
        away = reader.roles((*path, "away"))
        found[exercise] = Exercise(exercise, reader.map((*path, "title")), parts, away)
    return found


def _part(reader: Reader, path: Path, procedures: Mapping[str, Procedure]) -> Part:
    name = reader.known((*path, "procedure"), "procedure", reader.bench.known.get("procedure", ()))
    part = Part(
        name,
        reader.duration((*path, "after")) or ZERO,
        reader.role((*path, "reporter")),
        reader.at((*path, "begins")) == "warning",
        reader.map((*path, "report")),
        reader.map((*path, "decisions")),
        reader.map((*path, "forms")),
        reader.texts((*path, "unseen")),
    )
    if name in procedures:
        _check(reader, path, part, procedures[name])
    return part


def _check(reader: Reader, path: Path, part: Part, procedure: Procedure) -> None:
    _check_fields(reader, (*path, "report"), part.report, procedure.form, procedure.id)
    steps = {step.id: step.task for stage in procedure.stages for step in stage.steps if step.task}
    answered = [(("decisions", step), step) for step in part.decisions]
    answered += [(("forms", step), step) for step in part.forms]
    for where, step in answered:
        if step not in steps:
            reader.problem((*path, *where), _unknown(procedure, step, steps), at_key=True)
    for number, step in enumerate(part.unseen):
        if step not in steps:
            reader.problem((*path, "unseen", number), _unknown(procedure, step, steps))
    for step, option in part.decisions.items():
        options = [one.id for one in steps[step].options] if step in steps else []
        if options and option not in options:
            reader.problem((*path, "decisions", step), f"no such option; {listed(option, options)}")
    for step, filled in part.forms.items():
        if step in steps:
            _check_fields(reader, (*path, "forms", step), filled, steps[step].form or {}, step)
    if part.warning and not {"colour", "area"} <= procedure.form.get("properties", {}).keys():
        message = f"no warning begins {procedure.id}: its form has no colour and area"
        reader.problem((*path, "begins"), message)


def _unknown(procedure: Procedure, step: str, steps: Iterable[str]) -> str:
    return f"{procedure.id} has no step {step!r} for a person; {listed(step, steps)}"


def _check_fields(reader: Reader, path: Path, given: Iterable[str], form: Mapping[str, Any], of: str) -> None:
    fields = form.get("properties", {})
    for field in given:
        if field not in fields:
            message = f"the form of {of} has no field {field!r}; {listed(field, fields)}"
            reader.problem((*path, field), message, at_key=True)
