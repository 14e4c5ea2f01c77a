"""Notices of the room, worded by the plan's message templates."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from changbei.incidents.models import Incident
from changbei.incidents.wording import with_house_words
from changbei.notify import services as notify
from changbei.notify import telling as wordings
from changbei.notify import wording
from changbei.notify.models import Notice, Urgency
from changbei.notify.recipients import of_people
from changbei.people.models import Person
from changbei.plans.model import Pack


def words(pack: Pack, template: str, values: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Title and body of a template, filled. Raises NotFound when the plan has no such message."""
    said = wordings.words(pack, template, values)
    return said.title, said.body


def compose(
    incident: Incident,
    pack: Pack,
    template: str,
    values: Mapping[str, Any],
    *,
    item: str = "",
    own: Collection[str] = (),
    urgency: Urgency | None = None,
    needs_acknowledgement: bool = False,
) -> notify.NewNotice:
    """A notice about an incident; number and title of the incident, and the address at which customers look up
    their next delivery (`next_page`), are always at hand for the template. `own` differs from customer to customer."""
    run = incident.run.uuid if incident.run else None
    about = wordings.About(incident.number, incident.title, incident.uuid, run, item, incident.drill)
    return wordings.compose(
        pack if template in pack.templates else with_house_words(pack),
        template,
        {"next_page": next_page()} | dict(values),
        about,
        own=own,
        urgency=urgency,
        needs_acknowledgement=needs_acknowledgement,
    )


def next_page() -> object:
    """Where a customer sees the own next delivery, for text messages (E3.2.1, E3.2.2); `wording.NOWHERE` while nobody
    has said where phones reach the site."""
    if not settings.CONFIRM_LINKS:
        return wording.NOWHERE
    return settings.PUBLIC_URL.rstrip("/") + reverse("next-delivery")


PROPOSED = {
    "zh-Hans": "请决定是否启动预案：{headline}",
    "zh-Hant": "請決定是否啟動預案：{headline}",
    "en": "Please decide whether the plan starts: {headline}",
}
PROPOSED_BODY = {
    "zh-Hans": "收到预警“{headline}”。按预案提请领导小组办公室决定，请在预警页面办理。",
    "zh-Hant": "收到預警「{headline}」。按預案提請領導小組辦公室決定，請在預警頁面辦理。",
    "en": "A warning has come in: {headline}. By the plan the office decides; please do so on the page of warnings.",
}


def tell_of_warning(headline: Mapping[str, str], people: Sequence[Person]) -> Notice:
    """Put a warning (its headline, a text) to the people who decide whether the plan starts (E3.2)."""
    values = {"headline": headline}
    notice = notify.NewNotice(
        template="warning-proposed",
        title=wording.fill(PROPOSED, values),
        body=wording.fill(PROPOSED_BODY, values),
        urgency=Urgency.URGENT,
        clause="E3.2",
        needs_acknowledgement=True,
    )
    return notify.tell(notice, of_people(people), actor=None)
