"""The part of a step that a person does: what is to be done, by whom and by when, and for each of what."""

from __future__ import annotations

from changbei.plans.conditions import Names
from changbei.plans.loading.bench import ZERO
from changbei.plans.loading.procedures.forms import check_form
from changbei.plans.loading.procedures.reader import ProcedureReader
from changbei.plans.loading.source import Path
from changbei.plans.model import DEFAULT_ESCALATE_EVERY, EVIDENCE, Each, Option, TaskSpec

_TAKEN_FIELDS = frozenset({EVIDENCE, "option", "approved"})  # what else stands in a task's result
_LONGEST_ID_EACH = 40


def read_task(
    reader: ProcedureReader, path: Path, kind: str, clause: str, words: Path | None = None
) -> TaskSpec:
    """The person's part: its words stand at `words`, role and times at `path`."""
    words = words or path
    check_form(reader, (*path, "form"))
    for name in sorted(_TAKEN_FIELDS & set(reader.map((*path, "form", "properties")))):
        reader.problem(
            (*path, "form", "properties", name), f"{name!r} means something else already", at_key=True
        )
    return TaskSpec(
        kind=kind,
        title=reader.map((*words, "title")),
        guide=reader.map((*words, "guide")),
        role=reader.role((*path, "role")),
        clause=clause,
        acknowledge_within=reader.duration((*path, "acknowledge_within")),
        within=reader.duration((*path, "within")) or ZERO,
        chain=reader.chain((*path, "overdue")),
        escalate_every=reader.duration((*path, "escalate_every")) or DEFAULT_ESCALATE_EVERY,
        urgency=reader.words((*path, "urgency")) or "routine",
        evidence=reader.texts((*path, "evidence")),
        form=reader.map((*path, "form")) or None,
        page=reader.words((*path, "page")),
        options=_options(reader, (*words, "options")),
    )


def _options(reader: ProcedureReader, path: Path) -> tuple[Option, ...]:
    options: list[Option] = []
    for entry in reader.entries(path):
        option = reader.words((*entry, "id"))
        if option in {known.id for known in options}:
            reader.problem((*entry, "id"), f"the option {option!r} is there twice")
        options.append(Option(option, reader.map((*entry, "title"))))
    return tuple(options)


def read_each(reader: ProcedureReader, path: Path) -> Each | None:
    """The loop of a task. `key`, `label` and `holder` see the element beside everything else."""
    if not reader.map(path):
        return None
    if len(reader.words((*path[:-1], "id"))) > _LONGEST_ID_EACH:
        reader.problem((*path[:-1], "id"), f"with each: at most {_LONGEST_ID_EACH} letters")
    of, name = reader.checked_value((*path, "of")), reader.words((*path, "as"))
    if of is not None and not of.result_type.upper().startswith(("LIST", "DYN")):
        reader.problem((*path, "of"), f"needs a list; this gives {of.result_type.lower()}")
    if name in dict(reader.names.types):
        reader.problem((*path, "as"), f"{name!r} means something else already")
        return None
    inner = Names((*reader.names.types, (name, "any")), reader.names.settings)
    key, label, holder = (reader.checked_value((*path, word), inner) for word in ("key", "label", "holder"))
    if of is None or key is None or label is None or not name:
        return None
    return Each(of, name, key, label, holder)
