"""Drills beside the real day, with people at their screens: what would change it is only practised (ADR 0004)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction


def only_practised(drill: bool) -> bool:
    """Whether what a run asks for is not to last: it is a drill, and not on a ground of its own."""
    return drill and not settings.DRILL_GROUND


@contextmanager
def practice(drill: bool) -> Iterator[None]:
    """What is written inside is taken back at the end when it is only practised; what was counted stays known."""
    with transaction.atomic():
        yield
        if only_practised(drill):
            transaction.set_rollback(True)
