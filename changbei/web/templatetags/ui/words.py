"""Texts of data in the reader's language, and small filters."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.utils.translation import get_language

from changbei.core import texts
from changbei.incidents.models import Suspension, Warning
from changbei.incidents.translated import reason_text, words_for

register = template.Library()


@register.filter
def words(value: Mapping[str, str] | str | None) -> str:
    """A text in three languages as the reader's one: `{{ unit.name|words }}`."""
    return texts.pick(value, get_language() or "")


@register.filter
def lookup(mapping: Mapping[str, object] | None, key: str) -> object:
    """`mapping[key]`, or empty."""
    return (mapping or {}).get(key, "")


@register.filter
def warned(warning: Warning, name: str) -> str:
    """A warning's event, headline, description or instruction for the reader: `{{ one|warned:"event" }}`."""
    return words_for(warning, get_language() or "")[name]


@register.filter
def reason_of(suspension: Suspension) -> str:
    """Why service is suspended, in the reader's language where the weather service says it in that."""
    return texts.pick(reason_text(suspension.incident, suspension.reason), get_language() or "")


@register.filter
def tel(phone: str) -> str:
    """The phone as the address of a tel: link."""
    return "tel:" + "".join(sign for sign in phone if sign.isdigit() or sign == "+")
