"""Telling many at once what a step of a plan says, once, however often the step is tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from changbei.notify import services as notify
from changbei.notify import telling as wordings
from changbei.notify.models import Message, Urgency
from changbei.notify.recipients import Recipient
from changbei.plans.loading import pack_for
from changbei.runs.context import ActionContext


def tell_once(
    context: ActionContext, recipients: Sequence[Recipient], values: Mapping[str, Any] | None = None
) -> int:
    """The plan's message named by the parameter `template`, to all of them; how many can be reached at all."""
    run = context.run
    about = wordings.About(run.number, run.title, run.incident, run.uuid, context.item, run.drill)
    pack, template = pack_for(run.plan_version), context.params["template"]
    new = wordings.compose(pack, template, values or {}, about, urgency=Urgency.URGENT)
    notice = context.told_before() or (notify.tell(new, recipients) if recipients else None)
    if notice is None:
        return 0
    return notice.messages.exclude(state=Message.State.UNREACHABLE).count()
