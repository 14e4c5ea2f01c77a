"""Evidence that a task was done: notes, photos and files, kept with their hashes."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Invalid, Outside
from changbei.journal.services import append
from changbei.people.models import Person
from changbei.plans.facts import Json
from changbei.plans.model import EVIDENCE
from changbei.runs import access, rules
from changbei.runs.models import Evidence, Task
from changbei.runs.services.locking import lock_task, require_open


def attach(
    task: Task,
    kind: str,
    *,
    actor: Person,
    note: str = "",
    file: UploadedFile[Any] | ContentFile[bytes] | None = None,
) -> Evidence:
    """Attach evidence: `note` with words, `photo` or `file` with a file, whose SHA-256 is taken on receipt.

    Raises NotAllowed, Conflict when the task is closed, Invalid, Outside when the file cannot be kept.
    """
    content = content_of(kind, note, file)
    with transaction.atomic():
        run, task = lock_task(task)
        access.require_to_act(actor, task)
        require_open(task)
        evidence = Evidence(
            uuid=uuid4(),
            task=task,
            kind=kind,
            note=note,
            sha256=hashlib.sha256(content).hexdigest(),
            by=actor,
            at=clock.now(),
        )
        if file is not None:
            keep_file(evidence.file, f"{run.uuid}/{evidence.uuid}{ending_of(kind, file, content)}", content)
        evidence.save()
        append(
            "runs.evidence_attached",
            actor=actor,
            incident=run.incident,
            run=run.uuid,
            item=task.item,
            clause=task.clause,
            drill=run.drill,
            data={"kind": kind, "sha256": evidence.sha256, "evidence": str(evidence.uuid)},
        )
    return evidence


def given(task: Task) -> Json:
    """The evidence as conditions see it, `result.STEP.evidence`; nothing where none was given."""
    rows = task.attached.select_related("by").order_by("pk")
    found = [
        {"kind": one.kind, "sha256": one.sha256, "at": one.at.isoformat(), "by": one.by.staff_no}
        for one in rows
    ]
    return {EVIDENCE: found} if found else {}


def without_given(result: Json) -> Json:
    """A result without what the shell has put in."""
    return {name: value for name, value in result.items() if name != EVIDENCE}


def content_of(kind: str, note: str, file: UploadedFile[Any] | ContentFile[bytes] | None) -> bytes:
    """The bytes that are hashed: the file's, else the note's."""
    if kind not in {"photo", "file", "note"}:
        raise Invalid("kind", gettext_noop("one of photo, file, note"))
    if kind == "note":
        if not note.strip() or file is not None:
            raise Invalid("note", gettext_noop("words are needed, and no file"))
        return note.encode()
    if file is None:
        raise Invalid("file", gettext_noop("is missing"))
    content: bytes = file.read()
    if not content or len(content) > rules.LARGEST_FILE_BYTES:
        raise Invalid(
            "file", gettext_noop("is empty") if not content else gettext_noop("is larger than 15 MB")
        )
    if kind == "photo" and not rules.picture(content):
        raise Invalid("file", gettext_noop("is no picture (JPEG, PNG, GIF, WebP or HEIC)"))
    return content


def ending_of(kind: str, file: UploadedFile[Any] | ContentFile[bytes], content: bytes) -> str:
    """A photo's is that of the picture it is, whatever the phone calls it; a file keeps its own."""
    if kind == "photo":
        return f".{rules.picture(content)}"
    suffix = str(file.name or "").rpartition(".")[2].lower()
    return f".{suffix}" if suffix.isalnum() and len(suffix) <= 5 else ""


def keep_file(file: FieldFile, name: str, content: bytes) -> None:
    """Write the file whole or not at all: of one that did not fit on the disk nothing stays behind."""
    try:
        file.save(name, ContentFile(content), save=False)
    except OSError as error:
        with suppress(OSError):
            file.storage.delete(file.field.generate_filename(file.instance, name))
        words = gettext_noop("the file could not be kept: the disk is full or does not answer")
        raise Outside(words, permanent=False) from error
