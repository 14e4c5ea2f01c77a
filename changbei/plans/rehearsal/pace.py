"""How fast people answer in a rehearsal. Stated, printed with every result, and never hidden in the code that uses it.

The defaults are assumptions, not measurements: the medians of `changbei drill`'s simulated colleagues (an
immediate message is seen within a minute by half of the people, an urgent one within two, a routine one within
seven), with the spread that response times of people on call usually have. A city that has worked with the product
for a while takes its own figures from its journal (`--from-journal`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Response:
    """Lognormal: half of the answers come within `median_seconds`; `sigma` is the spread of the logarithm."""

    median_seconds: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Pace:
    """Everything a rehearsal assumes about people and machines. Times are seconds.

    responses: until somebody takes note, by urgency; `by_role` goes first where a role has figures of its own.
    no_answer_share: of people who cannot be reached when the event begins; they come back after
    `back_median_seconds`. night_times: how many times slower an answer is between 22:00 and 06:00.
    work_share: what a task takes, as a share of its limit (median), at most `longest_work_seconds`.
    outside_seconds: until a fact happens that nobody of the plan brings about.
    """

    responses: Mapping[str, Response] = field(
        default_factory=lambda: {
            "immediate": Response(45.0, 0.8),
            "urgent": Response(100.0, 0.8),
            "routine": Response(420.0, 0.8),
        }
    )
    by_role: Mapping[str, Response] = field(default_factory=dict)
    no_answer_share: float = 0.05
    back_median_seconds: float = 7200.0
    back_sigma: float = 0.6
    night_times: float = 3.0
    work_share: float = 0.35
    work_sigma: float = 0.5
    longest_work_seconds: float = 2700.0
    action_median_seconds: float = 5.0
    action_sigma: float = 0.5
    action_fails_share: float = 0.01
    outside_seconds: float = 21600.0
    outside_sigma: float = 0.5
    source: str = "assumed: the medians of the simulated colleagues of a drill"

    def response(self, role: str, urgency: str) -> Response:
        return self.by_role.get(role) or self.responses[urgency]

    def as_json(self) -> dict[str, Any]:
        """The parameters as they are printed with a result."""
        return asdict(self)
