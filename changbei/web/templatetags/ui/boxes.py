"""The larger parts: cards, lists, figures, banners, and boxes around content."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from changbei.web.components import PersonCard, Step, TaskCard, TimelineEntry
from changbei.web.templatetags.ui.chips import icon

register = template.Library()


@register.inclusion_tag("web/parts/task_card.html")
def task_card(task: TaskCard, compact: bool = False) -> dict[str, object]:
    """A task with its deadline and buttons that a thumb reaches."""
    return {"task": task, "compact": compact}


@register.inclusion_tag("web/parts/person_card.html")
def person_card(person: PersonCard) -> dict[str, object]:
    """Somebody with buttons that call."""
    return {"person": person}


@register.inclusion_tag("web/parts/timeline.html")
def timeline(entries: Sequence[TimelineEntry], label: str = "") -> dict[str, object]:
    """What was observed, in the order given."""
    return {"entries": entries, "label": label or _("Timeline")}


@register.inclusion_tag("web/parts/stepper.html")
def stepper(steps: Sequence[Step], label: str = "") -> dict[str, object]:
    """The stages of a procedure and which one it is in."""
    return {"steps": steps, "label": label or _("Stages")}


@register.inclusion_tag("web/parts/empty.html")
def empty_state(
    title: str, text: str = "", name: str = "inbox", url: str = "", action: str = ""
) -> dict[str, object]:
    """What a list says when there is nothing in it, and what one can do then."""
    return {"title": title, "text": text, "name": name, "url": url, "action": action}


@register.inclusion_tag("web/parts/progress.html")
def progress(value: float, total: float, label: str, tone: str = "info", unit: str = "") -> dict[str, object]:
    """How much of a whole is done, as a bar and in figures."""
    return {"value": value, "total": total, "label": label, "tone": tone, "unit": unit}


@register.inclusion_tag("web/parts/figure.html")
def figure(
    label: str, value: object, unit: str = "", tone: str = "neutral", name: str = "", hint: str = ""
) -> dict[str, object]:
    """One number that matters, with its unit."""
    return {"label": label, "value": value, "unit": unit, "tone": tone, "name": name, "hint": hint}


@register.inclusion_tag("web/parts/banner.html")
def banner(text: str, tone: str = "info", name: str = "info-circle", title: str = "") -> dict[str, object]:
    """A sentence across the page that stays."""
    return {"text": text, "tone": tone, "name": name, "title": title}


@register.simple_block_tag
def panel(
    content: str, title: str = "", name: str = "", count: object = "", id: str = "", flush: bool = False
) -> SafeString:
    """`{% panel "Tasks" name="list-check" count=3 %}…{% endpanel %}`: a box; `flush` for lists and tables."""
    anchor = format_html(' id="{}"', id) if id else SafeString("")
    badge = format_html('<span class="cb-count">{}</span>', count) if count != "" else SafeString("")
    head = (
        format_html(
            '<div class="cb-panel-head"><h2>{}{}</h2>{}</div>', icon(name) if name else "", title, badge
        )
        if title
        else SafeString("")
    )
    kind = "cb-panel cb-panel-flush" if flush else "cb-panel"
    return format_html(
        '<section class="{}"{}>{}<div class="cb-panel-body">{}</div></section>', kind, anchor, head, content
    )


@register.simple_block_tag
def table_box(content: str, label: str) -> SafeString:
    """`{% table_box "Vans" %}<table class="cb-table">…</table>{% endtable_box %}`: scrolls sideways."""
    return format_html(
        '<div class="cb-table-box" role="region" tabindex="0" aria-label="{}">{}</div>', label, content
    )
