"""The check of a plan says when nobody is named to act for both leaders (E2.1c), or another plan has its procedure."""

from __future__ import annotations

from pathlib import Path

import pytest

from changbei.core.clock import VirtualClock
from changbei.network.city import City
from changbei.plans.loading import read_folder
from changbei.plans.services import take
from changbei.readiness import plan_check

TABLE = "tables/acting-commander.yaml"


@pytest.fixture
def files(small_city: City, clock: VirtualClock) -> dict[str, str]:
    return read_folder(Path(__file__).resolve().parents[3] / "plans" / "warehouse-flood")


def found(files: dict[str, str]) -> list[tuple[str, str, str]]:
    report = plan_check.check(files)
    return [(one.severity, one.kind, one.file) for one in report.findings if one.kind.startswith("acting")]


def test_the_plan_names_who_acts(files: dict[str, str]) -> None:
    assert found(files) == []


def test_without_the_table_nobody_is_named(files: dict[str, str]) -> None:
    del files[TABLE]
    assert found(files) == [("warning", "acting-missing", "plan.yaml")]


def test_a_post_that_does_not_exist_cannot_act(files: dict[str, str]) -> None:
    files[TABLE] = files[TABLE].replace("delivery-center-head", "delivery-head")
    assert found(files) == [("error", "acting-post", TABLE)]
    assert "delivery-center-head" in next(
        one.mend for one in plan_check.check(files).findings if one.kind == "acting-post"
    )


def test_a_procedure_of_another_plan_in_force_is_named(files: dict[str, str]) -> None:
    take(files, actor=None)
    assert "procedure-taken" not in [one.kind for one in plan_check.check(files).findings]
    other = {**files, "plan.yaml": files["plan.yaml"].replace("id: warehouse-flood", "id: other")}
    taken = [one for one in plan_check.check(other).findings if one.kind == "procedure-taken"]
    assert [(one.severity, one.file) for one in taken] == [("error", "procedures/warehouse-flood.yaml")]
    assert "warehouse-flood" in taken[0].what
