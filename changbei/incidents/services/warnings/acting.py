"""What a warning does: what the plan's table says, and starting, joining, ending, proposing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.incidents import access, cap, plan, rules, telling
from changbei.incidents.models import Incident, Warning
from changbei.incidents.services import closing
from changbei.incidents.services.reporting import report
from changbei.incidents.services.warnings.expiring import in_force
from changbei.incidents.services.warnings.following import incident_of, overtaken, replace_earlier
from changbei.incidents.services.warnings.received import Received, record
from changbei.incidents.translated import headline_text
from changbei.journal.models import Entry
from changbei.network import selectors as network
from changbei.people.models import Person
from changbei.people.resolution import resolve
from changbei.runs.roles import spec_of

KIND = "severe-weather"
TABLE = "warning-start"
OFFICE = "office"  # the role that decides on what is only proposed
LIVE = ("Actual", "Exercise")
CHANGING = ("Alert", "Update", "Cancel")  # Ack and Error change nothing
PHENOMENA = (
    ("typhoon", ("台风", "颱風", "typhoon", "hurricane", "tropical cyclone", "tropical storm")),
    ("rainstorm", ("暴雨", "rainstorm", "rain", "flood")),
    ("snow", ("暴雪", "大雪", "snow", "blizzard")),
)


def act(warning: Warning, alert: cap.Alert, actor: Person | None) -> Received:
    if alert.status not in LIVE or alert.msg_type not in CHANGING:
        return Received(warning, "note", None)  # a test or an acknowledgement, whatever it refers to
    if (later := overtaken(warning)) is not None:
        return later
    drill = alert.status == "Exercise"
    asked = _decide(warning, alert, clock.now())
    earlier = incident_of(alert.references, drill=drill)
    if alert.msg_type != "Alert" or alert.lifts:
        replace_earlier(warning, alert.references)
    if asked.action == "end":
        return _end(warning, earlier, actor)
    if earlier is not None and earlier.status == Incident.Status.OPEN:
        eased = not asked.starts and (asked.share == 0 or _eases(warning, earlier))
        joined = _join(warning, earlier, actor)
        if eased:
            closing.all_clear(earlier, "eased", actor=actor)
        return joined
    if asked.starts and warning.area is not None:
        return _start(warning, asked.procedure, actor, drill=drill or asked.action == "drill")
    if asked.action == "propose" and not drill:
        _propose(warning, asked.procedure)
    return Received(warning, asked.action, None)


@dataclass(frozen=True)
class Asked:
    """What the plan's table says of a warning, and the share of the city's customers inside its area."""

    action: str  # start, drill, propose, note or end
    procedure: str
    share: float

    @property
    def starts(self) -> bool:
        return self.action in ("start", "drill")


def _decide(warning: Warning, alert: cap.Alert, now: datetime) -> Asked:
    pack = plan.procedure_in_force(KIND).pack
    share = network.share_of_city(warning.area).fraction if warning.area is not None else 0.0
    worst = max(alert.infos, key=lambda info: rules.severity_rank(info.severity), default=None)
    inputs = rules.warning_inputs(
        status=alert.status,
        msg_type=alert.msg_type,
        lifts=alert.lifts,
        categories=[category for info in alert.infos for category in info.categories]
        or ["Met"] * alert.lifts,
        colour=alert.colour,
        severity=alert.severity,
        urgency=worst.urgency if worst else "Unknown",
        certainty=worst.certainty if worst else "Unknown",
        event=phenomenon(f"{warning.event} {warning.headline}"),
        share=share,
        over=alert.expires <= now,
    )
    said = plan.ask(pack, TABLE, inputs)
    return Asked(str(said["action"]), str(said.get("procedure") or KIND), share)


def _eases(warning: Warning, incident: Incident) -> bool:
    """Whether the warning is milder than what the incident has heard last: resuming is to be proposed."""
    last = Warning.objects.filter(incident=incident).exclude(verdict=Warning.Verdict.REFUSED)
    before = last.defer("raw").order_by("-pk").first()
    return before is not None and rules.eases(
        (before.colour, before.severity), (warning.colour, warning.severity)
    )


def _link(warning: Warning, incident: Incident) -> None:
    warning.incident = incident
    warning.save(update_fields=["incident"])


def _start(warning: Warning, procedure: str, actor: Person | None, *, drill: bool) -> Received:
    """Start the procedure; one whose form a warning cannot fill is put to the office instead."""
    form = plan.procedure_in_force(procedure).procedure.form
    try:
        with transaction.atomic():
            answer = report(procedure, _report_of(warning, form), actor=actor, source="warning", drill=drill)
    except Invalid:
        if procedure == KIND:
            raise
        _propose(warning, procedure)
        return Received(warning, "propose", None)
    _link(warning, answer.incident)
    return Received(warning, "join" if answer.joined else "start", answer.incident)


def _report_of(warning: Warning, form: Mapping[str, Any]) -> dict[str, Any]:
    """The form of the procedure, as far as the warning fills it."""
    known: dict[str, Any] = {
        "phenomenon": phenomenon(f"{warning.event} {warning.headline}"),
        "area": warning.area,
        "warning": str(warning.uuid),
        "headline": (warning.headline or warning.event)[:300],
        "colour": warning.colour,
        "starts_at": warning.effective_at.isoformat() if warning.effective_at else "",
        "ends_at": warning.expires_at.isoformat() if warning.expires_at else "",
    }
    wanted = form.get("properties", {})
    return {name: value for name, value in known.items() if value and name in wanted}


def phenomenon(words: str) -> str:
    """typhoon, rainstorm, snow or other, by the words of the event."""
    lower = words.lower()
    return next((kind for kind, names in PHENOMENA if any(name in lower for name in names)), "other")


def _join(warning: Warning, incident: Incident, actor: Person | None) -> Received:
    """An update of what an incident is about: the incident keeps its number, and knows the newest area."""
    _link(warning, incident)
    if warning.area is not None:
        incident.area = warning.area
        incident.affected_retailers = network.share_of_city(warning.area).count
        incident.save(update_fields=["area", "affected_retailers"])
    record("incidents.warning_updated", warning, actor, {"expires_at": warning.expires_at})
    return Received(warning, "join", incident)


def _end(warning: Warning, incident: Incident | None, actor: Person | None) -> Received:
    """A warning is taken back; all is clear when none of the incident's is in force any more."""
    if incident is None:
        return Received(warning, "note", None)
    warning.incident, warning.expired_at = (
        incident,
        clock.now(),
    )  # it ends others, and itself warns of nothing
    warning.save(update_fields=["incident", "expired_at"])
    if in_force(incident).exists():
        return Received(warning, "join", incident)
    closing.all_clear(incident, "cancel", actor=actor)
    return Received(warning, "end", incident)


def _propose(warning: Warning, procedure: str) -> None:
    """Put the warning to the office of the leading group, which decides whether the plan starts."""
    pack = plan.procedure_in_force(KIND).pack
    record("incidents.warning_proposed", warning, None, {"to": OFFICE, "procedure": procedure})
    holder = resolve(spec_of(pack, OFFICE), {}, clock.now(), name=OFFICE) if OFFICE in pack.roles else None
    if holder is not None and holder.person is not None:
        telling.tell_of_warning(headline_text(warning), [holder.person])


def start_from_warning(warning: Warning, *, actor: Person) -> Received:
    """A person starts the plan for a warning that was only proposed or noted. Conflict when it has an incident."""
    access.require(actor, "incidents.suspend")
    with transaction.atomic():
        warning = Warning.objects.select_for_update(of=("self",)).get(pk=warning.pk)
        if warning.incident_id is not None:
            raise Conflict(gettext_noop("this warning has an incident already"))
        if warning.status not in LIVE:
            raise Conflict(gettext_noop("this warning is a test and starts nothing"))
        if warning.replaced_by_id is not None:
            raise Conflict(gettext_noop("a later message has taken this warning's place"))
        if warning.area is None:
            raise Conflict(
                gettext_noop("this warning names no area of the city; report the weather with an area")
            )
        return _start(warning, _proposed(warning), actor, drill=warning.status == "Exercise")


def _proposed(warning: Warning) -> str:
    """The procedure that the plan's table proposed for a warning; severe weather when it proposed none."""
    facts = Entry.objects.filter(kind="incidents.warning_proposed", data__warning=str(warning.uuid))
    found = facts.order_by("-pk").first()
    return str(found.data.get("procedure") or KIND) if found else KIND
