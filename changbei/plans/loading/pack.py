"""All files of a pack → Pack, with every problem found on the way."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from changbei.core.errors import Problem
from changbei.core.texts import LANGUAGES
from changbei.plans.actions import Action
from changbei.plans.conditions import Names
from changbei.plans.loading.bench import ZERO, Bench, Reader
from changbei.plans.loading.calls import check_calls
from changbei.plans.loading.draft import Draft, usable
from changbei.plans.loading.procedures import read_procedure
from changbei.plans.loading.shapes import allowed_words, listed, validate
from changbei.plans.loading.source import Path, Source, read_yaml
from changbei.plans.model import (
    Audience,
    Check,
    Clause,
    Pack,
    Procedure,
    Registry,
    Role,
    Row,
    Setting,
    Step,
    Table,
    Template,
    clause_order,
)

_FOLDERS = {
    "clauses": ("clause", ".md"),
    "tables": ("table", ".yaml"),
    "procedures": ("procedure", ".yaml"),
    "messages": ("message", ".yaml"),
}
_LAYOUT = "plan.yaml, checks.yaml, clauses/*.md, tables/*.yaml, procedures/*.yaml, messages/*.yaml"
_SECTION = re.compile(r"^##[ \t]+(\S+)[ \t]*$", re.MULTILINE)
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "double": (int, float),
    "bool": (bool,),
}


def digest_of(files: Mapping[str, str]) -> str:
    """SHA-256 over all paths and texts, in the order of the paths."""
    hasher = hashlib.sha256()
    for path in sorted(files):
        for part in (path, files[path]):
            data = part.encode("utf-8")
            hasher.update(len(data).to_bytes(8, "big"))
            hasher.update(data)
    return hasher.hexdigest()


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
    sources = dict(_sources(files, bench))
    if "plan.yaml" not in sources:
        bench.problems.append(Problem("", f"there is no plan.yaml; a pack has {_LAYOUT}", "plan.yaml", 1, 1))
        sources["plan.yaml"] = ("plan", Source("plan.yaml", "", {}))
    by_kind: dict[str, list[Source]] = {}
    for kind, source in sources.values():
        by_kind.setdefault(kind, []).append(source)
    _note_ids(bench, by_kind)
    plan = Reader(bench, by_kind["plan"][0])
    _read_plan(plan)
    for source in by_kind.get("clause", []):
        _read_clause(Reader(bench, source), files[source.file])
    for source in by_kind.get("table", []):
        _read_table(Reader(bench, source))
    for source in by_kind.get("message", []):
        _read_template(Reader(bench, source))
    for source in by_kind.get("checks", []):
        _read_checks(Reader(bench, source))
    procedures = {p.id: p for p in (read_procedure(bench, source) for source in by_kind.get("procedure", []))}
    check_calls(bench, plan.words(("id",)), by_kind.get("procedure", []), procedures)
    _check_fulfilment(bench, by_kind.get("clause", []), procedures)
    problems = sorted(
        dict.fromkeys(bench.problems), key=lambda p: (p.file, p.line, p.column, p.field, p.message)
    )
    if problems:
        procedures = {id_: usable(procedure) for id_, procedure in procedures.items() if id_}
    pack = _assemble(plan, digest_of(files), procedures)
    return Draft(pack, problems, {file: source for file, (_, source) in sources.items()})


# --- files ----------------------------------------------------------------------------------------------


def _sources(files: Mapping[str, str], bench: Bench) -> Iterator[tuple[str, tuple[str, Source]]]:
    """Each file read and held against its schema; a file whose YAML cannot be read is reported and left
    out.
    """
    for file in sorted(files):
        kind = _kind_of(file)
        if kind is None:
            bench.problems.append(Problem("", f"not a file of a pack; a pack has {_LAYOUT}", file, 1, 1))
            continue
        source = _front_matter(file, files[file]) if kind == "clause" else read_yaml(file, files[file])
        bench.problems += source.problems
        if source.value is None:
            source.value = {}  # said already: not YAML, or empty
        else:
            bench.problems += validate(source, kind)
        if not isinstance(source.value, dict):
            source.value = {}
        _check_name(bench, source, kind)
        yield file, (kind, source)


def _kind_of(file: str) -> str | None:
    if file in {"plan.yaml", "checks.yaml"}:
        return file.removesuffix(".yaml")
    folder, _, name = file.partition("/")
    kind, suffix = _FOLDERS.get(folder, ("", ""))
    return kind if kind and name.endswith(suffix) and "/" not in name else None


def _front_matter(file: str, text: str) -> Source:
    """The YAML between the two lines of ---."""
    lines = text.split("\n")
    ends = next((n for n, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), None)
    if lines[0].rstrip() != "---" or ends is None:
        source = Source(file, text)
        source.problems.append(
            Problem("", "a clause begins with a line ---, its id and title, and a line ---", file, 1, 1)
        )
        return source
    return read_yaml(file, "\n".join(lines[1:ends]) + "\n", first_line=2)


def _stem(file: str) -> str:
    return file.rpartition("/")[2].rsplit(".", 1)[0]


def _check_name(bench: Bench, source: Source, kind: str) -> None:
    given = source.at(("id",))
    if kind in {"plan", "checks"} or not isinstance(given, str):
        return
    if given != _stem(source.file):
        suffix = source.file.rsplit(".", 1)[1]
        bench.problems.append(source.problem(("id",), f"{given!r} has to stand in the file {given}.{suffix}"))


def _note_ids(bench: Bench, by_kind: Mapping[str, list[Source]]) -> None:
    """Which ids exist at all, so that a mistake inside a file is not also reported as "unknown" elsewhere."""
    for kind in ("clause", "table", "message", "procedure"):
        sources = by_kind.get(kind, [])
        bench.known[kind] = {_stem(source.file) for source in sources}
    plan = by_kind["plan"][0]
    for kind, key in (("role", "roles"), ("setting", "settings")):
        declared = {path[1] for path in plan.keys if len(path) == 2 and path[0] == key}
        bench.known[kind] = {str(name) for name in declared}


# --- plan.yaml ------------------------------------------------------------------------------------------


def _read_plan(plan: Reader) -> None:
    bench = plan.bench
    for name in plan.map(("settings",)):
        setting = _setting(plan, ("settings", name), name)
        if setting is not None:
            bench.settings[name] = setting
    for role in plan.map(("roles",)):
        bench.roles[role] = _role(plan, ("roles", role), role)
    for ladder in plan.map(("ladders",)):
        path: Path = ("ladders", ladder)
        if ladder in bench.known["role"]:
            plan.problem(path, f"{ladder!r} is the name of a role", at_key=True)
        bench.ladders[ladder] = tuple(plan.role((*path, n)) for n, _ in enumerate(plan.list(path)))
    for audience in plan.map(("audiences",)):
        entry = plan.map(("audiences", audience))
        bench.audiences[audience] = Audience(
            audience,
            entry.get("title", {}),
            entry.get("staff"),
            entry.get("contacts"),
            entry.get("retailers"),
        )
        low, high = (plan.at(("audiences", audience, "retailers", word)) for word in ("tier_from", "tier_to"))
        if isinstance(low, int) and isinstance(high, int) and low > high:
            path = ("audiences", audience, "retailers", "tier_to")
            plan.problem(path, f"{high} lies before tier_from, which is {low}")
    for registry in plan.map(("registries",)):
        entry = plan.map(("registries", registry))
        bench.registries[registry] = Registry(registry, entry.get("title", {}), entry.get("page", ""))
    if (day := plan.words(("effective_on",))) and _date(day) is None:
        plan.problem(("effective_on",), f"{day!r} is not a date of the calendar")
    plan.duration(("review_period",))


def _setting(plan: Reader, path: Path, name: str) -> Setting | None:
    entry = plan.map(path)
    if "default" not in entry:
        return None
    value, declared = entry["default"], entry.get("type")
    inferred = _type_of(value)
    kind = declared or inferred
    if not _fits(value, kind):
        plan.problem((*path, "default"), f"{value!r} is not of the type {kind}")
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = entry.get("minimum"), entry.get("maximum")
        if (low is not None and value < low) or (high is not None and value > high):
            plan.problem((*path, "default"), f"{value} is not between {low} and {high}")
        if kind == "double":
            value = float(value)
    return Setting(
        name,
        value,
        kind,
        str(entry.get("unit", "")),
        plan.clause((*path, "clause")),
        entry.get("title", {}),
        plan.place(path),
    )


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "int" if isinstance(value, int) else "double" if isinstance(value, float) else "string"


def _fits(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "bool"
    return isinstance(value, _PYTHON_TYPES.get(kind, ()))


def _role(plan: Reader, path: Path, role: str) -> Role:
    entry = plan.map(path)
    return Role(
        id=role,
        title=entry.get("title", {}),
        post=plan.words((*path, "post")),
        duty=plan.words((*path, "duty")),
        job=plan.words((*path, "job")),
        command=entry.get("command") is True,
        scope=entry.get("scope", "city"),
        deputies=entry.get("deputies") is True,
        clause=plan.clause((*path, "clause")),
        place=plan.place(path),
    )


def _date(day: str) -> date | None:
    try:
        return date.fromisoformat(day)
    except ValueError:
        return None


# --- clauses --------------------------------------------------------------------------------------------


def _read_clause(clause: Reader, text: str) -> None:
    body = _sections(clause, text)
    found = Clause(
        id=_stem(clause.source.file),
        title=clause.map(("title",)),
        body=body,
        fulfilled_by=clause.texts(("fulfilled_by",)),
        place=clause.place(()),
        section=clause.words(("section",)),
    )
    clause.bench.clauses[found.id] = found


def _placed(clause: Clause, sections: Mapping[str, Any]) -> Clause:
    """With its section of the document: its own, else the one plan.yaml gives the longest beginning of its number."""
    if clause.section:
        return clause
    own = clause_order(clause.id)
    found = ""
    longest = 0
    for section, beginnings in sections.items():
        for beginning in beginnings:
            parts = clause_order(beginning)
            if len(parts) > longest and own[: len(parts)] == parts:
                found, longest = section, len(parts)
    return replace(clause, section=found)


def _sections(clause: Reader, text: str) -> dict[str, str]:
    """The text below the front matter by language; every language once, none empty, nothing before the
    first.
    """
    file, problems = clause.source.file, clause.bench.problems
    begins = re.search(r"^---[ \t]*\n(?:.*\n)*?---[ \t]*(\n|$)", text)
    if begins is None:
        return {}
    found: dict[str, str] = {}
    heads = list(_SECTION.finditer(text, begins.end()))
    before = text[begins.end() : heads[0].start() if heads else len(text)]
    if heads and before.strip():
        line = text.count("\n", 0, begins.end() + len(before) - len(before.lstrip())) + 1
        problems.append(Problem("", f"text before the first section; sections are {_heads()}", file, line, 1))
    for n, head in enumerate(heads):
        line = text.count("\n", 0, head.start()) + 1
        language = head[1]
        words = text[head.end() : heads[n + 1].start() if n + 1 < len(heads) else len(text)].strip()
        if language not in LANGUAGES:
            problems.append(
                Problem("", f"unknown section {language!r}; sections are {_heads()}", file, line, 4)
            )
        elif language in found:
            problems.append(Problem("", f"the section ## {language} is there twice", file, line, 4))
        elif not words:
            problems.append(Problem("", f"the section ## {language} is empty", file, line, 4))
        found.setdefault(language, words)
    last = text.rstrip("\n").count("\n") + 1
    for language in LANGUAGES:
        if language not in found:
            problems.append(
                Problem(
                    "", f"the section ## {language} is missing; every clause needs {_heads()}", file, last, 1
                )
            )
    return found


def _heads() -> str:
    return ", ".join(f"## {language}" for language in LANGUAGES)


# --- tables, templates, checks --------------------------------------------------------------------------


def _read_table(table: Reader) -> None:
    inputs: dict[str, str] = {
        name: kind for name, kind in table.map(("inputs",)).items() if isinstance(kind, str)
    }
    outputs = dict(table.map(("outputs",)))
    names = Names.of(inputs, table.bench.setting_values())
    rows: list[Row] = []
    for n, _ in enumerate(table.list(("rules",))):
        path: Path = ("rules", n)
        when = table.condition((*path, "when"), names)
        then = _outputs(table, (*path, "then"), outputs)
        if when is not None:
            rows.append(Row(when, then, table.map((*path, "note")), table.place(path)))
    table.bench.tables[_stem(table.source.file)] = Table(
        id=table.words(("id",)),
        title=table.map(("title",)),
        clause=table.clause(("clause",)),
        hit=table.words(("hit",)),
        inputs=inputs,
        outputs=outputs,
        rows=tuple(rows),
        place=table.place(()),
        partial=table.at(("partial",)) is True,
    )


def _outputs(table: Reader, path: Path, declared: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row: every declared output, none else, each of its type."""
    given = table.map(path)
    found: dict[str, Any] = {}
    for name, value in given.items():
        kind = declared.get(name)
        if kind is None:
            message = f"the table has no output {name!r}; {listed(name, declared)}"
            table.problem((*path, name), message, at_key=True)
        elif not _fits(value, kind):
            table.problem((*path, name), f"{value!r} is not of the type {kind}")
        else:
            found[name] = float(value) if kind == "double" else value
    for name in declared:
        if name not in given:
            table.problem((*path, name), f"is missing; every row gives: {allowed_words(declared)}")
    return found


def _read_template(template: Reader) -> None:
    body = template.map(("body",))
    sets = {
        language: _placeholders(template, ("body", language)) for language in LANGUAGES if language in body
    }
    everywhere = frozenset[str]().union(*sets.values()) if sets else frozenset[str]()
    for language, found in sets.items():
        for name in sorted(everywhere - found):
            template.problem(("body", language), f"{{{name}}} of the other languages is missing here")
    template.bench.templates[_stem(template.source.file)] = Template(
        id=template.words(("id",)),
        title=template.map(("title",)),
        body=body,
        clause=template.clause(("clause",)),
        urgency=template.words(("urgency",)) or "routine",
        placeholders=everywhere,
        place=template.place(()),
    )


def _placeholders(template: Reader, path: Path) -> frozenset[str]:
    found: set[str] = set()
    try:
        for _, name, form, conversion in string.Formatter().parse(template.words(path)):
            if name is None:
                continue
            if not name.isidentifier() or form or conversion:
                template.problem(
                    path,
                    f"{{{name}}} is not a placeholder: write {{name}}; for a brace itself {{{{ or }}}}",
                )
            else:
                found.add(name)
    except ValueError:
        template.problem(path, "a single brace; a placeholder is {name}, a brace itself is written {{ or }}")
    return frozenset(found)


def _read_checks(checks: Reader) -> None:
    for n, _ in enumerate(checks.list(("checks",))):
        path: Path = ("checks", n)
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
            tell=tuple(checks.role((*path, "tell", i)) for i, _ in enumerate(checks.list((*path, "tell")))),
            mend=checks.map((*path, "mend")),
            place=checks.place(path),
        )


# --- the whole ------------------------------------------------------------------------------------------


def _check_fulfilment(bench: Bench, clauses: list[Source], procedures: Mapping[str, Procedure]) -> None:
    """Every `fulfilled_by` has to name something that is there."""
    names: dict[str, Callable[[], set[str]]] = {
        "procedure": lambda: bench.known["procedure"],
        "check": lambda: set(bench.checks),
        "registry": lambda: set(bench.registries),
        "table": lambda: bench.known["table"],
        "role": lambda: bench.known["role"],
        "setting": lambda: bench.known["setting"],
    }
    for source in clauses:
        clause = Reader(bench, source)
        for n, reference in enumerate(clause.list(("fulfilled_by",))):
            if not isinstance(reference, str):
                continue
            kind, _, name = reference.partition(":")
            name, _, step = name.partition("/")
            path: Path = ("fulfilled_by", n)
            allowed = names[kind]()
            if name not in allowed:
                clause.problem(
                    path,
                    f"there is no {kind} {name!r}; {listed(name, allowed)}",
                )
            elif step and name in procedures and step not in procedures[name].steps:
                steps: Mapping[str, Step] = procedures[name].steps
                clause.problem(path, f"{name} has no step {step!r}; {listed(step, steps)}")


def _assemble(plan: Reader, digest: str, procedures: Mapping[str, Procedure]) -> Pack:
    bench = plan.bench
    return Pack(
        id=plan.words(("id",)),
        titles=plan.map(("titles",)),
        issuer=plan.map(("issuer",)),
        tier=plan.words(("tier",)),
        version=plan.words(("version",)),
        effective_on=_date(plan.words(("effective_on",))) or date.min,
        review_period=plan.duration(("review_period",)) or ZERO,
        digest=digest,
        settings=bench.settings,
        roles=bench.roles,
        ladders=bench.ladders,
        audiences=bench.audiences,
        registries=bench.registries,
        clauses={
            id_: _placed(bench.clauses[id_], plan.map(("sections",)))
            for id_ in sorted(bench.clauses, key=clause_order)
        },
        tables=bench.tables,
        procedures={id_: indexed(procedure) for id_, procedure in procedures.items()},
        templates=bench.templates,
        checks=bench.checks,
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
