"""A task for every element of a list: which elements, how many are left, what came of them.

The entry of the step carries `left`, the number of tasks still open; the tasks are items of their own,
`STEP@KEY`. Conditions see `result.STEP` as {count, done: {key: result}} from the beginning.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from changbei.plans.facts import Json
from changbei.plans.model import MOST_EACH, Each, Step
from changbei.plans.runtime.work import Work

_LONGEST_KEY = 39  # with a step's id of at most 40 letters an item has room for 80
_DIGEST = 12
_LONGEST_LABEL = 120


@dataclass(frozen=True, slots=True)
class Element:
    """One element: what tells it from the others, how people call it, who gets it ("": the role)."""

    key: str
    label: str
    holder: str


def elements(work: Work, todo: Step, each: Each) -> list[Element] | None:
    """The elements of the list, each key once. None when it is no list: then one person gets one task for all.

    An element without a usable key, or with the key of another, is left out and noted.
    """
    listed = work.value(each.of, todo.id, "of")
    if not isinstance(listed, list):
        if listed is not None:
            work.note(todo.id, "of could not be evaluated", "it gives no list")
        return None
    found: dict[str, Element] = {}
    for one in listed:
        if len(found) == MOST_EACH:
            work.note(todo.id, f"only the first {MOST_EACH} of the list", str(len(listed)))
            break
        element = _element(work, todo, each, one)
        if element is None or element.key in found:
            work.note(todo.id, "left out of the list", "no key" if element is None else element.key)
            continue
        found[element.key] = element
    return list(found.values())


def begin(work: Work, todo: Step, listed: list[Element]) -> None:
    work.update(todo.id, left=len(listed))
    work.remember("result", todo.key, {"count": len(listed), "done": {}})


def count_off(work: Work, todo: Step, item: str, result: Json) -> bool:
    """Keep what came of one element; whether it was the last."""
    before = result_of(work, todo)
    key = item.partition("@")[2]
    work.remember("result", todo.key, {**before, "done": {**before.get("done", {}), key: result}})
    left = work.state["items"][todo.id]["left"] - 1
    work.update(todo.id, left=left)
    return bool(left == 0)


def result_of(work: Work, todo: Step) -> Json:
    found: Json = work.state["context"]["result"].get(todo.key, {})
    return found


def _element(work: Work, todo: Step, each: Each, one: Any) -> Element | None:
    context = {**work.state["context"], each.name: one}
    key = _words(each.key.value(context, work.now)[0])
    if not key:
        return None
    label = _words(each.label.value(context, work.now)[0]) or key
    holder = each.holder.value(context, work.now)[0] if each.holder else ""
    return Element(_short_key(key), _short(label, _LONGEST_LABEL), holder if isinstance(holder, str) else "")


def _words(value: Any) -> str:
    """A key or label: a text, or a number as one; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def _short(words: str, longest: int) -> str:
    return words if len(words) <= longest else words[: longest - 1] + "…"


def _short_key(key: str) -> str:
    """A long key by its beginning and a digest of all of it: two that begin alike stay two."""
    if len(key) <= _LONGEST_KEY:
        return key
    digest = sha256(key.encode()).hexdigest()[:_DIGEST]
    return _short(key, _LONGEST_KEY - _DIGEST) + digest
