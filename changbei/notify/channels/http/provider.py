"""What a carrier's file says: how a message is asked for, what its answers and call-backs mean."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

import jsonschema
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

SHIPPED = Path(__file__).parent / "providers"
SCHEMA = json.loads((Path(__file__).parent / "schema.json").read_text())
# What a request may be put together of, besides the carrier's own settings.
FIELDS = frozenset(
    {
        "to", "to_national", "to_international", "text", "title", "body", "text_xml", "reference", "urgency",
        "language", "link", "code", "callback", "keys_callback", "keys_callback_xml", "sign", "sign_quoted",
        "now_seconds", "now_milliseconds",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Hook:
    """How one kind of call-back is read: paths into its content, and what its words mean."""

    content: str
    field: str = ""
    list: str = ""
    id: str = ""
    reference: str = ""
    state: str = ""
    states: Mapping[str, str] = dataclasses.field(default_factory=dict)
    detail: str = ""
    details: Mapping[str, str] = dataclasses.field(default_factory=dict)
    sender: str = ""
    text: str = ""
    answer: str = ""
    answer_type: str = "text/plain"


@dataclass(frozen=True)
class Answer:
    """What answers mean: codes are compared as words; a code in no list is tried again."""

    id: str = ""
    code: str = ""
    message: str = ""
    good: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    limited: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    wait_seconds: float = 30.0


@dataclass(frozen=True)
class Provider:
    """A carrier's file. `keeps_keys`: it sends once per key that we give."""

    id: str
    kind: str
    settings: Mapping[str, str]
    optional: Mapping[str, str]
    keeps_keys: bool
    most_at_once: int
    send: Mapping[str, Any]
    answer: Answer
    receipts: Hook | None
    replies: Hook | None
    keys: Hook | None


def load(name: str, folder: Path | None = None) -> Provider:
    """The carrier's file of this name, the installation's own before ours. ValueError says what is wrong with it."""
    return _load(name, folder or Path())


def names(folder: Path | None = None) -> list[str]:
    """The carriers that have a file."""
    found = {path.stem for path in SHIPPED.glob("*.yaml")}
    return sorted(found | {path.stem for path in folder.glob("*.yaml")} if folder else found)


def read(text: str, where: str) -> Provider:
    """A carrier's file. ValueError with the place of everything that is wrong."""
    try:
        content = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ValueError(f"{where}: {error}") from error
    problems = [
        f"{where}: {'.'.join(str(part) for part in error.absolute_path) or 'file'}: {error.message}"
        for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(content)
    ]
    if not problems:
        known = FIELDS | set(content["settings"]) | set(content.get("optional", {}))
        problems = [
            f"{where}: send.{place}: {{{name}}} is neither a field of a message nor a setting of this carrier"
            for place, words in _strings(content["send"])
            for name in _placeholders(words, f"{where}: send.{place}")
            if name not in known
        ]
    if problems:
        raise ValueError("\n".join(problems))
    return _provider(content)


@lru_cache(maxsize=32)
def _load(name: str, folder: Path) -> Provider:
    for path in (folder / f"{name}.yaml", SHIPPED / f"{name}.yaml"):
        if path.is_file():
            return read(path.read_text(encoding="utf-8"), str(path.name))
    raise ValueError(f"no carrier is called {name!r}; there are: {', '.join(names(folder))}")


def _provider(content: Mapping[str, Any]) -> Provider:
    answer = dict(content["answer"])
    for name in ("good", "refused", "limited", "failed"):
        answer[name] = frozenset(answer.get(name, ()))
    return Provider(
        content["id"],
        content["kind"],
        content["settings"],
        content.get("optional", {}),
        content.get("keeps_keys", False),
        content.get("most_at_once", 8),
        content["send"],
        Answer(**answer),
        *(Hook(**content[name]) if name in content else None for name in ("receipts", "replies", "keys")),
    )


def _strings(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _strings(inner, f"{place}.{name}".strip("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _strings(inner, f"{place}.{number}".strip("."))


def _placeholders(words: str, where: str) -> list[str]:
    try:
        return [name for _, name, _, _ in Formatter().parse(words) if name is not None]
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
