"""Small packs for tests: texts of files, whole and readable, so that a test can say exactly where a mistake stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from textwrap import dedent, indent
from typing import Any

from changbei.plans.loading import load_pack
from changbei.plans.loading.bench import Bench
from changbei.plans.loading.pack import indexed
from changbei.plans.loading.procedures import read_procedure
from changbei.plans.loading.source import Source
from changbei.plans.model import Pack, Procedure

PLAN = """\
id: test-plan
titles: {zh-Hans: 预案, zh-Hant: 預案, en: Plan}
issuer: {zh-Hans: 领导小组, zh-Hant: 領導小組, en: Leading group}
version: "1"
effective_on: 2026-01-01
review_period: 365d
settings:
  most_share: {default: 0.5, clause: E1.1, title: {zh-Hans: 多数, zh-Hant: 多數, en: Most}}
  quick: {default: 10m, clause: E1.1, title: {zh-Hans: 快, zh-Hant: 快, en: Quick}}
roles:
  driver: {title: {zh-Hans: 送货员, zh-Hant: 送貨員, en: Driver}, scope: named}
  dispatcher: {title: {zh-Hans: 调度, zh-Hant: 調度, en: Dispatcher}, duty: dispatcher, scope: site}
  head: {title: {zh-Hans: 主任, zh-Hant: 主任, en: Head}, post: head, deputies: true}
  commander: {title: {zh-Hans: 指挥, zh-Hant: 指揮, en: Commander}, command: true}
ladders:
  usual: [dispatcher, head, commander]
audiences:
  all-drivers: {title: {zh-Hans: 送货员, zh-Hant: 送貨員, en: Drivers}, staff: {job: driver, scope: city}}
registries:
  contacts: {title: {zh-Hans: 通讯录, zh-Hant: 通訊錄, en: Contacts}}
"""

CLAUSE = """\
---
id: E1.1
title: {zh-Hans: 故障, zh-Hant: 故障, en: Breakdown}
fulfilled_by: [procedure:breakdown]
---
## zh-Hans

立即报告。

## zh-Hant

立即報告。

## en

Report at once.
"""

MESSAGE = """\
id: told
title: {zh-Hans: 通知, zh-Hant: 通知, en: Notice}
body: {zh-Hans: "{number} {vehicle}", zh-Hant: "{number} {vehicle}", en: "{number} {vehicle}"}
"""

TABLE = """\
id: level
clause: E1.1
hit: FIRST
inputs: {family: string, share: double}
outputs: {level: string}
rules:
  - {when: 'family == "weather" && share >= setting.most_share', then: {level: MAJOR}}
  - {when: 'true', then: {level: LOCAL}}
"""

HEAD = """\
id: breakdown
title: {zh-Hans: 车坏, zh-Hant: 車壞, en: Breakdown}
family: vehicle
clauses: [E1.1]
form:
  type: object
  required: [vehicle]
  properties:
    vehicle: {type: string, title: {zh-Hans: 车, zh-Hant: 車, en: Vehicle}}
    injured: {type: boolean, title: {zh-Hans: 伤, zh-Hant: 傷, en: Injured}}
    driver: {type: string, title: {zh-Hans: 员, zh-Hant: 員, en: Driver}}
"""

TITLE = "{zh-Hans: 做, zh-Hant: 做, en: Do}"
TASK = f"clause: E1.1, task: {{title: {TITLE}}}, role: driver, within: 15m, overdue: usual"
ON_FAILURE = f"{{title: {TITLE}, role: head, within: 20m, overdue: [commander]}}"


def files(stages: str, **changes: str) -> dict[str, str]:
    """A pack whose procedure has these stages (YAML of the list); `changes` replace other files, by short names."""
    return {
        "plan.yaml": changes.get("plan", PLAN),
        "clauses/E1.1.md": changes.get("clause", CLAUSE),
        "tables/level.yaml": changes.get("table", TABLE),
        "messages/told.yaml": changes.get("message", MESSAGE),
        "procedures/breakdown.yaml": changes.get("head", HEAD) + "stages:\n" + indent(dedent(stages), "  "),
    }


def stage(name: str, *steps: str, **more: str) -> str:
    """One stage; each step is the inside of a YAML flow map."""
    lines = [f"- id: {name}", f"  title: {TITLE}"]
    lines += [f"  {key}: {value}" for key, value in more.items()]
    lines += ["  steps:", *(f"    - {{{step}}}" for step in steps)]
    return "\n".join(lines) + "\n"


def pack(stages: str, **changes: str) -> Pack:
    return load_pack(files(stages, **changes), check_actions=False)


def procedure(*stages: str, **changes: str) -> Procedure:
    return pack("".join(stages), **changes).procedures["breakdown"]


def built(head_and_stages: dict[str, Any]) -> Procedure:
    """A procedure out of plain values, beside the files of the small pack: for tests that need hundreds."""
    bench = replace(_bench(), problems=[])
    source = Source("procedures/breakdown.yaml", "", head_and_stages)
    found = indexed(read_procedure(bench, source))
    assert bench.problems == []
    return found


@cache
def _bench() -> Bench:
    known = {
        kind: {kind_id} for kind, kind_id in (("clause", "E1.1"), ("message", "told"), ("table", "level"))
    }
    small = pack(stage("go", f"id: a, {TASK}"))
    return Bench(
        actions=None,
        settings=dict(small.settings),
        roles=dict(small.roles),
        ladders=dict(small.ladders),
        audiences=dict(small.audiences),
        tables=dict(small.tables),
        templates=dict(small.templates),
        known={**known, "role": set(small.roles), "setting": set(small.settings)},
    )


def with_lines(text: str, replacements: Mapping[str, str]) -> str:
    """`text` with these pieces replaced; each has to occur exactly once."""
    for old, new in replacements.items():
        assert text.count(old) == 1, (old, text.count(old))
        text = text.replace(old, new)
    return text
