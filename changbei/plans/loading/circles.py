"""Circles among things that come after each other: stages, steps, procedures that call each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def find_circles(after: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """The circles in "a comes after b", each once, beginning with the one of its members listed first."""
    circles: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for start in after:
        if start in seen:
            continue
        way: list[str] = [start]
        waiting = [iter(after[start])]
        while waiting:
            following = next(waiting[-1], None)
            if following is None:
                seen.add(way.pop())
                waiting.pop()
            elif following in way:
                circles.append(tuple(way[way.index(following) :]))
            elif following in after and following not in seen:
                way.append(following)
                waiting.append(iter(after[following]))
    return circles
