"""The review of an incident: what happened next to what the plan said (E2.9)."""

from changbei.readiness.review.build import content_of

__all__ = ["content_of"]
