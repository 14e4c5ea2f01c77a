"""Numbers that people say on the phone: INC-0001, one after the other, without gaps."""

from __future__ import annotations

from changbei.incidents.models import Incident
from changbei.journal import prepared
from changbei.journal.rows import reserve
from changbei.runs.models import Run

PREFIX = "INC-"
_LOCK = 0x1_4E_43  # "INC"; any constant of our own


def next_number() -> tuple[str, int, int]:
    """The number after the last one, and the keys reserved for the incident and its run.

    Holds a lock until the transaction ends: a number that is rolled back is given again, and nobody sees a gap.
    """
    keys = reserve({Incident: 1, Run: 1}, behind_lock=_LOCK)
    with prepared.cursor() as cursor:
        cursor.execute("SELECT number FROM incidents_incident ORDER BY id DESC LIMIT 1")
        (last,) = cursor.fetchone() or ("",)
    return f"{PREFIX}{int(last[len(PREFIX) :]) + 1 if last else 1:04d}", keys[Incident][0], keys[Run][0]
