"""Tags that show things of the rooms by the parts of `ui`."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from changbei.care.models import Visit
from changbei.care.services.planning import CLOSED
from changbei.core import clock
from changbei.notify import rules
from changbei.web import showing
from changbei.web.templatetags.ui.chips import chip, clause_link

register = template.Library()


@register.simple_tag
def clause_of(number: str, of: UUID | None = None) -> SafeString:
    """A clause by its number, with the address of the plan's page; nothing when there is none. `of`: the run or
    incident that cites it.
    """
    clause = showing.clause(number, of=of)
    return clause_link(clause) if clause else SafeString("")


_MESSAGES = {
    "queued": (pgettext_lazy("message", "Queued"), "neutral", "clock"),
    "sending": (pgettext_lazy("message", "Being sent"), "neutral", "loader-2"),
    "handed": (pgettext_lazy("message", "Handed to the carrier"), "info", "send"),
    "delivered": (pgettext_lazy("message", "Delivered"), "good", "check"),
    "read": (pgettext_lazy("message", "Opened"), "good", "eye"),
    "acknowledged": (pgettext_lazy("message", "Confirmed"), "good", "checks"),
    "failed": (pgettext_lazy("message", "Failed"), "bad", "circle-x"),
    "refused": (pgettext_lazy("message", "Refused by the carrier"), "bad", "phone-off"),
    "expired": (pgettext_lazy("message", "Too late"), "warn", "alarm"),
    "stopped": (pgettext_lazy("message", "Not needed any more"), "neutral", "ban"),
    "unreachable": (pgettext_lazy("message", "No way to reach"), "warn", "phone-off"),
}


_REQUESTS = {
    "draft": (gettext_lazy("Draft"), "neutral", "pencil"),
    "refused": (gettext_lazy("Refused"), "bad", "ban"),
    "waiting": (gettext_lazy("Waits for approval"), "notice", "hourglass"),
    "approved": (gettext_lazy("Approved"), "good", "circle-check"),
    "merged": (gettext_lazy("Joined to the regular order"), "good", "calendar-event"),
    "dispatched": (gettext_lazy("On its way"), "good", "truck-delivery"),
}


def request_words(status: str) -> str:
    """What became of a supply request, without colour and icon."""
    return str(_REQUESTS.get(status, (status, "", ""))[0])


@register.simple_tag
def request_chip(status: str) -> SafeString:
    """What became of a supply request."""
    words, tone, name = _REQUESTS.get(status, (status, "neutral", "point"))
    return chip(str(words), tone, name)


_VISITS = {
    "planned": (pgettext_lazy("visit", "Planned"), "neutral", "calendar-event"),
    "overdue": (gettext_lazy("Overdue"), "bad", "clock-exclamation"),
    "done": (pgettext_lazy("visit", "Done"), "good", "circle-check"),
    "dropped": (pgettext_lazy("visit", "Dropped"), "warn", "ban"),
}
_VISIT_WHY = {
    "plan": (gettext_lazy("By plan"), "neutral", "calendar"),
    "finding": (gettext_lazy("After a finding"), "notice", "alert-circle"),
    "wish": (gettext_lazy("The customer's wish"), "info", "message"),
    "spot_check": (gettext_lazy("Spot check"), "warn", "eye"),
}


def visit_words(status: str) -> str:
    return str(_VISITS.get(status, (status, "", ""))[0])


def why_words(why: str) -> str:
    """Why a shop is visited."""
    return str(_VISIT_WHY.get(why, (why, "", ""))[0])


@register.simple_tag
def visit_chip(visit: Visit) -> SafeString:
    """Whether a visit is ahead, overdue, done or dropped."""
    late = visit.status == Visit.Status.PLANNED and visit.planned_for and visit.planned_for < today()
    words, tone, name = _VISITS["overdue" if late else visit.status]
    return chip(str(words), tone, name)


@register.simple_tag
def why_chip(why: str) -> SafeString:
    words, tone, name = _VISIT_WHY.get(why, (why, "neutral", "point"))
    return chip(str(words), tone, name)


@register.simple_tag
def dropped_words(why: str) -> str:
    """Why a visit was dropped: in somebody's words, or in ours for a shop that closed."""
    return gettext(CLOSED) if why == CLOSED else why


def today() -> date:
    return clock.today()


@register.simple_tag
def way(channel: str) -> str:
    """A channel in words; those of an installation's own by their name."""
    return str(showing.WAYS.get(channel, channel))


# What the house itself says of a message that did not go out; what carriers say stands as they said it.
_REASONS = {
    rules.KEPT_BACK: gettext_lazy("a drill: nobody outside is told"),
    rules.NO_ADDRESS: gettext_lazy("no number and no mailbox on file"),
    rules.NO_CHANNEL: gettext_lazy("what is on file is not reached by any of these ways"),
    rules.NO_BROWSER: gettext_lazy("no browser of theirs takes pushes"),
    "no longer needed": gettext_lazy("no longer needed"),
    "too old to be sent": gettext_lazy("too old when its turn came"),
    "told in person": gettext_lazy("told in person"),
    "confirmed by enough": gettext_lazy("confirmed by enough others"),
    "cancelled": gettext_lazy("the notice was stopped"),
    "passed on": gettext_lazy("passed on to somebody else"),
    "acknowledged": gettext_lazy("confirmed already"),
    "task closed": gettext_lazy("the task is over"),
}


@register.simple_tag
def reason(words: str) -> str:
    """Why a message went no further."""
    return str(_REASONS.get(words, words))


@register.simple_tag
def message_words(state: str) -> str:
    """The state of a message without colour and icon."""
    return str(_MESSAGES.get(state, (state, "", ""))[0])


@register.simple_tag
def message_chip(state: str) -> SafeString:
    """What was observed of a message, no more than that."""
    text, tone, name = _MESSAGES.get(state, (state, "neutral", "point"))
    return chip(str(text), tone, name)
