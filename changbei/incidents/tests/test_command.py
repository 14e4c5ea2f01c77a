"""Who commands when (E2.1b–d)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.incidents import reactions, services
from changbei.incidents.models import Authorisation, CommandPost, Incident
from changbei.incidents.tests import people
from changbei.journal.models import Entry
from changbei.notify.models import Message
from changbei.people import services as people_services
from changbei.people.models import Absence, Person
from changbei.plans.models import PlanVersion
from changbei.runs.models import RoleHolding, Run, Task


def major() -> Incident:
    return services.report("ordering-system-down", people.ordering_down(), actor=None, source="web").incident


def told(person: Person) -> list[str]:
    """Templates of what lies in somebody's inbox of the command, in order."""
    wanted = ("command-post", "acting-commander", "authorisation-asked")
    rows = Message.objects.filter(person=person, channel="inbox", notice__template__in=wanted).order_by("pk")
    return list(rows.values_list("notice__template", flat=True))


def commander(incident: Incident) -> RoleHolding:
    return RoleHolding.objects.get(run=incident.run, role="commander", until__isnull=True)


def test_a_major_event_sets_up_the_command_post_at_once(plan: PlanVersion, clock: VirtualClock) -> None:
    incident = major()
    post = CommandPost.objects.get(incident=incident)
    assert (post.commander, post.deputy_commander, post.acting) == (people.head(), people.deputy(), False)
    assert post.set_up_at == clock.now()
    assert not Authorisation.objects.exists()
    assert told(people.head()) == ["command-post"] and told(people.deputy()) == ["command-post"]
    assert Entry.objects.get(kind="incidents.command_post_set_up").clause == "E2.1b"


def test_a_local_event_has_no_command_post_but_a_leader_who_instructs(plan: PlanVersion) -> None:
    incident = services.report("vehicle-breakdown", people.breakdown(), actor=None, source="web").incident
    assert not CommandPost.objects.exists()
    assert commander(incident).person == people.head()


def test_the_deputy_commands_while_the_head_is_away(plan: PlanVersion) -> None:
    people.leave(people.head())
    post = CommandPost.objects.get(incident=major())
    assert (post.commander, post.deputy_commander, post.acting) == (people.deputy(), None, False)
    assert not Authorisation.objects.exists()


def test_both_away_the_department_head_acts_and_the_leaders_are_asked(
    plan: PlanVersion, clock: VirtualClock
) -> None:
    people.leave(people.head())
    people.leave(people.deputy())
    incident = major()
    acting = people.holder("info-center-head")
    post = CommandPost.objects.get(incident=incident)
    assert (post.commander, post.deputy_commander, post.acting) == (acting, None, True)
    asked = Authorisation.objects.get(command_post=post)
    assert (asked.acting_commander, asked.post, asked.granted_at) == (acting, "info-center-head", None)
    assert asked.asked_of == [people.head().staff_no, people.deputy().staff_no]
    assert told(acting) == ["acting-commander"]
    assert told(people.head()) == ["authorisation-asked"] and told(people.deputy()) == ["authorisation-asked"]
    assert (commander(incident).person, commander(incident).why) == (acting, "acting")


@pytest.mark.clause("E2.1c")
def test_the_acting_commander_depends_on_the_kind_of_event(plan: PlanVersion) -> None:
    people.leave(people.head())
    people.leave(people.deputy())
    data = {"phenomenon": "typhoon", "area": people.box(), "colour": "red"}
    incident = services.report("severe-weather", data, actor=None, source="web").incident
    assert CommandPost.objects.get(incident=incident).commander == people.holder("delivery-center-head")


@pytest.mark.clause("E2.1c")
def test_a_leader_authorises_with_one_tap(plan: PlanVersion, clock: VirtualClock) -> None:
    people.leave(people.head())
    people.leave(people.deputy())
    post = CommandPost.objects.get(incident=major())
    clock.advance(timedelta(minutes=4))
    services.authorise(post, actor=people.deputy())
    services.authorise(post, actor=people.head())  # the second one changes nothing
    asked = Authorisation.objects.get()
    assert (asked.granted_by, asked.granted_at) == (people.deputy(), clock.now())
    entry = Entry.objects.get(kind="incidents.authorisation_granted")
    assert (entry.actor_id, entry.clause) == (people.deputy().pk, "E2.1c")


def test_nobody_else_authorises(plan: PlanVersion) -> None:
    people.leave(people.head())
    people.leave(people.deputy())
    post = CommandPost.objects.get(incident=major())
    with pytest.raises(NotAllowed):
        services.authorise(post, actor=people.holder("info-center-head"))
    assert Authorisation.objects.get().granted_at is None


def test_there_is_nothing_to_authorise_while_a_leader_is_there(plan: PlanVersion) -> None:
    with pytest.raises(Conflict):
        services.authorise(CommandPost.objects.get(incident=major()), actor=people.head())


def test_command_passes_when_the_leaders_leave_and_comes_back(plan: PlanVersion, clock: VirtualClock) -> None:
    incident = major()
    task = Task.objects.get(run=incident.run, item="set-up-post")
    assert task.holder == people.head()
    away = [people.leave(people.head()), people.leave(people.deputy())]
    assert services.reassess_command(incident) is not None
    acting = people.holder("info-center-head")
    post = CommandPost.objects.get(incident=incident)
    assert (post.commander, post.acting) == (acting, True)
    task.refresh_from_db()
    assert task.holder == acting
    passed = Entry.objects.get(kind="incidents.command_passed")
    assert (passed.data["before"], passed.data["commander"]) == (people.head().staff_no, acting.staff_no)

    clock.advance(timedelta(hours=1))
    Absence.objects.filter(pk__in=[one.pk for one in away]).update(ends_at=clock.now())
    services.reassess_command(incident)
    post.refresh_from_db()
    assert (post.commander, post.deputy_commander, post.acting) == (people.head(), people.deputy(), False)
    assert Entry.objects.get(kind="incidents.command_handed_back").data["commander"] == people.head().staff_no
    task.refresh_from_db()
    assert task.holder == people.head()


def test_a_question_that_a_later_one_replaced_is_no_longer_asked(
    plan: PlanVersion, clock: VirtualClock
) -> None:
    incident = major()
    for _ in range(2):
        away = [people.leave(people.head()), people.leave(people.deputy())]
        services.reassess_command(incident)
        clock.advance(timedelta(hours=1))
        if Authorisation.objects.count() == 1:  # nobody answered; both come back
            Absence.objects.filter(pk__in=[one.pk for one in away]).update(ends_at=clock.now())
            services.reassess_command(incident)
    post = CommandPost.objects.get(incident=incident)
    services.authorise(post, actor=people.head())
    assert [asked.granted_by for asked in Authorisation.objects.order_by("pk")] == [None, people.head()]


def test_nothing_changes_when_others_leave(plan: PlanVersion) -> None:
    incident = major()
    people.leave(people.holder("finance-head"))
    assert services.reassess_command(incident) is None
    assert not Entry.objects.filter(kind="incidents.command_passed").exists()


def test_an_absence_on_record_is_what_makes_command_pass(plan: PlanVersion, clock: VirtualClock) -> None:
    incident = major()
    now = clock.now()
    for leader in (people.head(), people.deputy()):
        people_services.record_absence(leader, now, now + timedelta(hours=8), out_of_city=True, actor=leader)
    for entry in Entry.objects.filter(kind="people.absence_recorded").order_by("id"):
        reactions.look_at_command_again(entry)
    assert CommandPost.objects.get(incident=incident).acting


# --- the level ---


def test_raising_the_level_sets_the_command_post_up(plan: PlanVersion) -> None:
    incident = services.report("vehicle-breakdown", people.breakdown(), actor=None, source="web").incident
    services.change_level(incident, "MAJOR", reason="school bus involved", actor=people.head())
    incident.refresh_from_db()
    assert incident.level == "MAJOR"
    assert CommandPost.objects.get(incident=incident).commander == people.head()
    assert Run.objects.get().state["context"]["incident"]["level"] == "MAJOR"
    assert Entry.objects.get(kind="incidents.level_changed").data == {
        "before": "LOCAL",
        "level": "MAJOR",
        "reason": "school bus involved",
    }


def test_lowering_it_stands_the_command_post_down(plan: PlanVersion, clock: VirtualClock) -> None:
    incident = major()
    services.change_level(incident, "LOCAL", reason="one desk only", actor=people.head())
    assert CommandPost.objects.get(incident=incident).stood_down_at == clock.now()


def test_a_level_needs_a_reason_and_somebody_who_leads(plan: PlanVersion) -> None:
    incident = major()
    with pytest.raises(Invalid) as error:
        services.change_level(incident, "HUGE", reason=" ", actor=people.head())
    assert [problem.field for problem in error.value.problems] == ["level", "reason"]
    with pytest.raises(NotAllowed):
        services.change_level(incident, "LOCAL", reason="x", actor=people.van().keeper)  # type: ignore[arg-type]
    incident.refresh_from_db()
    assert incident.level == "MAJOR"


def test_the_acting_commander_has_full_power(plan: PlanVersion) -> None:
    people.leave(people.head())
    people.leave(people.deputy())
    incident = major()
    acting = people.holder("info-center-head")
    services.change_level(incident, "LOCAL", reason="standby runs", actor=acting)
    incident.refresh_from_db()
    assert incident.level == "LOCAL"


# --- the end ---


def test_restored_once(plan: PlanVersion, clock: VirtualClock) -> None:
    incident = major()
    clock.advance(timedelta(minutes=50))
    services.restored(incident, actor=None)
    clock.advance(timedelta(minutes=5))
    services.restored(incident, actor=None)
    incident.refresh_from_db()
    assert incident.status == "restored"
    entry = Entry.objects.get(kind="incidents.restored")
    assert entry.data["seconds"] == 3000
    assert incident.outage.back_at == incident.restored_at


def test_closing_is_refused_with_tasks_open_unless_there_is_a_reason(
    plan: PlanVersion, clock: VirtualClock
) -> None:
    incident = major()
    with pytest.raises(Conflict, match=r"INC-0001: \d+ tasks are open"):
        services.close(incident, actor=people.head())
    incident.refresh_from_db()
    assert incident.status == "open"
    services.close(incident, reason="reported by mistake", actor=people.head())
    incident.refresh_from_db()
    assert (incident.status, incident.closed_by, incident.closed_at) == ("closed", people.head(), clock.now())
    assert Run.objects.get().status == "finished"
    assert not Task.objects.filter(status__in=["open", "acknowledged"]).exists()
    assert CommandPost.objects.get().stood_down_at == clock.now()
    assert Entry.objects.get(kind="incidents.closed").data["reason"] == "reported by mistake"


def test_a_closed_incident_is_closed(plan: PlanVersion) -> None:
    incident = major()
    services.close(incident, reason="x", actor=people.head())
    for verb in (
        lambda: services.close(incident, actor=people.head()),
        lambda: services.change_level(incident, "LOCAL", reason="x", actor=people.head()),
        lambda: services.declare_all_clear(incident, actor=people.head()),
    ):
        with pytest.raises(Conflict):
            verb()


def test_a_driver_does_not_close_incidents(plan: PlanVersion) -> None:
    incident = major()
    with pytest.raises(NotAllowed):
        services.close(incident, reason="x", actor=people.van().keeper)  # type: ignore[arg-type]
    incident.refresh_from_db()
    assert incident.status == "open"
