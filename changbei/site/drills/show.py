"""A drill on the terminal: the timeline as it grows, what is open with its time limit, how far the plan is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import translation
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from changbei.core import clock, texts
from changbei.incidents.models import Incident
from changbei.journal.models import Entry
from changbei.plans.loading import pack_for
from changbei.runs.models import OPEN, Task
from changbei.web import sentences

LINES = 18
QUIET = ("runs.stage_opened", "runs.stage_closed", "runs.stage_dropped", "runs.action_called")
_ = translation.gettext


class Watch:
    """Draws what the database says; `look` is called whenever something may have changed."""

    def __init__(self, live: Live, title: str, language: str) -> None:
        self.live, self.title, self.language = live, title, language

    def look(self) -> None:
        with translation.override(self.language.lower()):
            self.live.update(self._screen(), refresh=True)

    def _screen(self) -> RenderableType:
        incidents = list(
            Incident.objects.select_related("run__plan_version")
            .defer("run__plan_version__files")
            .order_by("pk")
        )
        head = Text(f"{self.title}   {clock.local_now():%m-%d %H:%M:%S}", style="bold")
        return Group(head, self._timeline(incidents), self._tasks(), self._progress(incidents))

    def _timeline(self, incidents: Sequence[Incident]) -> Panel:
        """What happened, as sentences; which incident is said when there are several."""
        entries = list(Entry.objects.exclude(incident=None).exclude(kind__in=QUIET).order_by("-id")[:LINES])
        by_uuid = {incident.uuid: incident for incident in incidents}
        table = Table.grid(padding=(0, 1))
        for entry in reversed(entries):
            of = by_uuid.get(entry.incident) if entry.incident else None
            said = _sentence(entry, of)
            table.add_row(
                Text(_local(entry.at), style="dim", no_wrap=True),
                Text(of.number if of and len(incidents) > 1 else "", style="dim", no_wrap=True),
                Text(entry.clause, style="cyan", no_wrap=True),
                Text(
                    said,
                    style="bold red" if entry.kind == "runs.escalated" else "",
                    no_wrap=True,
                    overflow="ellipsis",
                ),
            )
        return Panel(table, title=str(_("What happened")), border_style="dim")

    def _tasks(self) -> Panel:
        tasks = (
            Task.objects.filter(status__in=OPEN).select_related("holder", "run").order_by("due_at", "pk")[:10]
        )
        table = Table.grid(padding=(0, 1))
        for task in tasks:
            left = task.due_at - clock.now() if task.due_at else None
            late = left is not None and left.total_seconds() < 0
            table.add_row(
                task.run.number,
                Text(texts.pick(task.title, self.language)[:34]),
                task.holder.name if task.holder else "—",
                Text(task.clause, style="cyan"),
                Text(
                    _span(left.total_seconds()) if left is not None else "",
                    style="bold red" if late else "green",
                ),
            )
        return Panel(table, title=str(_("Open tasks")), border_style="dim")

    def _progress(self, incidents: Sequence[Incident]) -> RenderableType:
        bars = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}")
        )
        for incident in incidents:
            stages: Mapping[str, Any] = incident.run.state["stages"] if incident.run else {}
            closed = sum(_status(stage) in {"done", "skipped", "closed"} for stage in stages.values())
            bars.add_task(
                f"{incident.number} {incident.level} {incident.status}",
                total=max(len(stages), 1),
                completed=closed,
            )
        return bars


def _sentence(entry: Entry, of: Incident | None) -> str:
    """Who did what, in the words of the pages."""
    run = of.run if of else None
    names = sentences.names_for(
        [entry], pack_for(run.plan_version) if run else None, run.procedure if run else ""
    )
    told = sentences.told(entry, names)
    return " ".join(part for part in (told.actor, told.text, told.detail) if part)


def _status(stage: Any) -> str:
    return str(stage.get("status", "")) if isinstance(stage, Mapping) else str(stage)


def _local(moment: datetime) -> str:
    return moment.astimezone(clock.LOCAL).strftime("%m-%d %H:%M:%S")


def _span(seconds: float) -> str:
    sign, total = ("-" if seconds < 0 else ""), abs(int(seconds))
    return f"{sign}{total // 3600}:{total % 3600 // 60:02}:{total % 60:02}"


def _short(moment: str | None) -> str:
    return _local(datetime.fromisoformat(moment)) if moment else "—"


def summary(console: Console, result: Mapping[str, Any]) -> None:
    """The tables at the end of a drill."""
    console.rule(f"[bold]{result['number']}  {result['title']}  {result['level']}")
    post = result["command_post"]
    if post:
        acting = (
            f"（代理 acting, {post['authorised_by']} {_short(post['authorised_at'])}）"
            if post["acting"]
            else ""
        )
        console.print(f"command post: {post['commander']} {acting}")
    console.print(_tasks_table(result["tasks"]))
    console.print(_messages_table(result["messages"]))
    for name in ("recovery", "suspension", "supply"):
        if result[name]:
            plain = {key: value for key, value in result[name].items() if key != "options"}
            console.print(Panel("   ".join(f"{key}: {value}" for key, value in plain.items()), title=name))
    console.print(
        f"reported {_short(result['reported_at'])}   service restored [bold]{_short(result['service_restored_at'])}[/]"
        f"   closed {_short(result['closed_at'])}"
    )


def _tasks_table(tasks: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="tasks", header_style="bold")
    for head in ("task", "role", "holder", "clause", "due", "done", "late", "esc."):
        table.add_column(head)
    for task in tasks:
        late = Text("late", style="bold red") if task["late"] else Text("")
        done = _short(task["done"]) if task["status"] != Task.Status.CANCELLED else "cancelled"
        table.add_row(
            task["title"], task["role"], task["holder"] or "—", task["clause"], _short(task["due"]), done, late,
            str(task["escalations"] or ""),
        )  # fmt: skip
    return table


def _messages_table(messages: Sequence[Mapping[str, Any]]) -> Table:
    """One line a template, channel and state: a drill can have thousands of messages."""
    counted: dict[tuple[str, str, str, str], int] = {}
    for message in messages:
        key = (message["template"], message["to"], message["channel"], message["state"])
        counted[key] = counted.get(key, 0) + 1
    table = Table(title=f"messages ({len(messages)})", header_style="bold")
    for head in ("message", "to", "channel", "state", "number"):
        table.add_column(head)
    for (template, to, channel, state), number in counted.items():
        table.add_row(template, to, channel, state, str(number))
    return table
