"""A draft in the browser: begun, written in with live findings, submitted, signed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from changbei.core.clock import VirtualClock
from changbei.incidents.tests.people import holder
from changbei.people.models import Person, Post
from changbei.plans.models import PlanDraft, PlanVersion
from changbei.web.tests.conftest import client_of

pytestmark = pytest.mark.usefixtures("adopted")


@pytest.mark.clause("E2.2", "E4")
def test_a_new_version_by_hand(clock: VirtualClock) -> None:
    old = PlanVersion.objects.get(in_force=True)
    office = client_of(holder("leading-group-office"), "office")
    assert office.get("/plan/versions/").status_code == 200
    assert office.post("/plan/drafts/", {"review": "no review at all"}).status_code == 404
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
        assert member.get(f"/plan/drafts/{draft.uuid}/").context["may_sign"] is True
        assert member.post(f"/plan/drafts/{draft.uuid}/sign", {"digest": draft.digest}).status_code == 303
        assert member.get(f"/plan/drafts/{draft.uuid}/").context["may_sign"] is False
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


def test_a_plan_from_nothing_is_written_checked_read_and_signed(clock: VirtualClock) -> None:
    office = client_of(holder("leading-group-office"), "office")
    assert office.post("/plan/drafts/new", {"pack": "Fire!", "title": ""}).status_code == 422
    begun = office.post("/plan/drafts/new", {"pack": "fire", "title": "火灾预案"})
    draft = PlanDraft.objects.get()
    where = f"/plan/drafts/{draft.uuid}/"
    assert (begun.status_code, begun["Location"], draft.base) == (303, where, None)
    assert office.post("/plan/drafts/new", {"pack": "fire", "title": "again"}).status_code == 409
    assert "火灾预案" in office.get("/plan/versions/").content.decode()

    assert office.get(f"{where}check/").context["rows"] == []  # nothing to mend as it stands
    assert "all of it is new" in office.get(f"{where}changes/").content.decode()
    assert (
        "安保处核实情况"
        in client_of(holder("finance-head"), "finance")
        .get(f"{where}document/", headers={"Accept-Language": "zh-Hans"})
        .content.decode()
    )
    paper = office.get(f"{where}document.docx")
    assert paper.status_code == 200 and paper.content[:2] == b"PK"

    new = office.get(where, {"file": "messages/told.yaml"})
    assert new.context["text"] == "" and "messages/told.yaml" in new.content.decode()
    save = {"file": "messages/told.yaml", "text": "id: told\n", "revision": "1"}
    assert office.post(f"{where}save", save).status_code == 303
    for page in ("changes/", "document/"):
        assert "messages/told.yaml:" in office.get(f"{where}{page}").content.decode() or page == "changes/"
    assert office.get(f"{where}document.pdf").status_code == 422
    assert "load" in {row.finding.kind for row in office.get(f"{where}check/").context["rows"]}


def test_a_draft_is_compared_with_what_it_was_begun_from() -> None:
    office = client_of(holder("leading-group-office"), "office")
    office.post("/plan/drafts/", {"pack": "customer-service-emergency"})
    draft = PlanDraft.objects.get()
    text = draft.files["plan.yaml"].replace("tier: city", "tier: county", 1)
    changed = text.replace(
        "default: 365\n    unit: days\n    minimum: 1\n    clause: E2.2",
        "default: 180\n    unit: days\n    minimum: 1\n    clause: E2.2",
    )
    assert changed != text
    office.post(f"/plan/drafts/{draft.uuid}/save", {"file": "plan.yaml", "text": changed, "revision": "1"})
    page = office.get(f"/plan/drafts/{draft.uuid}/changes/")
    changes = [row.change.subject for _title, rows in page.context["groups"] for row in rows]
    assert "exercise_days" in changes


def test_who_neither_writes_nor_signs_reads_no_draft() -> None:
    client_of(holder("leading-group-office"), "office").post(
        "/plan/drafts/", {"pack": "customer-service-emergency"}
    )
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    client, where = client_of(driver, driver.staff_no), f"/plan/drafts/{PlanDraft.objects.get().uuid}/"
    assert {
        client.get(f"{where}{page}").status_code
        for page in ("check/", "changes/", "document/", "document.pdf")
    } == {404}
    assert client.post("/plan/drafts/new", {"pack": "fire", "title": "x"}).status_code == 403
