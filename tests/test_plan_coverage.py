"""Every clause of the shipped plan is carried out by something, and some test has run it (`plan coverage` says 100)."""

from __future__ import annotations

from pathlib import Path

import pytest

from changbei.plans.coverage import claims, coverage
from changbei.plans.loading import load_pack, read_folder
from changbei.plans.model import Pack, clause_order

ROOT = Path(__file__).resolve().parents[1]
OFFICIAL = [
    "E1.4",
    "E2.1a",
    "E2.1b",
    "E2.1c",
    "E2.1d",
    "E2.1e",
    "E2.2",
    "E2.3",
    "E2.4",
    "E2.5",
    "E2.6",
    "E2.7",
    "E2.8",
    "E2.9",
    "E3.1.1",
    "E3.1.2",
    "E3.1.3",
    "E3.1.4",
    "E3.1.5",
    "E3.1.6",
    "E3.1.7",
    "E3.1.8",
    "E3.1.9",
    "E3.1.10",
    "E3.1.11",
    "E3.1.12",
    "E3.1.13",
    "E3.2",
    "E3.2.1",
    "E3.2.2",
    "E3.2.3",
    "E3.2.4",
    "E3.2.5",
    "E3.2.6",
    "E3.2.7",
    "E3.2.8",
    "E3.2.9",
    "E3.3.1",
    "E3.3.2",
    "E3.3.3",
    "E3.3.4",
    "E3.3.5",
    "E3.4.1",
    "E3.4.2",
    "E3.4.3a",
    "E3.4.3b",
    "E3.4.3c",
    "E3.4.4",
    "E3.5.1",
    "E3.5.2a",
    "E3.5.2b",
    "E3.5.3",
    "E3.5.4",
    "E4",
    "E5",
]
"""The rows of the customer-service emergency plan, in the order of the document."""


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(read_folder(ROOT / "plans" / "customer-service-emergency"))


def test_every_clause_of_the_official_document_is_in_the_plan(pack: Pack) -> None:
    assert len(OFFICIAL) == len(set(OFFICIAL)) == 55
    assert set(OFFICIAL) - set(pack.clauses) == set()
    assert sorted(OFFICIAL, key=clause_order) == OFFICIAL


def test_every_clause_is_carried_out(pack: Pack) -> None:
    found = coverage(pack, {})
    assert [clause.id for clause in found.clauses if not clause.fulfilled_by] == []


def test_every_clause_is_carried_out_and_tested(pack: Pack) -> None:
    found = coverage(pack, claims(ROOT))
    assert [clause.id for clause in found.clauses if not clause.complete] == []
    assert found.percent == 100.0


def test_everyday_service_is_carried_out_and_tested() -> None:
    found = coverage(load_pack(read_folder(ROOT / "plans" / "customer-service")), claims(ROOT))
    assert [clause.id for clause in found.clauses] == [
        "J2",
        "J4",
        "J7",
        "S1",
        "S2",
        "S3",
        "S6",
        "S8",
        "S9",
        "S11",
    ]
    assert [clause.id for clause in found.clauses if not clause.complete] == []


def test_no_test_claims_a_clause_that_no_plan_has() -> None:
    folders = sorted(path.parent for path in (ROOT / "plans").glob("*/plan.yaml"))
    known = {clause for folder in folders for clause in load_pack(read_folder(folder)).clauses}
    assert set(claims(ROOT)) - known == set()
