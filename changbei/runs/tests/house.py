"""A small plan and the few people it needs: what the tests of this room stand on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from changbei.core import clock
from changbei.people.models import DutyShift, Person, Post, PostHolding, Unit
from changbei.plans.facts import ActionDone
from changbei.plans.loading import load_pack
from changbei.plans.models import PlanVersion
from changbei.runs import services
from changbei.runs.models import Run, Task


def _text(english: str) -> str:
    return f"{{zh-Hans: {english}（简）, zh-Hant: {english}（繁）, en: {english}}}"


PLAN = f"""
id: test-plan
titles: {_text("Test plan")}
issuer: {_text("Test group")}
tier: city
version: "1"
effective_on: "2026-01-01"
review_period: 365d
roles:
  driver: {{title: {_text("Driver")}, scope: named, clause: T1}}
  dispatcher: {{title: {_text("Dispatcher")}, duty: dispatcher, scope: site, clause: T1}}
  head: {{title: {_text("Head")}, post: delivery-center-head, deputies: true, clause: T1}}
  commander: {{title: {_text("Commander")}, command: true, clause: T1}}
audiences:
  drivers: {{title: {_text("Drivers")}, staff: {{job: driver, scope: city}}}}
"""

CLAUSE = """---
id: T1
title: {zh-Hans: 条款, zh-Hant: 條款, en: Clause}
fulfilled_by: [procedure:van-down, procedure:twelve]
---

## zh-Hans

条款。

## zh-Hant

條款。

## en

The clause.
"""

MESSAGE = f"""
id: new-list
clause: T1
urgency: urgent
title: {_text("New list")}
body: {{zh-Hans: "{{number}} {{van}} 号车", zh-Hant: "{{number}} {{van}} 號車", en: "{{number}} van {{van}}"}}
"""

VAN_DOWN = f"""
id: van-down
title: {_text("Van down")}
family: vehicle
clauses: [T1]
form:
  type: object
  required: [vehicle]
  properties:
    vehicle: {{type: string, title: {_text("Van")}}}
    driver: {{type: string, title: {_text("Driver")}}}
    hurt: {{type: boolean, title: {_text("Hurt")}}}
roles: {{driver: report.driver}}
restored_by: confirm
stages:
  - id: respond
    title: {_text("Respond")}
    steps:
      - id: rescue
        when: report.hurt
        task: {{title: {_text("Rescue")}, guide: {_text("Call 120")}}}
        role: driver
        clause: T1
        acknowledge_within: 3m
        within: 15m
        overdue: [dispatcher, head, commander]
        urgency: immediate
        evidence: [photo]
      - id: recover
        do: test.recover
        with: {{vehicle: report.vehicle}}
        clause: T1
        on_failure:
          role: dispatcher
          title: {_text("Recover by hand")}
          within: 10m
          overdue: [head]
      - id: report-goods
        task: {{title: {_text("Count goods")}}}
        form:
          type: object
          required: [cartons]
          properties: {{cartons: {{type: integer, minimum: 0, title: {_text("Cartons")}}}}}
        role: driver
        clause: T1
        within: 30m
        overdue: [dispatcher]
        urgency: urgent
  - id: choose
    title: {_text("Choose")}
    steps:
      - id: accept
        await: test.accepted
        task: {{title: {_text("Accept an option")}}}
        page: delivery.recovery
        role: dispatcher
        clause: T1
        acknowledge_within: 2m
        within: 5m
        overdue: [head]
        urgency: immediate
      - id: repair
        decide:
          title: {_text("Where to repair")}
          options:
            - {{id: own, title: {_text("Own workshop")}}}
            - {{id: outside, title: {_text("Outside workshop")}}}
        role: dispatcher
        clause: T1
        within: 2h
        overdue: [head]
        urgency: routine
      - id: pay
        after: [repair]
        approve: {{title: {_text("Approve the cost")}, not_same_as: repair}}
        role: head
        clause: T1
        within: 2h
        overdue: [commander]
        urgency: routine
      - id: tell
        after: [accept]
        notify: {{template: new-list, roles: [driver], audience: drivers, values: {{van: report.vehicle}}}}
        clause: T1
  - id: finish
    title: {_text("Finish")}
    steps:
      - id: settle
        wait: {{for: 30m}}
        clause: T1
      - id: confirm
        after: [settle]
        task: {{title: {_text("Confirm service is back")}}}
        role: dispatcher
        clause: T1
        within: 1h
        overdue: [head]
        urgency: routine
"""


def _twelve() -> str:
    steps = "".join(
        f"""
      - id: step-{number}
        task: {{title: {_text(f"Step {number}")}, guide: {_text("Do it")}}}
        role: {("driver", "dispatcher", "head", "commander")[number % 4]}
        clause: T1
        acknowledge_within: 3m
        within: 15m
        overdue: [dispatcher, head]
        urgency: immediate"""
        for number in range(12)
    )
    return f"""
id: twelve
title: {_text("Twelve")}
family: network
clauses: [T1]
form:
  type: object
  required: [vehicle]
  properties:
    vehicle: {{type: string, title: {_text("Van")}}}
    driver: {{type: string, title: {_text("Driver")}}}
roles: {{driver: report.driver}}
stages:
  - id: all
    title: {_text("All")}
    steps:{steps}
      - id: recover
        do: test.recover
        with: {{vehicle: report.vehicle}}
        clause: T1
        on_failure: {{role: dispatcher, title: {_text("By hand")}, within: 10m, overdue: [head]}}
      - id: tell
        notify: {{template: new-list, roles: [driver], values: {{van: report.vehicle}}}}
        clause: T1
"""


FILES = {
    "plan.yaml": PLAN,
    "clauses/T1.md": CLAUSE,
    "messages/new-list.yaml": MESSAGE,
    "procedures/van-down.yaml": VAN_DOWN,
    "procedures/twelve.yaml": _twelve(),
}


@dataclass
class People:
    """Everybody by what they are in the plan."""

    driver: Person
    other_driver: Person
    dispatcher: Person
    night_dispatcher: Person
    head: Person
    deputy: Person
    commander: Person
    outsider: Person


def make_people() -> People:
    """One unit; the dispatcher's shift ends at 18:00, eight hours and twenty minutes after the clock's
    start.
    """
    now = clock.now()
    unit = Unit.objects.create(code="delivery-center", kind="delivery_center", name={"en": "Delivery centre"})

    def person(number: int, name: str, job: str) -> Person:
        return Person.objects.create(
            staff_no=f"T{number}", name=name, phone=f"1380000000{number}", language="en", unit=unit, job=job
        )

    people = People(
        driver=person(1, "Driver One", "driver"),
        other_driver=person(2, "Driver Two", "driver"),
        dispatcher=person(3, "Day Dispatcher", "dispatcher"),
        night_dispatcher=person(4, "Night Dispatcher", "dispatcher"),
        head=person(5, "Head", "department_head"),
        deputy=person(6, "Deputy", "department_head"),
        commander=person(7, "Commander", "leader"),
        outsider=person(8, "Outsider", "clerk"),
    )
    desk = Post.objects.create(code="dispatcher-dc", kind="dispatcher", name={"en": "Dispatcher"}, unit=unit)
    chair = Post.objects.create(
        code="delivery-center-head", kind="delivery-center-head", name={"en": "Head"}, unit=unit
    )
    for rank, holder in enumerate((people.head, people.deputy), start=1):
        PostHolding.objects.create(post=chair, person=holder, rank=rank, since=now - timedelta(days=100))
    end_of_day = now + timedelta(hours=8, minutes=20)
    for who, start, end in (
        (people.dispatcher, now - timedelta(hours=2), end_of_day),
        (people.night_dispatcher, end_of_day, end_of_day + timedelta(hours=12)),
    ):
        DutyShift.objects.create(post=desk, person=who, starts_at=start, ends_at=end)
    return people


def make_version(files: dict[str, str] = FILES) -> PlanVersion:
    """The plan in force."""
    pack = load_pack(files, check_actions=False)
    PlanVersion.objects.filter(pack=pack.id).update(in_force=False)
    return PlanVersion.objects.create(
        pack=pack.id,
        version=pack.version,
        digest=pack.digest,
        files=files,
        effective_on=pack.effective_on,
        adopted_at=clock.now(),
        adopted_by="test",
        in_force=True,
    )


def begin(version: PlanVersion, people: People, procedure: str = "van-down", **report: Any) -> Run:
    """A run as an incident begins it: the driver reports the own van."""
    return services.start(
        procedure,
        plan_version=version,
        incident=None,
        number="INC-0001",
        title={"zh-Hans": "17 号车故障", "zh-Hant": "17 號車故障", "en": "Van 17 is down"},
        context={"report": {"vehicle": "17", "hurt": True, "driver": people.driver.staff_no, **report}},
        scope={
            "unit": "delivery-center",
            "site": "delivery-center",
            "command": {"commander": people.commander.staff_no},
        },
        drill=False,
        actor=people.driver,
    )


def task(run: Run, item: str) -> Task:
    return Task.objects.select_related("run").get(run=run, item=item)


def action_done(item: str, result: dict[str, Any]) -> ActionDone:
    return ActionDone(item, result)
