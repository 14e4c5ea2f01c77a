"""`changbei plan rehearse`: a plan carried out a thousand times in virtual time against the real roster."""

from __future__ import annotations

import json
from datetime import time
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from changbei.core import texts
from changbei.core.texts import LANGUAGES

_WORST = 12  # tasks shown
_GENERATED_SHOPS = 600  # the people matter here; shops only have to be there


def _wall(_context: click.Context, _parameter: click.Parameter, value: str) -> time:
    try:
        return time.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("write the hour as 09:40") from None


@click.command()
@click.argument("name")
@click.option("--runs", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same result.")
@click.option(
    "--no-answer", type=click.FloatRange(min=0, max=0.99), help="Share of people who cannot be reached."
)
@click.option("--at", default="09:40", show_default=True, callback=_wall, help="When it happens, local time.")
@click.option(
    "--from-journal", is_flag=True, help="Response times as people had them here, where there are enough."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--language", type=click.Choice(LANGUAGES), default="zh-Hans", show_default=True)
def rehearse(
    name: str,
    runs: int,
    seed: int,
    no_answer: float | None,
    at: time,
    from_journal: bool,
    as_json: bool,
    language: str,
) -> None:
    """Rehearse NAME: typhoon (the whole day), or any procedure of a plan in force.

    Virtual time, the people on file, answers that come late or never; the assumptions are printed. Prints how long
    until somebody acts and until service is back, which limits are missed, which role is the bottleneck, and what
    one more deputy there would change.
    """
    from changbei.site.drills.stage import own_or_generated_city  # noqa: PLC0415 - reads the settings

    with own_or_generated_city(retailers=_GENERATED_SHOPS, seed=seed) as whose:
        from changbei.readiness import rehearsals  # noqa: PLC0415 - models

        if whose == "generated":
            click.echo("no city in the database: rehearsed with the people of a generated one", err=True)
        found = rehearsals.rehearse(
            name, runs=runs, seed=seed, no_answer_share=no_answer, at=at, journal=from_journal
        )
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        show(Console(), found, language)


def show(console: Console, found: dict[str, Any], language: str) -> None:
    console.print(
        f"{found['scenario']}: {', '.join(found['procedures'])}; {found['runs']} runs, seed {found['seed']},"
        f" from {found['begins_at']}"
    )
    console.print(_assumptions(found["assumptions"]))
    spans = Table()
    for head in ("minutes until", "p50", "p90", "p99"):
        spans.add_column(head, justify="left" if head.startswith("minutes") else "right")
    for label, values in _spans(found):
        spans.add_row(label, *(_minutes(values[key]) for key in ("p50", "p90", "p99")))
    console.print(spans)
    if found["not_restored_share"]:
        console.print(
            f"service not back within the time looked at: {found['not_restored_share']:.1%} of the runs"
        )
    late = Table(title="limits missed")
    for head in ("task", "clause", "role", "limit", "of the runs it came up in"):
        late.add_column(head)
    for task in [one for one in found["tasks"] if one["missed_share"]][:_WORST]:
        late.add_row(
            texts.pick(task["title"], language),
            task["clause"],
            task["role"],
            task["within"],
            f"{task['missed_share']:.1%}",
        )
    console.print(late)
    console.print(_bottleneck(found))


def _assumptions(given: dict[str, Any]) -> str:
    responses = "; ".join(
        f"{urgency} {one['median_seconds']:g} s (σ {one['sigma']:g})"
        for urgency, one in [*given["responses"].items(), *given["by_role"].items()]
    )
    return (
        f"assumed: until seen, lognormal, half within {responses}; at night × {given['night_times']:g};"
        f" {given['no_answer_share']:.0%} of people cannot be reached at first, half of them back within"
        f" {given['back_median_seconds'] / 60:g} min; a task takes {given['work_share']:.0%} of its limit"
        f" (σ {given['work_sigma']:g}), at most {given['longest_work_seconds'] / 60:g} min at the median;"
        f" {given['action_fails_share']:.0%} of actions fail. Source: {given['source']}"
    )


def _spans(found: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    spans = [("first action", found["first_action_seconds"]), ("service back", found["restored_seconds"])]
    if len(found["by_procedure"]) > 1:
        spans += [(f"  {one['procedure']}", one["restored_seconds"]) for one in found["by_procedure"]]
    other = found["one_more_deputy"]
    if other:
        spans.append((f"service back, one more deputy: {other['role']}", other["restored_seconds"]))
    return spans


def _minutes(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds / 60:.1f}"


def _bottleneck(found: dict[str, Any]) -> str:
    other = found["one_more_deputy"]
    if other is None:
        return "no role is waited for"
    role = next((one for one in found["roles"] if one["role"] == other["role"]), None)
    share = f" ({role['critical_waiting_share']:.1%} of the way to service being back)" if role else ""
    earlier = other["restored_earlier_seconds"]["mean"]
    sooner = "" if earlier is None else f" service is back {earlier / 60:.1f} min earlier on average,"
    return (
        f"bottleneck: {other['role']}{share}; with one more deputy there{sooner} and"
        f" {other['missed_deadlines_a_run']:g} limits are missed a run instead of {found['missed_deadlines_a_run']:g}"
    )
