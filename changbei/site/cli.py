"""The command line `changbei`."""

from __future__ import annotations

import os

import click

from changbei import __version__
from changbei.site.commands.area import area_group
from changbei.site.commands.base import HouseGroup
from changbei.site.commands.cap import cap_group
from changbei.site.commands.channel import channel_group
from changbei.site.commands.chaos import chaos
from changbei.site.commands.city import city_group
from changbei.site.commands.data import import_group
from changbei.site.commands.delivery import delivery_group
from changbei.site.commands.drill import drill
from changbei.site.commands.login import login_group
from changbei.site.commands.plan import plan_group
from changbei.site.commands.plan_check import check, coverage, diff
from changbei.site.commands.plan_paper import bpmn, render
from changbei.site.commands.plan_versions import adopt, draft
from changbei.site.commands.readiness import backup_group, readiness, register_group
from changbei.site.commands.rehearse import rehearse
from changbei.site.commands.report import journal_group, report, warning
from changbei.site.commands.roads import roads_group
from changbei.site.commands.serve import demo, migrate, play, serve
from changbei.site.commands.token import token_group
from changbei.site.commands.worker import worker


@click.group(cls=HouseGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Changbei (常备): contingency plans that people sign, print and run."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changbei.site.settings")


main.add_command(area_group)
main.add_command(cap_group)
main.add_command(chaos)
main.add_command(channel_group)
main.add_command(city_group)
main.add_command(import_group)
main.add_command(delivery_group)
main.add_command(demo)
main.add_command(drill)
main.add_command(journal_group)
main.add_command(login_group)
main.add_command(migrate)
plan_group.add_command(bpmn)
plan_group.add_command(check)
plan_group.add_command(coverage)
plan_group.add_command(diff)
plan_group.add_command(adopt)
plan_group.add_command(draft)
plan_group.add_command(rehearse)
plan_group.add_command(render)
main.add_command(plan_group)
main.add_command(play)
main.add_command(readiness)
main.add_command(backup_group)
main.add_command(register_group)
main.add_command(report)
main.add_command(roads_group)
main.add_command(serve)
main.add_command(warning)
main.add_command(token_group)
main.add_command(worker)
