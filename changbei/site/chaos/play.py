"""Rounds of a chaos run: report, die, come back, settle, check."""

from __future__ import annotations

import faulthandler
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import django
from django.db import DatabaseError, connection

from changbei.core.errors import Outside
from changbei.site.chaos.database import START_SECONDS, Database
from changbei.site.chaos.nursery import Nursery, load
from changbei.site.chaos.processes import Site
from changbei.site.chaos.sink import Sink
from changbei.site.commands.base import let_go_of_database
from changbei.site.postgres import DATABASE_VARIABLE, EmbeddedPostgres

LEASE_SCALE = 1 / 24  # messages 5 s, timers 1.25 s, actions 12.5 s: a busy machine keeps them, too
KILLS_A_ROUND, MOST_KILLS_A_ROUND, ROUNDS = 10, 40, 25  # a long run has longer rounds rather than more
ROUND_SECONDS = 900  # whatever still moves then does not come to rest
STATEMENT_SECONDS = 60  # of a check
WHOLE_CHAIN_EVERY = 10
MOST_DETAILS = 50


@dataclass
class Result:
    """What a chaos run has found; `violations` by kind."""

    seed: int
    kills: int = 0
    kills_by_kind: dict[str, int] = field(default_factory=dict)
    rounds: int = 0
    reports_accepted: int = 0
    reports_answered_late: int = 0  # at the second try or later: somebody died over the first
    notices_handed: int = 0
    notices_lost: int = 0
    duplicates: int = 0  # with the same key, of what was in flight
    duplicates_without_key: int = 0  # the same once more under another key
    database_hung: int = 0  # how often it did not come back by itself and was ended with all its processes
    hung_at: list[str] = field(default_factory=list)
    violations: dict[str, int] = field(default_factory=dict)
    details: list[str] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: str = ""  # by what; the figures are those until then

    @property
    def ok(self) -> bool:
        return not self.violations and not self.interrupted

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "seconds": round(self.seconds, 1), "ok": self.ok}


def run(kills: int, seed: int, folder: Path, *, say: Callable[[str], None] = lambda _line: None) -> Result:
    """Rounds until at least `kills` deaths. `folder` takes the database and the processes' logs.

    Sets Django up for this run alone: call it in a process of its own.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        server, keeper = (
            EmbeddedPostgres(folder / "pg", durable=True, ephemeral=True, start_seconds=START_SECONDS)
            for _ in range(2)
        )
        sink = Sink()
        stack.callback(sink.server_close)
        _set_environment(server.url, sink.url, folder)
        django.setup()
        load()
        nursery = Nursery()
        stack.callback(nursery.close)
        stack.callback(keeper.stop)
        keeper.hold()  # a start that fails does not end the server: somebody has to look at it
        stack.enter_context(server)
        stack.callback(let_go_of_database)
        sink.open()
        stack.callback(sink.shutdown)
        database = Database(server)
        site = Site(folder, database, nursery)
        stack.callback(site.kill_all)
        result = _play(kills, seed, site, sink, say)
        database.up()  # it ends in order only when it is well
    result.seconds = time.monotonic() - began
    return result


def _set_environment(database: str, gateway: str, folder: Path) -> None:
    var = folder / "var"
    (var / "static").mkdir(parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith("CHANGBEI_")]:
        if name not in {"CHANGBEI_PG_BIN", "CHANGBEI_LOG"}:
            del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "changbei.site.settings",
        DATABASE_VARIABLE: database,
        "CHANGBEI_VAR": str(var),
        "CHANGBEI_SMS_GATEWAY": gateway,
        "CHANGBEI_LEASE_SCALE": str(LEASE_SCALE),
        "CHANGBEI_DB_POOL": "12",
    }


@contextmanager
def limit(seconds: int) -> Iterator[None]:
    """Raises Outside in the middle of what takes longer, and says where all threads are."""

    def too_long(_signal: int, _frame: FrameType | None) -> None:
        faulthandler.dump_traceback()
        raise Outside(f"longer than {seconds} s", permanent=True)

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def kills_a_round(kills: int) -> int:
    return min(MOST_KILLS_A_ROUND, max(KILLS_A_ROUND, kills // ROUNDS))


def _play(kills: int, seed: int, site: Site, sink: Sink, say: Callable[[str], None]) -> Result:
    from changbei.site.chaos import ground  # noqa: PLC0415 - models: only after Django is set up
    from changbei.site.chaos.rounds import Rounds  # noqa: PLC0415

    began = time.monotonic()
    connection.settings_dict["OPTIONS"]["options"] = f"-c statement_timeout={STATEMENT_SECONDS}s"
    keys = ground.furnish()
    let_go_of_database()
    result = Result(seed)
    rounds = Rounds(site, sink, keys, random.Random(seed), kills_a_round(kills))
    found: Counter[str] = Counter()
    site.restore()
    try:
        while rounds.deaths.total < kills:
            result.rounds += 1
            last = rounds.deaths.total + rounds.kills_a_round >= kills
            with limit(ROUND_SECONDS):
                violations = rounds.one(
                    result.rounds,
                    most_kills=kills - rounds.deaths.total,
                    whole_chain=last or result.rounds % WHOLE_CHAIN_EVERY == 1,
                )
            found.update(one.kind for one in violations)
            result.details += [f"round {result.rounds}: {one.kind}: {one.detail}" for one in violations]
            took = f"{time.monotonic() - began:.0f} s, {rounds.settling_seconds:.0f} of them settling"
            did = f"{rounds.deaths.total} deaths, {len(rounds.answered)} reports"
            say(f"round {result.rounds}: {did}, {took}, {dict(found)}")
            for seen in site.database.hung[result.database_hung :]:
                say(f"the database {seen}")
            result.database_hung = len(site.database.hung)
    except (
        KeyboardInterrupt,
        Outside,
        DatabaseError,
    ) as trouble:  # what was found until then is worth having
        result.interrupted = f"in round {result.rounds}, which is not checked: {trouble or 'asked to stop'}"
        say(f"interrupted {result.interrupted}")
    result.details = result.details[:MOST_DETAILS]
    handed = sink.since(0)
    result.kills, result.kills_by_kind = rounds.deaths.total, dict(sorted(rounds.deaths.kills.items()))
    result.reports_accepted = len(rounds.answered)
    result.reports_answered_late = sum(one.tries > 1 for one in rounds.answered)
    result.notices_handed = len({one.key for one in handed})
    result.notices_lost, result.violations = found["notice_lost"], dict(sorted(found.items()))
    result.duplicates_without_key = found["notice_doubled"]
    result.database_hung, result.hung_at = len(site.database.hung), site.database.hung[:MOST_DETAILS]
    result.duplicates = len(handed) - result.notices_handed
    return result
