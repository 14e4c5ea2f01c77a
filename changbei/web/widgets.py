"""Controls that a form of a plan may ask for by `x-widget`, with the fields that read them.

Each works without JavaScript; the map and the search make it comfortable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from shapely import Point

from changbei.core import texts
from changbei.network import selectors as network
from changbei.network.models import Place, Retailer
from changbei.people.models import Person

Json = dict[str, Any]


class MomentField(forms.DateTimeField):
    """A moment on the city's wall clock."""

    def __init__(self, **more: Any) -> None:
        formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        control = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=formats[0])
        super().__init__(input_formats=formats, widget=control, **more)


class DayInput(forms.DateInput):
    """A day, as the browser's own control wants it whatever the reader's language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class PartsWidget(forms.Widget):
    """A control made of several inputs, drawn by a template of its own."""

    template = ""
    marks = ""  # which input the label points to

    def render(
        self,
        name: str,
        value: Any,
        attrs: Mapping[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        given = self.build_attrs(self.attrs, dict(attrs or {}))
        values = {"name": name, "id": given.get("id", f"id_{name}"), "attrs": given}
        return render_to_string(self.template, {**values, **self.parts(name, value)})

    def parts(self, name: str, value: Any) -> Json:
        raise NotImplementedError

    def id_for_label(self, id_: str) -> str:
        return f"{id_}{self.marks}" if id_ else ""

    def use_required_attribute(self, initial: Any) -> bool:
        return False

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


NEAR_DEGREES = 0.02


def place_words(longitude: float, latitude: float) -> str:
    """A point in words: the nearest village or town, and the nearest shop when one is close."""
    here = Point(longitude, latitude)
    places = list(Place.objects.all())
    if not places:
        return ""
    nearest = min(places, key=lambda one: here.distance(Point(one.longitude, one.latitude)))
    shops = Retailer.objects.filter(
        active=True,
        longitude__range=(longitude - NEAR_DEGREES, longitude + NEAR_DEGREES),
        latitude__range=(latitude - NEAR_DEGREES, latitude + NEAR_DEGREES),
    )
    shop = min(shops, key=lambda one: here.distance(Point(one.longitude, one.latitude)), default=None)
    words = texts.pick(nearest.name, get_language() or "")
    if shop is None:
        return _("near %(place)s") % {"place": words}
    return _("%(place)s, near %(shop)s") % {"place": words, "shop": shop.name}


class PlaceWidget(PartsWidget):
    """A place: words, the phone's position, or a tap on the map."""

    template = "web/widgets/place.html"
    marks = "_text"

    def parts(self, name: str, value: Any) -> Json:
        given = value if isinstance(value, Mapping) else {}
        return {"place": given, "map_url": reverse("map-city")}

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        return {part: data.get(f"{name}_{part}", "") for part in ("text", "longitude", "latitude")}


class PlaceField(forms.Field):
    """{"text", "longitude", "latitude"} in degrees WGS 84, or None."""

    widget = PlaceWidget

    def clean(self, value: Any) -> Any:
        given = value if isinstance(value, Mapping) else {}
        text = str(given.get("text", "")).strip()
        if not self.required and not text and not given.get("longitude"):
            return None
        if not text:
            raise forms.ValidationError(_("Describe the place in a few words."))
        try:
            longitude, latitude = float(given["longitude"]), float(given["latitude"])
        except (KeyError, TypeError, ValueError):
            raise forms.ValidationError(_("Show the place on the map, or use your position.")) from None
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            raise forms.ValidationError(_("This place is not on the map."))
        return {"text": text, "longitude": longitude, "latitude": latitude}


class AreaWidget(PartsWidget):
    """An area drawn on the map; a GeoJSON geometry in a hidden input."""

    template = "web/widgets/area.html"
    marks = "_map"

    def parts(self, name: str, value: Any) -> Json:
        text = value if isinstance(value, str) else json.dumps(value) if value else ""
        return {"value": text, "map_url": reverse("map-city")}


class AreaField(forms.Field):
    """A GeoJSON Polygon or MultiPolygon, or None."""

    widget = AreaWidget

    def clean(self, value: Any) -> Any:
        if not value:
            if self.required:
                raise forms.ValidationError(_("Draw the area on the map."))
            return None
        try:
            area = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            area = None
        if not isinstance(area, dict) or area.get("type") not in {"Polygon", "MultiPolygon"}:
            raise forms.ValidationError(_("This is not an area on the map."))
        return area


class SearchWidget(PartsWidget):
    """Somebody or something found by typing: the hits come as radio buttons of this field's name."""

    template = "web/widgets/search.html"
    marks = "_search"
    url_name = ""
    hint: str | Promise = gettext_lazy("Name, number or phone")

    def parts(self, name: str, value: Any) -> Json:
        return {
            "hits": self.hits_for(str(value)) if value else [],
            "chosen": str(value or ""),
            "url": f"{reverse(self.url_name)}?field={name}",
            "hint": str(self.attrs.get("hint") or self.hint),
        }

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        chosen = str(data.get(name, "")).strip()
        return chosen or self.only_hit(str(data.get(f"{name}_search", "")).strip())

    def hits_for(self, key: str) -> list[Hit]:
        raise NotImplementedError

    def only_hit(self, words: str) -> str:
        """Without JavaScript: the one thing the words can mean, else the words themselves."""
        raise NotImplementedError


class Hit(dict[str, str]):
    """One line of a search: `key`, `title`, `detail`."""


def retailer_hit(retailer: Retailer) -> Hit:
    detail = " · ".join(filter(None, (retailer.licence_no, retailer.address, retailer.phone)))
    return Hit(key=retailer.licence_no, title=retailer.name, detail=detail)


def person_hit(person: Person, note: str = "") -> Hit:
    detail = " · ".join(filter(None, (note, person.staff_no, person.phone)))
    return Hit(key=person.staff_no, title=person.name, detail=detail)


class RetailerWidget(SearchWidget):
    """A retailer by licence, name, address or telephone."""

    url_name = "find-retailers"
    hint = gettext_lazy("Name, address, licence or phone")

    def hits_for(self, key: str) -> list[Hit]:
        return [retailer_hit(one) for one in Retailer.objects.filter(licence_no=key)]

    def only_hit(self, words: str) -> str:
        found = network.find_retailers(words, limit=2)
        return found[0].licence_no if len(found) == 1 else words


class PersonWidget(SearchWidget):
    """A colleague by name, staff number or telephone. `suggested`: staff numbers shown before anything is typed."""

    url_name = "find-people"

    def __init__(self, attrs: dict[str, Any] | None = None, suggested: Sequence[Hit] = ()) -> None:
        super().__init__(attrs)
        self.suggested = list(suggested)

    def parts(self, name: str, value: Any) -> Json:
        found = super().parts(name, value)
        chosen = {hit["key"] for hit in found["hits"]}
        return found | {"hits": [*found["hits"], *(h for h in self.suggested if h["key"] not in chosen)]}

    def hits_for(self, key: str) -> list[Hit]:
        return [person_hit(one) for one in Person.objects.filter(staff_no=key, active=True)]

    def only_hit(self, words: str) -> str:
        found = list(find_people(words)[:2])
        return found[0].staff_no if len(found) == 1 else words


def find_people(words: str) -> list[Person]:
    """Active colleagues by the beginning of staff number or telephone, or part of the name; at most 20."""
    words = words.strip()
    if not words:
        return []
    people = Person.objects.filter(active=True).select_related("unit").order_by("staff_no")
    found = people.filter(name__icontains=words) | people.filter(staff_no__istartswith=words)
    if (number := texts.joined(words)).isdigit():
        found |= people.filter(staff_no__startswith=number) | people.filter(phone__startswith=number)
    return list(found[:20])


class LinesWidget(PartsWidget):
    """Rows of a product and a number of cartons."""

    template = "web/widgets/lines.html"
    marks = "_0"
    blank_rows = 2

    def __init__(self, attrs: dict[str, Any] | None = None, products: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(attrs)
        self.products = products

    def parts(self, name: str, value: Any) -> Json:
        rows = [row for row in value or [] if isinstance(row, Mapping)]
        blank = [{"product": "", "cartons": ""}] * max(1, self.blank_rows - len(rows))
        return {
            "rows": [*rows, *blank],
            "products": self.products,
            "row_url": f"{reverse('form-line')}?field={name}",
        }

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        products, cartons = _every(data, f"{name}_product"), _every(data, f"{name}_cartons")
        rows = [{"product": product, "cartons": number.strip()} for product, number in zip(products, cartons)]
        return [row for row in rows if row["product"] or row["cartons"]]


class LinesField(forms.Field):
    """[{"product": code, "cartons": int}]"""

    widget = LinesWidget

    def clean(self, value: Any) -> Any:
        rows = value or []
        if not rows and self.required:
            raise forms.ValidationError(_("At least one product is needed."))
        wrong = [
            str(number)
            for number, row in enumerate(rows, start=1)
            if not row["product"] or not whole_number(str(row["cartons"]))
        ]
        if wrong:
            raise forms.ValidationError(
                _("Row %(rows)s needs a product and a whole number of cartons.") % {"rows": ", ".join(wrong)}
            )
        return [{"product": row["product"], "cartons": int(row["cartons"])} for row in rows]


def whole_number(given: str) -> int:
    """A number from 1 in at most nine plain digits; 0 for anything else."""
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 9 else 0


def _every(data: Mapping[str, Any], key: str) -> list[str]:
    if isinstance(data, MultiValueDict):
        return [str(value) for value in data.getlist(key)]
    found = data.get(key, [])
    return [str(value) for value in found] if isinstance(found, list | tuple) else [str(found)]
