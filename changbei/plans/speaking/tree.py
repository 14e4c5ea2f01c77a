"""An expression as a tree of values: what the words are made from. Pure."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from lark import Lark, Token, Transformer


@dataclass(frozen=True, slots=True)
class Path:
    """A name with what is read of it: report.injured is ("report", "injured")."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Listed:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Called:
    """A function or method with its arguments, the object of a method first; `[]` is called `item`."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """`operator` is a relation or an arithmetic sign."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Not:
    inner: Node


@dataclass(frozen=True, slots=True)
class Joined:
    """`every`: all of them hold; otherwise one at least."""

    every: bool
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    condition: Node
    then: Node
    other: Node


Node = Path | Constant | Listed | Called | Compared | Not | Joined | Choice
_KNOWN = {"true": True, "false": False, "null": None}


@lru_cache(maxsize=2048)
def tree_of(source: str) -> Node:
    """The tree of an expression that CEL has compiled. Raises lark.UnexpectedInput for one that it would not."""
    found: Node = _parser().parse(source)  # type: ignore[assignment]  # the transformer gives nodes
    return found


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = resources.files("changbei.plans.speaking").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=False, transformer=_Nodes())


def reads(node: Node) -> frozenset[tuple[str, ...]]:
    """The paths whose values a node reads; what `has` asks for is not read."""
    match node:
        case Path(parts):
            return frozenset({parts})
        case Called("has", _):
            return frozenset()
        case Called(_, parts) | Listed(parts) | Joined(_, parts):
            return frozenset().union(*map(reads, parts))
        case Compared(_, left, right):
            return reads(left) | reads(right)
        case Not(inner):
            return reads(inner)
        case Choice(condition, then, other):
            return reads(condition) | reads(then) | reads(other)
    return frozenset()


class _Nodes(Transformer[Token, Any]):
    """Lark's children as our nodes."""

    def name(self, children: Sequence[Token]) -> Node:
        word = str(children[0])
        return Constant(_KNOWN[word]) if word in _KNOWN else Path((word,))

    def text(self, children: Sequence[Token]) -> Node:
        return Constant(ast.literal_eval(str(children[0])))

    def number(self, children: Sequence[Token]) -> Node:
        return Constant(ast.literal_eval(str(children[0]).removesuffix("u")))

    def dot(self, children: Sequence[Any]) -> Node:
        inner, name = children
        return Path((*inner.parts, str(name))) if isinstance(inner, Path) else Called(str(name), (inner,))

    def item(self, children: Sequence[Any]) -> Node:
        inner, key = children
        if isinstance(inner, Path) and isinstance(key, Constant):
            return Path((*inner.parts, str(key.value)))
        return Called("item", (inner, key))

    def call(self, children: Sequence[Any]) -> Node:
        return Called(str(children[0]), tuple(children[1]) if len(children) > 1 else ())

    def method(self, children: Sequence[Any]) -> Node:
        return Called(str(children[1]), (children[0], *(children[2] if len(children) > 2 else ())))

    def arguments(self, children: Sequence[Any]) -> tuple[Node, ...]:
        return tuple(children)

    def pair(self, children: Sequence[Any]) -> Node:
        return Called("pair", tuple(children))

    def list(self, children: Sequence[Any]) -> Node:
        return Listed(children[0] if children else ())

    def map(self, children: Sequence[Any]) -> Node:
        return Listed(tuple(children))

    def binary(self, children: Sequence[Any]) -> Node:
        left, operator, right = children
        return Compared(str(operator), left, right)

    def negation(self, children: Sequence[Any]) -> Node:
        return Not(children[0])

    def minus(self, children: Sequence[Any]) -> Node:
        inner = children[0]
        if isinstance(inner, Constant) and isinstance(inner.value, int | float):
            return Constant(-inner.value)
        return Compared("-", Constant(0), inner)

    def both(self, children: Sequence[Any]) -> Node:
        return Joined(True, tuple(children))

    def either(self, children: Sequence[Any]) -> Node:
        return Joined(False, tuple(children))

    def choice(self, children: Sequence[Any]) -> Node:
        return Choice(*children)
