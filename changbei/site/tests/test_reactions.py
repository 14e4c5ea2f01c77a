"""Which fact starts which reaction: what a row of the table is there for."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from changbei.incidents import services as incidents
from changbei.incidents.tests import people
from changbei.journal.models import Entry
from changbei.network import imports
from changbei.network.city import City
from changbei.people.models import PostHolding
from changbei.plans.services import adopt
from changbei.runs import jobs as runs
from changbei.runs.models import RoleHolding
from changbei.site.reactions import TABLE
from changbei.testing.city import SHIPPED

pytestmark = pytest.mark.usefixtures("clock")


def hear(kind: str) -> None:
    """The latest fact of the kind reaches the rooms above."""
    for reaction in TABLE[kind]:
        reaction.do(Entry.objects.filter(kind=kind).latest("pk"))


def test_who_is_appointed_by_a_file_takes_up_the_role_that_nobody_held(
    small_city: City, tmp_path: Path
) -> None:
    adopt(SHIPPED, actor=None)
    PostHolding.objects.filter(post__kind="info-center-head").delete()
    run = incidents.report(
        "ordering-system-down", people.ordering_down(), actor=None, source="web"
    ).incident.run
    held = RoleHolding.objects.filter(run=run, role="info-center-head", until__isnull=True)
    assert [one.person for one in held] == [None]
    path = tmp_path / "staff.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [
                ["工号", "姓名", "电话", "部门", "岗位", "职务", "职务次序"],
                ["N1", "虚甲子", "10000900001", "info-center", "technician", "info-center-head", "1"],
            ]
        )
    imports.apply(imports.read(path, "staff"), actor=None)
    hear("network.imported")
    while runs.fire_timers():
        pass
    assert [one.person.staff_no for one in held.all()] == ["N1"]
