"""What conditions read: what nothing produces, options and facts that are not there, steps that wait for themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from changbei.plans.checking.finding import ERROR, WARNING, Finding, finding
from changbei.plans.checking.offer import Offer
from changbei.plans.checking.places import Places
from changbei.plans.checking.shapes import choices, expressions, find, shape_of
from changbei.plans.conditions import Condition
from changbei.plans.loading.shapes import allowed_words, suggest
from changbei.plans.model import Pack, Place, Procedure, Stage, Step

_TEXT = r"""(?:'([^'\\]*)'|"([^"\\]*)")"""
_PATH = r"((?:report|result|decision)(?:\.[A-Za-z_]\w*)+)"
_COMPARED = re.compile(rf"{_PATH}\s*(?:==|!=)\s*{_TEXT}|{_TEXT}\s*(?:==|!=)\s*{_PATH}")
_AMONG = re.compile(rf"{_PATH}\s+in\s+\[([^\]]*)\]")
_ANY_TEXT = re.compile(_TEXT)
_HAPPENED = re.compile(rf"""happened\s*\[\s*{_TEXT}\s*\]|{_TEXT}\s+in\s+happened""")
_ALL_BUT = re.compile(r"\bdecision\.(\w+)\s*!=")
_HAS = re.compile(r"\bhas\s*\(\s*([\w.]+)\s*\)")
UNDECIDED = ("approved", "refused", "provisional")


def findings(pack: Pack, offer: Offer, places: Places) -> Iterator[Finding]:
    for procedure in pack.procedures.values():
        yield from _Procedure(procedure, offer, places).findings()


class _Procedure:
    def __init__(self, procedure: Procedure, offer: Offer, places: Places) -> None:
        self.procedure, self.offer, self.places = procedure, offer, places
        self.file = f"procedures/{procedure.id}.yaml"
        self.shape = shape_of(procedure, offer)
        self.by_key = {step.key: step for step in procedure.steps.values()}
        self.compared: dict[str, set[str]] = {}  # decision → options asked for
        self.read_whole: set[str] = (
            set()
        )  # decisions whose value goes somewhere as it is, or "all but one" is asked

    def findings(self) -> Iterator[Finding]:
        for owner, condition in expressions(self.procedure):
            place = self._place(owner, condition)
            clause = self._clause(owner)
            yield from self._paths(condition, place, clause)
            yield from self._literals(condition, place, clause)
            yield from self._happened(condition, place, clause)
            self._note_decisions(condition)
        for step in self.procedure.steps.values():
            yield from self._options(step)
        yield from self._waiting_for_itself()

    def _place(self, owner: Step | Stage | None, condition: Condition) -> Place:
        around: tuple[str | int, ...] = ()
        if isinstance(owner, Step):
            around = self.places.step_path(self.procedure.id, owner.id)
        elif isinstance(owner, Stage):
            around = self.places.stage_path(self.procedure.id, owner.id)
        return self.places.expression(self.file, condition.source, around)

    def _clause(self, owner: Step | Stage | None) -> str:
        if isinstance(owner, Step) and owner.clause:
            return owner.clause
        if isinstance(owner, Stage):
            return next((step.clause for step in owner.steps if step.clause), self._own_clause())
        return self._own_clause()

    def _own_clause(self) -> str:
        return self.procedure.clauses[0] if self.procedure.clauses else ""

    # --- what is read

    def _paths(self, condition: Condition, place: Place, clause: str) -> Iterator[Finding]:
        for path in _all_paths(condition):
            if path[0] not in {"report", "result"} or len(path) < 3:
                continue
            if path[1] not in self.shape["properties"][path[0]].get("properties", {}):
                continue  # the loader has said so
            found, known = find(self.shape, path)
            if found is None:
                around, _ = find(self.shape, tuple(known.split(".")))
                names = list((around or {}).get("properties", {}))
                missing = path[len(known.split("."))]
                yield finding(
                    ERROR,
                    "never-produced",
                    clause,
                    place,
                    what=".".join(path),
                    why=f"{known} has no {missing!r}",
                    known=allowed_words(names),
                )

    def _literals(self, condition: Condition, place: Place, clause: str) -> Iterator[Finding]:
        """Texts that something is compared with, which it cannot be."""
        for path, text in compared(condition.source):
            root, *rest = path.split(".")
            if root == "decision" and rest:
                step = self.by_key.get(rest[0])
                known = self._can_be(step) if step else []
                if known and text not in known:
                    yield finding(
                        ERROR,
                        "unknown-option",
                        clause,
                        place,
                        option=text,
                        step=rest[0],
                        known=allowed_words(known),
                    )
                continue
            found, _ = find(self.shape, (root, *rest))
            known = choices(found)
            if known and text not in known and text != "":
                yield finding(
                    ERROR,
                    "unknown-choice",
                    clause,
                    place,
                    option=text,
                    field=path,
                    known=allowed_words(known),
                )

    def _can_be(self, step: Step) -> list[str]:
        if step.kind == "approve":
            return list(UNDECIDED)
        return [option.id for option in step.task.options] if step.kind == "decide" and step.task else []

    def _happened(self, condition: Condition, place: Place, clause: str) -> Iterator[Finding]:
        for groups in _HAPPENED.findall(condition.source):
            fact = next((one for one in groups if one), "")
            if fact and self.offer.facts and fact not in self.offer.facts:
                known = allowed_words(self.offer.facts) + suggest(fact, self.offer.facts)
                yield finding(ERROR, "unknown-fact", clause, place, fact=fact, known=known)

    # --- decisions

    def _note_decisions(self, condition: Condition) -> None:
        source = condition.source
        for path, text in compared(source):
            root, *rest = path.split(".")
            key = rest[0] if rest else ""
            if root == "decision" or (root == "result" and rest[1:] == ["option"]):
                self.compared.setdefault(key, set()).add(text)
        self.read_whole |= {match[1] for match in _ALL_BUT.finditer(source)}
        bare = _HAS.sub(" ", _AMONG.sub(" ", _COMPARED.sub(" ", source)))
        for match in re.finditer(r"\b(?:decision\.(\w+)|result\.(\w+)\.option)\b", bare):
            self.read_whole.add(match[1] or match[2])

    def _options(self, step: Step) -> Iterator[Finding]:
        if step.kind != "decide" or step.task is None or step.key in self.read_whole:
            return
        asked = self.compared.get(step.key, set())
        options = [option.id for option in step.task.options]
        if not asked:
            if len(options) > 1:
                place = self.places.step(self.procedure.id, step.id)
                yield finding(WARNING, "decision-unused", step.clause, place, step=step.id, key=step.key)
            return
        unasked = [option for option in options if option not in asked]
        for option in unasked[1:]:
            place = self.places.option(self.procedure.id, step.id, option)
            yield finding(
                WARNING, "option-unused", step.clause, place, option=option, step=step.id, other=unasked[0]
            )

    # --- waiting

    def _waiting_for_itself(self) -> Iterator[Finding]:
        """A `hold_until` that needs the result of something which cannot begin before."""
        later = self._later()
        for stage in self.procedure.stages:
            if stage.hold_until is not None:
                inside = {step.id for step in stage.steps}.union(*(later[step.id] for step in stage.steps))
                yield from self._holding(stage, stage.hold_until, inside)
            for step in stage.steps:
                if step.hold_until is not None:
                    yield from self._holding(step, step.hold_until, later[step.id] | {step.id})

    def _holding(self, owner: Step | Stage, condition: Condition, after: set[str]) -> Iterator[Finding]:
        if "||" in condition.source or "!" in condition.source.replace("!=", ""):
            return  # there is another way for it to come true
        for path in condition.paths:
            step = self.by_key.get(path[1]) if path[0] in {"result", "decision"} and len(path) > 1 else None
            if step is not None and step.id in after:
                place = self._place(owner, condition)
                yield finding(
                    ERROR, "waits-for-itself", self._clause(owner), place, what=owner.id, other=step.id
                )

    def _later(self) -> dict[str, set[str]]:
        """For each step those that begin only when it is closed."""
        steps = self.procedure.steps
        stages = {stage.id: stage for stage in self.procedure.stages}
        following: dict[str, set[str]] = {
            name: {one.id for one in stages.values() if name in one.after} for name in stages
        }
        after_stage = {name: _closure(name, following) for name in stages}
        found: dict[str, set[str]] = {}
        for step in steps.values():
            siblings = {one.id: set(one.after) for one in stages[step.stage].steps}
            next_ones = {
                name: {other for other, before in siblings.items() if name in before} for name in siblings
            }
            found[step.id] = _closure(step.id, next_ones)
            for stage in after_stage.get(step.stage, set()):
                found[step.id] |= {one.id for one in stages[stage].steps}
        return found


def compared(source: str) -> Iterator[tuple[str, str]]:
    """(path, text) of every comparison with a text that is written out: `==`, `!=`, `in [...]`."""
    for match in _COMPARED.finditer(source):
        path = match[1] or match[6]
        text = next((one for one in (match[2], match[3], match[4], match[5]) if one is not None), "")
        yield path, text
    for match in _AMONG.finditer(source):
        for single, double in _ANY_TEXT.findall(match[2]):
            yield match[1], single or double


def _all_paths(condition: Condition) -> set[tuple[str, ...]]:
    """Every path that is read, also where a shorter one is read as well."""
    found = {
        tuple(match.split("."))
        for match in re.findall(rf"(?<![\w.]){_PATH}(?!\w)", _without_texts(condition.source))
    }
    return {path for path in found if path[0] in {"report", "result"}}


def _without_texts(source: str) -> str:
    return re.sub(r"""'[^'\\]*'|"[^"\\]*\"""", '""', source)


def _closure(start: str, following: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(following.get(start, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += following.get(one, ())
    return found
