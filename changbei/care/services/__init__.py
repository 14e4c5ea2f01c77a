"""The verbs of the room: plan and move visits, record them, look again, and delete what is over."""

from changbei.care.services.keeping import delete_old, remove_photo
from changbei.care.services.planning import Planned, arrange, drop, managers_of, move, plan_visits
from changbei.care.services.recording import (
    Matter,
    Seen,
    matter_begun,
    matter_of,
    record,
    record_unplanned,
    said,
)
from changbei.care.services.sampling import Pair, compared, draw, to_draw_from

__all__ = [
    "Matter",
    "Pair",
    "Planned",
    "Seen",
    "arrange",
    "compared",
    "delete_old",
    "draw",
    "drop",
    "managers_of",
    "matter_begun",
    "matter_of",
    "move",
    "plan_visits",
    "record",
    "record_unplanned",
    "remove_photo",
    "said",
    "to_draw_from",
]
