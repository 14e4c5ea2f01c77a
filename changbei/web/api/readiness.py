"""What is ready, and the registers: read, added to, changed. Scripts report backups here."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Body, Router, Schema, Status
from pydantic import AwareDatetime, Field

from changbei.readiness import registers, selectors, services
from changbei.readiness.selectors import Standing
from changbei.web import showing
from changbei.web.api.acting import actor
from changbei.web.api.shown import of
from changbei.web.api.tasks import REFUSALS

router = Router(tags=["readiness"])
Counted = Annotated[int, Field(ge=0, le=2**31 - 1)]


class FindingOut(Schema):
    subject: str
    text: str
    found_at: datetime


class CheckOut(Schema):
    """`holds` is null until somebody has looked."""

    id: str
    plan: str
    clause: str
    title: str
    holds: bool | None
    since: datetime | None
    looked_at: datetime | None
    next_at: datetime | None
    findings: list[FindingOut]
    mend: str
    registry: str


class RegisterOut(Schema):
    id: str
    clause: str
    title: str
    columns: list[str]


class BackupIn(Schema):
    """Moments are ISO 8601 with an offset. Sent again with `stored_at` it says that the tape is in the library."""

    system: str
    kind: str = "daily_batch"
    covers: list[str] = ["customers", "sales"]
    taken_at: AwareDatetime
    stored_at: AwareDatetime | None = None
    medium: str = ""
    megabytes: Counted | None = None
    sha256: str = ""


class RestoreDrillIn(Schema):
    system: str
    on: date
    restore_seconds: Counted
    complete: bool = True
    note: str = ""


class RecordedOut(Schema):
    id: int


def shown(one: Standing) -> CheckOut:
    """A check and how it stands, in the reader's language."""
    findings = [of(FindingOut, found, text=showing.say(found.text)) for found in one.findings]
    return of(
        CheckOut,
        one,
        id=one.check.id,
        plan=one.pack.id,
        clause=one.check.clause,
        title=showing.say(one.check.title),
        findings=findings,
        mend=showing.say(one.check.mend),
    )


@router.get("", response={200: list[CheckOut], **REFUSALS})
def checks(request: HttpRequest) -> list[CheckOut]:
    """Every check of the plans in force, by clause."""
    return [shown(one) for one in selectors.standing(actor=request.user)]


@router.post("/look", response={200: list[CheckOut], **REFUSALS})
def look(request: HttpRequest) -> list[CheckOut]:
    """Run every check now."""
    services.run_checks(actor=actor(request))
    return checks(request)


@router.post("/backups", response={201: RecordedOut, **REFUSALS})
def backup(request: HttpRequest, given: BackupIn) -> Status[RecordedOut]:
    """A backup was made (E3.1.2), or is on tape now (E3.1.6)."""
    made = services.record_backup(**given.model_dump(), actor=actor(request))
    return Status(201, RecordedOut(id=made.pk))


@router.post("/restore-drills", response={201: RecordedOut, **REFUSALS})
def restore_drill(request: HttpRequest, given: RestoreDrillIn) -> Status[RecordedOut]:
    """A backup was restored to see that it can be (E2.3)."""
    made = services.record_restore_drill(**given.model_dump(), actor=actor(request))
    return Status(201, RecordedOut(id=made.pk))


@router.get("/registers", response={200: list[RegisterOut], **REFUSALS})
def all_registers(request: HttpRequest) -> list[RegisterOut]:
    """The registers and the columns that can be written."""
    actor(request)
    return [
        of(RegisterOut, one, title=str(one.title), columns=[column.name for column in one.typed])
        for one in registers.REGISTERS.values()
    ]


@router.get("/registers/{name}", response={200: list[dict[str, Any]], **REFUSALS})
def rows(request: HttpRequest, name: str) -> list[dict[str, Any]]:
    """The rows of a register."""
    found = registers.get(name)
    return [_row(found, row) for row in registers.rows(found, actor=request.user)]


@router.post("/registers/{name}", response={201: dict[str, Any], **REFUSALS})
def add(request: HttpRequest, name: str, values: Body[dict[str, Any]]) -> Status[dict[str, Any]]:
    """Add a row; the columns are those that `/registers` lists."""
    return Status(201, _saved(request, name, values, None))


@router.put("/registers/{name}/{pk}", response={200: dict[str, Any], **REFUSALS})
def change(request: HttpRequest, name: str, pk: int, values: Body[dict[str, Any]]) -> dict[str, Any]:
    """Change a row; columns that are left out stay."""
    return _saved(request, name, values, pk)


def _saved(request: HttpRequest, name: str, values: dict[str, Any], pk: int | None) -> dict[str, Any]:
    found, person = registers.get(name), actor(request)
    row = registers.save(found, values, pk=pk, language=showing.language(), actor=person)
    return {"id": row.pk}


def _row(found: registers.Register, row: Any) -> dict[str, Any]:
    return {"id": row.pk} | {cell.column.name: cell.raw for cell in registers.cells(found, row)}
