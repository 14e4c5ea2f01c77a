"""A draft in the browser: begun, written in with live findings, submitted, signed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from changbei.core.clock import VirtualClock
from changbei.people.models import Person, Post, PostHolding
from changbei.plans.models import PlanDraft, PlanVersion
from changbei.web.tests.conftest import client_of

pytestmark = pytest.mark.usefixtures("adopted")


def holder(kind: str) -> Person:
    return PostHolding.objects.select_related("person").get(post__kind=kind, rank=1).person


@pytest.mark.clause("E2.2", "E4")
def test_a_new_version_by_hand(clock: VirtualClock) -> None:
    old = PlanVersion.objects.get(in_force=True)
    office = client_of(holder("leading-group-office"), "office")
    assert office.get("/plan/versions/").status_code == 200
    begun = office.post("/plan/drafts/", {"pack": old.pack})
    draft = PlanDraft.objects.get()
    assert (begun.status_code, begun["Location"]) == (303, f"/plan/drafts/{draft.uuid}/")
    page = office.get(begun["Location"])
    text = draft.files["plan.yaml"]
    assert page.context["text"] == text
    assert page.context["numbers"].splitlines()[-1] == str(text.count("\n") + 12)

    wrong = text.replace("tier: city", "tier: nowhere")
    look = f"/plan/drafts/{draft.uuid}/findings"
    found = office.post(look, {"file": "plan.yaml", "text": wrong})
    assert "plan.yaml:" in found.content.decode()
    draft.refresh_from_db()
    assert draft.revision == 1  # looking saves nothing

    right = text.replace(f'version: "{old.version}"', 'version: "next"')
    saved = office.post(
        f"/plan/drafts/{draft.uuid}/save", {"file": "plan.yaml", "text": right, "revision": "1"}
    )
    assert saved.status_code == 303
    again = office.post(
        f"/plan/drafts/{draft.uuid}/save", {"file": "plan.yaml", "text": text, "revision": "1"}
    )
    assert again.status_code == 409
    day = (clock.now() + timedelta(days=3)).date().isoformat()
    office.post(f"/plan/drafts/{draft.uuid}/submit", {"effective_on": day, "reason": "a number"})
    draft.refresh_from_db()
    assert (draft.state, draft.effective_on.isoformat() if draft.effective_on else "") == ("review", day)
    assert office.post(f"/plan/drafts/{draft.uuid}/sign", {"digest": draft.digest}).status_code == 403
    for kind in ("finance-head", "security-head", "leading-group-head"):
        member = client_of(holder(kind), kind)
        assert member.post(f"/plan/drafts/{draft.uuid}/sign", {"digest": draft.digest}).status_code == 303
    draft.refresh_from_db()
    version = PlanVersion.objects.get(version="next")
    assert (draft.state, draft.adopted, version.in_force) == ("adopted", version, False)
    page = office.get("/plan/versions/").content.decode()
    post = Post.objects.get(kind="finance-head").name["en"]
    assert f"{holder('finance-head').name} ({post}, " in page
    assert "<strong>Customer-service emergency plan next</strong>" in page


def test_a_driver_sees_versions_and_no_drafts() -> None:
    driver = client_of(Person.objects.filter(job="driver").order_by("pk")[0], "driver")
    page = driver.get("/plan/versions/")
    assert (page.status_code, page.context["may_draft"], page.context["drafts"]) == (200, False, [])
    assert driver.post("/plan/drafts/", {"pack": "customer-service-emergency"}).status_code == 403
    assert PlanDraft.objects.count() == 0
