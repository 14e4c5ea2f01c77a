from __future__ import annotations

from typing import Any

import pytest

from changbei.plans import forms

pytestmark = pytest.mark.usefixtures("in_english")


TITLE = {"zh-Hans": "题", "zh-Hant": "題", "en": "Title"}
FORM: dict[str, Any] = {
    "type": "object",
    "required": ["vehicle", "place", "lines"],
    "properties": {
        "vehicle": {"type": "string", "title": TITLE, "minLength": 1},
        "place": {
            "type": "object",
            "title": TITLE,
            "required": ["text"],
            "properties": {
                "text": {"type": "string", "title": TITLE},
                "longitude": {"type": "number", "title": TITLE},
            },
        },
        "kind": {
            "type": "string",
            "title": TITLE,
            "oneOf": [{"const": "a", "title": {"en": "Alpha"}}, {"const": "b", "title": {"en": "Beta"}}],
        },
        "lines": {
            "type": "array",
            "title": TITLE,
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["sku"],
                "properties": {
                    "sku": {"type": "string", "title": TITLE},
                    "cartons": {"type": "integer", "minimum": 1},
                },
            },
        },
        "on": {"type": "string", "title": TITLE, "format": "date"},
    },
}
GOOD = {
    "vehicle": "B1",
    "place": {"text": "bridge"},
    "kind": "a",
    "lines": [{"sku": "S1", "cartons": 2}],
    "on": "2026-11-23",
}


def test_a_right_form_has_no_problem() -> None:
    assert forms.problems(FORM, GOOD) == []


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"vehicle": ""}, "vehicle", "This must not be empty."),
        ({"vehicle": 7}, "vehicle", "A text is needed."),
        ({"place": {}}, "place.text", "This is needed."),
        ({"place": {"text": "x", "longitude": "east"}}, "place.longitude", "A number is needed."),
        ({"place": {"text": "x", "depth": 1}}, "place.depth", "The form has no such field."),
        ({"kind": "c"}, "kind", "Choose one of: Alpha, Beta."),
        ({"lines": []}, "lines", "This must not be empty."),
        ({"lines": [{"sku": "S1", "cartons": 0}]}, "lines.0.cartons", "At least 1 is needed."),
        ({"lines": [{"sku": "S1"}, {"cartons": 1}]}, "lines.1.sku", "This is needed."),
        ({"on": "tomorrow"}, "on", "This is not a date or time of the form date."),
        ({"vehical": "B1"}, "vehical", "The form has no such field."),
    ],
)
def test_each_mistake_names_its_field(change: dict[str, Any], field: str, message: str) -> None:
    found = forms.problems(FORM, GOOD | change)
    assert [(problem.field, problem.message) for problem in found] == [(field, message)]


def test_all_mistakes_in_the_order_of_the_form() -> None:
    found = forms.problems(FORM, {"lines": "none", "kind": "c"})
    assert [problem.field for problem in found] == ["vehicle", "place", "kind", "lines"]


def test_no_form_at_all() -> None:
    assert [problem.message for problem in forms.problems(FORM, None)] == ["A form with fields is needed."]
