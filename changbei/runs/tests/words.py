"""A plan with the words that the small one of `house` has no use for: calls, loops, delegated approvals, schedules."""

from __future__ import annotations

from typing import Any

from changbei.plans.models import PlanVersion
from changbei.runs import services
from changbei.runs.models import Run
from changbei.runs.tests import house
from changbei.runs.tests.house import _text

TASK = "clause: T1, within: 2h, overdue: [commander]"


def _procedure(name: str, fields: str, stages: str, more: str = "") -> str:
    return f"""
id: {name}
title: {_text(name.capitalize())}
family: weather
clauses: [T1]
form: {{type: object, properties: {{{fields}}}}}
{more}
stages:{stages}
"""


STORM = _procedure(
    "storm",
    f"depth: {{type: integer, title: {_text('Depth')}}}, plan: {{type: string, title: {_text('Plan')}}}",
    f"""
  - id: go
    title: {_text("Go")}
    steps:
      - id: pump-out
        call: {{procedure: flood}}
        with: {{depth: report.depth}}
        clause: T1
        on_failure: {{title: {_text("Pump by hand")}, role: head, within: 1h, overdue: [commander]}}
      - id: beside
        call: {{procedure: aside}}
        wait: false
        clause: T1
        on_failure: {{title: {_text("Aside by hand")}, role: head, within: 1h, overdue: [commander]}}
  - id: finish
    title: {_text("Finish")}
    steps:
      - id: sign
        when: 'result.pump_out.ended == "finished" && result.pump_out.decision.dry == "yes"'
        task: {{title: {_text("Sign")}}}
        role: head
        {TASK.replace(", ", chr(10) + "        ")}
""",
)
FLOOD = _procedure(
    "flood",
    f"depth: {{type: integer, minimum: 1, title: {_text('Depth')}}}",
    f"""
  - id: pump
    title: {_text("Pump")}
    steps:
      - id: dry
        decide:
          title: {_text("Dry?")}
          options: [{{id: "yes", title: {_text("Yes")}}}, {{id: "no", title: {_text("No")}}}]
        role: head
        {TASK.replace(", ", chr(10) + "        ")}
""",
    "level: {table: grave, with: {depth: report.depth}}\nrestored_by: dry",
)
ASIDE = _procedure(
    "aside",
    f"depth: {{type: integer, title: {_text('Depth')}}}",
    f"""
  - id: look
    title: {_text("Look")}
    steps:
      - id: look
        await: test.accepted
""",
)
SURVEY = _procedure(
    "survey",
    f"shops: {{type: array, title: {_text('Shops')}, items: {{type: object, properties: {{code: {{type: string, title: "
    f"{_text('Code')}}}, by: {{type: string, title: {_text('By')}}}}}}}}}",
    f"""
  - id: calls
    title: {_text("Calls")}
    steps:
      - id: phone
        task: {{title: {_text("Call the shop")}}}
        each: {{of: report.shops, as: shop, key: shop.code, label: '"Shop " + shop.code', holder: shop.by}}
        form: {{type: object, properties: {{answer: {{type: string, title: {_text("Answer")}}}}}}}
        role: head
        acknowledge_within: 10m
        urgency: urgent
        clause: T1
        within: 30m
        overdue: [commander]
      - id: sum-up
        after: [phone]
        hold_until: result.phone.done["A1"].answer == "fine"
        task: {{title: {_text("Sum up")}}}
        role: head
        {TASK.replace(", ", chr(10) + "        ")}
""",
)
SPEND = _procedure(
    "spend",
    f"urgent: {{type: boolean, title: {_text('Urgent')}}}",
    f"""
  - id: pay
    title: {_text("Pay")}
    steps:
      - id: ask
        task: {{title: {_text("Ask")}}}
        evidence: [note]
        role: dispatcher
        {TASK.replace(", ", chr(10) + "        ")}
      - id: allow
        after: [ask]
        hold_until: size(result.ask.evidence) == 1
        approve:
          title: {_text("Allow")}
          not_same_as: ask
          delegates: [dispatcher]
          timeout: {{after: 3h, decides: refused}}
          act_first: report.urgent
        role: head
        {TASK.replace(", ", chr(10) + "        ")}
      - id: buy
        after: [allow]
        when: decision.allow != "refused"
        task: {{title: {_text("Buy")}}}
        role: dispatcher
        {TASK.replace(", ", chr(10) + "        ")}
""",
)
SURPRISE = """
  - {every: month, at: "10:00", random: true, with: {what: "'surprise'"}}"""
ROUND = _procedure(
    "round",
    f"what: {{type: string, title: {_text('What')}}}",
    f"""
  - id: look
    title: {_text("Look")}
    steps:
      - id: look
        task: {{title: {_text("Look around")}}}
        role: head
        {TASK.replace(", ", chr(10) + "        ")}
""",
    """schedule:
  - {every: workday, at: "07:30", with: {what: "'doors'"}}"""
    + SURPRISE,
)
GRAVE = """
id: grave
clause: T1
hit: FIRST
inputs: {depth: int}
outputs: {level: string}
rules:
  - {when: depth > 50, then: {level: MAJOR}}
  - {when: 'true', then: {level: LOCAL}}
"""
FILES = {
    **house.FILES,
    "tables/grave.yaml": GRAVE,
    "procedures/storm.yaml": STORM,
    "procedures/flood.yaml": FLOOD,
    "procedures/aside.yaml": ASIDE,
    "procedures/survey.yaml": SURVEY,
    "procedures/spend.yaml": SPEND,
    "procedures/round.yaml": ROUND,
}


def make_version(**changes: str) -> PlanVersion:
    """The plan in force; `changes` replace procedures by their names."""
    return house.make_version(FILES | {f"procedures/{name}.yaml": text for name, text in changes.items()})


def begin(
    version: PlanVersion, people: house.People, procedure: str, *, drill: bool = False, **report: Any
) -> Run:
    return services.start(
        procedure,
        plan_version=version,
        incident=None,
        number="INC-0001",
        title={"zh-Hans": "台风", "zh-Hant": "颱風", "en": "Typhoon"},
        context={"report": report, "incident": {"level": "LOCAL"}},
        scope={
            "unit": "delivery-center",
            "site": "delivery-center",
            "command": {"commander": people.commander.staff_no},
        },
        drill=drill,
        actor=people.driver,
    )
