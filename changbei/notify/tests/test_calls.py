"""Call lists: everybody is called, whoever is away (E3.2.2)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changbei.core import clock as core_clock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.journal.models import Entry
from changbei.network.models import Retailer
from changbei.notify import calls
from changbei.notify.models import Call, CallList
from changbei.people.models import Absence, Person

TITLE = {"zh-Hans": "停送通知", "zh-Hant": "停送通知", "en": "No delivery"}
SCRIPT = {"zh-Hans": "明日停送。", "zh-Hant": "明日停送。", "en": "No delivery tomorrow."}


@pytest.fixture
def nobody_away(small_city, clock) -> None:
    Absence.objects.all().delete()


def _make(**changes) -> CallList:
    return calls.make_call_list(Retailer.objects.all(), title=TITLE, script=SCRIPT, actor=None, **changes)


def _away(person: Person, substitute: Person | None = None) -> None:
    now = core_clock.now()
    Absence.objects.create(
        person=person, starts_at=now, ends_at=now + timedelta(days=1), out_of_city=True, substitute=substitute
    )


def _callers(call_list: CallList) -> dict[int, int]:
    found: dict[int, int] = {}
    for caller in call_list.calls.values_list("caller", flat=True):
        found[caller] = found.get(caller, 0) + 1
    return found


@pytest.mark.django_db
def test_each_customer_is_on_the_own_managers_list(nobody_away) -> None:
    made = _make()
    assert made.calls.count() == Retailer.objects.count() == 300
    for call in made.calls.select_related("retailer"):
        assert call.caller_id == call.retailer.customer_manager_id
    assert Entry.objects.get(kind="notify.call_list_made").data["customers"] == 300


@pytest.mark.django_db
def test_the_calls_of_who_is_away_go_to_colleagues_of_the_unit(nobody_away) -> None:
    absent = Retailer.objects.order_by("pk")[0].customer_manager
    _away(absent)
    made = _make()
    assert made.calls.count() == 300
    assert not made.calls.filter(caller=absent).exists()
    taken = made.calls.filter(retailer__customer_manager=absent).select_related("caller")
    assert {call.caller.unit_id for call in taken} == {absent.unit_id}
    assert {call.caller.job for call in taken} <= {"customer_manager", "market_manager"}


@pytest.mark.django_db
def test_the_substitute_named_takes_all(nobody_away) -> None:
    made = _make()
    absent = made.calls.order_by("pk")[0].caller
    substitute = Person.objects.exclude(pk=absent.pk).filter(job="customer_manager").order_by("-pk")[0]
    before = _callers(made)
    _away(absent, substitute)
    assert calls.pass_on_for_absent() == before[absent.pk]
    after = _callers(made)
    assert absent.pk not in after
    assert after[substitute.pk] == before.get(substitute.pk, 0) + before[absent.pk]
    fact = Entry.objects.get(kind="notify.calls_passed_on")
    assert fact.data["to"] == {substitute.staff_no: before[absent.pk]}
    assert calls.pass_on_for_absent() == 0


@pytest.mark.django_db
def test_with_nobody_to_take_over_the_calls_stay_on_the_list(nobody_away) -> None:
    made = _make()
    absent = made.calls.order_by("pk")[0].caller
    for colleague in Person.objects.filter(unit=absent.unit_id):
        _away(colleague)
    before = _callers(made)
    calls.pass_on(made, absent, actor=None)
    assert _callers(made) == before


@pytest.mark.django_db
def test_the_calls_of_who_has_left_are_passed_on(nobody_away) -> None:
    made = _make()
    gone = made.calls.order_by("pk")[0].caller
    Person.objects.filter(pk=gone.pk).update(active=False)
    (standing,) = calls.unfinished()
    assert standing.stuck == made.calls.filter(caller=gone).count() > 0
    assert calls.pass_on_for_absent() == standing.stuck
    assert made.calls.count() == 300 and not made.calls.filter(caller=gone).exists()


@pytest.mark.django_db
def test_the_board_knows_what_is_left_of_each_list_and_what_lies_with_who_is_away(nobody_away) -> None:
    first, second = _make(), _make()
    caller = first.calls.order_by("pk")[0].caller
    own = list(first.calls.filter(caller=caller).order_by("pk"))
    now = core_clock.now()
    for call, outcome in zip(
        own, ("reached", "no_answer", "wrong_number", "refused", "call_back"), strict=False
    ):
        later = now + timedelta(hours=1) if outcome == "call_back" else None
        calls.record_call(call, outcome, call_at=later, actor=caller)
    _away(caller)
    Person.objects.exclude(pk=caller.pk).filter(unit=caller.unit).update(active=False)
    found = calls.unfinished()
    assert [one.call_list for one in found] == [second, first]
    assert (found[1].whole.done, found[1].whole.left, found[1].whole.total) == (1, 299, 300)
    staff = Person.objects.filter(unit=caller.unit)
    assert found[0].stuck == second.calls.filter(caller__in=staff).count()
    assert found[1].stuck == found[0].stuck - 1


def list_of_three() -> CallList:
    retailers = Retailer.objects.order_by("pk")[:3]
    return calls.make_call_list(
        Retailer.objects.filter(pk__in=[one.pk for one in retailers]), title=TITLE, script=SCRIPT, actor=None
    )


@pytest.mark.django_db
def test_a_list_is_finished_when_everybody_was_told_and_not_before(nobody_away, clock) -> None:
    made = list_of_three()
    first, second, third = made.calls.select_related("caller").order_by("pk")
    calls.record_call(first, "reached", actor=first.caller)
    calls.record_call(second, "no_answer", actor=second.caller)
    calls.record_call(third, "wrong_number", "a stranger", actor=third.caller)
    made.refresh_from_db()
    assert made.finished_at is None
    assert calls.progress(made).whole == calls.Progress(total=3, reached=1, no_answer=1, wrong_number=1)
    assert calls.progress(made).whole.left == 2
    assert {call.pk for call in calls.calls_of(second.caller)} >= {second.pk}

    clock.advance(timedelta(minutes=5))
    again = calls.record_call(second, "reached", actor=second.caller)
    assert (again.tries, again.at) == (2, clock.now())
    calls.record_call(third, "visited", actor=third.caller)
    made.refresh_from_db()
    assert made.finished_at == clock.now()
    assert Entry.objects.get(kind="notify.call_list_finished").data["customers"] == 3
    assert list(calls.calls_of(second.caller)) == []


@pytest.mark.django_db
def test_nobody_is_phoned_about_what_is_over(nobody_away, clock) -> None:
    made = list_of_three()
    first, second, _third = made.calls.select_related("caller").order_by("pk")
    calls.record_call(first, "reached", actor=first.caller)
    assert calls.end(made.uuid, actor=None) == 2
    assert list(calls.calls_of(second.caller)) == []
    assert Entry.objects.get(kind="notify.calls_ended").data["left"] == 2
    assert Entry.objects.get(kind="notify.call_list_finished").data["customers"] == 1
    assert calls.end(made.uuid, actor=None) == 0


@pytest.mark.django_db
def test_a_list_of_nobody_is_finished(nobody_away, clock) -> None:
    made = calls.make_call_list(Retailer.objects.none(), title=TITLE, script=SCRIPT, actor=None)
    assert made.finished_at == clock.now()


@pytest.mark.django_db
def test_others_do_not_record_and_nothing_changes(nobody_away) -> None:
    made = _make()
    call = made.calls.order_by("pk")[0]
    stranger = Person.objects.exclude(unit=call.caller.unit_id).filter(job="customer_manager")[0]
    before = list(made.calls.order_by("pk").values()), Entry.objects.count()
    with pytest.raises(NotAllowed):
        calls.record_call(call, "reached", actor=stranger)
    with pytest.raises(Invalid):
        calls.record_call(call, "pending", actor=call.caller)
    with pytest.raises(Invalid):
        calls.record_call(call, "charmed", actor=call.caller)
    assert (list(made.calls.order_by("pk").values()), Entry.objects.count()) == before


@pytest.mark.django_db
def test_who_was_reached_is_not_called_again(nobody_away) -> None:
    call = _make().calls.order_by("pk")[0]
    calls.record_call(call, "reached", actor=call.caller)
    with pytest.raises(Conflict):
        calls.record_call(call, "no_answer", actor=call.caller)
    assert Call.objects.get(pk=call.pk).outcome == "reached"


@pytest.mark.django_db
def test_the_totals_of_the_callers_add_up(nobody_away, django_assert_max_num_queries) -> None:
    made = _make()
    for call in made.calls.select_related("caller").order_by("pk")[:20]:
        calls.record_call(call, "reached" if call.pk % 2 else "no_answer", actor=call.caller)
    with django_assert_max_num_queries(2):
        progress = calls.progress(made)
    assert progress.whole.total == 300
    assert progress.whole.pending == 280
    assert sum(part.total for _, part in progress.callers) == 300
    assert [person.staff_no for person, _ in progress.callers] == sorted(
        p.staff_no for p, _ in progress.callers
    )


@pytest.mark.django_db
def test_a_drill_is_marked(nobody_away) -> None:
    assert _make(drill=True).script["zh-Hans"] == "【演练】明日停送。"


@given(
    st.lists(st.integers(), unique=True, max_size=60),
    st.dictionaries(st.integers(1, 20), st.integers(0, 50), min_size=1, max_size=8),
)
def test_sharing_out_loses_nobody_and_is_even(pending: list[int], loads: dict[int, int]) -> None:
    shares = calls.share_out(pending, list(loads.items()))
    assert [call for person in sorted(shares) for call in shares[person]] == pending
    after = {person: load + len(shares.get(person, [])) for person, load in loads.items()}
    for person, given_calls in shares.items():
        if given_calls:  # nobody who got some ends above another by more than one
            assert after[person] <= min(after.values()) + 1
