"""Diagrams: rows and columns, edges that meet their nodes, words beside the picture, how far a run has come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from changbei.plans.diagrams import layout, progress, svg
from changbei.plans.diagrams.flow import Flow, flow_of
from changbei.plans.facts import Completed, Started
from changbei.plans.rendering.words import Words
from changbei.plans.runtime import start_state, step
from changbei.plans.tests import drawing_pack

NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def _flow(language: str = "zh-Hans") -> Flow:
    pack = drawing_pack.pack()
    return flow_of(pack, pack.procedures["breakdown"], Words(language), {"delivery.recover": "重排送货"})


def test_a_flow_says_who_and_by_when_in_the_language_asked_for() -> None:
    nodes = {node.id: node for node in _flow().nodes()}
    assert [(n.kind, n.title, n.who, n.limit) for n in nodes.values()] == [
        ("task", "查看现场", "送货员", "15 分钟"),
        ("do", "重排送货", "", ""),
        ("decide", "是否停送", "主任", "10 分钟"),
        ("notify", "通知", "主任、送货员", ""),
        ("countdown", "后备电源", "", ""),
        ("wait", "90 分钟", "", "90 分钟"),
        ("approve", "批准", "主任", "1 小时"),
        ("task", "归档", "主任", "1 个工作日"),
    ]
    assert {node.id for node in nodes.values() if node.conditional} == {"choose"}
    assert [band.after for band in _flow().bands] == [(), (), ("act", "rest")]
    assert {node.id: node for node in _flow("en").nodes()}["tell"].who == "Head, Drivers"


def test_steps_stand_in_rows_below_what_they_follow() -> None:
    act = _flow().bands[0]
    assert [[node.id for node in row] for row in layout.rows(act, 4)] == [
        ["look", "plan-anew"],
        ["choose"],
        ["tell"],
    ]
    assert [[node.id for node in row] for row in layout.rows(act, 1)] == [
        ["look"],
        ["plan-anew"],
        ["choose"],
        ["tell"],
    ]


@pytest.mark.parametrize("width", [layout.NARROW, layout.WIDE])
def test_nothing_overlaps_or_leaves_the_paper_and_edges_meet_their_nodes(width: float) -> None:
    drawing = layout.draw(_flow(), width)
    boxes = {one.node.id: one.box for band in drawing.bands for one in band.nodes}
    assert set(boxes) == {node.id for node in _flow().nodes()}
    for band in drawing.bands:
        assert band.box.x >= 0 and band.box.x + band.box.width <= width
        for one in band.nodes:
            assert band.box.x < one.box.x and one.box.x + one.box.width < band.box.x + band.box.width
            assert band.box.y + layout.HEAD < one.box.y and one.box.bottom < band.box.bottom
    found = list(boxes.values())
    for n, a in enumerate(found):
        for b in found[n + 1 :]:
            apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.bottom <= b.y or b.bottom <= a.y
            assert apart
    inner = [edge for edge in drawing.edges if edge.source in boxes]
    assert {(edge.source, edge.target) for edge in inner} == {
        ("look", "choose"),
        ("plan-anew", "choose"),
        ("choose", "tell"),
        ("pause", "agree"),
    }
    for edge in inner:
        assert edge.points[0] == (boxes[edge.source].middle, boxes[edge.source].bottom)
        assert edge.points[-1] == (boxes[edge.target].middle, boxes[edge.target].y)
    assert {(e.source, e.target) for e in drawing.edges if e.source not in boxes} == {
        ("act", "close"),
        ("rest", "close"),
    }


def test_paper_gets_as_many_pictures_as_it_needs_and_no_stage_is_lost() -> None:
    flow = _flow()
    assert len(layout.pages(flow, layout.WIDE, 5000)) == 1
    pages = layout.pages(flow, layout.WIDE, 300)
    assert [band.band.id for page in pages for band in page.bands] == ["act", "rest", "close"]
    assert [(page.part, page.parts) for page in pages] == [(1, 3), (2, 3), (3, 3)]
    assert [band.number for page in pages for band in page.bands] == [1, 2, 3]


def test_words_break_where_chinese_may_and_marks_never_begin_a_line() -> None:
    assert layout.wrap("由客户经理告知当日订货客户", 60, 12) == ("由客户经理", "告知当日订", "货客户")
    assert layout.wrap("停送，待通知", 26, 12, most=9) == ("停", "送，", "待通", "知")
    assert layout.wrap("Tell the customers now", 80, 12) == ("Tell the", "customers", "now")
    assert layout.wrap("一二三四五六七八", 24, 12, most=2) == ("一二", "三…")


def test_the_picture_is_well_formed_and_says_in_words_what_it_shows() -> None:
    say = Words("en")
    states = {"look": "done", "plan-anew": "overdue"}
    drawing = layout.draw(_flow("en"), layout.NARROW)
    root = etree.fromstring(svg.svg(drawing, say, states=states, link=lambda step: f"/t/{step}", name="x"))
    assert root.get("aria-labelledby") == "x-t x-d"
    assert root.findtext(f"{SVG}title") == "Diagram: Breakdown"
    described = root.findtext(f"{SVG}desc") or ""
    assert "Task: Look · Driver · 15 min · E1.1 · done" in described
    steps = {g.get("data-kind"): g for g in root.iter(f"{SVG}g") if g.get("class") == "cb-flow-step"}
    assert [a.get("href") for a in root.iter(f"{SVG}a")][:2] == ["/t/look", "/t/plan-anew"]
    assert steps["do"].get("data-state") == "overdue"
    assert steps["do"].findtext(f"{SVG}title") == "The system does · 重排送货 · overdue"
    octagon = [p.get("d") for p in steps["do"].iter(f"{SVG}path")]
    assert "M4 0h6l4 4v6l-4 4H4l-4-4V4z" in octagon  # a shape of its own, not colour alone
    rest = svg.as_list(_flow("en"), say, states)[1]
    assert rest == (
        "Rest (at once)",
        [
            "Count-down: Backup power · E1.1 · not yet",
            "Wait: 90 min · 90 min · E1.1 · not yet",
            "Approval: Approve · Head · 1 h · E1.1 · after 90 min · not yet",
        ],
    )


def test_a_running_procedure_shows_what_is_done_late_skipped_and_ahead() -> None:
    procedure = drawing_pack.procedure()
    report = {"report": {"vehicle": "17", "injured": False}, "incident": {}}
    state, _ = step(procedure, start_state(), Started(report), NOW)
    shown = progress.states(procedure, state, NOW)
    assert shown == {
        "look": "open",
        "plan-anew": "open",
        "choose": "waiting",
        "tell": "waiting",
        "ups": "skipped",
        "pause": "skipped",
        "agree": "skipped",
        "file-papers": "waiting",
    }
    assert progress.states(procedure, state, NOW + timedelta(minutes=16))["look"] == "overdue"
    done, _ = step(procedure, state, Completed("look", "甲"), NOW)
    assert progress.states(procedure, done, NOW)["look"] == "done"
