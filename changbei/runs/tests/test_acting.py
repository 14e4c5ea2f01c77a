"""Acting on tasks: what is asked for, who may, and that a denial changes nothing."""

import hashlib

import pytest
from django.core.files.base import ContentFile

from changbei.core.errors import Conflict, Invalid, NotAllowed, NotFound
from changbei.journal.models import Entry
from changbei.notify.models import Message, Notice
from changbei.people import services as people_services
from changbei.people.models import Account
from changbei.runs import access, selectors, services
from changbei.runs.models import Evidence, RoleHolding, Run, RunFact, Task, Timer
from changbei.runs.tests import house

pytestmark = pytest.mark.django_db

PHOTO = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture(autouse=True)
def _evidence_goes_to_a_temporary_folder(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path


def everything() -> list[list[dict]]:
    """All rows that a verb of this room could touch."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (Run, Task, Timer, RunFact, Evidence, Notice, Message, Entry)
    ]


def _photo(task: Task, people: house.People) -> Evidence:
    return services.attach(task, "photo", file=ContentFile(PHOTO, "van.JPG"), actor=people.driver)


def test_acknowledging_stops_the_reminders(run, people, clock) -> None:
    rescue = house.task(run, "rescue")
    services.acknowledge(rescue, actor=people.driver)
    rescue.refresh_from_db()
    assert (rescue.status, rescue.acknowledged_by, rescue.acknowledged_at) == (
        "acknowledged",
        people.driver,
        clock.now(),
    )
    notice = Notice.objects.get(task=rescue.uuid)
    assert list(notice.messages.order_by("id").values_list("channel", "state")) == [
        ("inbox", "acknowledged"),
        ("sms", "stopped"),
        ("sms", "stopped"),
    ]
    assert Timer.objects.get(key="ack:rescue:1").due_at is None
    assert Timer.objects.get(key="due:rescue:1").due_at == rescue.due_at

    facts = RunFact.objects.count()
    services.acknowledge(rescue, actor=people.driver)
    assert RunFact.objects.count() == facts


def test_evidence_is_asked_for(run, people) -> None:
    rescue = house.task(run, "rescue")
    before = everything()
    with pytest.raises(Invalid) as refused:
        services.complete(rescue, actor=people.driver)
    assert [str(problem) for problem in refused.value.problems] == ["evidence: photo is missing"]
    assert everything() == before

    evidence = _photo(rescue, people)
    assert evidence.sha256 == hashlib.sha256(PHOTO).hexdigest()
    with evidence.file.open() as stored:
        assert stored.read() == PHOTO
    assert evidence.file.name.endswith(f"{evidence.uuid}.jpg")
    services.complete(rescue, actor=people.driver)
    rescue.refresh_from_db()
    assert (rescue.status, rescue.done_by) == ("done", people.driver)
    assert Timer.objects.filter(key__contains="rescue", due_at__isnull=False).count() == 0
    assert list(selectors.my_tasks(people.driver).values_list("item", flat=True)) == ["report-goods"]


def test_evidence_has_to_be_what_it_says(run, people) -> None:
    rescue = house.task(run, "rescue")
    before = everything()
    for kind, arguments, field in (
        ("film", {"note": "x"}, "kind"),
        ("note", {"note": "  "}, "note"),
        ("photo", {}, "file"),
        ("photo", {"file": ContentFile(b"", "empty.jpg")}, "file"),
        ("photo", {"file": ContentFile(b"%PDF-1.7", "not.jpg")}, "file"),
        ("photo", {"file": ContentFile(b"GIF8=1;", "not.gif")}, "file"),
    ):
        with pytest.raises(Invalid) as refused:
            services.attach(rescue, kind, actor=people.driver, **arguments)
        assert refused.value.problems[0].field == field
    assert everything() == before


@pytest.mark.parametrize(
    ("start", "ending"),
    [
        (b"\xff\xd8\xff\xe0 x", "jpg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF89a=1;", "gif"),
        (b"RIFF\0\0\0\0WEBP", "webp"),
        (b"\0\0\0\x18ftypheic", "heic"),
        (b"\0\0\0\x18ftypavif", "avif"),
    ],
)
def test_a_photo_is_kept_as_the_picture_it_is(run, people, start: bytes, ending: str) -> None:
    rescue = house.task(run, "rescue")
    kept = services.attach(rescue, "photo", file=ContentFile(start, "van.html"), actor=people.driver)
    assert kept.file.name.endswith(f"{kept.uuid}.{ending}")
    kept = services.attach(rescue, "file", file=ContentFile(start, "list.xlsx"), actor=people.driver)
    assert kept.file.name.endswith(f"{kept.uuid}.xlsx")


def test_the_form_says_which_field(run, people) -> None:
    count = house.task(run, "report-goods")
    before = everything()
    with pytest.raises(Invalid) as refused:
        services.complete(count, {}, actor=people.driver)
    assert [problem.field for problem in refused.value.problems] == ["cartons"]
    with pytest.raises(Invalid) as refused:
        services.complete(count, {"cartons": -1}, actor=people.driver)
    assert [problem.field for problem in refused.value.problems] == ["cartons"]
    assert everything() == before
    services.complete(count, {"cartons": 40}, actor=people.driver)
    count.refresh_from_db()
    assert count.result == {"cartons": 40}


def test_nothing_is_taken_that_the_form_does_not_ask_for(run, people) -> None:
    forged = {"evidence": [{"kind": "photo", "sha256": "0" * 64}]}
    count, rescue = house.task(run, "report-goods"), house.task(run, "rescue")
    _photo(rescue, people)
    before = everything()
    for task, result, field in (
        (count, {"cartons": 40, **forged}, "evidence"),
        (count, {"cartons": 40, "approved": True}, "approved"),
        (rescue, forged, "evidence"),  # a step without a form
        (rescue, {"note": "x"}, "note"),
    ):
        with pytest.raises(Invalid) as refused:
            services.complete(task, result, actor=people.driver)
        assert [problem.field for problem in refused.value.problems] == [field]
    assert everything() == before


def test_nor_with_a_decision_or_an_approval(run, people) -> None:
    pay = _open_pay(run, people)
    before = everything()
    for field in ("evidence", "option", "because"):
        with pytest.raises(Invalid) as refused:
            services.approve(pay, True, actor=people.head, result={field: "x"})
        assert [problem.field for problem in refused.value.problems] == [field]
    assert everything() == before


def test_twice_by_the_same_person_is_once(run, people) -> None:
    count = house.task(run, "report-goods")
    services.complete(count, {"cartons": 40}, actor=people.driver)
    before = everything()
    services.complete(count, {"cartons": 40}, actor=people.driver)
    assert everything() == before


def test_who_comes_second_learns_who_was_first(run, people) -> None:
    count = house.task(run, "report-goods")
    services.complete(count, {"cartons": 40}, actor=people.driver)
    before = everything()
    with pytest.raises(Conflict, match="closed by Driver One already"):
        services.complete(count, {"cartons": 41}, actor=people.commander)
    with pytest.raises(Conflict, match="closed"):
        services.acknowledge(count, actor=people.driver)
    with pytest.raises(Conflict, match="closed"):
        services.attach(count, "note", note="late", actor=people.driver)
    with pytest.raises(Conflict, match="closed"):
        services.hand_over(count, people.other_driver, actor=people.driver)
    assert everything() == before


@pytest.mark.parametrize("who", ["other_driver", "dispatcher", "head", "outsider"])
def test_others_may_not_act_and_nothing_changes(run, people, who: str) -> None:
    rescue, stranger = house.task(run, "rescue"), getattr(people, who)
    before = everything()
    for verb in (
        lambda: services.acknowledge(rescue, actor=stranger),
        lambda: services.complete(rescue, actor=stranger),
        lambda: services.attach(rescue, "note", note="x", actor=stranger),
        lambda: services.end(run, actor=stranger),
    ):
        with pytest.raises(NotAllowed):
            verb()
    assert everything() == before


def test_strangers_do_not_pass_tasks_on(run, people) -> None:
    before = everything()
    with pytest.raises(NotAllowed):
        services.hand_over(house.task(run, "rescue"), people.outsider, actor=people.outsider)
    assert everything() == before


def test_the_command_post_and_the_deputies_may_act(run, people, recovery) -> None:
    rescue = house.task(run, "rescue")
    assert [
        access.may_act(person, rescue) for person in (people.driver, people.commander, people.deputy)
    ] == [
        True,
        True,
        False,
    ]
    pay = _open_pay(run, people)
    assert [access.may_act(person, pay) for person in (people.head, people.deputy, people.dispatcher)] == [
        True,
        True,
        False,
    ]


def test_who_has_left_may_nothing(run, people) -> None:
    people.driver.active = False
    assert access.may_act(people.driver, house.task(run, "rescue")) is False


def test_looking_is_for_staff_and_admins(run, people) -> None:
    rescue = house.task(run, "rescue")
    admin = Account.objects.create_user("admin", is_admin=True)
    nobody = Account.objects.create_user("nobody")
    for actor in (people.outsider, admin):
        assert access.task_for(actor, rescue.uuid) == rescue
        assert access.run_for(actor, run.uuid) == run
    for actor in (nobody, None):
        with pytest.raises(NotFound):
            access.task_for(actor, rescue.uuid)
        with pytest.raises(NotFound):
            access.run_for(actor, run.uuid)


def _open_pay(run: Run, people: house.People, by: house.Person | None = None) -> Task:
    """Walk to the approval: the first stage done, the place of repair decided."""
    rescue = house.task(run, "rescue")
    _photo(rescue, people)
    services.complete(rescue, actor=people.driver)
    services.complete(house.task(run, "report-goods"), {"cartons": 40}, actor=people.driver)
    services.apply(run.uuid, house.action_done("recover", {"options": 3}))
    services.decide(house.task(run, "repair"), "outside", actor=by or people.dispatcher)
    return house.task(run, "pay")


def test_a_decision_takes_one_of_its_options(run, people) -> None:
    pay = _open_pay(run, people)
    repair = house.task(run, "repair")
    assert (repair.status, repair.result) == ("done", {"option": "outside"})
    assert pay.status == "open"
    fresh = Run.objects.get(pk=run.pk)
    assert fresh.state["context"]["decision"] == {"repair": "outside"}
    before = everything()
    with pytest.raises(Invalid, match="one of own, outside"):
        services.decide(repair, "elsewhere", actor=people.dispatcher)
    with pytest.raises(Conflict, match="not closed this way"):
        services.complete(pay, actor=people.head)
    with pytest.raises(Conflict, match="not closed this way"):
        services.complete(house.task(run, "accept"), actor=people.dispatcher)
    assert everything() == before


def test_two_different_people_are_needed(run, people) -> None:
    pay = _open_pay(run, people, by=people.commander)
    before = everything()
    with pytest.raises(NotAllowed, match="two different people"):
        services.approve(pay, True, actor=people.commander)
    assert everything() == before
    services.approve(pay, False, actor=people.head)
    pay.refresh_from_db()
    assert (pay.status, pay.result) == ("done", {"approved": False})
    assert Run.objects.get(pk=run.pk).state["context"]["decision"]["pay"] == "refused"


def test_an_approval_is_not_handed_to_who_did_the_other_part(run, people) -> None:
    pay = _open_pay(run, people)
    before = everything()
    with pytest.raises(Invalid, match="two different people are needed") as refused:
        services.hand_over(pay, people.dispatcher, actor=people.head)
    assert refused.value.problems[0].field == "to"
    assert everything() == before
    services.hand_over(pay, people.deputy, actor=people.head)
    assert house.task(run, "pay").holder == people.deputy


def test_an_awaited_fact_closes_its_task(run, people) -> None:
    _open_pay(run, people)
    accept = house.task(run, "accept")
    assert (accept.kind, accept.page) == ("await", "delivery.recovery")
    assert services.happened(run.uuid, "test.other", {}) is False
    assert services.happened(
        run.uuid, "test.accepted", {"option": 2}, people.dispatcher.staff_no, actor=people.dispatcher
    )
    accept.refresh_from_db()
    assert (accept.status, accept.done_by, accept.result) == ("done", people.dispatcher, {"option": 2})
    notice = Notice.objects.get(template="new-list")
    assert notice.title["en"] == "New list"
    assert notice.body["en"] == "INC-0001 van 17"
    assert {message.person for message in notice.messages.all()} == {people.driver, people.other_driver}


def test_ending_cancels_what_is_open(run, people, carrier) -> None:
    services.end(run, actor=people.commander)
    run.refresh_from_db()
    assert run.status == "finished"
    assert run.finished_at is not None
    assert set(run.tasks.values_list("status", flat=True)) == {"cancelled"}
    assert not Timer.objects.filter(due_at__isnull=False).exists()
    assert set(Message.objects.filter(channel="sms").values_list("state", flat=True)) == {"stopped"}
    before = everything()
    services.end(run, actor=people.commander)
    assert everything() == before
    with pytest.raises(Conflict):
        services.complete(house.task(run, "report-goods"), {"cartons": 1}, actor=people.driver)


def test_handing_over_moves_all_tasks_of_the_role_and_pins_it(run, people, clock) -> None:
    rescue = house.task(run, "rescue")
    services.hand_over(rescue, people.other_driver, actor=people.driver)
    assert set(run.tasks.filter(role="driver").values_list("holder", flat=True)) == {people.other_driver.pk}
    held = {one.role: (one.person, one.why, one.pinned) for one in selectors.roles_of(run)}
    assert held["driver"] == (people.other_driver, "named", True)
    waiting = Message.objects.filter(state="queued", notice__task__isnull=False)
    assert set(waiting.values_list("person", flat=True)) == {people.other_driver.pk}
    moved = Notice.objects.filter(template="task-moved").order_by("id")
    assert [notice.title["en"] for notice in moved] == [
        "INC-0001 passed on: Rescue",
        "INC-0001 passed on: Count goods",
    ]
    assert moved[0].body["en"] == "Driver is now held by Driver Two; this task is no longer yours."
    assert {m.person for notice in moved for m in notice.messages.all()} == {people.driver}

    with pytest.raises(NotAllowed):
        services.acknowledge(rescue, actor=people.driver)
    services.acknowledge(rescue, actor=people.other_driver)
    assert services.reassess_roles(run) == []

    services.hand_back(run, "driver", actor=people.other_driver)
    assert house.task(run, "rescue").holder == people.driver
    held = RoleHolding.objects.filter(run=run, role="driver").order_by("since", "id")
    assert [(one.person, one.pinned) for one in held] == [
        (people.driver, False),
        (people.other_driver, False),
        (people.driver, False),
    ]


def test_who_takes_over_oneself_has_taken_note(run, people) -> None:
    services.hand_over(house.task(run, "rescue"), people.head, actor=people.head)
    taken = run.tasks.filter(role="driver")
    assert set(taken.values_list("holder", "status")) == {(people.head.pk, "acknowledged")}
    assert not Message.objects.filter(state="queued", person=people.head, notice__task__isnull=False).exists()
    assert set(run.tasks.filter(holder=people.dispatcher).values_list("status", flat=True)) <= {
        "open",
        "done",
    }


def test_a_role_that_was_handed_over_does_not_stay_with_who_has_left(run, people) -> None:
    services.hand_over(house.task(run, "rescue"), people.other_driver, actor=people.driver)
    people_services.retire(people.other_driver, actor=None)
    assert services.reassess_roles(run) == ["driver"]
    assert set(run.tasks.filter(role="driver").values_list("holder", flat=True)) == {people.driver.pk}
    held = next(one for one in selectors.roles_of(run) if one.role == "driver")
    assert (held.person, held.pinned) == (people.driver, False)


def test_nobody_hands_over_to_who_has_left(run, people) -> None:
    people.other_driver.active = False
    before = everything()
    with pytest.raises(Invalid) as refused:
        services.hand_over(house.task(run, "rescue"), people.other_driver, actor=people.driver)
    assert refused.value.problems[0].field == "to"
    assert everything() == before
