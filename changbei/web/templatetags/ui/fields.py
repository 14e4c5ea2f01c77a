"""Fields of forms with their help and errors."""

from __future__ import annotations

from django import template
from django.forms import (
    BaseForm,
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    FileInput,
    RadioSelect,
    Select,
    SelectMultiple,
)
from django.utils.safestring import SafeString

register = template.Library()


@register.inclusion_tag("web/parts/field.html")
def field(bound: BoundField, name: str = "") -> dict[str, object]:
    """One field of a form: label, control, help, errors; `name` is an icon before the label."""
    kind = _kind(bound)
    return {"field": bound, "kind": kind, "name": name, "control": _render(bound, kind)}


@register.inclusion_tag("web/parts/form_errors.html")
def form_errors(form: BaseForm) -> dict[str, object]:
    """What is wrong with the form as a whole, and links to the fields that need another look."""
    wrong = [(bound, list(bound.errors)) for bound in form if bound.errors]
    return {"general": list(form.non_field_errors()), "wrong": wrong}


_CONTROL_CLASSES = {
    "select": "form-select",
    "text": "form-control",
    "check": "form-check-input",
    "choices": "",
    "photos": "",
}


def _kind(bound: BoundField) -> str:
    widget = bound.field.widget
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple):
        return "choices"
    if isinstance(widget, Select | SelectMultiple):
        return "select"
    if isinstance(widget, FileInput) and str(widget.attrs.get("accept", "")).startswith("image"):
        return "photos"
    return "check" if isinstance(widget, CheckboxInput) else "text"


def _render(bound: BoundField, kind: str) -> SafeString:
    classes = [bound.field.widget.attrs.get("class", ""), _CONTROL_CLASSES[kind]]
    if bound.errors:
        classes.append("is-invalid")
    attrs: dict[str, str | bool] = {"class": " ".join(filter(None, classes))}
    told = [
        part
        for part in (
            bound.help_text and f"{bound.auto_id}_helptext",
            bound.errors and f"{bound.auto_id}_error",
        )
        if part
    ]
    if kind == "photos":
        attrs["data-photos"] = f"#{bound.id_for_label}_photos"
    if told and kind != "choices":
        attrs["aria-describedby"] = " ".join(map(str, told))
    return bound.as_widget(attrs=attrs)
