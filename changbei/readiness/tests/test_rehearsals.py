"""Rehearsing the shipped plan with the people of a city."""

from __future__ import annotations

import json
from datetime import time, timedelta

import pytest

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotAllowed, NotFound
from changbei.people import services as people
from changbei.people.models import Person, PostHolding
from changbei.plans.models import PlanVersion
from changbei.readiness import rehearsals

pytestmark = pytest.mark.usefixtures("plan")


def head_of(kind: str) -> Person:
    return PostHolding.objects.select_related("person").get(post__kind=kind, rank=1).person


def test_the_typhoon_day_says_how_long_and_who_is_waited_for() -> None:
    found = rehearsals.rehearse("typhoon", runs=40, seed=3)
    assert found["procedures"] == [
        "severe-weather",
        "vehicle-breakdown",
        "ordering-system-down",
        "sudden-demand",
    ]
    assert found["begins_at"].endswith("T09:40:00+08:00")
    assert (found["runs"], found["seed"]) == (40, 3)
    back = found["restored_seconds"]
    assert 0 < found["first_action_seconds"]["p50"] < back["p50"] < back["p90"] <= back["p99"]
    assert found["not_restored_share"] == 0.0
    assert found["one_more_deputy"]["role"] == found["bottleneck"]
    assert found["bottleneck"] in {one["role"] for one in found["roles"]}
    assert {one["clause"] for one in found["tasks"]} >= {"E3.2.1", "E3.3.1", "E3.1.7"}
    assert json.loads(json.dumps(found)) == found


def test_the_same_seed_gives_the_same_result_and_another_one_another() -> None:
    first = rehearsals.rehearse("vehicle-breakdown", runs=20, seed=5)
    assert rehearsals.rehearse("vehicle-breakdown", runs=20, seed=5) == first
    assert (
        rehearsals.rehearse("vehicle-breakdown", runs=20, seed=6)["restored_seconds"]
        != first["restored_seconds"]
    )


def test_every_procedure_of_the_plan_can_be_rehearsed() -> None:
    for name in rehearsals.names():
        found = rehearsals.rehearse(name, runs=3)
        assert found["runs"] == 3
        assert found["procedures"]


def test_nobody_answering_costs_time() -> None:
    all_answer = rehearsals.rehearse("vehicle-breakdown", runs=40, no_answer_share=0.0)
    many_do_not = rehearsals.rehearse("vehicle-breakdown", runs=40, no_answer_share=0.5)
    assert many_do_not["restored_seconds"]["mean"] > all_answer["restored_seconds"]["mean"]
    assert many_do_not["missed_deadlines_a_run"] > all_answer["missed_deadlines_a_run"]


def test_the_roster_follows_absences() -> None:
    scene = rehearsals.scenario("severe-weather")
    head, deputy = head_of("leading-group-head"), head_of("leading-group-deputy")
    (_, first), *_ = scene.roster.holders["commander"]
    assert scene.roster.people[first] == head.staff_no
    begins = scene.begins_at
    people.record_absence(
        head,
        begins - timedelta(hours=1),
        begins + timedelta(hours=5),
        out_of_city=True,
        substitute=None,
        actor=head,
    )
    scene = rehearsals.scenario("severe-weather")
    (_, now), (later, then), *_ = scene.roster.holders["commander"]
    assert scene.roster.people[now] == deputy.staff_no
    assert (later, scene.roster.people[then]) == (5 * 3600.0, head.staff_no)


def test_what_is_asked_wrongly() -> None:
    with pytest.raises(NotFound, match="'nothing' is no scenario"):
        rehearsals.rehearse("nothing")
    with pytest.raises(Invalid, match="between 1 and 20000"):
        rehearsals.rehearse("typhoon", runs=0)
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    with pytest.raises(NotAllowed):
        rehearsals.rehearse("typhoon", actor=driver)
    with pytest.raises(Conflict, match="20 times or more"):
        rehearsals.rehearse("typhoon", journal=True)


def test_it_begins_when_it_is_told_to(plan: PlanVersion) -> None:
    begins = rehearsals.scenario("vehicle-breakdown", at=time(3, 0)).begins_at
    assert begins.astimezone(clock.LOCAL).time() == time(3, 0)
