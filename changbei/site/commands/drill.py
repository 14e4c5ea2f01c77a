"""`changbei drill`: an exercise on the same engine as in earnest, with simulated colleagues, on a clock of its own."""

from __future__ import annotations

import json
import logging

import click
from rich.console import Console
from rich.live import Live

from changbei.core import clock, texts
from changbei.core.texts import LANGUAGES


@click.command()
@click.argument("name", required=False)
@click.option("--list", "as_list", is_flag=True, help="What can be drilled: of every plan in force.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Times real time, e.g. 60. 0: as fast as it goes.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output, and nothing else.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Of the colleagues' delays and a generated city."
)
@click.option(
    "--retailers",
    type=click.IntRange(min=60),
    default=3000,
    show_default=True,
    help="Of the generated city, if any.",
)
@click.option("--language", type=click.Choice(LANGUAGES), default="zh-Hans", show_default=True)
def drill(
    name: str | None,
    as_list: bool,
    speed: float,
    as_json: bool,
    seed: int,
    retailers: int,
    language: str,
) -> None:
    """Drill NAME: who is told and answers, what is due by which clause, what is re-planned, when service is back.

    NAME is an exercise of a plan in force, or one of its procedures; --list shows them. The drill has a database of
    its own, with the registries of this site's city (else of a generated one), and leaves nothing behind. Every
    message is marked; customers are not told.
    """
    if as_list:
        show_list(language)
        return
    if name is None:
        raise click.UsageError("name what is to be drilled; --list shows everything")
    from changbei.site.drills.stage import drill_database, furnish  # noqa: PLC0415 - reads the settings

    console = Console(stderr=as_json)
    logging.getLogger("changbei").setLevel(logging.ERROR)
    with drill_database() as real:
        from changbei.site.drills import result, scenarios, show  # noqa: PLC0415 - models
        from changbei.site.drills.colleagues import Colleagues  # noqa: PLC0415 - models
        from changbei.site.drills.pace import Pace  # noqa: PLC0415 - models
        from changbei.site.drills.play import Drill  # noqa: PLC0415 - models

        clock.install(clock.VirtualClock(scenarios.start_of_drill(clock.now())))
        with console.status("setting the scene"):
            furnish(real, retailers=retailers, seed=seed)
            chosen = scenarios.named(name)
        played = Drill(chosen, Colleagues(Pace(seed)), speed=speed)
        if as_json:
            played.play()
        else:
            with Live(console=console, auto_refresh=False, transient=True) as live:
                played.watch = show.Watch(live, texts.pick(chosen.title, language), language).look
                played.play()
        found = []
        for incident in played.incidents:
            incident.refresh_from_db()
            found.append(result.of_incident(incident, language=language))
        if as_json:
            click.echo(json.dumps(found[0] if len(found) == 1 else {"incidents": found}, ensure_ascii=False))
            return
        for one in found:
            show.summary(console, one)


def show_list(language: str) -> None:
    """A line for each: what it is called here, and in words."""
    from changbei.site.drills import stage  # noqa: PLC0415 - reads the settings

    packs = stage.packs()
    from changbei.site.drills import scenarios  # noqa: PLC0415 - models

    titles = scenarios.known(packs)
    width = max(len(name) for name in titles)
    for name, title in titles.items():
        click.echo(f"{name:{width}}  {texts.pick(title, language)}")
