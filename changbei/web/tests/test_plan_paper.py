"""The plan on paper, handbooks and diagrams as pages and from the API, and who may have phone numbers."""

from __future__ import annotations

import io
from typing import Any

import docx
import pytest
from django.test import Client
from lxml import etree
from lxml import html as lxml_html
from pypdf import PdfReader

from changbei.incidents.tests.people import holder
from changbei.people import accounts
from changbei.people.models import Person
from changbei.plans.selectors import pack_in_force
from changbei.runs import services as runs
from changbei.web.tests.conftest import Case, client_of, text

pytestmark = pytest.mark.django_db
PACK = "customer-service-emergency"
CHAPTERS = [
    "1 General",
    "2 Emergency organisation and duties",
    "3 Emergency response",
    "4 Aftermath",
    "5 Resources",
    "6 Supplementary provisions",
    "Appendices",
]


def _phones(where: str) -> set[str]:
    return {one for one in Person.objects.values_list("phone", flat=True) if one and one in where}


def test_the_document_stands_on_its_page_without_script_and_without_phone_numbers(breakdown: Case) -> None:
    page = text(breakdown.colleague_client, f"/plan/{PACK}/document/")
    paper = lxml_html.fromstring(page).find_class("cb-paper")[0]
    assert [
        one.text_content() for one in paper.iter("h2") if one.get("id", "").startswith("section-")
    ] == CHAPTERS
    assert list(paper.iter("script")) == []
    assert "Contact details are personal data and are left out of this copy" in page
    assert _phones(lxml_html.tostring(paper, encoding="unicode")) == set()
    clauses = [one.get("id") for one in paper.iter("h3", "h4") if one.get("id", "").startswith("clause-")]
    assert sorted(clauses) == sorted(f"clause-{one}" for one in pack_in_force(PACK).clauses)
    assert "With names and phone numbers" not in page  # a customer manager may not


def test_phone_numbers_are_for_those_who_may_print_them(breakdown: Case) -> None:
    head = holder("leading-group-head")
    refused = breakdown.colleague_client.get(f"/plan/{PACK}/document/?contacts=1")
    assert refused.status_code == 403
    assert breakdown.colleague_client.get(f"/plan/{PACK}/document.html?contacts=1").status_code == 403
    assert (
        breakdown.colleague_client.get(f"/plan/{PACK}/handbook/dispatcher.html?contacts=1").status_code == 403
    )
    page = text(client_of(head, "head"), f"/plan/{PACK}/document/?contacts=1")
    assert head.phone in _phones(page)
    assert "This appendix holds personal data." in page


def test_the_document_is_handed_out_as_pdf_word_and_html(breakdown: Case) -> None:
    client = breakdown.colleague_client
    answer = client.get(f"/plan/{PACK}/document.pdf")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'inline; filename="{PACK}-2026.1-en.pdf"'
    first = PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    assert "Customer-service emergency plan" in first and "Draft" not in first
    word = docx.Document(io.BytesIO(client.get(f"/plan/{PACK}/document.docx").content))
    heads = [
        one.text.replace("  ", " ") for one in word.paragraphs if one.style and one.style.name == "Heading 1"
    ]
    assert heads == CHAPTERS
    page = client.get(f"/plan/{PACK}/document.html")
    assert page.headers["Content-Disposition"] == f'attachment; filename="{PACK}-2026.1-en.html"'
    assert page.content.startswith(b"<!doctype html>")
    assert client.get(f"/plan/{PACK}/document.odt").status_code == 404
    assert client.get("/plan/no-such-plan/document.pdf").status_code == 404


def test_a_handbook_of_a_role_is_small_and_its_own(breakdown: Case) -> None:
    answer = breakdown.colleague_client.get(f"/plan/{PACK}/handbook/dispatcher.pdf")
    reader = PdfReader(io.BytesIO(answer.content))
    assert round(float(reader.pages[0].mediabox.width)) == 298  # A6
    text = " ".join(" ".join(page.extract_text().split()) for page in reader.pages)
    assert "Take charge" in text and "accept within 3 min, done within 10 min · E3.3.1" in text
    assert breakdown.colleague_client.get(f"/plan/{PACK}/handbook/nobody.pdf").status_code == 404


def test_a_procedure_is_drawn_twice_and_said_in_words_with_links_to_its_steps(breakdown: Case) -> None:
    page = lxml_html.fromstring(
        text(breakdown.colleague_client, f"/plan/{PACK}/procedures/vehicle-breakdown/")
    )
    procedure = pack_in_force(PACK).procedures["vehicle-breakdown"]
    for name in ("cb-flow-narrow", "cb-flow-wide"):
        (drawn,) = page.find_class(name)
        links = [one.get("href") for one in drawn.iter("a")]
        assert links == [
            f"/plan/{PACK}/#step-vehicle-breakdown-{step}" for step in _drawn_order(procedure, drawn)
        ]
        assert len(links) == len(procedure.steps)
    words = page.find_class("cb-doc-steps")[0].text_content()
    assert "Task: Take charge · Delivery dispatcher · 10 min · E3.3.1" in words
    plan = text(breakdown.colleague_client, "/plan/")
    for step in procedure.steps:
        assert f'id="step-vehicle-breakdown-{step}"' in plan
    assert f"/plan/{PACK}/procedures/vehicle-breakdown.bpmn" in plan
    assert breakdown.colleague_client.get(f"/plan/{PACK}/procedures/no-such/").status_code == 404


def _drawn_order(procedure: Any, drawn: Any) -> list[str]:
    """The steps in the order in which they are drawn; each once."""
    found = [one.get("href").partition("#step-vehicle-breakdown-")[2] for one in drawn.iter("a")]
    assert sorted(found) == sorted(procedure.steps)
    return found


def test_a_running_event_marks_where_it_stands(breakdown: Case) -> None:
    run = breakdown.incident.run
    assert run is not None
    url = f"/runs/{run.uuid}/diagram/"
    assert url in text(breakdown.colleague_client, f"/incidents/{breakdown.incident.uuid}/")
    before = _states(text(breakdown.colleague_client, url))
    assert before["confirm-place"] == "open"
    assert before["rescue"] == "skipped"  # nobody is hurt
    assert before["confirm-restored"] == "waiting"
    task = breakdown.task("confirm-place")
    runs.acknowledge(task, actor=breakdown.driver)
    runs.complete(task, {}, actor=breakdown.driver)
    page = text(breakdown.colleague_client, url)
    assert _states(page)["confirm-place"] == "done"
    assert f'href="/tasks/{task.uuid}/"' in page
    legend = lxml_html.fromstring(page).find_class("cb-flow-legend")[0]
    shown = {one.get("data-state"): int(one.findtext("b")) for one in legend}
    assert sum(shown.values()) == len(pack_in_force(PACK).procedures["vehicle-breakdown"].steps)
    assert client_of(None, "stranger").get(url).status_code == 404


def _states(page: str) -> dict[str, str]:
    """Step → state, read out of the wide drawing by its titles in words."""
    root = lxml_html.fromstring(page)
    procedure = pack_in_force(PACK).procedures["vehicle-breakdown"]
    titles = {
        step.title["en"]: step.id for step in procedure.steps.values() if step.title and step.kind != "do"
    }
    found = {}
    for group in root.find_class("cb-flow-wide")[0].find_class("cb-flow-step"):
        title = (group.findtext("title") or "").split(" · ")[1]
        if title in titles:
            found[titles[title]] = group.get("data-state")
    return found


def test_the_api_hands_out_the_same_files(breakdown: Case) -> None:
    token = accounts.issue_token(breakdown.colleague.account, "test", actor=None)
    headers = {"authorization": f"Bearer {token}"}
    client = Client()
    answer = client.get(f"/api/v1/plans/{PACK}/procedures/vehicle-breakdown.bpmn", headers=headers)
    root = etree.fromstring(answer.content)
    assert root.tag == "{http://www.omg.org/spec/BPMN/20100524/MODEL}definitions"
    drawing = client.get(f"/api/v1/plans/{PACK}/procedures/vehicle-breakdown.svg", headers=headers)
    assert etree.fromstring(drawing.content).tag == "{http://www.w3.org/2000/svg}svg"
    paper = client.get(f"/api/v1/plans/{PACK}/document.html", headers=headers)
    assert paper.content.startswith(b"<!doctype html>")
    refused = client.get(f"/api/v1/plans/{PACK}/document.html?contacts=true", headers=headers)
    assert (refused.status_code, refused.json()["error"]) == (403, "not_allowed")
    book = client.get(f"/api/v1/plans/{PACK}/handbooks/dispatcher.html", headers=headers)
    assert "Take charge" in book.content.decode() or "接手调度" in book.content.decode()
    assert client.get(f"/api/v1/plans/{PACK}/document.pdf").status_code == 401
