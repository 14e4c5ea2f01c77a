"""From the columns of a row to the fields of its model, for what is new and for what is there already."""

from __future__ import annotations

from django.db.models import Model

from changbei.network.imports.checking import Values
from changbei.network.imports.columns import Kind
from changbei.network.models import Retailer
from changbei.people.models import Person, Unit

NAMES = {"name": "zh-Hans", "name_hant": "zh-Hant", "name_en": "en"}
APPOINTING = ("post", "rank")
"""Columns of staff that are no fields of theirs."""


class Fields:
    """Of one kind of file. `units`: folded code → id, for a kind whose rows name one another."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.named = NAMES.keys() <= kind.by_key.keys()
        rows = Unit.objects.values_list("code", "pk") if kind.name == "units" else ()
        self.units = {code.casefold(): number for code, number in rows}

    def of_new(self, values: Values) -> Values:
        """All of them; a name that was left empty is the simplified one."""
        found = self._own(values)
        if self.named:
            languages = ((language, values[column]) for column, language in NAMES.items())
            found[self._name] = {language: name or values["name"] for language, name in languages}
        return found

    def of_known(self, values: Values, was: Model) -> Values:
        """Those that the columns written say anew, but for the key; a name that was the simplified one in another
        language stays so.
        """
        found = self._own({name: value for name, value in values.items() if name not in self.kind.key})
        if self.named:
            found[self._name] = _renamed(getattr(was, self._name), values)
        if isinstance(was, Retailer) and values.get("line") not in (None, was.line_id):
            found.setdefault("line_sequence", None)
        if isinstance(was, Person) and was.phone != values.get("phone", was.phone):
            found["phone_verified_on"] = None  # nobody has called the new number yet
        return found

    @property
    def _name(self) -> str:
        return "organisation" if self.kind.name == "contacts" else "name"

    def _own(self, values: Values) -> Values:
        found: Values = {}
        for name, value in values.items():
            if (self.named and name in NAMES) or (self.kind.name == "staff" and name in APPOINTING):
                continue
            if name == "parent":
                found["parent_id"] = self.units.get((value or "").casefold())
            elif name == "serves":
                found[name] = value or []
            else:
                found[f"{name}_id" if self.kind.by_key[name].reference else name] = value
        return found


def _renamed(before: dict[str, str], values: Values) -> dict[str, str]:
    given = {NAMES[key]: values[key] for key in NAMES if values.get(key)}
    simplified = given.get("zh-Hans", before["zh-Hans"])
    copies = [language for language in before if before[language] == before["zh-Hans"]]
    emptied = [language for key, language in NAMES.items() if key in values and not values[key]]
    return before | dict.fromkeys([*copies, *emptied], simplified) | given
