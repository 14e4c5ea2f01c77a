"""Plans that say only what happens: the room answers, commands and classifies all the same (E2.1b, E2.1c, E1.4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from changbei.core.clock import VirtualClock
from changbei.incidents import services
from changbei.incidents.models import Authorisation, CommandPost, Incident
from changbei.incidents.tests import people
from changbei.network.city import City
from changbei.network.models import Site
from changbei.notify.channels.sms import Twin
from changbei.notify.models import Notice
from changbei.plans.loading import load_pack, read_folder
from changbei.plans.services import adopt, take

PLANS = Path(__file__).resolve().parents[3] / "plans"
DEEP = """\
id: level
clause: F1
hit: FIRST
inputs: {depth: int}
outputs: {level: string}
rules:
  - {when: 'depth > 100', then: {level: MAJOR}}
"""


@pytest.fixture
def flood(small_city: City, clock: VirtualClock, carrier: Twin) -> None:
    """The plan for a flooded warehouse alone in force, which words no command."""
    assert "command-post" not in load_pack(read_folder(PLANS / "warehouse-flood")).templates
    adopt(PLANS / "warehouse-flood", actor=None)


def reported() -> Incident:
    data = {"site": Site.objects.order_by("pk")[0].code, "rising": True}
    actor = people.holder("warehouse-head")
    return services.report("warehouse-flood", data, actor=actor, source="web").incident


def test_a_plan_without_a_message_for_whoever_reports(
    small_city: City, clock: VirtualClock, carrier: Twin
) -> None:
    files = read_folder(PLANS / "warehouse-flood")
    del files["messages/report-received.yaml"]
    take(files, actor=None)
    notice = Notice.objects.get(incident=reported().uuid, template="report-received")
    assert notice.title["zh-Hans"] == "事件已受理"


def test_a_local_event_becomes_a_major_one(flood: None) -> None:
    incident = services.change_level(reported(), "MAJOR", reason="the whole store", actor=people.head())
    assert CommandPost.objects.get(incident=incident).commander == people.head()
    notice = Notice.objects.get(incident=incident.uuid, template="command-post")
    assert people.head().name in notice.body["en"]


def test_with_both_leaders_away_the_post_that_the_plan_names_acts(flood: None) -> None:
    people.leave(people.head())
    people.leave(people.deputy())
    incident = services.change_level(reported(), "MAJOR", reason="the whole store", actor=people.head())
    post = CommandPost.objects.get(incident=incident)
    assert (post.commander, post.acting) == (people.holder("delivery-center-head"), True)


@pytest.mark.parametrize("rows", ["", "family == 'network'"])
def test_without_a_table_or_a_row_for_it_the_head_commands_from_afar(
    rows: str, small_city: City, clock: VirtualClock, carrier: Twin
) -> None:
    """No report is lost for a table that says nothing about its kind."""
    files = read_folder(PLANS / "warehouse-flood")
    table = files.pop("tables/acting-commander.yaml")
    if rows:
        files["tables/acting-commander.yaml"] = table.replace("'true'", f'"{rows}"')
    else:
        files["clauses/F1.md"] = files["clauses/F1.md"].replace(", table:acting-commander", "")
    take(files, actor=None)
    people.leave(people.head())
    people.leave(people.deputy())
    incident = services.change_level(reported(), "MAJOR", reason="the whole store", actor=people.head())
    post = CommandPost.objects.get(incident=incident)
    assert (post.commander, post.acting, Authorisation.objects.count()) == (people.head(), False, 0)


def test_a_report_is_taken_where_no_row_of_the_table_decides(
    small_city: City, clock: VirtualClock, carrier: Twin
) -> None:
    files = read_folder(PLANS / "warehouse-flood")
    files["tables/level.yaml"] = DEEP
    files["procedures/warehouse-flood.yaml"] += (
        "level: {table: level, with: {depth: report.depth_centimetres}}\n"
    )
    take(files, actor=None)
    assert reported().level == "LOCAL"
