"""Exercises on any plan in force, beside the real day (E2.2)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.incidents import plan as plans
from changbei.incidents import services as incidents
from changbei.incidents.models import CommandPost, Incident
from changbei.people.models import Person, PostHolding
from changbei.plans.loading import read_folder
from changbei.plans.models import PlanVersion
from changbei.plans.services import adopt, take
from changbei.readiness import exercises, services
from changbei.readiness.models import Finding
from changbei.runs import services as runs
from changbei.runs.models import Run

pytestmark = pytest.mark.usefixtures("plan")
FLOOD = Path(__file__).resolve().parents[3] / "plans" / "warehouse-flood"
OWN_LEVEL = """\
id: depth
clause: F1
hit: FIRST
inputs: {rising: bool}
outputs: {level: string}
rules:
  - {when: rising, then: {level: MAJOR}}
  - {when: 'true', then: {level: LOCAL}}
"""


def head() -> Person:
    return PostHolding.objects.get(post__kind="leading-group-head", rank=1).person


def begin(kind: str, level: str) -> Incident:
    report, _ = exercises.suggested(kind, level)
    for name, field in plans.procedure_in_force(kind).procedure.form["properties"].items():
        if name in plans.procedure_in_force(kind).procedure.form.get("required", ()):
            report.setdefault(name, field.get("minLength", 1) * "x")
    return exercises.begin(kind, report, level=level, actor=head())


def every() -> list[tuple[str, str]]:
    return [
        (kind.procedure.id, level)
        for offer in exercises.offered()
        for kind in offer.kinds
        for level in kind.levels
    ]


def test_every_kind_of_every_plan_is_practised_at_every_level() -> None:
    adopt(FLOOD, actor=None)
    offered = every()
    assert {("warehouse-flood", "LOCAL"), ("severe-weather", "MAJOR"), ("severe-weather", "LOCAL")} <= set(
        offered
    )
    for kind, level in offered:
        incident = begin(kind, level)
        assert (incident.kind, incident.level, incident.drill) == (kind, level, True)
        assert CommandPost.objects.filter(incident=incident).exists() is (level == "MAJOR")
        Incident.objects.filter(pk=incident.pk).update(
            same_key=str(incident.uuid)
        )  # the next level is another one


def test_a_plan_of_ones_own_without_exercises_offers_its_kinds(plan: PlanVersion) -> None:
    files = read_folder(FLOOD)
    files["plan.yaml"] = files["plan.yaml"].replace("id: warehouse-flood", "id: own-plan")
    del files["exercises.yaml"]
    files["tables/depth.yaml"] = OWN_LEVEL
    files["procedures/warehouse-flood.yaml"] += (
        "level: {table: depth, with: {rising: 'has(report.rising) && report.rising'}}\n"
    )
    take(files, actor=None)
    (own,) = [one for one in exercises.offered() if one.pack.id == "own-plan"]
    assert own.exercises == ()
    assert [(one.procedure.id, one.levels, one.last) for one in own.kinds] == [
        ("warehouse-flood", ("MAJOR", "LOCAL"), None)
    ]
    report, said = exercises.suggested("warehouse-flood", "MAJOR")
    assert (report["rising"], said) == (True, "MAJOR")
    report, said = exercises.suggested("warehouse-flood", "LOCAL")
    assert (report.get("rising", False), said) == (False, "LOCAL")


def test_what_a_plan_declares_goes_into_the_report(plan: PlanVersion) -> None:
    (offer,) = exercises.offered()
    typhoon = next(one for one in offer.exercises if one.id == "typhoon")
    report, said = exercises.suggested("severe-weather", part=typhoon.parts[0])
    assert (report["phenomenon"], report["colour"], said) == ("typhoon", "orange", "LOCAL")


def test_a_level_that_the_plan_does_not_know_is_refused() -> None:
    with pytest.raises(Invalid):
        begin("vehicle-breakdown", "DEMAND")
    assert not Incident.objects.exists()


def test_the_same_thing_is_practised_once_at_a_time() -> None:
    begin("vehicle-breakdown", "LOCAL")
    with pytest.raises(Conflict):
        begin("vehicle-breakdown", "LOCAL")
    assert Incident.objects.get().reports.count() == 1


def test_what_begins_by_its_schedule_is_not_practised_beside_the_real_day() -> None:
    with pytest.raises(Conflict):
        begin("forecast", "LOCAL")
    assert not Incident.objects.exists()


def test_who_may_not_run_drills_begins_none() -> None:
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    with pytest.raises(NotAllowed):
        exercises.begin("vehicle-breakdown", {}, level="LOCAL", actor=driver)


def test_an_exercise_has_a_record_and_who_took_part_is_in_it() -> None:
    incident = begin("vehicle-breakdown", "LOCAL")
    assert incident.run is not None
    assert exercises.took_part([incident]) == {}
    task = incident.run.tasks.filter(acknowledge_due_at__isnull=False, holder__isnull=False).order_by("pk")[0]
    assert task.holder is not None
    runs.acknowledge(task, actor=task.holder)
    assert exercises.took_part([incident]) == {incident.uuid: [task.holder.name]}
    assert [one.pk for one in exercises.held(actor=task.holder)] == [incident.pk]


def found() -> list[str]:
    rows = Finding.objects.filter(check_id="exercises", mended_at__isnull=True)
    return list(rows.values_list("subject", flat=True))


@pytest.mark.clause("E2.2")
def test_a_year_without_an_exercise_is_found_and_mended(clock: VirtualClock) -> None:
    clock.advance(timedelta(days=365))
    services.run_checks(actor=None)
    assert found() == []
    clock.advance(timedelta(days=1))
    services.run_checks(actor=None)
    assert found() == ["no-exercise:customer-service-emergency"]
    incident = begin("vehicle-breakdown", "LOCAL")
    services.run_checks(actor=None)
    assert found() == ["no-exercise:customer-service-emergency"]  # it has to be carried through
    incidents.close(incident, actor=head(), reason="called off")
    services.run_checks(actor=None)
    assert found() == ["no-exercise:customer-service-emergency"]  # what was called off was not practised
    run = Run.objects.get(incident=incident.uuid)
    Run.objects.filter(pk=run.pk).update(state={k: v for k, v in run.state.items() if k != "ended_by"})
    services.run_checks(actor=None)
    assert found() == []
