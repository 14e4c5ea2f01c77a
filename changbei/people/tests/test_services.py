"""Verbs about people, each with what it writes into the journal."""

from datetime import timedelta

import pytest
from django.utils import translation

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.journal.models import Entry
from changbei.people import access, services
from changbei.people.accounts import DEMO_PASSWORD, account_of_token
from changbei.people.models import Absence, Account, ApiToken, Contact, DutyShift, Person, Post, PostHolding
from changbei.people.resolution import Holder, resolve
from changbei.people.rules import RoleSpec

pytestmark = pytest.mark.usefixtures("small_city", "in_english")


@pytest.fixture
def head(clock: VirtualClock) -> Person:
    return PostHolding.objects.get(post__code="leading-group-head").person


@pytest.fixture
def driver(clock: VirtualClock) -> Person:
    person = Person.objects.filter(job="driver").order_by("pk")[0]
    person.absences.all().delete()
    return person


@pytest.fixture
def colleague(driver: Person) -> Person:
    person = Person.objects.filter(job="driver").order_by("pk")[1]
    person.absences.all().delete()
    return person


def facts() -> list[tuple[str, int | None]]:
    return list(Entry.objects.order_by("id").values_list("kind", "actor_id"))


def test_an_absence_of_ones_own(driver: Person, colleague: Person, clock: VirtualClock) -> None:
    start, end = clock.now(), clock.now() + timedelta(days=2)
    absence = services.record_absence(
        driver, start, end, out_of_city=True, substitute=colleague, actor=driver
    )
    assert absence.recorded_by == driver
    entry = Entry.objects.get()
    assert entry.kind == "people.absence_recorded"
    assert entry.actor_id == driver.pk
    assert entry.data == {
        "person": driver.staff_no,
        "starts_at": "2026-11-23T01:40:00+00:00",
        "ends_at": "2026-11-25T01:40:00+00:00",
        "out_of_city": True,
        "reachable": True,
        "substitute": colleague.staff_no,
    }


def test_a_driver_may_not_record_anothers_absence(
    driver: Person, colleague: Person, clock: VirtualClock
) -> None:
    before = Absence.objects.count()
    with pytest.raises(NotAllowed, match=r"people\.record_absence"):
        services.record_absence(colleague, clock.now(), clock.now() + timedelta(days=1), actor=driver)
    assert Absence.objects.count() == before
    assert facts() == []


def test_a_substitute_must_be_there(driver: Person, colleague: Person, clock: VirtualClock) -> None:
    start, end = clock.now(), clock.now() + timedelta(days=1)
    services.record_absence(colleague, end - timedelta(hours=1), end + timedelta(days=1), actor=colleague)
    with pytest.raises(Invalid, match="is away at that time"):
        services.record_absence(driver, start, end, substitute=colleague, actor=driver)
    with pytest.raises(Invalid, match="stand in for themselves"):
        services.record_absence(driver, start, end, substitute=driver, actor=driver)
    with pytest.raises(Invalid, match="after the beginning"):
        services.record_absence(driver, end, start, actor=driver)
    assert driver.absences.count() == 0


def test_back_early(head: Person, clock: VirtualClock) -> None:
    role = RoleSpec(post="leading-group-head")
    absence = services.record_absence(
        head, clock.now(), clock.now() + timedelta(days=3), out_of_city=True, reachable=False, actor=head
    )
    assert resolve(role, {}, clock.now()) == Holder(None, "nobody")
    clock.advance(timedelta(hours=5))
    services.end_absence(absence, actor=head)
    assert resolve(role, {}, clock.now()) == Holder(head, "post")
    assert facts() == [("people.absence_recorded", head.pk), ("people.absence_ended", head.pk)]
    with pytest.raises(Conflict, match="over already"):
        services.end_absence(absence, actor=head)


def test_an_absence_that_had_not_begun_is_struck_out(driver: Person, clock: VirtualClock) -> None:
    start = clock.now() + timedelta(days=1)
    absence = services.record_absence(driver, start, start + timedelta(days=1), actor=driver)
    services.end_absence(absence, actor=driver)
    assert driver.absences.count() == 0


def test_put_on_and_taken_off_duty(head: Person, clock: VirtualClock) -> None:
    post = Post.objects.get(code="dispatcher-transfer-station-1")
    person = post.holdings.get(rank=2).person
    person.absences.all().delete()
    DutyShift.objects.filter(post=post).delete()
    now = clock.now()
    shift = services.put_on_duty(post, person, now, now + timedelta(hours=8), actor=head)
    role, scope = RoleSpec(duty="dispatcher", scope="site"), {"site": "transfer-station-1"}
    assert resolve(role, scope, now) == Holder(person, "duty")
    with pytest.raises(Conflict, match="on this duty"):
        services.put_on_duty(post, person, now, now + timedelta(hours=1), actor=head)
    services.take_off_duty(shift, actor=head)
    assert not DutyShift.objects.filter(post=post).exists()
    assert [kind for kind, _ in facts()] == ["people.duty_changed", "people.duty_changed"]


def test_nobody_away_is_put_on_duty(head: Person, clock: VirtualClock) -> None:
    post = Post.objects.get(code="dispatcher")
    person = post.holdings.get(rank=1).person
    now = clock.now()
    services.record_absence(person, now, now + timedelta(days=1), actor=person)
    with pytest.raises(Conflict, match="is away at that time"):
        services.put_on_duty(post, person, now, now + timedelta(hours=8), actor=head)


def test_an_appointment_ends_the_one_before(head: Person, driver: Person, clock: VirtualClock) -> None:
    post = Post.objects.get(code="transfer-station-head-transfer-station-1")
    before = post.holdings.get(rank=1).person
    services.appoint(post, driver, actor=head)
    assert post.holdings.get(person=before).until == clock.now()
    found = resolve(
        RoleSpec(post="transfer-station-head", scope="site"), {"site": "transfer-station-1"}, clock.now()
    )
    assert found == Holder(driver, "post")
    assert Entry.objects.get().data == {
        "post": "transfer-station-head-transfer-station-1",
        "kind": "transfer-station-head",
        "person": driver.staff_no,
        "rank": 1,
    }
    services.relieve(post, driver, actor=head)
    with pytest.raises(Conflict, match="does not hold this post"):
        services.relieve(post, driver, actor=head)


def test_who_has_a_rank_keeps_it_when_appointed_to_it_again(
    head: Person, driver: Person, clock: VirtualClock
) -> None:
    post = Post.objects.get(code="dispatcher")
    first = services.appoint(post, driver, 2, actor=head)
    clock.advance(timedelta(seconds=1))
    assert services.appoint(post, driver, 2, actor=head) == first
    assert facts() == [("people.holder_changed", head.pk)]


def test_nobody_is_replaced_unseen(
    head: Person, driver: Person, colleague: Person, clock: VirtualClock
) -> None:
    post = Post.objects.get(code="dispatcher")
    seen = [post.holdings.get(rank=1).person.staff_no]
    services.appoint(post, driver, instead_of=seen, actor=head)
    with pytest.raises(Conflict, match="in the meantime"):
        services.appoint(post, colleague, instead_of=seen, actor=head)
    assert post.holdings.get(rank=1, until__isnull=True).person == driver
    services.appoint(post, colleague, instead_of=[driver.staff_no], actor=head)


@pytest.mark.parametrize("rank", [0, -1, 100])
def test_a_rank_that_is_none(head: Person, driver: Person, rank: int) -> None:
    with pytest.raises(Invalid, match="the deputies"):
        services.appoint(Post.objects.get(code="dispatcher"), driver, rank, actor=head)


def test_a_shift_in_each_of_some_weeks_or_in_none(head: Person, driver: Person, clock: VirtualClock) -> None:
    post = Post.objects.get(code="dispatcher")
    start, end = clock.now() + timedelta(hours=1), clock.now() + timedelta(hours=9)
    shifts = services.put_on_duty_weekly(post, driver, start, end, 3, actor=head)
    assert [one.starts_at - start for one in shifts] == [timedelta(weeks=number) for number in range(3)]
    services.record_absence(
        driver, start + timedelta(weeks=4), end + timedelta(weeks=4), out_of_city=True, actor=driver
    )
    later = timedelta(weeks=3)
    with pytest.raises(Conflict, match=r"is away at that time \(12-21 10:40\)"):
        services.put_on_duty_weekly(post, driver, start + later, end + later, 2, actor=head)
    assert driver.duty.filter(post=post).count() == 3
    for weeks in (0, 27):
        with pytest.raises(Invalid, match="from 1 to 26 weeks"):
            services.put_on_duty_weekly(post, driver, start, end, weeks, actor=head)
    with pytest.raises(Invalid, match="a week long at most"):
        services.put_on_duty_weekly(post, driver, start, start + timedelta(days=8), 2, actor=head)


def test_periods_that_are_over_or_far_away(head: Person, driver: Person, clock: VirtualClock) -> None:
    post, now = Post.objects.get(code="dispatcher"), clock.now()
    hour, age = timedelta(hours=1), timedelta(days=4000)
    with pytest.raises(Invalid, match="over already"):
        services.put_on_duty(post, driver, now - 2 * hour, now - hour, actor=head)
    with pytest.raises(Invalid, match="too far away"):
        services.put_on_duty(post, driver, now, now + age, actor=head)
    with pytest.raises(Invalid, match="too far away"):
        services.record_absence(driver, now - age, now + hour, actor=driver)
    assert facts() == []


def test_an_absence_sent_twice_is_one(driver: Person, colleague: Person, clock: VirtualClock) -> None:
    start, end = clock.now(), clock.now() + timedelta(days=2)
    first = services.record_absence(driver, start, end, substitute=colleague, actor=driver)
    assert services.record_absence(driver, start, end, substitute=colleague, actor=driver) == first
    assert facts() == [("people.absence_recorded", driver.pk)]


def test_only_the_leading_group_appoints(driver: Person, clock: VirtualClock) -> None:
    with pytest.raises(NotAllowed, match=r"people\.appoint"):
        services.appoint(Post.objects.get(code="dispatcher"), driver, actor=driver)
    assert facts() == []


def test_who_leaves_holds_nothing_and_cannot_log_in(head: Person, clock: VirtualClock) -> None:
    person = Post.objects.get(code="dispatcher").holdings.get(rank=1).person
    account = services.create_account("one", "a long password", person=person, actor=None)
    services.retire(person, actor=head)
    assert not person.holdings.filter(until__isnull=True).exists()
    assert not person.duty.filter(ends_at__gt=clock.now()).exists()
    account.refresh_from_db()
    assert not account.is_active
    assert not access.may(account, "incidents.report")
    with pytest.raises(Conflict, match="has left already"):
        services.retire(person, actor=head)
    with pytest.raises(Conflict, match="has left"):
        services.record_absence(person, clock.now(), clock.now() + timedelta(days=1), actor=head)


def test_nobody_records_of_themselves_that_they_have_left(head: Person, clock: VirtualClock) -> None:
    with pytest.raises(Conflict, match="of themselves"):
        services.retire(head, actor=head)
    head.refresh_from_db()
    assert head.active
    assert facts() == []


def test_a_contact_is_reviewed(head: Person, clock: VirtualClock) -> None:
    technician = PostHolding.objects.get(post__code="info-center-head", rank=1).person
    contact = Contact.objects.get(code="vendor-order-system")
    services.edit_contact(contact, person="某丁卯", phone="10080000099", actor=technician)
    contact.refresh_from_db()
    assert (contact.person, contact.phone, contact.reviewed_on.isoformat()) == (
        "某丁卯",
        "10080000099",
        "2026-11-23",
    )
    with pytest.raises(Invalid, match="telephone number"):
        services.edit_contact(contact, person="", phone=" ", actor=technician)


def test_demo_accounts_are_for_invented_people_only(driver: Person, clock: VirtualClock) -> None:
    driver.email = "somebody@company.example"
    driver.save(update_fields=["email"])
    logins = services.create_demo_accounts()
    assert len(logins) == 16
    assert driver.pk not in {one.person.pk for one in logins}
    Person.objects.update(email="")
    Account.objects.all().delete()
    assert services.create_demo_accounts() == []


def test_demo_accounts_are_made_once(clock: VirtualClock) -> None:
    logins = services.create_demo_accounts()
    assert [one.login for one in logins] == [
        "head", "deputy", "office", "delivery", "dispatcher", "driver", "marketing", "department",
        "market-manager", "customer-manager", "service-desk", "order-desk", "technician", "inspection",
        "petitions", "admin",
    ]  # fmt: skip
    assert len({one.person.pk for one in logins}) == 16
    assert Account.objects.get(login="dispatcher").check_password(DEMO_PASSWORD)
    again = services.create_demo_accounts()
    assert [(a.login, a.person.pk) for a in again] == [(b.login, b.person.pk) for b in logins]
    assert Account.objects.count() == 16


def test_the_dispatcher_of_the_demo_is_the_one_on_duty(clock: VirtualClock) -> None:
    login = next(one for one in services.create_demo_accounts() if one.login == "dispatcher")
    duty = resolve(RoleSpec(duty="dispatcher", scope="site"), {"site": "delivery-center"}, clock.now())
    assert login.person == duty.person


def test_a_key_is_shown_once_and_can_be_revoked(driver: Person, clock: VirtualClock) -> None:
    account = services.create_account("driver", "a long password", person=driver, actor=None)
    token = services.issue_token(account, "phone", actor=driver)
    assert token.startswith("cb_")
    assert account_of_token(token) == account
    row = ApiToken.objects.get()
    assert token not in row.digest
    services.revoke_token(row, actor=driver)
    assert account_of_token(token) is None
    with pytest.raises(Conflict, match="revoked already"):
        services.revoke_token(row, actor=driver)


def test_a_login_is_taken_once(driver: Person, colleague: Person) -> None:
    services.create_account("one", "a long password", person=driver, actor=None)
    with pytest.raises(Invalid, match="one is taken"):
        services.create_account("one", "a long password", person=colleague, actor=None)
    with pytest.raises(Invalid, match="has a login already"):
        services.create_account("two", "a long password", person=driver, actor=None)


def test_a_weak_password_is_refused(driver: Person) -> None:
    with translation.override("en"), pytest.raises(Invalid, match="password: This password is too short"):
        services.create_account("one", "short", person=driver, actor=None)
    with pytest.raises(Invalid, match="login: 1 to 60"):
        services.create_account(" ", "a long password", person=driver, actor=None)
    assert not Account.objects.exists()
    account = services.create_account("one", "a long password", person=driver, actor=None)
    with pytest.raises(Invalid, match="password"):
        services.set_password(account, "password", actor=None)
    assert Account.objects.get().check_password("a long password")


def test_another_password_and_a_closed_login_end_sessions_and_keys(driver: Person, colleague: Person) -> None:
    account = services.create_account("one", "a long password", person=driver, actor=None)
    token = services.issue_token(account, "phone", actor=driver)
    with pytest.raises(NotAllowed, match=r"people\.manage_accounts"):
        services.switch_account(account, on=False, actor=colleague)
    before = account.get_session_auth_hash()
    services.set_password(account, "another password", actor=None)
    assert Account.objects.get().get_session_auth_hash() != before
    services.switch_account(account, on=False, actor=None)
    assert account_of_token(token) is None
    with pytest.raises(Conflict, match="closed already"):
        services.switch_account(account, on=False, actor=None)
    services.switch_account(account, on=True, actor=None)
    assert account_of_token(token) == account
    services.retire(driver, actor=None)
    with pytest.raises(Conflict, match="has left"):
        services.switch_account(Account.objects.get(), on=True, actor=None)
