"""Telling many at once what a step of a plan says, once, however often the step is tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from changbei.core.errors import NotFound
from changbei.journal.models import Entry
from changbei.notify import services as notify
from changbei.notify.models import Message, Notice, Urgency
from changbei.notify.recipients import Recipient
from changbei.plans.loading import pack_for
from changbei.runs import wording
from changbei.runs.context import ActionContext


def tell_once(
    context: ActionContext, recipients: Sequence[Recipient], values: Mapping[str, Any] | None = None
) -> int:
    """The plan's message named by the parameter `template`, to all of them; how many can be reached at all."""
    pack, name = pack_for(context.run.plan_version), context.params["template"]
    if name not in pack.templates:
        raise NotFound(f"the plan {pack.id} has no message {name!r}")
    notice = _told_before(context)
    if notice is None:
        if not recipients:
            return 0
        template = pack.templates[name]
        known = {"number": context.run.number, "title": context.run.title, **(values or {})}
        new = notify.NewNotice(
            template=name,
            title=wording.fill(template.title, known),
            body=wording.fill(template.body, known),
            urgency=Urgency.URGENT,
            incident=context.run.incident,
            run=context.run.uuid,
            item=context.item,
            clause=template.clause,
            drill=context.run.drill,
        )
        notice = notify.tell(new, recipients)
    return notice.messages.exclude(state=Message.State.UNREACHABLE).count()


def _told_before(context: ActionContext) -> Notice | None:
    """The notice of this step, when an earlier attempt had got so far."""
    facts = Entry.objects.filter(run=context.run.uuid, kind="notify.told", item=context.item).order_by("id")
    fact = facts.first()
    return Notice.objects.filter(uuid=fact.data["notice"]).first() if fact else None
