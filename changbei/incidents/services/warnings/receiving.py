"""A file comes in: kept whatever it is, known when it came before, else acted upon."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from changbei.core import clock
from changbei.incidents import access, cap, locating
from changbei.incidents.models import Warning, WarningSource
from changbei.incidents.services.warnings.acting import act
from changbei.incidents.services.warnings.following import fit
from changbei.incidents.services.warnings.received import Received, record
from changbei.journal import locks
from changbei.people.models import Person


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
        return act(warning, alert, actor)


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
    record("incidents.warning_refused", warning, None, {"reasons": codes})
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
    same = Warning.objects.filter(sender=fit(alert.sender), identifier=fit(alert.identifier), sent=alert.sent)
    return same.exclude(verdict=Warning.Verdict.REFUSED).select_related("incident").first()


def _reasons(result: cap.CapResult) -> list[dict[str, object]]:
    return [reason.to_json() for reason in result.reasons]


def _keep(
    data: bytes, result: cap.CapResult, alert: cap.Alert, source: str, origin: WarningSource | None
) -> Warning:
    info = alert.info(origin.language if origin else "zh-Hans")
    place = locating.place_of(alert)
    verdict = Warning.Verdict.ACCEPTED_WITH_WARNINGS if place.remarks else result.verdict
    warning = Warning.objects.create(
        sender=fit(alert.sender),
        identifier=fit(alert.identifier),
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
    record("incidents.warning_received", warning, None, {"verdict": verdict})
    return warning


def _reference(one: cap.Reference) -> dict[str, str]:
    sent = {"sent": one.sent.isoformat()} if one.sent else {}
    return {"sender": fit(one.sender), "identifier": fit(one.identifier), **sent}


def _texts(info: cap.Info) -> dict[str, str]:
    """The words of one block, for readers of its language."""
    return {
        "language": info.language,
        "event": info.event,
        "headline": info.headline,
        "description": info.description,
        "instruction": info.instruction,
    }
