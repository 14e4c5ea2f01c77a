"""What can be read of a pack that has mistakes: enough for the checker to look at everything else at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from changbei.core.errors import Problem
from changbei.plans.loading.source import Source
from changbei.plans.model import Pack, Procedure, Stage, Step


@dataclass(frozen=True)
class Draft:
    """A pack with its files' sources and every problem of them. With problems it is to be looked at, never run."""

    pack: Pack
    problems: list[Problem]
    sources: Mapping[str, Source]  # by file


def usable(procedure: Procedure) -> Procedure:
    """Without references to what is not there and without circles, so that it can be walked through.

    What is taken out here has been reported by the reader.
    """
    names = {stage.id for stage in procedure.stages}
    people = {step.id for stage in procedure.stages for step in stage.steps if step.task is not None}
    stages: list[Stage] = []
    seen: set[str] = set()
    for stage in procedure.stages:
        if stage.id and stage.id not in {known.id for known in stages}:
            steps = tuple(_usable_steps(stage, seen, people))
            stages.append(replace(stage, after=tuple(n for n in stage.after if n in names), steps=steps))
    found = tuple(_without_circles(stages))
    return replace(procedure, stages=found, steps={step.id: step for stage in found for step in stage.steps})


def _usable_steps(stage: Stage, seen: set[str], people: set[str]) -> Iterable[Step]:
    kept: list[Step] = []
    siblings = {step.id for step in stage.steps}
    for step in stage.steps:
        if not step.id or not step.kind or step.id in seen:
            continue
        seen.add(step.id)
        apart = frozenset(name for name in step.apart if name in people and name != step.id)
        kept.append(replace(step, after=tuple(n for n in step.after if n in siblings), apart=apart))
    after = {step.id: set(step.after) for step in kept}
    for step in kept:
        back = _leading_back(step.id, after)
        yield replace(step, after=tuple(name for name in step.after if name not in back))


def _leading_back(start: str, after: Mapping[str, set[str]]) -> set[str]:
    """Those that `start` waits for which wait, on whatever way, for `start`."""
    found: set[str] = set()
    for first in after[start]:
        waiting, seen = [first], set[str]()
        while waiting:
            one = waiting.pop()
            if one == start:
                found.add(first)
                break
            if one not in seen:
                seen.add(one)
                waiting += after.get(one, ())
    return found


def _without_circles(stages: list[Stage]) -> Iterable[Stage]:
    after = {stage.id: set(stage.after) for stage in stages}
    for stage in stages:
        back = _leading_back(stage.id, after)
        yield replace(stage, after=tuple(name for name in stage.after if name not in back))
