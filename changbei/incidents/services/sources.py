"""Sources of warnings: added, polled with patience, and known to be silent when they are (E3.2)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Invalid, Outside, Problem
from changbei.core.texts import LANGUAGES
from changbei.incidents import access, cap
from changbei.incidents.feeds import folders, http
from changbei.incidents.models import Warning, WarningSource
from changbei.incidents.services.warnings import Received, receive_warning, refuse_file
from changbei.journal import services as journal
from changbei.people.models import Person

MOST_FETCHES = 100  # addresses of a feed followed at one go; the others are next
LONGEST_ROUND_SECONDS = 240.0  # of following them, however slow they are: well within the lease
MOST_REASONS = 50
LONGEST_PAUSE = timedelta(hours=1)
LEASE = timedelta(minutes=10)
LEAST_SECONDS = 10


@transaction.atomic
def save_source(
    source: WarningSource | None,
    *,
    name: str,
    kind: str,
    place: str = "",
    person: Person | None = None,
    language: str = "zh-Hans",
    strict: bool = False,
    interval_seconds: int = 60,
    silent_after_seconds: int = 3600,
    enabled: bool = True,
    actor: Person | None,
) -> WarningSource:
    """Add a source, or change one. It is polled at once. `actor`: None for the command line. Raises Invalid."""
    if actor is not None:
        access.require(actor, "incidents.command")
    found = source or WarningSource(added_at=clock.now())
    problems = _problems(found, name, kind, place, person, language, interval_seconds, silent_after_seconds)
    if problems:
        raise Invalid(problems=problems)
    if found.place != place:
        found.etag, found.modified, found.seen = "", "", []
    found.name, found.kind, found.place, found.person = name.strip(), kind, place.strip(), person
    found.language, found.strict, found.enabled = language, strict, enabled
    found.interval_seconds, found.silent_after_seconds = interval_seconds, silent_after_seconds
    found.due_at = None if kind == WarningSource.Kind.PUSH else clock.now()
    found.save()
    journal.append(
        "incidents.warning_source_saved",
        actor=actor,
        clause="E3.2",
        data={
            "source": str(found.uuid),
            "name": found.name,
            "kind": kind,
            "strict": strict,
            "enabled": enabled,
        },
    )
    return found


def _problems(
    source: WarningSource,
    name: str,
    kind: str,
    place: str,
    person: Person | None,
    language: str,
    interval_seconds: int,
    silent_after_seconds: int,
) -> list[Problem]:
    problems = []
    if not name.strip() or len(name) > 100:
        problems.append(Problem("name", gettext_noop("a name of at most 100 characters is needed")))
    elif WarningSource.objects.filter(name=name.strip()).exclude(pk=source.pk).exists():
        problems.append(Problem("name", gettext_noop("there is a source of this name")))
    if kind not in WarningSource.Kind.values:
        problems.append(Problem("kind", gettext_noop("url, folder or push")))
    if kind == WarningSource.Kind.URL and not _is_address(place):
        problems.append(
            Problem("place", gettext_noop("an address that begins with http:// or https:// is needed"))
        )
    if kind == WarningSource.Kind.FOLDER and not Path(place).is_absolute():
        problems.append(Problem("place", gettext_noop("the whole path of a folder is needed")))
    if kind == WarningSource.Kind.PUSH and person is None:
        problems.append(Problem("person", gettext_noop("say whose key is used for pushing")))
    if language not in LANGUAGES:
        problems.append(Problem("language", "zh-Hans, zh-Hant, en"))
    if interval_seconds < LEAST_SECONDS:
        problems.append(Problem("interval_seconds", gettext_noop("at least 10 seconds")))
    if silent_after_seconds < interval_seconds:
        problems.append(Problem("silent_after_seconds", gettext_noop("at least as long as the interval")))
    return problems


def _is_address(place: str) -> bool:
    try:
        parts = urlsplit(place.strip())
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


@dataclass
class Haul:
    """What a poll brought in."""

    received: list[Received] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def new(self) -> int:
        return sum(one.action not in ("duplicate", "refused") for one in self.received)


def poll_due(limit: int = 5) -> int:
    """Poll the sources whose time has come; how many were. One that fails is asked less often, up to hourly."""
    done = 0
    while done < limit and (source := _claim()) is not None:
        poll(source)
        done += 1
    return done


@transaction.atomic
def _claim() -> WarningSource | None:
    now = clock.now()
    due = WarningSource.objects.select_for_update(skip_locked=True).filter(enabled=True, due_at__lte=now)
    source = due.order_by("due_at").first()
    if source is not None:
        source.due_at = now + LEASE  # whoever dies at it leaves it to the next
        source.save(update_fields=["due_at"])
    return source


def poll(source: WarningSource) -> Haul:
    """Ask one source now, whatever its time. Never raises for what is outside: that is its `trouble`."""
    haul = Haul()
    try:
        if source.kind == WarningSource.Kind.FOLDER:
            _empty_folder(source, haul)
        elif source.kind == WarningSource.Kind.URL:
            _fetch(source, haul)
    except Outside as error:
        haul.troubles.insert(0, str(error))
        _failed(source, haul)
    else:
        _heard(source, haul)
    return haul


def _heard(source: WarningSource, haul: Haul) -> None:
    now = clock.now()
    source.tried_at = source.heard_at = now
    source.failures = 0
    source.trouble = "; ".join(haul.troubles)[:300]
    source.due_at = now + timedelta(seconds=source.interval_seconds)
    source.save(
        update_fields=["tried_at", "heard_at", "failures", "trouble", "due_at", "etag", "modified", "seen"]
    )


def _failed(source: WarningSource, haul: Haul) -> None:
    source.tried_at = clock.now()
    source.failures += 1
    source.trouble = "; ".join(haul.troubles)[:300]
    source.due_at = source.tried_at + pause(source.interval_seconds, source.failures)
    source.save(update_fields=["tried_at", "failures", "trouble", "due_at", "seen"])
    if source.failures == 1:
        journal.append(
            "incidents.warning_source_failed",
            actor=None,
            clause="E3.2",
            data={"source": str(source.uuid), "name": source.name, "trouble": source.trouble},
        )


def pause(interval_seconds: int, failures: int) -> timedelta:
    """Until a source that has failed so often in a row is asked again: twice as long each time, at most an hour."""
    usual = timedelta(seconds=interval_seconds)
    times: int = 2 ** min(failures - 1, 12)
    return max(usual, min(usual * times, LONGEST_PAUSE))


def _empty_folder(source: WarningSource, haul: Haul) -> None:
    for one in folders.dropped(Path(source.place)):
        received = receive_file(one.data, name=one.path.name, origin=source)
        haul.received += received
        kept = any(item.warning.verdict != Warning.Verdict.REFUSED for item in received)
        verdict = "accepted" if kept else "refused"
        folders.put_away(one.path, verdict, [_outcome(item) for item in received])


def _outcome(item: Received) -> dict[str, object]:
    warning = item.warning
    return {
        "warning": str(warning.uuid),
        "sender": warning.sender,
        "identifier": warning.identifier,
        "verdict": warning.verdict,
        "action": item.action,
        "reasons": warning.reasons,
    }


def receive_file(
    data: bytes,
    *,
    name: str,
    origin: WarningSource | None,
    strict: bool | None = None,
    actor: Person | None = None,
) -> list[Received]:
    """Every alert of a file, feed or envelope; at least one answer.

    A file that has none, or has entries that cannot be read or only say where an alert is, is kept as refused with
    the reasons: only what a source is set up for is fetched.
    """
    strictly = strict if strict is not None else bool(origin and origin.strict)
    label = f"{origin.name}: {name}" if origin else name
    opened = cap.unpack(data)
    here = [part for part in opened.parts if part.is_here]
    absent = [part for part in opened.parts if not part.is_here]
    if not opened.parts:
        here = [cap.Part("", raw=data)]
    received = [
        receive_warning(
            part.data(),
            source=f"{label} {part.origin}".strip(),
            actor=actor,
            strict=strictly,
            origin=origin,
            envelope_status=part.envelope_status,
        )
        for part in here
    ]
    if absent or opened.left_out:
        reasons = [reason for part in absent[:MOST_REASONS] for reason in part.read().reasons]
        left_out = opened.left_out + max(0, len(absent) - MOST_REASONS)
        if left_out:
            reasons.append(cap.Reason("left-out", opened.kind, 1, {"count": str(left_out)}))
        received.append(refuse_file(data, reasons, source=label, actor=actor, origin=origin))
    return received


def _fetch(source: WarningSource, haul: Haul) -> None:
    answer = http.get(source.place, home=source.place, etag=source.etag, modified=source.modified)
    if not answer.fresh:
        return
    opened = cap.unpack(answer.data)
    here = [part for part in opened.parts if part.is_here]
    if opened.kind == "alert":
        haul.received += receive_file(answer.data, name=source.place, origin=source)
        if haul.received[0].action == "refused" and haul.received[0].warning.sender == "":
            raise Outside("what it gives is no warning that can be read; it was kept", permanent=False)
    elif here:
        haul.received += _receive_parts(here, source)
    whole = _follow(source, [part for part in opened.parts if not part.is_here], haul) and not opened.left_out
    if opened.left_out:
        haul.troubles.append(f"{opened.left_out} entries too many")
    # as long as something is missing the feed is asked for again, changed or not
    source.etag, source.modified = (answer.etag, answer.modified) if whole else ("", "")


def _receive_parts(parts: Sequence[cap.Part], source: WarningSource) -> list[Received]:
    return [
        receive_warning(
            part.data(),
            source=f"{source.name}: {part.origin}",
            strict=source.strict,
            origin=source,
            envelope_status=part.envelope_status,
        )
        for part in parts
    ]


def _follow(source: WarningSource, parts: Sequence[cap.Part], haul: Haul) -> bool:
    """Fetch the alerts that entries only name; whether all are here now. Entries that are gone are forgotten."""
    before = set(source.seen)
    now_seen: dict[str, None] = {}
    fetched: set[str] = set()
    whole, end = True, time.monotonic() + LONGEST_ROUND_SECONDS
    for part in parts:
        key = hashlib.sha256(f"{part.key} {part.links[:1]}".encode()).hexdigest()[:20]
        if key in before or not part.links or part.links[0] in fetched:
            now_seen[key] = None
        elif len(fetched) >= MOST_FETCHES or time.monotonic() > end:
            whole = False
        else:
            fetched.add(part.links[0])
            try:
                haul.received += _linked(source, part)
                now_seen[key] = None
            except Outside as error:
                whole = False
                haul.troubles.append(f"{part.origin}: {error}")
    source.seen = list(now_seen)
    return whole


def _linked(source: WarningSource, part: cap.Part) -> list[Received]:
    """The alert of an entry: the first of its addresses that gives one, else what the first gave is kept as refused."""
    first: bytes | None = None
    trouble: Outside | None = None
    for link in part.links[:3]:
        try:
            data = http.get(link, home=source.place).data
        except Outside as error:
            trouble = trouble or error
            continue
        if cap.unpack(data).parts and not all(one.read().draft is None for one in cap.unpack(data).parts):
            return receive_file(data, name=link, origin=source)
        first = data if first is None else first
    if trouble is not None or first is None:
        raise trouble or Outside("nothing came", permanent=False)
    return receive_file(first, name=part.links[0], origin=source)


def push_source(person: Person) -> WarningSource | None:
    """The source that this person's key pushes for, if one is set up."""
    return WarningSource.objects.filter(kind=WarningSource.Kind.PUSH, person=person, enabled=True).first()


def pushed(data: bytes, *, actor: Person) -> list[Received]:
    """Take in what was pushed: strictly, unless the source set up for this person says otherwise. Raises NotAllowed."""
    access.require(actor, "incidents.receive_warning")
    source = push_source(actor)
    strict = source.strict if source is not None else True
    received = receive_file(data, name=f"api {actor.staff_no}", origin=source, strict=strict, actor=actor)
    if source is not None:
        WarningSource.objects.filter(pk=source.pk).update(tried_at=clock.now(), heard_at=clock.now())
    return received


def silent(now: datetime) -> list[WarningSource]:
    """Enabled sources that nobody has heard of for longer than they allow."""
    allowed = F("silent_after_seconds") * timedelta(seconds=1)
    heard = Q(heard_at__lt=now - allowed) | Q(heard_at__isnull=True, added_at__lt=now - allowed)
    return list(WarningSource.objects.filter(heard, enabled=True).order_by("name"))
