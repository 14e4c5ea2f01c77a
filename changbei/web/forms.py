"""A form of a plan (JSON Schema with `x-widget`) as a Django form, in the reader's language.

    form = SchemaForm(procedure.form, request.POST, request.FILES, language=get_language())
    if form.is_valid(): incidents.report(kind, form.result, …)

`form.result` is the JSON that the schema describes, empty fields left out; `form.uploads` are the photos, by
field. `form.refuse(error)` puts the problems of an Invalid to their fields; answer then with status 422.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from changbei.core import clock, texts
from changbei.core.errors import Invalid
from changbei.incidents import departments, services
from changbei.incidents.models import Warning
from changbei.network.models import Product, Site, Vehicle
from changbei.plans import forms as plan_forms
from changbei.web.errors import refuse
from changbei.web.widgets import (
    AreaField,
    DayInput,
    LinesField,
    LinesWidget,
    MomentField,
    PersonWidget,
    PlaceField,
    RetailerWidget,
)

Json = dict[str, Any]
MOST_RADIOS = 6
UNITS = {
    "cartons": gettext_lazy("cartons"),
    "minutes": gettext_lazy("minutes"),
    "customers": gettext_lazy("customers"),
    "metres": gettext_lazy("metres"),
    "people": pgettext_lazy("unit", "people"),
    "days": gettext_lazy("days"),
}
ON_THE_MAP = {"place", "area"}
WARNINGS_OFFERED = 20


class SchemaForm(forms.Form):
    """A form whose fields and last word come from a JSON Schema."""

    def __init__(
        self,
        schema: Mapping[str, Any],
        data: Any = None,
        files: Any = None,
        *,
        language: str,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        given = {
            name: _shown(schema["properties"][name], value)
            for name, value in (initial or {}).items()
            if name in schema.get("properties", {})
        }
        super().__init__(data, files, initial=given)
        self.schema, self.language = schema, language
        required = set(schema.get("required", ()))
        for name, field in schema.get("properties", {}).items():
            self.fields[name] = _field(field, name in required, language)
            if "default" in field:
                self.initial.setdefault(name, _shown(field, field["default"]))

    @property
    def has_map(self) -> bool:
        """Whether the page has to load the map."""
        return any(
            field.get("x-widget") in ON_THE_MAP for field in self.schema.get("properties", {}).values()
        )

    @property
    def result(self) -> Json:
        """What was filled in, as JSON; fields left empty are not in it. After `is_valid()`."""
        return {
            name: _wire(value)
            for name, value in self.cleaned_data.items()
            if value not in (None, "", []) and not isinstance(value, UploadedFile)
        }

    @property
    def uploads(self) -> dict[str, UploadedFile[Any]]:
        """The photos that were taken, by field."""
        return {name: value for name, value in self.cleaned_data.items() if isinstance(value, UploadedFile)}

    def clean(self) -> Json:
        cleaned = super().clean() or self.cleaned_data
        for problem in plan_forms.problems(self.schema, self.result, language=self.language):
            name = problem.field.split(".")[0]
            if name not in self.uploads and name not in self.errors:
                self.add_error(name if name in self.fields else None, problem.message)
        return cleaned

    def refuse(self, error: Invalid) -> None:
        """Show every problem of a refused form where it belongs."""
        refuse(self, error, at=lambda field: field.split(".")[0])


def _shown(field: Mapping[str, Any], value: Any) -> Any:
    """A JSON value as its control shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if field.get("format") == "date-time" and isinstance(value, str):
        return _moment(value)
    return value


def _moment(value: str) -> datetime | None:
    """None for what an address names that is no moment, or one that no clock here shows."""
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(clock.LOCAL) if found.tzinfo else found
    except (ValueError, OverflowError):
        return None


def _wire(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(clock.LOCAL).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _field(field: Mapping[str, Any], required: bool, language: str) -> forms.Field:
    widget = str(field.get("x-widget", ""))
    made = (
        _BY_WIDGET[widget](field, language) if widget in _BY_WIDGET else _by_type(field, required, language)
    )
    made.label = texts.pick(field.get("title", ""), language)
    made.help_text = made.help_text or texts.pick(field.get("description", ""), language)
    made.required = required
    return made


def _by_type(field: Mapping[str, Any], required: bool, language: str) -> forms.Field:
    if "oneOf" in field:
        return _choice(field, required, language)
    match field.get("type"), field.get("format"):
        case "boolean", _any:
            return _yes_or_no(required)
        case "string", "date":
            return forms.DateField(widget=DayInput())
        case "string", "date-time":
            return MomentField()
        case "string", _any:
            return forms.CharField(max_length=field.get("maxLength"))
        case "integer", _any:
            return forms.IntegerField(widget=_number_input(field), help_text=_unit(field))
        case "number", _any:
            return forms.FloatField(widget=_number_input(field), help_text=_unit(field))
    raise LookupError(f"no control for {field.get('type')} {field.get('x-widget', '')}".strip())


def _unit(field: Mapping[str, Any]) -> str:
    return str(UNITS.get(field.get("x-unit", ""), field.get("x-unit", "")))


def _number_input(field: Mapping[str, Any]) -> forms.NumberInput:
    limits = {"min": field.get("minimum"), "max": field.get("maximum")}
    return forms.NumberInput(
        attrs={"inputmode": "numeric", **{k: v for k, v in limits.items() if v is not None}}
    )


def _choice(field: Mapping[str, Any], required: bool, language: str) -> forms.ChoiceField:
    options = [(one["const"], texts.pick(one.get("title", ""), language)) for one in field["oneOf"]]
    if len(options) <= MOST_RADIOS:
        return forms.ChoiceField(choices=[*options, *_open(required)], widget=forms.RadioSelect)
    return forms.ChoiceField(choices=[("", "—"), *options])


def _open(required: bool) -> list[tuple[str, str]]:
    """A radio button that was pressed cannot be released: what may be left open gets one that says so."""
    return [] if required else [("", _("Not known"))]


def _yes_or_no(required: bool) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        choices=[("true", _("Yes")), ("false", _("No")), *_open(required)],
        coerce=lambda value: value == "true",
        empty_value=None,
        widget=forms.RadioSelect,
    )


def _vehicle(field: Mapping[str, Any], language: str) -> forms.Field:
    groups: dict[str, list[tuple[str, str]]] = {}
    for van in Vehicle.objects.select_related("site").order_by("site_id", "is_reserve", "number"):
        label = f"{van.number} · {van.plate}" + (f" · {_('reserve')}" if van.is_reserve else "")
        groups.setdefault(texts.pick(van.site.name, language), []).append((van.number, label))
    return forms.ChoiceField(choices=[("", "—"), *groups.items()])


def _site(field: Mapping[str, Any], language: str) -> forms.Field:
    sites = [(site.code, texts.pick(site.name, language)) for site in Site.objects.order_by("pk")]
    return forms.ChoiceField(choices=[("", "—"), *sites])


def _departments(field: Mapping[str, Any], language: str) -> forms.Field:
    """Departments with a head of their own, to be ticked."""
    found = departments.headed_by(departments.ORDERED, None, clock.now())
    options = [(one.code, texts.pick(one.name, language)) for one in found]
    return forms.MultipleChoiceField(choices=options, widget=forms.CheckboxSelectMultiple)


def _warning(field: Mapping[str, Any], language: str) -> forms.Field:
    recent = Warning.objects.exclude(verdict=Warning.Verdict.REFUSED).defer("raw").order_by("-received_at")
    found = [(str(one.uuid), services.headline_of(one, language)) for one in recent[:WARNINGS_OFFERED]]
    return forms.ChoiceField(choices=[("", "—"), *found])


def products(language: str) -> list[tuple[str, str]]:
    """Code and name of every product that is sold."""
    rows = Product.objects.filter(active=True).order_by("price_class", "code").only("code", "name")
    return [(row.code, texts.pick(row.name, language)) for row in rows]


def _lines(field: Mapping[str, Any], language: str) -> forms.Field:
    return LinesField(widget=LinesWidget(products=products(language)))


_BY_WIDGET: Mapping[str, Callable[[Mapping[str, Any], str], forms.Field]] = {
    "textarea": lambda field, _language: forms.CharField(
        max_length=field.get("maxLength"), widget=forms.Textarea(attrs={"rows": 3})
    ),
    "place": lambda _field, _language: PlaceField(),
    "area": lambda _field, _language: AreaField(),
    "vehicle": _vehicle,
    "site": _site,
    "departments": _departments,
    "warning": _warning,
    "retailer": lambda _field, _language: forms.CharField(widget=RetailerWidget()),
    "person": lambda _field, _language: forms.CharField(widget=PersonWidget()),
    "product": lambda _field, language: forms.ChoiceField(choices=[("", "—"), *products(language)]),
    "product-lines": _lines,
    "photo": lambda _field, _language: forms.FileField(widget=forms.FileInput(attrs={"accept": "image/*"})),
}
