"""YAML with places: plain values, and for each of them the line and column where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from changbei.core.errors import Problem

Path = tuple[str | int, ...]
_MOST_NODES = 100_000
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_BOOL = "tag:yaml.org,2002:bool"
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Mark:
    line: int  # from 1
    column: int  # from 1
    start: int = 0  # offsets into the text of the file
    end: int = 0


@dataclass
class Source:
    """One file: its value, where everything in it stands, and the problems found while reading it."""

    file: str
    text: str
    value: Any = None
    values: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, path: Path, message: str, *, at_key: bool = False) -> Problem:
        """A problem with what stands at `path`; where that is absent, the place is the nearest thing
        around it.
        """
        mark = self.keys.get(path) if at_key else self.values.get(path)
        around = path
        while mark is None and around:
            around = around[:-1]
            mark = self.values.get(around)
        mark = mark or Mark(1, 1)
        return Problem(dotted(path), message, self.file, mark.line, mark.column)

    def inside(self, path: Path, offset: int, message: str) -> Problem:
        """A problem at the `offset`-th character of the text value at `path`."""
        mark = self.values.get(path)
        if mark is None or mark.end <= mark.start:
            return self.problem(path, message)
        index = _align(self.text, mark, str(self.at(path)), offset)
        line_start = self.text.rfind("\n", 0, index) + 1
        return Problem(
            dotted(path), message, self.file, self.text.count("\n", 0, index) + 1, index - line_start + 1
        )

    def at(self, path: Path) -> Any:
        value = self.value
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def remove(self, path: Path) -> None:
        """Take out what stands at `path`, so that what has the wrong shape is not looked at again."""
        if not path:
            self.value = {}
            return
        holder = self.at(path[:-1])
        if isinstance(holder, dict):
            holder.pop(path[-1], None)
        elif isinstance(holder, list) and isinstance(path[-1], int) and path[-1] < len(holder):
            holder[path[-1]] = None


def dotted(path: Path) -> str:
    """`stages[0].steps[2].role`"""
    words = ""
    for part in path:
        words += f"[{part}]" if isinstance(part, int) else f".{part}" if words else str(part)
    return words


def read_yaml(file: str, text: str, *, first_line: int = 1) -> Source:
    """Read one YAML document. Never raises: what cannot be read is a problem of the source.

    `first_line` is the line of the file on which `text` begins, for front matter.
    """
    source = Source(file, "\n" * (first_line - 1) + text)
    try:
        node = YAML(typ="safe", pure=True).compose(source.text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        source.problems.append(Problem("", f"not YAML: {error.problem or error.context}", file, line, column))
        return source
    except (YAMLError, ValueError, RecursionError) as error:
        source.problems.append(Problem("", f"not YAML: {str(error).splitlines()[0]}", file, 1, 1))
        return source
    if node is None:
        source.problems.append(Problem("", "the file is empty", file, 1, 1))
        return source
    source.value = _Builder(source).build(node, ())
    return source


class _Builder:
    """Plain values out of YAML nodes; keys have to be texts, no key twice, no alias into itself."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.count = 0
        self.open: set[int] = set()

    def build(self, node: Node, path: Path) -> Any:
        mark = _mark(node)
        self.source.values[path] = mark
        self.count += 1
        if self.count > _MOST_NODES or id(node) in self.open:
            self._problem(mark, path, "an alias that contains itself, or far too many of them")
            return None
        if isinstance(node, ScalarNode):
            return _scalar(node)
        self.open.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                return [self.build(item, (*path, position)) for position, item in enumerate(node.value)]
            return dict(self._entries(node, path)) if isinstance(node, MappingNode) else None
        finally:
            self.open.discard(id(node))

    def _entries(self, node: MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            mark = _mark(key_node)
            if not isinstance(key_node, ScalarNode):
                self._problem(mark, path, "a key has to be a word")
                continue
            key = str(key_node.value)
            inner = (*path, key)
            if key in seen:
                self._problem(mark, inner, "this key was already given above")
                continue
            seen.add(key)
            self.source.keys[inner] = mark
            yield key, self.build(value_node, inner)

    def _problem(self, mark: Mark, path: Path, message: str) -> None:
        self.source.problems.append(Problem(dotted(path), message, self.source.file, mark.line, mark.column))


def _mark(node: Node) -> Mark:
    start, end = node.start_mark, node.end_mark
    return Mark(start.line + 1, start.column + 1, start.index, end.index)


def _scalar(node: ScalarNode) -> Any:
    """The value of a scalar; dates stay texts, as they do in JSON."""
    text = str(node.value)
    tag = str(node.tag)
    try:
        if tag == _INT:
            return int(text.replace("_", ""), 0)
        if tag == _FLOAT:
            return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text
    if tag == _BOOL:
        return text.lower() == "true"
    return None if tag == _NULL else text


def _align(text: str, mark: Mark, value: str, offset: int) -> int:
    """Where in the file the `offset`-th character of a scalar's value stands.

    Walks both along: quotes, escapes and indentation of the file have no counterpart in the value; a line
    break of the file may be a space of the value.
    """
    index, end = mark.start, max(mark.start, mark.end - 1)
    if text[index : index + 1] in {"|", ">"}:
        index = text.find("\n", index) + 1
    position = 0
    while index < end:
        same = position < len(value) and text[index] == value[position]
        folded = position < len(value) and value[position].isspace() and text[index] == "\n"
        if (same or folded) and position >= offset:
            break
        if same or folded:
            position += 1
        index += 1
    return index
