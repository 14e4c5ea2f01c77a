"""The parts of pages say what they mean, in words as well as in colour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django import forms
from django.template import Context, Template
from django.utils import translation

from changbei.core import clock
from changbei.web.components import Action, Clause, PersonCard, TaskCard
from changbei.web.templatetags.ui import chips, times, words

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # 12:00 in the city


@pytest.fixture(autouse=True)
def _monday_noon_in_english():
    with clock.use(clock.VirtualClock(NOON)), translation.override("en"):
        yield


def render(template: str, **context: object) -> str:
    return Template("{% load ui %}" + template).render(Context(context))


@pytest.mark.parametrize(
    ("due", "opened", "state", "text"),
    [
        (NOON + timedelta(minutes=6), None, "ok", "06:00 left"),
        (NOON + timedelta(minutes=4), None, "soon", "04:00 left"),
        (NOON + timedelta(minutes=4), NOON - timedelta(minutes=1), "ok", "04:00 left"),
        (NOON + timedelta(hours=1), NOON - timedelta(hours=4), "soon", "1:00:00 left"),
        (NOON - timedelta(seconds=61), None, "late", "01:01 over"),
        (NOON + timedelta(hours=53), None, "ok", "2 d 5 h left"),
    ],
)
def test_countdown(due: datetime, opened: datetime | None, state: str, text: str) -> None:
    html = times.countdown(due, opened)
    assert f'data-state="{state}"' in html
    assert f"<span data-text>{text}</span>" in html
    assert f'data-due="{due.isoformat()}"' in html


def test_countdown_of_a_finished_task_stands_still() -> None:
    html = times.countdown(NOON - timedelta(minutes=10), done=NOON - timedelta(minutes=12))
    assert "data-standing" in html
    assert "<span data-text>02:00 left</span>" in html
    assert times.countdown(None) == ""


def test_moment_is_the_wall_clock_of_the_city() -> None:
    assert ">12:00</time>" in times.moment(NOON)
    assert ">11-22 23:59</time>" in times.moment(NOON - timedelta(hours=12, minutes=1))
    assert ">2026-11-23 12:00:00</time>" in times.moment(NOON, "full")
    assert times.moment(None) == "—"


@pytest.mark.parametrize(
    ("seconds", "text"), [(59, "59 s"), (60, "1 min"), (3661, "1 h 01 min"), (90000, "1 d 1 h"), (None, "—")]
)
def test_span(seconds: int | None, text: str) -> None:
    assert times.span(seconds) == text


def test_levels_and_warnings_carry_words_and_a_shape_of_their_own() -> None:
    assert "#alert-octagon-filled" in chips.level_chip("MAJOR")
    assert "<span>Major</span>" in chips.level_chip("MAJOR")
    assert "<span>Not classified</span>" in chips.level_chip("")
    drawn = {colour: chips.warning_chip(colour) for colour in ("blue", "yellow", "orange", "red")}
    shapes = {html.split('aria-hidden="true">')[1].split("<path class")[0] for html in drawn.values()}
    assert len(shapes) == 4
    assert "<span>Orange warning · typhoon</span>" in chips.warning_chip("orange", "typhoon")


def test_text_from_data_is_escaped() -> None:
    assert "&lt;b&gt;" in chips.chip("<b>")
    assert "&lt;b&gt;" in chips.warning_chip("red", "<b>")
    assert "&lt;b&gt;" in chips.clause_link("<b>")
    assert "&lt;b&gt;" in render("{% panel t %}x{% endpanel %}", t="<b>")


def test_a_clause_without_a_page_is_no_link() -> None:
    assert chips.clause_link(Clause("E3.3.1", "/plan/#E3.3.1")).startswith(
        '<a href="/plan/#E3.3.1" class="cb-clause"'
    )
    assert chips.clause_link("E3.3.1").startswith('<span class="cb-clause"')


def test_words_follow_the_reader() -> None:
    name = {"zh-Hans": "配送中心", "zh-Hant": "配送中心", "en": "Delivery centre"}
    assert words.words(name) == "Delivery centre"
    with translation.override("zh-hans"):
        assert words.words(name) == "配送中心"


def test_task_card_offers_its_actions_and_the_phone() -> None:
    task = TaskCard(
        key="7",
        title="Send a van",
        role="Dispatcher",
        state="open",
        holder="A",
        holder_phone="000-0001 0017",
        due_at=NOON + timedelta(minutes=30),
        actions=[
            Action("Accept", "/tasks/7/accept", fields={"version": "3"}),
            Action("Read", "/tasks/7", post=False),
            Action("Hand over", dialog="hand-over"),
        ],
    )
    html = render("{% task_card task %}", task=task)
    assert '<form method="post" action="/tasks/7/accept">' in html
    assert '<input type="hidden" name="version" value="3">' in html
    assert '<a class="btn cb-btn-plain" href="/tasks/7">' in html
    assert 'data-dialog-open="#hand-over"' in html
    assert 'href="tel:00000010017"' in html
    assert "30:00 left" in html


def test_a_late_task_says_so_instead_of_its_state() -> None:
    late = TaskCard(
        key="7", title="T", role="R", state="acknowledged", due_at=NOON - timedelta(minutes=1), late=True
    )
    html = render("{% task_card task %}", task=late)
    assert "<span>Late</span>" in html
    assert "<span>Accepted</span>" not in html


def test_a_person_without_a_phone_has_no_call_button() -> None:
    assert "No phone on file" in render("{% person_card p %}", p=PersonCard("A"))
    assert 'href="tel:0001"' in render("{% person_card p %}", p=PersonCard("A", phone="0001"))


class _Form(forms.Form):
    place = forms.CharField(label="Exact place", help_text="Road, village")
    kind = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)
    photos = forms.FileField(required=False, widget=forms.FileInput(attrs={"accept": "image/*"}))


def test_a_field_names_its_help_and_its_error() -> None:
    html = render("{% field form.place %}", form=_Form({"kind": "a"}))
    assert 'aria-describedby="id_place_helptext id_place_error"' in html
    assert 'class="form-control is-invalid"' in html
    assert '<p class="cb-help" id="id_place_helptext">Road, village</p>' in html
    assert "This field is required." in html


def test_a_form_says_at_its_top_what_is_missing() -> None:
    assert render("{% form_errors form %}", form=_Form({"place": "x", "kind": "a"})).strip() == ""
    html = render("{% form_errors form %}", form=_Form({"kind": "a"}))
    assert '<a href="#id_place">Exact place</a>: This field is required.' in html


def test_fields_by_kind() -> None:
    assert render("{% field form.kind %}", form=_Form()).count('type="radio"') == 2
    assert 'data-photos="#id_photos_photos"' in render("{% field form.photos %}", form=_Form())


def test_map_box_writes_only_the_attributes_that_are_set() -> None:
    html = render('{% map_box "/map.json" "City" draw="#id_area" off="retailers" %}')
    assert 'data-sources="/map.json"' in html
    assert 'data-draw="#id_area" data-off="retailers"' in html
    assert "data-pick" not in html
