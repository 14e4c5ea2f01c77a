"""The tabs beside a plan's document and the API behind them: the same results as the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client

from changbei.core import clock
from changbei.incidents.plan import procedure_in_force
from changbei.network.city import City
from changbei.people.accounts import issue_token
from changbei.people.models import Account, Person
from changbei.plans import selectors
from changbei.plans import services as plans
from changbei.plans.loading import pack_for
from changbei.plans.models import PlanVersion
from changbei.plans.starting import starter
from changbei.plans.tests import packs
from changbei.runs import services as runs
from changbei.web import showing
from changbei.web.tests.conftest import client_of

GO = packs.stage("go", f"id: a, {packs.TASK}")
SMALL = packs.PLAN.replace("id: test-plan", "id: small")


@pytest.fixture
def two_versions(small_city: City, clock: object, tmp_path: Path) -> list[PlanVersion]:
    """A small plan, and the same with a shorter limit and another share, which is in force."""
    changed = SMALL.replace("default: 0.5", "default: 0.6").replace('"1"', '"2"')
    second = packs.files(GO.replace("within: 15m", "within: 10m"), plan=changed)
    return [adopt(packs.files(GO, plan=SMALL), tmp_path / "one"), adopt(second, tmp_path / "two")]


def adopt(files: dict[str, str], folder: Path) -> PlanVersion:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return plans.adopt(folder, actor=None)


@pytest.fixture
def visitor(small_city: City) -> Client:
    return client_of(Person.objects.order_by("pk")[0], "visitor")


def bearer(login: str) -> dict[str, str]:
    account = Account.objects.get(login=login)
    return {"authorization": f"Bearer {issue_token(account, 'test', actor=None)}"}


@pytest.mark.django_db
def test_the_check_as_page_and_api(two_versions: list[PlanVersion], visitor: Client) -> None:
    said = visitor.get("/api/v1/plans/small/check", headers=bearer("visitor")).json()
    assert (said["ok"], said["pack"]["id"], said["pack"]["version"]) == (False, "small", "2")
    kinds = [(one["kind"], one["file"], one["line"]) for one in said["findings"]]
    assert ("unknown-post", "plan.yaml", 13) in kinds  # there is no post of the kind `head`
    assert ("setting-unused", "plan.yaml", 9) in kinds
    assert set(said["findings"][0]) == {
        "severity", "kind", "clause", "file", "line", "column", "what", "mend"
    }  # fmt: skip
    page = visitor.get("/plan/small/check/").content.decode()
    assert page.count("<tr data-kind=") == len(said["findings"])
    assert "There is no post of the kind head, which role head follows." in page
    assert "<code>plan.yaml:13:" in page


@pytest.mark.django_db
def test_coverage_as_page_and_api(two_versions: list[PlanVersion], visitor: Client) -> None:
    said = visitor.get("/api/v1/plans/small/coverage", headers=bearer("visitor")).json()
    assert said["percent"] == 0.0
    assert [one["id"] for one in said["clauses"]] == ["E1.1"]
    assert "step:breakdown/a" in said["clauses"][0]["fulfilled_by"]
    page = visitor.get("/plan/small/coverage/").content.decode()
    assert "<code>step:breakdown/a</code>" in page
    assert "0.0 % of 1 clauses are carried out and tested" in page


@pytest.mark.django_db
def test_what_changed_as_page_and_api(two_versions: list[PlanVersion], visitor: Client) -> None:
    first, second = two_versions
    said = visitor.get(
        f"/api/v1/plans/diff?before={first.pk}&after=small:2", headers=bearer("visitor")
    ).json()
    changes = [
        (one["part"], one["subject"], one["aspect"], one["before"], one["after"]) for one in said["changes"]
    ]
    assert changes == [
        ("plan", "small", "version", "1", "2"),
        ("setting", "most_share", "value", "0.5", "0.6"),
        ("step", "breakdown/a", "within", "15m", "10m"),
        ("table", "level", "outcome", "", "3 of 99 inputs"),
    ]
    page = visitor.get("/plan/small/diff/").content.decode()
    assert "<code>breakdown/a</code>" in page
    assert f'<option value="{first.pk}" selected>' in page
    back = visitor.get(f"/plan/small/diff/?before={second.pk}&after={second.pk}").content.decode()
    assert "The two versions say and do the same." in back
    assert selectors.in_force("small").pk == second.pk


@pytest.mark.django_db
def test_who_is_nobody_sees_nothing(two_versions: list[PlanVersion]) -> None:
    outsider = client_of(None, "outsider")
    for tab in ("check", "coverage", "diff"):
        assert outsider.get(f"/plan/small/{tab}/").status_code == 403
        assert Client().get(f"/plan/small/{tab}/").status_code == 302
    answer = outsider.get("/api/v1/plans/small/check", headers=bearer("outsider"))
    assert (answer.status_code, json.loads(answer.content)["error"]) == (403, "not_allowed")


@pytest.mark.django_db
def test_a_plan_that_is_not_there(small_city: City, visitor: Client) -> None:
    assert visitor.get("/plan/none/check/").status_code == 404
    assert visitor.get("/api/v1/plans/diff?before=a&after=b", headers=bearer("visitor")).status_code == 404


@pytest.mark.django_db
def test_a_clause_leads_to_the_plan_that_has_it(
    adopted: None, two_versions: list[PlanVersion], visitor: Client
) -> None:
    for number, there in (
        ("E1.1", "/plan/small/#clause-E1.1"),
        ("E3.2.1", "/plan/customer-service-emergency/#clause-E3.2.1"),
        ("X9", "/plan/"),
    ):
        assert visitor.get(f"/plan/clauses/{number}/")["Location"] == there
    pack = pack_for(two_versions[1])
    found = {number: showing.clause(number, pack) for number in ("E1.1", "E3.2.1")}
    assert {number: one.url for number, one in found.items() if one} == {
        "E1.1": "/plan/small/#clause-E1.1",
        "E3.2.1": "/plan/clauses/E3.2.1/",
    }


@pytest.mark.django_db
def test_a_clause_that_two_plans_number_alike_leads_to_the_plan_of_who_cites_it(
    adopted: None, visitor: Client
) -> None:
    for name in ("aaa-first", "zzz-second"):
        plans.take(starter(name, name, effective_on=clock.local_now().date()), actor=None)
    second = procedure_in_force("zzz-second")
    run = runs.start(
        second.procedure.id,
        plan_version=second.version,
        incident=None,
        number="PRO-0001",
        title={"en": "x"},
        context={"report": {}, "incident": {}},
        scope={},
        drill=False,
        actor=None,
    )
    assert visitor.get("/plan/clauses/A1/")["Location"] == "/plan/aaa-first/#clause-A1"
    cited = showing.clause("A1", of=run.uuid)
    assert cited is not None
    assert visitor.get(cited.url)["Location"] == "/plan/zzz-second/#clause-A1"
    assert visitor.get("/plan/clauses/A1/?of=nothing")["Location"] == "/plan/aaa-first/#clause-A1"
