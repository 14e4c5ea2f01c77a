"""Who hears of a draft on its way (E2.2, E4)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from changbei.core.clock import VirtualClock
from changbei.incidents.tests.people import holder
from changbei.journal.models import Entry
from changbei.network.city import City
from changbei.notify.models import Message, Notice
from changbei.people.models import Person
from changbei.people.rules import LEADING_GROUP
from changbei.plans import drafts, services
from changbei.plans.models import PlanDraft
from changbei.plans.tests import packs
from changbei.site.reactions import TABLE

FILES = packs.files(packs.stage("go", f"id: a, {packs.TASK}"))
SECOND = FILES["plan.yaml"].replace('version: "1"', 'version: "2"')


@pytest.fixture
def draft(small_city: City, clock: VirtualClock, tmp_path: Path) -> PlanDraft:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    services.set_up(tmp_path, actor=None)
    author = holder("leading-group-office")
    begun = drafts.begin("test-plan", actor=author)
    begun = drafts.save_file(begun, "plan.yaml", SECOND, revision=1, actor=author)
    day = clock.now().date() + timedelta(days=10)
    return drafts.submit(begun, day, reason="the drill of May", actor=author)


def hear(kind: str) -> None:
    """The latest fact of the kind reaches the rooms above."""
    for reaction in TABLE[kind]:
        reaction.do(Entry.objects.filter(kind=kind).latest("pk"))


def told(template: str) -> set[str]:
    notice = Notice.objects.get(template=template)
    return set(Message.objects.filter(notice=notice).values_list("person__staff_no", flat=True))


@pytest.mark.clause("E2.2", "E4")
def test_the_group_hears_that_it_is_to_sign_and_the_author_when_it_is_signed(draft: PlanDraft) -> None:
    hear("plans.draft_submitted")
    author = draft.submitted_by
    assert author is not None
    group = Person.objects.filter(holdings__until__isnull=True, holdings__post__kind__in=LEADING_GROUP)
    assert told("plan-draft-to-sign") == {one.staff_no for one in group} - {author.staff_no}
    assert "the drill of May" in Notice.objects.get(template="plan-draft-to-sign").body["en"]
    for kind in ("delivery-center-head", "finance-head", "leading-group-head"):
        drafts.sign(draft, digest=draft.digest, actor=holder(kind))
        hear("plans.draft_signed")
    assert told("plan-draft-adopted") == {author.staff_no}


@pytest.mark.clause("E4")
def test_the_author_hears_why_it_was_refused(draft: PlanDraft) -> None:
    drafts.refuse(draft, digest=draft.digest, words="the limit is too high", actor=holder("finance-head"))
    hear("plans.draft_refused")
    assert told("plan-draft-refused") == {holder("leading-group-office").staff_no}
    assert Notice.objects.get(template="plan-draft-refused").body["zh-Hans"] == "the limit is too high"
