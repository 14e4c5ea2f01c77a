"""Exercises with simulated colleagues: every shipped procedure is carried through to the end of its plan (E2.2)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from changbei.core import clock
from changbei.core.errors import Conflict, NotFound
from changbei.delivery.models import Stop
from changbei.incidents import plan as plans
from changbei.incidents.models import Incident
from changbei.journal.models import Entry, FailedReaction
from changbei.plans.loading import load_pack, read_folder
from changbei.plans.model import Part
from changbei.plans.selectors import packs_in_force
from changbei.plans.services import adopt, take
from changbei.plans.starting import starter
from changbei.readiness import exercises, simulations
from changbei.readiness.models import Review
from changbei.runs import services as runs
from changbei.runs import things
from changbei.runs.models import Run, Task
from changbei.site import worker
from changbei.site.clockwork import run_until_quiet, virtual
from changbei.site.drills import answers, scenarios
from changbei.site.drills.colleagues import Colleagues
from changbei.site.drills.pace import Pace
from changbei.site.drills.play import Drill
from changbei.supply import cash
from tests.stories.telling import Town

PLANS = Path(__file__).resolve().parents[2] / "plans"
TOWN = "customer-service-emergency"  # adopted with the town
BESIDE = ("warehouse-flood", "customer-service")  # petitions take weeks: their own stories play them
PACKS = [load_pack(read_folder(PLANS / one), check_actions=False) for one in (TOWN, *BESIDE)]
LONG = {"severe-weather"}  # a hundred customers are phoned
PRACTISED = [
    pytest.param(one.id, marks=pytest.mark.slow if one.id in LONG else ())
    for pack in PACKS
    for one in pack.procedures.values()
    if not one.schedules
]
LONGEST = timedelta(days=21)
BY_PEOPLE = {"runs.task_acknowledged", "runs.task_done", "notify.acknowledged", "incidents.closed"}


def adopt_others() -> None:
    for one in BESIDE:
        adopt(PLANS / one, actor=None)


def begun(town: Town, kind: str, *, simulated: bool = True, part: Part | None = None) -> Incident:
    """An exercise of the gravest level, begun by the office with what the city and the form give."""
    found = plans.procedure_in_force(kind)
    level = exercises.levels_of(found.procedure, found.pack)[0]
    report, _ = exercises.suggested(kind, level, part)
    filled = answers.fill(found.procedure.form, answers.Knowledge(clock.now(), report))
    made = exercises.begin(
        kind, filled, level=level, simulated=simulated, part=part, actor=town.holder("leading-group-office")
    )
    run_until_quiet()
    return made


def until(incident: Incident, status: str, longest: timedelta = LONGEST) -> Incident:
    """Let time pass from one thing that is due to the next."""
    end = clock.now() + longest
    while (due := worker.next_due()) is not None and due <= end:
        if Incident.objects.get(pk=incident.pk).status == status:
            break
        virtual().advance_to(due)
        run_until_quiet()
    return Incident.objects.select_related("run").get(pk=incident.pk)


@pytest.mark.clause("E2.2")
@pytest.mark.parametrize("kind", PRACTISED)
def test_every_procedure_is_carried_through_by_simulated_colleagues(
    delivery_morning: Town, kind: str
) -> None:
    adopt_others()
    held = Stop.objects.order_by("pk").values_list("status", "planned_at")
    before = list(held)
    incident = until(begun(delivery_morning, kind), "closed")
    open_ = Task.objects.filter(run__incident=incident.uuid, status__in=["open", "acknowledged"])
    assert list(open_.values_list("run__procedure", "item")) == []
    assert incident.run is not None
    assert (incident.status, incident.run.status) == ("closed", Run.Status.FINISHED)
    assert "ended_by" not in incident.run.state
    answered = Entry.objects.filter(incident=incident.uuid, kind__in=BY_PEOPLE, actor_id__isnull=False)
    assert answered.exists()
    assert not answered.exclude(data__simulated=True).exists()
    assert exercises.took_part([incident]) == {}
    assert list(held) == before
    assert not FailedReaction.objects.exists()


def test_a_declared_exercise_begins_as_it_is_suggested(delivery_morning: Town) -> None:
    adopt_others()
    adopt(PLANS / "collective-petitions", actor=None)
    parts = [part for pack in packs_in_force() for one in pack.exercises.values() for part in one.parts]
    assert len(parts) > len(PACKS)
    for part in parts:
        report, _ = exercises.suggested(part.procedure, part=part)
        assert things.problems(plans.procedure_in_force(part.procedure).procedure.form, report) == []


def test_who_answers_once_is_left_to_answer_and_counts_as_having_taken_part(delivery_morning: Town) -> None:
    incident = begun(delivery_morning, "settlement-fault")
    task = Task.objects.select_related("run", "holder").get(run__incident=incident.uuid, item="bank-answers")
    assert task.holder is not None
    runs.acknowledge(task, actor=task.holder)
    incident = until(incident, "closed", timedelta(hours=3))
    task.refresh_from_db()
    assert (task.status, task.escalations > 0) == (Task.Status.ACKNOWLEDGED, True)
    assert exercises.took_part([incident]) == {incident.uuid: [task.holder.name]}
    assert exercises.last_of(["settlement-fault"]) is None  # it goes on


def test_nobody_is_answered_for_unless_that_is_wanted(delivery_morning: Town) -> None:
    exercise = begun(delivery_morning, "group-order", simulated=False)
    other = begun(delivery_morning, "settlement-fault")
    delivery_morning.report(
        "group-order", report("group-order"), actor=delivery_morning.holder("leading-group-office")
    )
    until(other, "closed", timedelta(hours=3))
    marked = Entry.objects.filter(data__simulated=True)
    assert set(marked.values_list("incident", "drill")) == {(other.uuid, True)}
    accepted = Task.objects.filter(acknowledged_at__isnull=False)
    assert set(accepted.values_list("run__incident", flat=True)) == {other.uuid}
    assert Entry.objects.filter(incident=exercise.uuid, kind="runs.escalated").exists()


def report(kind: str) -> dict[str, Any]:
    found = plans.procedure_in_force(kind)
    given, _ = exercises.suggested(kind)
    return answers.fill(found.procedure.form, answers.Knowledge(clock.now(), given))


def test_an_exercise_is_answered_as_its_plan_declares(delivery_morning: Town) -> None:
    (offer,) = exercises.offered()
    (part,) = next(one for one in offer.exercises if one.id == "line-fault").parts
    incident = until(begun(delivery_morning, "line-fault", part=part), "closed")
    assert incident.run is not None
    assert incident.run.state["context"]["decision"]["spare_line"] == "phone"
    unseen = Task.objects.get(run=incident.run, item="self-check")
    assert (unseen.escalations > 0, unseen.status) == (True, Task.Status.DONE)
    assert exercises.last_of(["line-fault"]) is None  # nobody practised
    review = Review.objects.get(incident=incident).content
    assert review["summary"]["simulated"] == len([one for one in review["tasks"] if one["status"] == "done"])
    assert {one["kind"] for one in review["findings"]}.isdisjoint({"late", "acknowledged-late"})


@pytest.mark.parametrize("decided", ["all", "named"])
def test_simulated_colleagues_take_cash_and_pay_it_in(delivery_morning: Town, decided: str) -> None:
    begun(delivery_morning, "severe-weather", simulated=False)
    part = Part("cash-settlement", decisions={"decide": decided})
    incident = until(begun(delivery_morning, "cash-settlement", part=part), "closed")
    assert incident.run is not None
    found = cash.balance(incident.run)
    assert (found.closed, found.open, found.paid_in_fen > 0) == (1, 0, True)
    assert found.not_used > 0


def test_a_worker_that_dies_leaves_the_exercise_to_the_next(delivery_morning: Town) -> None:
    incident = begun(delivery_morning, "group-order")
    due = simulations.next_due()
    assert due is not None
    virtual().advance_to(due)
    claimed = simulations.claim()
    assert claimed is not None and claimed.incident == incident
    assert simulations.claim() is None
    assert until(incident, "closed").status == "closed"


def test_only_exercises_are_answered_for(delivery_morning: Town) -> None:
    office = delivery_morning.holder("leading-group-office")
    real = delivery_morning.report("group-order", report("group-order"), actor=office).incident
    with pytest.raises(Conflict):
        simulations.begin(real, None, actor=office)


def test_a_plan_of_ones_own_is_drilled_by_its_name(town: Town, settings: Any) -> None:
    take(starter("own-plan", "Our own plan", effective_on=clock.local_now().date()), actor=None)
    settings.DRILL_GROUND = True
    (incident,) = Drill(scenarios.named("own-plan"), Colleagues(Pace(1))).play()
    incident.refresh_from_db()
    assert (incident.kind, incident.status, incident.drill) == ("own-plan", "closed", True)
    with pytest.raises(
        NotFound, match="'nothing' is no exercise or procedure of a plan in force; there are ty"
    ):
        scenarios.named("nothing")


@pytest.mark.slow
@pytest.mark.parametrize("name", scenarios.known(PACKS))
def test_everything_that_can_be_drilled_comes_to_its_end(town: Town, settings: Any, name: str) -> None:
    adopt_others()
    settings.DRILL_GROUND = True
    scenario = scenarios.named(name)
    played = Drill(scenario, Colleagues(Pace(1))).play()
    assert [one.kind for one in played] == [part.procedure for part in scenario.parts]
    for incident in Incident.objects.select_related("run"):
        assert incident.run is not None
        assert (incident.status, incident.drill) == ("closed", True)
        assert "ended_by" not in incident.run.state
    assert not Entry.objects.filter(data__has_key="simulated").exists()  # the whole ground is a drill
