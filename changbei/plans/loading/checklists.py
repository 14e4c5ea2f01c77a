"""checklists/ID.yaml → Checklist: what is looked at, which answers are findings, what a finding begins."""

from __future__ import annotations

from collections.abc import Mapping

from changbei.plans.loading.bench import Reader
from changbei.plans.loading.files import stem
from changbei.plans.loading.shapes import listed
from changbei.plans.loading.source import Path
from changbei.plans.model import (
    CHOICE,
    EVERYDAY,
    NO_SALE_TO_MINORS,
    NUMBER,
    WITHOUT_FINDING,
    YES_NO,
    Begins,
    CheckItem,
    Checklist,
    Option,
    Procedure,
)

RESERVED = ("note", "place", "longitude", "latitude", "version")  # what goes in beside the answers
FILLED = "what"  # the field of a form that takes the words of a finding


def read_checklist(reader: Reader, procedures: Mapping[str, Procedure]) -> None:
    checklist = stem(reader.source.file)
    clause = reader.clause(("clause",))
    items: dict[str, CheckItem] = {}
    for path in reader.entries(("items",)):
        item = _item(reader, path, clause, procedures)
        if any(item.key == known.key for known in items.values()):
            reader.problem((*path, "id"), f"the id {item.id!r} is already used")
            continue
        if item.key in RESERVED:
            reader.problem((*path, "id"), f"an item cannot be called {', '.join(RESERVED)}")
        items[item.id] = item
    if not any(item.duty == NO_SALE_TO_MINORS and item.answer == YES_NO for item in items.values()):
        reader.problem(
            ("items",),
            f"the duty not to sell to minors is missing: one item needs duty: {NO_SALE_TO_MINORS}, "
            f"answer: {YES_NO} and finding: {{is: [no]}}",
        )
    reader.bench.checklists[checklist] = Checklist(
        id=checklist,
        title=reader.map(("title",)),
        clause=clause,
        kind=reader.words(("kind",)),
        items=items,
        place=reader.place(()),
    )


def _item(reader: Reader, path: Path, clause: str, procedures: Mapping[str, Procedure]) -> CheckItem:
    answer = reader.words((*path, "answer"))
    required = reader.at((*path, "required"))
    options = tuple(
        Option(reader.words((*one, "id")), reader.map((*one, "title")))
        for one in reader.entries((*path, "options"))
    )
    finding = reader.map((*path, "finding"))
    item = CheckItem(
        id=reader.words((*path, "id")),
        label=reader.map((*path, "label")),
        guide=reader.map((*path, "guide")),
        clause=reader.clause((*path, "clause")) or clause,
        answer=answer,
        unit=reader.map((*path, "unit")),
        options=options,
        required=required if isinstance(required, bool) else answer not in WITHOUT_FINDING,
        found=tuple(word for word in finding.get("is", ()) if isinstance(word, str)),
        below=finding.get("below"),
        above=finding.get("above"),
        begins=_begins(reader, (*path, "begins"), procedures),
        duty=reader.words((*path, "duty")),
        place=reader.place(path),
    )
    _check_answer(reader, path, item)
    _check_finding(reader, path, item)
    return item


def _check_answer(reader: Reader, path: Path, item: CheckItem) -> None:
    for key, answer, given in (("unit", NUMBER, item.unit), ("options", CHOICE, item.options)):
        if item.answer == answer and not given:
            reader.problem((*path, key), f"is missing: the answer {answer} needs it")
        elif given and item.answer != answer:
            reader.problem((*path, key), f"only the answer {answer} has it", at_key=True)


def _check_finding(reader: Reader, path: Path, item: CheckItem) -> None:
    where = (*path, "finding")
    limits = item.below is not None or item.above is not None
    allowed = {YES_NO: ["yes", "no"], CHOICE: [one.id for one in item.options]}.get(item.answer, [])
    if (item.found or limits) and item.answer in WITHOUT_FINDING:
        reader.problem(where, f"the answer {item.answer} is no finding; yes_no, number and choice are")
    elif limits and item.answer != NUMBER:
        reader.problem(where, "below and above are of numbers; here is: [ANSWER] says it")
    elif item.found and item.answer == NUMBER:
        reader.problem(where, "of a number, below or above says it")
    for n, word in enumerate(item.found):
        if allowed and word not in allowed:
            reader.problem((*where, "is", n), f"no such answer; {listed(word, allowed)}")
    if item.begins and not item.has_finding:
        reader.problem((*path, "begins"), "no answer is a finding; say under finding which is")
    if item.duty and (item.answer != YES_NO or item.found != ("no",)):
        reader.problem(
            (*path, "duty"), f"a duty is answered yes or no: answer: {YES_NO}, finding: {{is: [no]}}"
        )


def _begins(reader: Reader, path: Path, procedures: Mapping[str, Procedure]) -> Begins | None:
    """The procedure has a form that a finding can fill: a customer, and `what` in words."""
    if not reader.map(path):
        return None
    name = reader.known((*path, "procedure"), "procedure", reader.bench.known.get("procedure", ()))
    report = dict(reader.map((*path, "report")))
    if name not in procedures:
        return Begins(name, "", report)
    procedure = procedures[name]
    fields = procedure.form.get("properties", {})
    customer = next((key for key, one in fields.items() if one.get("x-widget") == "retailer"), "")
    if procedure.family != EVERYDAY:
        reader.problem((*path, "procedure"), f"{name} is no everyday matter; its family has to be {EVERYDAY}")
    elif not customer or fields.get(FILLED, {}).get("type") != "string" or "oneOf" in fields[FILLED]:
        reader.problem(
            (*path, "procedure"), f"the form of {name} has no customer, or no field {FILLED!r} for words"
        )
    for key in report:
        if key not in fields or key in (customer, FILLED):
            reader.problem((*path, "report", key), f"no such field; {listed(key, fields)}", at_key=True)
    for key in procedure.form.get("required", ()):
        if key not in (customer, FILLED, *report):
            reader.problem((*path, "report"), f"is missing: the form of {name} needs {key!r}")
    return Begins(name, customer, report)
