"""What the room does when it hears of a fact; the table of the house says of which."""

from __future__ import annotations

from datetime import datetime

from changbei.care import services as care
from changbei.incidents import holding
from changbei.incidents.models import Incident, Level
from changbei.incidents.services import closing, command, reporting
from changbei.journal.models import Entry


def look_at_command_again(_entry: Entry) -> None:
    """Somebody is away, back or appointed: the command of every open incident passes on or is handed back (E2.1c)."""
    for incident in (
        Incident.objects.exclude(status=Incident.Status.CLOSED).filter(run__isnull=False).order_by("pk")
    ):
        command.reassess_command(incident)


def look_at_command_of_run(entry: Entry) -> None:
    """An absence, a shift or a post may have begun or ended by itself: the command of the run's incident (E2.1c)."""
    incident = (
        Incident.objects.exclude(status=Incident.Status.CLOSED).filter(run__uuid=entry.data["run"]).first()
    )
    if incident is not None:
        command.reassess_command(incident)


def service_is_back(entry: Entry) -> None:
    """The step of a run that means "service is back" is done."""
    incident = Incident.objects.filter(uuid=entry.incident).first() if entry.incident else None
    if incident is not None:
        at = datetime.fromisoformat(entry.data["at"]) if entry.data.get("at") else entry.at
        closing.restored(incident, actor=None, at=at)


def matter_is_finished(entry: Entry) -> None:
    """A run has come to its end: an everyday matter is closed with it."""
    if entry.incident is None:
        return
    for matter in Incident.objects.filter(uuid=entry.incident, level=Level.SERVICE):
        closing.close_finished(matter)


def take_up_finding(entry: Entry) -> None:
    """What a visit found has to be mended: it is reported, by whoever was there, and the visit keeps its number."""
    matter = care.matter_of(entry.data["visit"], entry.data["item"])
    if matter is None:
        return
    answer = reporting.report(matter.procedure, matter.report, actor=matter.reporter, source="visit")
    care.matter_begun(matter.answer, answer.incident.number, answer.incident.uuid)


def hold_new_day(_entry: Entry) -> None:
    """A delivery day was planned: its stops in suspended areas are held."""
    holding.hold_today()
