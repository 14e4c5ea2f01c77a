"""procrastinate and DBOS at the like on the same server, in an environment of their own."""

from __future__ import annotations

import sys

from bench.engine.common import Row, address_of, row, sql
from bench.peers import environment

PEERS = {"procrastinate": (20, 500, 100_000, 1_000), "dbos": (10, 150)}  # reports, notices, pending, due


def rows(report_ms: float, message_ms: float, server: int) -> list[Row]:
    if missing := environment.prepare():
        print(f"bench: peers left out: {missing}", file=sys.stderr)
        return []
    found: list[Row] = []
    for peer, sizes in PEERS.items():
        sql(f"CREATE DATABASE peer_{peer}")
        did = environment.run(peer, address_of(f"peer_{peer}"), server, *sizes)
        report, notice = did["report"] * 1000, did["notice"] * 1000
        found += [
            row(f"report, {peer}", report, "ms CPU", "12 tasks, deadlines and notices as its jobs"),
            row(f"report, {peer} to ours", report / report_ms, "x"),
            row(f"messages, {peer}", notice, "ms CPU", "one audited record each"),
            row(f"messages, {peer} to ours", notice / message_ms, "x"),
        ]
        if "p99" in did:
            found.append(row(f"deadlines among 100000 pending, {peer}, p99 lag", did["p99"], "s"))
    return found
