"""Weather warnings as they come in: every one is kept, and the plan's table says what each does (E3.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.incidents import access, cap, locating, plan, rules, telling
from changbei.incidents.models import Incident, Warning, WarningSource
from changbei.incidents.services import closing
from changbei.incidents.services.reporting import report
from changbei.incidents.translated import headline_text
from changbei.journal import locks
from changbei.journal import services as journal
from changbei.journal.models import Entry
from changbei.network import selectors as network
from changbei.people.models import Person
from changbei.people.resolution import resolve
from changbei.runs.roles import spec_of

KIND = "severe-weather"
TABLE = "warning-start"
OFFICE = "office"  # the role that decides on what is only proposed
LONGEST_IDENTITY = 200
LIVE = ("Actual", "Exercise")
CHANGING = ("Alert", "Update", "Cancel")  # Ack and Error change nothing
PHENOMENA = (
    ("typhoon", ("台风", "颱風", "typhoon", "hurricane", "tropical cyclone", "tropical storm")),
    ("rainstorm", ("暴雨", "rainstorm", "rain", "flood")),
    ("snow", ("暴雪", "大雪", "snow", "blizzard")),
)


@dataclass(frozen=True)
class Received:
    """What became of a file. `action`: refused, duplicate, start, join, propose, end or note."""

    warning: Warning
    action: str
    incident: Incident | None


def receive_warning(
    data: bytes,
    *,
    source: str,
    actor: Person | None = None,
    strict: bool = False,
    origin: WarningSource | None = None,
    envelope_status: str = "",
) -> Received:
    """Take in one CAP file, whatever it is: kept, read, and acted upon by the table `warning-start` of the plan.

    Refused files are kept with the reasons; `strict` refuses every breach of the standard. The same alert twice
    changes nothing. Actual alerts start the plan, Exercise alerts a drill; an Update joins the incident of what it
    updates, and proposes resuming there when it is milder than what starts the plan; a Cancel always does. What comes
    after the message that took its place starts nothing. `envelope_status`: see `cap.read`.
    """
    if actor is not None:
        access.require(actor, "incidents.receive_warning")
    result = cap.read(data, strict=strict, envelope_status=envelope_status, now=clock.now())
    with transaction.atomic():
        if result.alert is None:
            return _refused(data, _reasons(result), source, origin)
        alert = result.alert
        for key in sorted({_key(one) for one in (alert.identity, *alert.references)}):
            locks.hold(key)
        known = _known(alert)
        if known is not None:
            return _again(data, alert, known, source, origin)
        warning = _keep(data, result, alert, source, origin)
        return _act(warning, alert, actor)


def _key(identity: cap.Reference) -> str:
    return f"warning:{identity.sender}:{identity.identifier}"


def refuse_file(
    data: bytes,
    reasons: Sequence[cap.Reason],
    *,
    source: str,
    actor: Person | None = None,
    origin: WarningSource | None = None,
) -> Received:
    """Keep a file as refused though alerts were found in it: for what in it could not be read."""
    if actor is not None:
        access.require(actor, "incidents.receive_warning")
    with transaction.atomic():
        return _refused(data, [reason.to_json() for reason in reasons], source, origin)


def _refused(
    data: bytes, reasons: list[dict[str, object]], source: str, origin: WarningSource | None
) -> Received:
    """Kept with its reasons. A source that is polled shows the same file again and again: it is kept once."""
    digest = hashlib.sha256(data).hexdigest()
    if origin is not None and origin.kind != WarningSource.Kind.PUSH:
        same = Warning.objects.filter(verdict=Warning.Verdict.REFUSED, digest=digest, origin=origin).first()
        if same is not None:
            return Received(same, "refused", None)
    warning = Warning.objects.create(
        received_at=clock.now(),
        verdict=Warning.Verdict.REFUSED,
        reasons=reasons,
        raw=data,
        digest=digest,
        source=source[:160],
        origin=origin,
    )
    codes = [reason["code"] for reason in reasons]
    _journal("incidents.warning_refused", warning, None, {"reasons": codes})
    return Received(warning, "refused", None)


def _again(
    data: bytes, alert: cap.Alert, known: Warning, source: str, origin: WarningSource | None
) -> Received:
    """The same alert, perhaps in another wrapping, changes nothing; other words under the same identity are kept."""
    before = cap.read(bytes(known.raw)).draft
    if before is None or replace(before, status=alert.status) == alert:
        return Received(known, "duplicate", known.incident)
    return _refused(data, [cap.Reason("identity-reused", "alert/identifier", 0).to_json()], source, origin)


def _known(alert: cap.Alert) -> Warning | None:
    same = Warning.objects.filter(
        sender=_fit(alert.sender), identifier=_fit(alert.identifier), sent=alert.sent
    )
    return same.exclude(verdict=Warning.Verdict.REFUSED).select_related("incident").first()


def _fit(word: str) -> str:
    """A part of the identity as it is kept: one that is too long keeps being told from others."""
    if len(word) <= LONGEST_IDENTITY:
        return word
    return f"{word[: LONGEST_IDENTITY - 41]}~{hashlib.sha256(word.encode()).hexdigest()[:40]}"


def _reasons(result: cap.CapResult) -> list[dict[str, object]]:
    return [reason.to_json() for reason in result.reasons]


def _keep(
    data: bytes, result: cap.CapResult, alert: cap.Alert, source: str, origin: WarningSource | None
) -> Warning:
    info = alert.info(origin.language if origin else "zh-Hans")
    place = locating.place_of(alert)
    verdict = Warning.Verdict.ACCEPTED_WITH_WARNINGS if place.remarks else result.verdict
    warning = Warning.objects.create(
        sender=_fit(alert.sender),
        identifier=_fit(alert.identifier),
        sent=alert.sent,
        status=alert.status,
        msg_type=alert.msg_type,
        event=info.event[:200] if info else "",
        headline=info.headline[:300] if info else "",
        severity=alert.severity,
        colour=alert.colour,
        area=place.geometry,
        effective_at=alert.effective,
        expires_at=alert.expires,
        received_at=clock.now(),
        verdict=verdict,
        reasons=[*_reasons(result), *place.remarks],
        raw=data,
        digest=hashlib.sha256(data).hexdigest(),
        source=source[:160],
        origin=origin,
        references=[_reference(one) for one in alert.references],
        texts=[_texts(info) for info in alert.infos],
    )
    _journal("incidents.warning_received", warning, None, {"verdict": verdict})
    return warning


def _reference(one: cap.Reference) -> dict[str, str]:
    sent = {"sent": one.sent.isoformat()} if one.sent else {}
    return {"sender": _fit(one.sender), "identifier": _fit(one.identifier), **sent}


def _texts(info: cap.Info) -> dict[str, str]:
    """The words of one block, for readers of its language."""
    return {
        "language": info.language,
        "event": info.event,
        "headline": info.headline,
        "description": info.description,
        "instruction": info.instruction,
    }


def _overtaken(warning: Warning) -> Received | None:
    """A message that updates or cancels this one has come in before it: this one only joins what that one did."""
    own = {"sender": warning.sender, "identifier": warning.identifier}
    found = Warning.objects.filter(references__contains=[own], msg_type__in=("Update", "Cancel"))
    found = (
        found.filter(status=warning.status).exclude(verdict=Warning.Verdict.REFUSED).exclude(pk=warning.pk)
    )
    sent = warning.sent.isoformat() if warning.sent else ""
    for later in found.select_related("incident").order_by("-sent", "-pk"):
        if any(own.items() <= one.items() and one.get("sent", sent) == sent for one in later.references):
            warning.replaced_by, warning.incident = later, later.incident
            warning.save(update_fields=["replaced_by", "incident"])
            return Received(warning, "note", later.incident)
    return None


def _act(warning: Warning, alert: cap.Alert, actor: Person | None) -> Received:
    if alert.status not in LIVE or alert.msg_type not in CHANGING:
        return Received(
            warning, "note", None
        )  # a test or an acknowledgement changes nothing, whatever it refers to
    if (overtaken := _overtaken(warning)) is not None:
        return overtaken
    drill = alert.status == "Exercise"
    asked = _decide(warning, alert, clock.now())
    earlier = _incident_of(alert.references, drill=drill)
    if alert.msg_type != "Alert" or alert.lifts:
        _replace(warning, alert.references)
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


def _replace(warning: Warning, references: Sequence[cap.Reference]) -> None:
    """What a warning updates or takes back is over, and what had updated that: the later one stands in its place."""
    for reference in references:
        for earlier in _referred_to(reference).filter(status=warning.status).exclude(pk=warning.pk):
            newest = _newest(earlier)
            if newest.sent is None or warning.sent is None or newest.sent <= warning.sent:
                Warning.objects.filter(pk=newest.pk).exclude(pk=warning.pk).update(replaced_by=warning)


def _newest(warning: Warning) -> Warning:
    """The last of those that stand in a warning's place; itself when none does."""
    while warning.replaced_by is not None:
        warning = warning.replaced_by
    return warning


def _referred_to(reference: cap.Reference) -> QuerySet[Warning]:
    found = Warning.objects.filter(sender=_fit(reference.sender), identifier=_fit(reference.identifier))
    return found if reference.sent is None else found.filter(sent=reference.sent)


def _incident_of(references: Sequence[cap.Reference], *, drill: bool) -> Incident | None:
    """The incident that a warning referred to belongs to, the latest one that is not closed.

    An exercise only touches drills, and a real warning only what is real.
    """
    for reference in reversed(references):
        found = _referred_to(reference).filter(incident__drill=drill)
        found = found.exclude(incident__status=Incident.Status.CLOSED)
        latest = found.select_related("incident__run__plan_version").order_by("-pk").first()
        if latest is not None:
            return latest.incident
    return None


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
    _journal("incidents.warning_updated", warning, actor, {"expires_at": warning.expires_at})
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
    if _in_force(incident).exists():
        return Received(warning, "join", incident)
    closing.all_clear(incident, "cancel", actor=actor)
    return Received(warning, "end", incident)


def _in_force(incident: Incident) -> QuerySet[Warning]:
    """The warnings of an incident that hold now: neither run out, nor replaced or taken back."""
    return Warning.objects.filter(
        incident=incident,
        msg_type__in=("Alert", "Update"),
        replaced_by=None,
        expired_at=None,
        expires_at__gt=clock.now(),
    )


def _propose(warning: Warning, procedure: str) -> None:
    """Put the warning to the office of the leading group, which decides whether the plan starts."""
    pack = plan.procedure_in_force(KIND).pack
    _journal("incidents.warning_proposed", warning, None, {"to": OFFICE, "procedure": procedure})
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


@transaction.atomic
def announce_expired(limit: int = 50) -> int:
    """Warnings that have run out while their incident is open: tell the run once each; the number told.

    It says nothing when a later message has taken its place, or another warning of the incident is in force.
    """
    now = clock.now()
    over = Warning.objects.select_for_update(of=("self",), skip_locked=True).filter(
        expires_at__lte=now, expired_at__isnull=True, incident__status=Incident.Status.OPEN
    )
    told = 0
    for warning in over.select_related("incident__run__plan_version").order_by("pk")[:limit]:
        warning.expired_at = now
        warning.save(update_fields=["expired_at"])
        incident = warning.incident
        if incident is None or warning.replaced_by_id is not None or _in_force(incident).exists():
            continue
        _journal("incidents.warning_expired", warning, None, {})
        closing.all_clear(incident, "expired", actor=None)
        told += 1
    return told


def _journal(kind: str, warning: Warning, actor: Person | None, data: dict[str, Any]) -> None:
    incident = warning.incident
    told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in data.items()}
    journal.append(
        kind,
        actor=actor,
        incident=incident.uuid if incident else None,
        run=incident.run.uuid if incident and incident.run else None,
        clause="E3.2",
        drill=warning.status == "Exercise",
        data={
            "warning": str(warning.uuid),
            "identifier": warning.identifier,
            "headline": headline_text(warning),
            "colour": warning.colour,
            **told,
        },
    )
