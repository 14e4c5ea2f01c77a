"""What became of a file, and what is said of a warning in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changbei.incidents.models import Incident, Warning
from changbei.incidents.translated import headline_text
from changbei.journal import services as journal
from changbei.people.models import Person


@dataclass(frozen=True)
class Received:
    """What became of a file. `action`: refused, duplicate, start, join, propose, end or note."""

    warning: Warning
    action: str
    incident: Incident | None


def record(kind: str, warning: Warning, actor: Person | None, data: dict[str, Any]) -> None:
    incident = warning.incident
    told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in data.items()}
    journal.append(
        kind,
        actor=actor,
        incident=incident.uuid if incident else None,
        run=incident.run.uuid if incident and incident.run else None,
        clause="E3.2",
        drill=warning.status == "Exercise",
        data={
            "warning": str(warning.uuid),
            "identifier": warning.identifier,
            "headline": headline_text(warning),
            "colour": warning.colour,
            **told,
        },
    )
