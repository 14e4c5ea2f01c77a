"""The batch's backup is on tape the same day, and a restore is drilled every quarter (E2.3, E3.1.2, E3.1.6)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db.models import Q

from changbei.core.clock import LOCAL
from changbei.notify.models import Message
from changbei.readiness.models import Backup, RestoreDrill
from changbei.runs import scheduling
from changbei.runs import services as runs
from changbei.runs.models import Run, Task
from changbei.site.clockwork import fast_forward, run_until_quiet
from tests.stories.telling import Town, local


def begins(town: Town, at: str) -> Run:
    """The run that begins by itself at this moment, e.g. "11-23 20:30"."""
    scheduling.look_at_schedules()
    moment = datetime.strptime(f"2026-{at}", "%Y-%m-%d %H:%M").replace(tzinfo=LOCAL)
    town.clock.advance_to(moment)
    run_until_quiet()
    return Run.objects.filter(procedure="daily-backup").order_by("-pk")[0]


def does(run: Run, item: str, **result: Any) -> None:
    task = Task.objects.select_related("holder", "run").get(run=run, item=item)
    assert task.holder is not None
    runs.complete(task, result, actor=task.holder)
    run_until_quiet()


def open_tasks(run: Run) -> dict[str, str]:
    return {
        task.item: local(task.due_at)
        for task in Task.objects.filter(run=run).filter(~Q(status="done") & ~Q(status="cancelled"))
    }


def told(run: Run, template: str) -> int:
    return (
        Message.objects.filter(notice__run=run.uuid, notice__template=template)
        .values("person")
        .distinct()
        .count()
    )


@pytest.mark.clause("E3.1.6", "E3.1.2", "E2.3")
def test_the_backup_is_in_the_tape_library_before_midnight(town: Town) -> None:
    run = begins(town, "11-23 20:30")
    assert run.incident is None
    assert run.number in {"PRO-0001", "PRO-0002"}, "the irregular inspection of the month may come first"
    assert run.state["context"]["report"]["work"] == "daily_batch"
    assert open_tasks(run) == {"batch": "22:00"}
    assert local(datetime.fromisoformat(run.state["timers"]["wait:day"])) == "11-24 00:00"
    does(run, "batch", taken_at="2026-11-23T20:30:00+08:00", megabytes=1800)
    assert open_tasks(run) == {"to-tape": "21:30"}
    fast_forward("45m")
    does(run, "to-tape", stored_at="2026-11-23T21:15:00+08:00", medium="T1123")
    run.refresh_from_db()
    assert run.status == Run.Status.FINISHED
    backup = Backup.objects.get(medium="T1123", kind="daily_batch", system="marketing-system")
    assert (local(backup.taken_at), local(backup.stored_at), backup.megabytes) == ("20:30", "21:15", 1800)
    assert told(run, "backup-late") == 0


@pytest.mark.clause("E3.1.6")
def test_a_backup_of_the_next_day_needs_a_reason(town: Town) -> None:
    run = begins(town, "11-23 20:30")
    does(run, "batch", taken_at="2026-11-23T20:30:00+08:00")
    fast_forward("2h")
    assert told(run, "backup-not-stored") == 0
    fast_forward("30m")
    assert told(run, "backup-not-stored") == 2
    fast_forward("2h")
    does(run, "to-tape", stored_at="2026-11-24T01:00:00+08:00", medium="T1123")
    assert told(run, "backup-late") == 2
    assert list(open_tasks(run)) == ["reason"]
    does(run, "reason", reason="磁带机卡带，已更换")
    run.refresh_from_db()
    assert run.status == Run.Status.FINISHED


@pytest.mark.clause("E2.3", "E3.1.2")
def test_a_restore_that_takes_too_long_is_drilled_again(town: Town) -> None:
    run = begins(town, "12-15 10:00")
    if run.state["context"]["report"]["work"] != "restore_drill":
        run = next(
            one
            for one in Run.objects.filter(procedure="daily-backup")
            if one.state["context"]["report"]["work"] == "restore_drill"
        )
    does(
        run,
        "restore",
        backup_taken_at="2026-12-14T20:30:00+08:00",
        started_at="2026-12-15T04:00:00+08:00",
        restored_at="2026-12-15T09:00:00+08:00",
        complete=True,
    )
    drill = RestoreDrill.objects.latest("pk")
    assert (drill.restore_seconds, drill.complete, drill.on.isoformat()) == (5 * 3600, True, "2026-12-15")
    assert list(open_tasks(run)) == ["again"]
    does(run, "again", minutes=90, complete=True)
    run.refresh_from_db()
    assert run.status == Run.Status.FINISHED
