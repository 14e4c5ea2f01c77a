"""The verbs of the room, by what they are about: the durable shell around the pure runtime.

Every verb locks the run's row first, so that facts are applied one after the other. What the runtime
answers becomes rows in the same transaction; nothing is sent or computed inside it.
"""

from changbei.runs.services.answering import acknowledge, acknowledge_told, approve, complete, decide
from changbei.runs.services.applying import (
    apply,
    apply_locked,
    happened,
    know,
    plan_of,
    replayed,
    step,
)
from changbei.runs.services.beginning import prepare, procedure_of, roster_of, start
from changbei.runs.services.ending import end, end_by_incident
from changbei.runs.services.evidence import attach
from changbei.runs.services.holders import (
    change_scope,
    hand_back,
    hand_over,
    look_at_roles_again,
    reassess_locked,
    reassess_roles,
)
from changbei.runs.services.locking import lock, lock_free, running_called

__all__ = [
    "acknowledge",
    "acknowledge_told",
    "apply",
    "apply_locked",
    "approve",
    "attach",
    "change_scope",
    "complete",
    "decide",
    "end",
    "end_by_incident",
    "hand_back",
    "hand_over",
    "happened",
    "know",
    "lock",
    "lock_free",
    "look_at_roles_again",
    "plan_of",
    "prepare",
    "procedure_of",
    "reassess_locked",
    "reassess_roles",
    "replayed",
    "roster_of",
    "running_called",
    "start",
    "step",
]
