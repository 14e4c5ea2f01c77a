"""The parts pages are made of. `{% load ui %}`; docs/frontend.md lists them with their parameters.

Each module registers its own; this one has them all.
"""

from __future__ import annotations

from django import template

from changbei.web.templatetags.ui import boxes, chips, fields, scripts, times, words

register = template.Library()
for part in (
    words.register,
    times.register,
    chips.register,
    boxes.register,
    fields.register,
    scripts.register,
):
    register.tags.update(part.tags)
    register.filters.update(part.filters)
