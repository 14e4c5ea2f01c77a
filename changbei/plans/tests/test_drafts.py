"""A plan is changed by a draft that the leading group signs, and looked at again when it has to be."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, Invalid, NotAllowed, NotFound
from changbei.incidents.tests.people import holder
from changbei.journal.models import Entry
from changbei.network.city import City
from changbei.people import services as people
from changbei.people.models import Person
from changbei.plans import access, drafts, reviews, rules, services
from changbei.plans.models import PlanDraft, PlanReview, PlanVersion, Signature
from changbei.plans.tests import packs

FILES = packs.files(packs.stage("go", f"id: a, {packs.TASK}"))
SECOND = {**FILES, "plan.yaml": FILES["plan.yaml"].replace('version: "1"', 'version: "2"')}


@pytest.fixture
def first(small_city: City, clock: VirtualClock, tmp_path: Path) -> PlanVersion:
    """The first version, set up on a new site."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return services.set_up(tmp_path, actor=None)


def written(actor: Person) -> PlanDraft:
    draft = drafts.begin("test-plan", actor=actor)
    return drafts.save_file(draft, "plan.yaml", SECOND["plan.yaml"], revision=1, actor=actor)


def submitted(actor: Person, effective_on: date) -> PlanDraft:
    return drafts.submit(written(actor), effective_on, reason="the drill of May", actor=actor)


@pytest.mark.clause("E4", "E5")
def test_a_first_version_is_an_act_of_its_own_and_happens_once(first: PlanVersion, tmp_path: Path) -> None:
    assert first.in_force
    kinds = list(
        Entry.objects.filter(kind__startswith="plans.").order_by("pk").values_list("kind", flat=True)
    )
    assert kinds == ["plans.first_set_up", "plans.adopted", "plans.put_in_force"]
    assert Entry.objects.get(kind="plans.adopted").data["signed_by"] == []
    (tmp_path / "plan.yaml").write_text(SECOND["plan.yaml"], encoding="utf-8")
    with pytest.raises(Conflict, match="has a version already"):
        services.set_up(tmp_path, actor=None)
    assert PlanVersion.objects.count() == 1


@pytest.mark.clause("E2.2", "E4", "E5")
def test_a_draft_that_three_of_the_group_sign_holds_from_its_day(
    first: PlanVersion, clock: VirtualClock
) -> None:
    office, today = holder("leading-group-office"), clock.now().astimezone().date()
    draft = submitted(office, today + timedelta(days=10))
    assert drafts.missing(draft) == (3, True)
    draft = drafts.sign(draft, digest=draft.digest, actor=holder("delivery-center-head"))
    draft = drafts.sign(draft, digest=draft.digest, actor=holder("finance-head"))
    assert (draft.state, drafts.missing(draft)) == ("review", (1, True))
    draft = drafts.sign(draft, digest=draft.digest, actor=holder("leading-group-head"))
    assert draft.state == "adopted"
    version = PlanVersion.objects.get(version="2")
    assert (draft.adopted, version.digest, version.in_force) == (version, draft.digest, False)
    posts = list(Signature.objects.order_by("pk").values_list("post", "signed", "digest"))
    assert posts == [
        ("delivery-center-head", True, draft.digest),
        ("finance-head", True, draft.digest),
        ("leading-group-head", True, draft.digest),
    ]
    signers = [
        holder(kind).staff_no for kind in ("delivery-center-head", "finance-head", "leading-group-head")
    ]
    assert Entry.objects.filter(kind="plans.adopted").latest("pk").data["signed_by"] == signers
    assert services.take_effect(actor=None) == []
    clock.advance(timedelta(days=11))
    assert services.take_effect(actor=None) == [version]
    first.refresh_from_db()
    assert not first.in_force


@pytest.mark.clause("E4")
def test_three_signatures_without_a_leader_are_not_enough(first: PlanVersion, clock: VirtualClock) -> None:
    draft = submitted(holder("leading-group-office"), clock.now().date() + timedelta(days=1))
    for kind in ("delivery-center-head", "finance-head", "security-head", "info-center-head"):
        draft = drafts.sign(draft, digest=draft.digest, actor=holder(kind))
    assert (draft.state, drafts.missing(draft)) == ("review", (1, True))
    draft = drafts.sign(draft, digest=draft.digest, actor=holder("leading-group-deputy"))
    assert draft.state == "adopted"


def asking_for(signatures: int) -> str:
    """The second version's plan.yaml with this number of signatures."""
    title = "title: {zh-Hans: 签, zh-Hant: 簽, en: Sign}"
    setting = f"plan_signatures: {{default: {signatures}, clause: E1.1, {title}}}"
    return SECOND["plan.yaml"].replace("settings:\n", f"settings:\n  {setting}\n")


@pytest.mark.clause("E4")
@pytest.mark.parametrize(("asked", "needed"), [(1, 3), (4, 4)])
def test_a_draft_does_not_lower_the_number_of_its_own_signatures(
    first: PlanVersion, clock: VirtualClock, asked: int, needed: int
) -> None:
    office = holder("leading-group-office")
    draft = drafts.begin("test-plan", actor=office)
    draft = drafts.save_file(draft, "plan.yaml", asking_for(asked), revision=1, actor=office)
    assert drafts.missing(draft) == (needed, True)


@pytest.mark.clause("E4")
def test_of_two_drafts_with_one_number_one_is_adopted(first: PlanVersion, clock: VirtualClock) -> None:
    office, day = holder("leading-group-office"), clock.now().date() + timedelta(days=3)
    one, other = submitted(office, day), submitted(office, day)
    for kind in ("delivery-center-head", "finance-head"):
        one = drafts.sign(one, digest=one.digest, actor=holder(kind))
        other = drafts.sign(other, digest=other.digest, actor=holder(kind))
    head = holder("leading-group-head")
    one = drafts.sign(one, digest=one.digest, actor=head)
    assert one.state == "adopted"
    with pytest.raises(Conflict, match="another version has this number"):
        drafts.sign(other, digest=other.digest, actor=head)
    other.refresh_from_db()
    assert (other.state, drafts.missing(other)) == ("review", (1, True))
    assert PlanVersion.objects.filter(version="2").get() == one.adopted
    assert drafts.refuse(other, digest=other.digest, words="a number", actor=head).state == "edited"


@pytest.mark.clause("E4")
def test_only_the_group_signs_once_and_only_what_it_has_read(first: PlanVersion, clock: VirtualClock) -> None:
    draft = submitted(holder("leading-group-office"), clock.now().date() + timedelta(days=1))
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    for outsider in (driver, holder("leading-group-office")):
        with pytest.raises(NotAllowed):
            drafts.sign(draft, digest=draft.digest, actor=outsider)
    with pytest.raises(Conflict, match="changed since you read it"):
        drafts.sign(draft, digest=first.digest, actor=holder("finance-head"))
    drafts.sign(draft, digest=draft.digest, actor=holder("finance-head"))
    with pytest.raises(Conflict, match="already"):
        drafts.sign(draft, digest=draft.digest, actor=holder("finance-head"))
    assert Signature.objects.count() == 1
    with pytest.raises(NotFound):
        access.get_draft(driver, draft.uuid)
    with pytest.raises(NotAllowed):
        drafts.begin("test-plan", actor=driver)
    assert PlanDraft.objects.count() == 1


@pytest.mark.clause("E4")
def test_a_substitute_of_a_head_signs_with_the_post(first: PlanVersion, clock: VirtualClock) -> None:
    head, other = holder("finance-head"), Person.objects.filter(job="customer_manager").order_by("pk")[0]
    people.record_absence(
        head, clock.now(), clock.now() + timedelta(days=3), out_of_city=True, substitute=other, actor=head
    )
    draft = submitted(holder("leading-group-office"), clock.now().date() + timedelta(days=1))
    drafts.sign(draft, digest=draft.digest, actor=other)
    assert Signature.objects.values_list("person", "post").get() == (other.pk, "finance-head")


@pytest.mark.clause("E2.2")
def test_who_refuses_says_why_and_a_change_needs_new_signatures(
    first: PlanVersion, clock: VirtualClock
) -> None:
    office, day = holder("leading-group-office"), clock.now().date() + timedelta(days=1)
    draft = submitted(office, day)
    draft = drafts.sign(draft, digest=draft.digest, actor=holder("finance-head"))
    with pytest.raises(Invalid, match="say what"):
        drafts.refuse(draft, digest=draft.digest, words=" ", actor=holder("leading-group-head"))
    draft = drafts.refuse(draft, digest=draft.digest, words="the limit", actor=holder("leading-group-head"))
    assert (draft.state, draft.revision) == ("edited", 3)
    changed = SECOND["plan.yaml"].replace("default: 10m", "default: 20m")
    with pytest.raises(Conflict, match="meanwhile"):
        drafts.save_file(draft, "plan.yaml", changed, revision=2, actor=office)
    draft = drafts.save_file(draft, "plan.yaml", changed, revision=3, actor=office)
    draft = drafts.submit(draft, day, reason="the limit is longer", actor=office)
    assert drafts.missing(draft) == (3, True)
    assert drafts.withdraw(draft, actor=office).state == "withdrawn"
    with pytest.raises(Conflict):
        drafts.sign(draft, digest=draft.digest, actor=holder("leading-group-head"))
    assert PlanVersion.objects.count() == 1


def test_what_cannot_be_submitted(first: PlanVersion, clock: VirtualClock) -> None:
    office, today = holder("leading-group-office"), clock.now().date()
    draft = drafts.begin("test-plan", actor=office)
    with pytest.raises(Invalid, match="a version 1 already"):
        drafts.submit(draft, today + timedelta(days=1), reason="x", actor=office)
    draft = drafts.save_file(draft, "plan.yaml", SECOND["plan.yaml"], revision=1, actor=office)
    with pytest.raises(Invalid, match="has passed"):
        drafts.submit(draft, today - timedelta(days=1), reason="x", actor=office)
    with pytest.raises(Invalid, match="say why"):
        drafts.submit(draft, today + timedelta(days=1), reason=" ", actor=office)
    wrong = drafts.with_file(draft, "clauses/E1.1.md", None)
    assert {problem.file for problem in drafts.findings(wrong)} >= {"plan.yaml"}
    for path in ("../x.yaml", "/x.yaml", "a//b.md", "notes.txt"):
        with pytest.raises(Invalid, match="a file of a pack"):
            drafts.save_file(draft, path, "x", revision=2, actor=office)
    assert PlanDraft.objects.get().revision == 2


@pytest.mark.clause("E2.2")
def test_a_review_falls_due_after_the_period_a_drill_and_an_event(
    first: PlanVersion, clock: VirtualClock
) -> None:
    office = holder("leading-group-office")
    PlanVersion.objects.filter(pk=first.pk).update(effective_on=clock.now().date() - timedelta(days=100))
    assert reviews.ask_for_periods() == 0  # due in 265 days
    clock.advance(timedelta(days=240))
    assert (reviews.ask_for_periods(), reviews.ask_for_periods()) == (1, 0)
    period = PlanReview.objects.get()
    day = first.effective_on
    first.refresh_from_db()
    assert period.due_on == first.effective_on + timedelta(days=365) != day
    assert (period.reason, period.owner) == ("period", office)
    incident = uuid4()
    after = reviews.ask_after(first, "drill", source=incident, number="INC-0007")
    assert after is not None
    assert after.due_on - clock.now().date() == rules.REVIEW_WITHIN
    assert reviews.ask_after(first, "drill", source=incident, number="INC-0007") is None
    done = reviews.finish(period, outcome="it stays as it is", actor=office)
    assert done.done_by == office
    with pytest.raises(Conflict):
        reviews.finish(period, outcome="again", actor=office)
    assert reviews.ask_for_periods() == 0  # the period begins again
    clock.advance(timedelta(days=340))
    assert reviews.ask_for_periods() == 1


@pytest.mark.clause("E2.2", "E4")
def test_a_draft_written_for_a_review_finishes_it(first: PlanVersion, clock: VirtualClock) -> None:
    office = holder("leading-group-office")
    review = reviews.ask_after(first, "event", source=uuid4(), number="INC-0001")
    assert review is not None
    draft = drafts.begin("test-plan", actor=office, files=SECOND, review=review)
    draft = drafts.submit(draft, clock.now().date() + timedelta(days=2), reason="INC-0001", actor=office)
    for kind in ("leading-group-head", "leading-group-deputy", "security-head"):
        draft = drafts.sign(draft, digest=draft.digest, actor=holder(kind))
    review.refresh_from_db()
    assert (review.outcome, review.draft) == ("2", draft)
    assert review.done_at == clock.now()


def test_what_counts_as_signed() -> None:
    assert rules.missing_signatures({}, 3) == (3, True)
    assert rules.missing_signatures({1: "finance-head", 2: "leading-group-deputy"}, 3) == (1, False)
    assert rules.missing_signatures({1: "finance-head", 2: "security-head", 3: "info-center-head"}, 3) == (
        1,
        True,
    )
    assert rules.missing_signatures({1: "leading-group-head"}, 1) == (0, False)
