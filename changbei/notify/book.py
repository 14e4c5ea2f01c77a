"""The installation's own rules about messages: a file that people can read, `CHANGBEI_NOTICES`.

    ladders:
      immediate: [inbox, push, sms, {voice: 2m}, {sms: 3m}]
      others: [sms]                      # customers and outside contacts
    instead: {sms: email}
    limits:
      a_minute: {sms: 600, voice: 30}    # handed over by a channel
      an_hour_a_person: {sms: 12}
      quiet: {from: "22:00", until: "07:00", channels: [sms, voice]}
    valid: {immediate: 72h, urgent: 72h, routine: 72h, bulk: 24h}

What it does not say stays as it is. Urgency `immediate` breaks every limit and the quiet hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from changbei.core import durations
from changbei.core.clock import LOCAL
from changbei.notify import ladders
from changbei.notify.ladders import KINDS, Rung
from changbei.notify.models import Urgency

URGENCIES = {urgency.name.lower(): urgency for urgency in Urgency}
OTHERS = "others"
VALID = timedelta(hours=72)


@dataclass(frozen=True)
class Quiet:
    """Local hours in which a channel keeps still; they may span midnight."""

    begins: time
    ends: time
    channels: frozenset[str]

    def over_at(self, channel: str, now: datetime) -> datetime | None:
        """When the quiet hours around `now` are over for a channel; None outside of them."""
        if channel not in self.channels or self.begins == self.ends:
            return None
        local = now.astimezone(LOCAL)
        within = (
            self.begins <= local.time() < self.ends
            if self.begins < self.ends
            else local.time() >= self.begins or local.time() < self.ends
        )
        if not within:
            return None
        end = local.replace(hour=self.ends.hour, minute=self.ends.minute, second=0, microsecond=0)
        return (end if end > local else end + timedelta(days=1)).astimezone(now.tzinfo)


@dataclass(frozen=True)
class Book:
    staff: Mapping[int, tuple[Rung, ...]]
    others: tuple[Rung, ...]
    instead: Mapping[str, str]
    a_minute: Mapping[str, int] = field(default_factory=dict)
    an_hour_a_person: Mapping[str, int] = field(default_factory=dict)
    quiet: Quiet | None = None
    valid: Mapping[int, timedelta] = field(default_factory=dict)

    def valid_until(self, urgency: int, now: datetime) -> datetime:
        return now + self.valid.get(urgency, VALID)


STANDARD = Book(ladders.FOR_STAFF, ladders.FOR_OTHERS, ladders.INSTEAD)


def book() -> Book:
    """The rules in force."""
    return _read(settings.NOTICES_FILE) if settings.NOTICES_FILE else STANDARD


def read(text: str) -> Book:
    """The rules a file gives. ValueError names what is wrong."""
    try:
        content = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ValueError(f"CHANGBEI_NOTICES: {error}") from error
    content = _only({} if content is None else content, {"ladders", "instead", "limits", "valid"}, "the file")
    given = _only(content.get("ladders", {}), {*URGENCIES, OTHERS}, "ladders")
    own: dict[int, tuple[Rung, ...]] = {
        URGENCIES[name]: _ladder(rungs, name) for name, rungs in given.items() if name != OTHERS
    }
    limits = _only(content.get("limits", {}), {"a_minute", "an_hour_a_person", "quiet"}, "limits")
    return Book(
        {**ladders.FOR_STAFF, **own},
        _ladder(given[OTHERS], OTHERS) if OTHERS in given else ladders.FOR_OTHERS,
        {_kind(name, "instead"): _kind(other, "instead") for name, other in content["instead"].items()}
        if "instead" in content
        else ladders.INSTEAD,
        _numbers(limits.get("a_minute", {}), "limits.a_minute"),
        _numbers(limits.get("an_hour_a_person", {}), "limits.an_hour_a_person"),
        _quiet(limits["quiet"]) if "quiet" in limits else None,
        {
            URGENCIES[name]: _length(word, "valid")
            for name, word in _only(content.get("valid", {}), set(URGENCIES), "valid").items()
        },
    )


@lru_cache(maxsize=4)
def _read(path: str) -> Book:
    return read(Path(path).read_text(encoding="utf-8"))


def _only(given: Any, known: set[str], where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ValueError(f"CHANGBEI_NOTICES: {where} has to be a map")
    for name in given:
        if name not in known:
            raise ValueError(
                f"CHANGBEI_NOTICES: {where} knows no {name!r}; it knows {', '.join(sorted(known))}"
            )
    return given


def _ladder(rungs: Any, where: str) -> tuple[Rung, ...]:
    if not isinstance(rungs, list) or not rungs:
        raise ValueError(f"CHANGBEI_NOTICES: ladders.{where} has to be a list of channels")
    found = []
    for rung in rungs:
        channel, wait = (
            next(iter(rung.items())) if isinstance(rung, dict) and len(rung) == 1 else (rung, "0m")
        )
        seconds = _length(wait, f"ladders.{where}").total_seconds()
        found.append(Rung(_kind(channel, f"ladders.{where}"), int(seconds)))
    return tuple(found)


def _kind(word: Any, where: str) -> str:
    if word not in KINDS:
        raise ValueError(f"CHANGBEI_NOTICES: {where}: {word!r} is no channel; there are {', '.join(KINDS)}")
    return str(word)


def _length(word: Any, where: str) -> timedelta:
    try:
        length = durations.parse(str(word))
    except ValueError as error:
        raise ValueError(f"CHANGBEI_NOTICES: {where}: {error}") from error
    if length.working_days:
        raise ValueError(f"CHANGBEI_NOTICES: {where}: {word!r} counts working days; write hours")
    return timedelta(seconds=length.seconds)


def _numbers(given: Any, where: str) -> dict[str, int]:
    for name, number in _only(given, set(KINDS), where).items():
        if type(number) is not int or number < 1:
            raise ValueError(f"CHANGBEI_NOTICES: {where}.{name} has to be a whole number from 1")
    return dict(given)


def _quiet(given: Any) -> Quiet:
    _only(given, {"from", "until", "channels"}, "limits.quiet")
    try:
        begins, ends = (time.fromisoformat(str(given[name])) for name in ("from", "until"))
    except (KeyError, ValueError) as error:
        raise ValueError('CHANGBEI_NOTICES: limits.quiet needs from: "22:00" and until: "07:00"') from error
    channels = given.get("channels", ["sms", "voice", "push"])
    return Quiet(begins, ends, frozenset(_kind(name, "limits.quiet.channels") for name in channels))
