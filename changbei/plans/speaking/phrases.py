"""A condition as a sentence: steps, fields, options and settings by their titles. Pure.

Nothing is guessed: what has no title anywhere stands as the plan writes it, so that a reader sees that it is a name
and can look it up. `has(x) && x == 1` is said as one claim, and a negation is said where it belongs: of each part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from changbei.core.durations import Duration
from changbei.core.texts import LANGUAGES, pick
from changbei.plans.conditions import Condition
from changbei.plans.model import Pack, Procedure, Step
from changbei.plans.speaking.tree import (
    Called,
    Choice,
    Compared,
    Constant,
    Joined,
    Listed,
    Node,
    Not,
    Path,
    reads,
    tree_of,
)
from changbei.plans.speaking.words import FIELDS, PATTERNS, VALUES

_RELATIONS = {
    "==": ("is", "is_not"),
    "!=": ("is_not", "is"),
    ">=": ("at_least", "less"),
    "<": ("less", "at_least"),
    ">": ("more", "at_most"),
    "<=": ("at_most", "more"),
    "in": ("one_of", "none_of"),
}
_INNER = str.maketrans("“”「」", "‘’『』")
_SIGNS = {"+": "plus", "-": "minus", "*": "times", "/": "divided"}
_TIMES = {
    ">": ("later", "earlier"),
    ">=": ("later", "earlier"),
    "<": ("earlier", "later"),
    "<=": ("earlier", "later"),
}
_SEEN_THROUGH = ("string", "timestamp", "duration", "double", "int", "dyn")


class Titles(Protocol):
    """What a reader of one language calls the steps of a pack, its settings' values and lengths of time."""

    def step(self, step: Step) -> str: ...

    def setting(self, name: str) -> str: ...

    def length(self, duration: Duration) -> str: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names of a condition mean: those of a procedure, or the inputs of a table."""

    pack: Pack
    language: str
    titles: Titles
    procedure: Procedure | None = None
    _steps: Mapping[str, Step] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        steps = {step.key: step for step in self.procedure.steps.values()} if self.procedure else {}
        object.__setattr__(self, "_steps", steps)

    def step(self, key: str) -> Step | None:
        return self._steps.get(key)

    def called(self, key: str) -> str:
        """The step of this key by its title, in quotes."""
        step = self.step(key)
        return self.quoted(self.titles.step(step) if step else key)

    def say(self, pattern: str, *parts: str) -> str:
        return PATTERNS[pattern][LANGUAGES.index(self.language)].format(*parts)

    def quoted(self, words: str) -> str:
        """In quotes; what is quoted inside gets the inner ones."""
        return self.say("quoted", words.translate(_INNER))

    def word(self, table: Mapping[str, tuple[str, str, str]], name: str) -> str:
        return table[name][LANGUAGES.index(self.language)] if name in table else name


def say_condition(condition: Condition, scope: Scope) -> str:
    """What has to be true, in the words of the scope's language."""
    return _claim(tree_of(condition.source), scope)


def say_value(expression: Condition, scope: Scope) -> str:
    """What an expression gives, in the words of the scope's language."""
    return _noun(tree_of(expression.source), scope)


def say_answer(name: str, value: object, scope: Scope) -> tuple[str, str]:
    """An output of a table and what a row gives for it, in the words of the scope's language."""
    return scope.word(FIELDS, name), scope.word(VALUES, str(value))


# --- claims: what is true or not


def _claim(node: Node, scope: Scope, negated: bool = False) -> str:
    match node:
        case Not(inner):
            return _claim(inner, scope, not negated)
        case Constant(bool() as value):
            return scope.say("always" if value != negated else "never")
        case Joined(every, items):
            return _joined(every != negated, _worth_saying(every, items), scope, negated)
        case Called("has", (Path(parts),)):
            return _whether_known(parts, scope, negated)
        case Choice(Called("has", (Path(asked),)), Path(then), other) if asked == then:
            words = _claim(Path(then), scope, negated), _claim(other, scope, negated)
            return scope.say("unfilled", *words)
        case Choice(condition, then, other):
            parts = _claim(condition, scope), _claim(then, scope, negated), _claim(other, scope, negated)
            return scope.say("otherwise", *parts)
        case Compared("in", Constant(event), Path(("happened",))):
            return scope.say("not_happened" if negated else "happened", scope.word(FIELDS, str(event)))
        case Called("exists", (among, Path(), inner)):
            words = _noun(among, scope), _claim(inner, scope)
            return scope.say("no_item" if negated else "some_item", words[0], scope.say("bracket", words[1]))
        case Compared(operator, left, right) if operator in _RELATIONS:
            return _relation(operator, left, right, scope, negated)
    return scope.say("no" if negated else "yes", _noun(node, scope))


def _joined(every: bool, items: Sequence[Node], scope: Scope, negated: bool) -> str:
    """With a negation inside, every part is negated and "and" has become "or"."""
    if len(items) == 1:
        return _claim(items[0], scope, negated)
    parts = [_part(item, scope, negated, every) for item in items]
    return scope.say("and" if every else "or").join(dict.fromkeys(parts))


def _part(item: Node, scope: Scope, negated: bool, every: bool) -> str:
    words = _claim(item, scope, negated)
    return scope.say("bracket", words) if _is_mixed(item, negated, every) else words


def _is_mixed(item: Node, negated: bool, every: bool) -> bool:
    """Whether its parts are joined otherwise than it is itself with others."""
    while isinstance(item, Not):
        item, negated = item.inner, not negated
    if isinstance(item, Joined):
        return (item.every != negated) != every and len(_worth_saying(item.every, item.items)) > 1
    return isinstance(item, Choice)


def _worth_saying(every: bool, items: Sequence[Node]) -> list[Node]:
    """Without `has(x)` where another part reads x: that it is there goes without saying."""
    kept = [
        item for item in items if not (every and _asked(item) and _read_elsewhere(_asked(item), item, items))
    ]
    return kept or list(items)


def _asked(item: Node) -> tuple[str, ...]:
    return item.arguments[0].parts if _is_has(item) else ()  # type: ignore[union-attr]  # _is_has says so


def _is_has(item: Node) -> bool:
    return isinstance(item, Called) and item.name == "has" and isinstance(item.arguments[0], Path)


def _read_elsewhere(asked: tuple[str, ...], item: Node, items: Iterable[Node]) -> bool:
    read = frozenset[tuple[str, ...]]().union(*(reads(other) for other in items if other is not item))
    return any(path[: len(asked)] == asked for path in read)


def _whether_known(parts: tuple[str, ...], scope: Scope, negated: bool) -> str:
    pattern, words = "known", _path(parts, scope)
    match parts:
        case ("report", *_):
            pattern = "given"
        case ("decision", key):
            pattern, words = "decided", scope.called(key)
        case ("result", key):
            pattern, words = "done", scope.called(key)
        case ("result", key, "ended") if scope.step(key):
            pattern, words = "ended", scope.called(key)
        case ("result", key, mark) if _mark(scope.step(key), mark, scope):
            pattern = "reached"
    return scope.say(f"not_{pattern}" if negated else pattern, words)


def _relation(operator: str, left: Node, right: Node, scope: Scope, negated: bool) -> str:
    if isinstance(left, Constant) and not isinstance(right, Constant) and operator in ("==", "!="):
        left, right = right, left
    if isinstance(right, Constant) and isinstance(right.value, bool):
        return _claim(left, scope, negated != ((operator == "==") != right.value))
    if counted := _emptiness(operator, right):
        return scope.say(counted[negated], _counted(left, scope))
    names = _TIMES if _is_time(left) and operator in _TIMES else _RELATIONS
    return scope.say(names[operator][negated], _noun(left, scope), _value(right, left, scope))


def _emptiness(operator: str, right: Node) -> tuple[str, str] | None:
    """How "more than none" and "none" are said, as it stands and negated."""
    if right != Constant(0) or operator not in (">", "==", "!="):
        return None
    return ("none", "any") if operator == "==" else ("any", "none")


def _counted(node: Node, scope: Scope) -> str:
    return _noun(node.arguments[0] if isinstance(node, Called) and node.name == "size" else node, scope)


def _is_time(node: Node) -> bool:
    return (isinstance(node, Called) and node.name in ("timestamp", "string")) or node == Path(("now",))


# --- nouns: what has a value


def _noun(node: Node, scope: Scope) -> str:
    match node:
        case Path(parts):
            return _path(parts, scope)
        case Constant(value):
            return _constant(value, scope)
        case Listed(items):
            return scope.say("enumerate").join(_noun(item, scope) for item in items)
        case Called("size", (inner,)):
            return scope.say("number_of", _noun(inner, scope))
        case Called("duration", (Compared("+", Called("string", (inner,)), Constant("s")),)):
            return _noun(inner, scope)  # a number of seconds as a length of time
        case Called(name, (inner,)) if name in _SEEN_THROUGH:
            return _noun(inner, scope)
        case Called(name, arguments):
            return f"{name}({scope.say('enumerate').join(_noun(one, scope) for one in arguments)})"
        case Compared(sign, left, right) if sign in _SIGNS:
            return scope.say(_SIGNS[sign], _noun(left, scope), _noun(right, scope))
        case Choice(condition, then, other):
            return _choice(condition, then, other, scope)
    return scope.say("bracket", _claim(node, scope))


def _choice(condition: Node, then: Node, other: Node, scope: Scope) -> str:
    """`has(x) ? x : y` is x, or without it y."""
    asked = condition.items[0] if isinstance(condition, Joined) and condition.every else condition
    if _is_has(asked) and _asked(asked) in reads(then):
        if other == Listed(()):
            return _noun(then, scope)
        return scope.say("or_else_value", _noun(then, scope), _noun(other, scope))
    return scope.say("otherwise", _claim(condition, scope), _noun(then, scope), _noun(other, scope))


def _path(parts: tuple[str, ...], scope: Scope) -> str:
    match parts:
        case ("now",):
            return scope.say("now")
        case ("setting", name):
            return _setting(name, scope)
        case ("report", name, *_):
            form = scope.procedure.form if scope.procedure else None
            return scope.quoted(_field(form, name, scope))
        case ("decision", key):
            return scope.called(key)
        case ("result", key, *rest):
            return _result(scope.step(key), key, rest, scope)
        case ("happened", event, *rest):
            words = scope.word(FIELDS, event)
            return scope.say("of", words, scope.word(FIELDS, rest[0])) if rest else words
        case ("incident", *rest):
            return scope.say("enumerate").join(scope.word(FIELDS, one) for one in rest)
    return scope.word(FIELDS, parts[-1])


def _result(step: Step | None, key: str, rest: Sequence[str], scope: Scope) -> str:
    title = scope.called(key)
    if not rest:
        return title
    name = rest[0]
    form = step.task.form if step and step.task else None
    words = _mark(step, name, scope) or _field(form, name, scope)
    return scope.say("of", title, words)


def _mark(step: Step | None, name: str, scope: Scope) -> str:
    """What a moment of a count-down is called; "" when it is none."""
    marks = step.countdown.marks if step and step.countdown else ()
    for one in marks:
        if one.key == name:
            return pick(one.title, scope.language) or scope.say("before_end", scope.titles.length(one.before))
    return ""


def _field(form: Mapping[str, Any] | None, name: str, scope: Scope) -> str:
    asked = (form or {}).get("properties", {}).get(name, {})
    return pick(asked.get("title"), scope.language) or scope.word(FIELDS, name)


def _setting(name: str, scope: Scope) -> str:
    known = scope.pack.settings.get(name)
    title = pick(known.title, scope.language) if known else name
    return scope.say("setting", scope.quoted(title), scope.titles.setting(name))


def _constant(value: str | int | float | bool | None, scope: Scope) -> str:
    if value is None or value == "":
        return scope.say("nothing")
    return scope.quoted(scope.word(VALUES, value)) if isinstance(value, str) else f"{value:g}"


def _value(node: Node, beside: Node, scope: Scope) -> str:
    """A value beside what it is compared with: an option or a choice of a form has a title there."""
    if isinstance(node, Listed):
        return scope.say("enumerate").join(_value(item, beside, scope) for item in node.items)
    if isinstance(node, Constant) and isinstance(node.value, str) and isinstance(beside, Path):
        title = _option(node.value, beside.parts, scope)
        return scope.quoted(title) if title else _constant(node.value, scope)
    return _noun(node, scope)


def _option(value: str, parts: tuple[str, ...], scope: Scope) -> str:
    match parts:
        case ("decision", key):
            return _decision(scope.step(key), value, scope)
        case ("report", name):
            return _chosen(scope.procedure.form if scope.procedure else None, name, value, scope)
        case ("result", key, name):
            step = scope.step(key)
            return _chosen(step.task.form if step and step.task else None, name, value, scope)
        case ("role",):
            return pick(scope.pack.roles[value].title, scope.language) if value in scope.pack.roles else ""
    return ""


def _decision(step: Step | None, value: str, scope: Scope) -> str:
    options = step.task.options if step and step.task else ()
    for option in options:
        if option.id == value:
            return pick(option.title, scope.language)
    return scope.say(value) if value in ("approved", "refused", "provisional") else ""


def _chosen(form: Mapping[str, Any] | None, name: str, value: str, scope: Scope) -> str:
    asked = (form or {}).get("properties", {}).get(name, {})
    for choice in asked.get("oneOf", ()):
        if choice.get("const") == value:
            return pick(choice.get("title"), scope.language)
    return ""
