"""Where somebody's inbox stands, in a word: it is another one whenever something in it is new, answered or stopped."""

from __future__ import annotations

import time
from collections.abc import Collection

from django.db import connection

from changbei.journal.models import Entry
from changbei.people.models import Person

# The newest message, and how many wait for an answer: one probe and one count a person, over the inbox's own index.
STANDING = """
SELECT p, coalesce((
  SELECT max(m.id) FROM notify_message m
  WHERE m.person_id = p AND m.channel = 'inbox' AND m.state NOT IN ('queued', 'stopped')
), 0), (
  SELECT count(*) FROM notify_message m JOIN notify_notice n ON n.id = m.notice_id
  WHERE m.person_id = p AND m.channel = 'inbox' AND m.state = 'delivered' AND n.needs_acknowledgement
  AND n.stopped_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM notify_message a WHERE a.notice_id = n.id AND a.person_id = p AND a.state = 'acknowledged')
) FROM unnest(%s::bigint[]) p
"""


def of(people: Collection[int]) -> dict[int, str]:
    """The word of each of these people (keys), in one statement however many."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [sorted(people)])
        return {person: f"{newest}-{waiting}" for person, newest, waiting in cursor.fetchall()}


def of_one(person: Person) -> str:
    return of([person.pk])[person.pk]


def waiting(standing: str) -> int:
    """How many messages wait for an answer, by the word."""
    return int(standing.rpartition("-")[2])


class Watch:
    """As `of`, for who asks every second: the inboxes are read only when the journal has moved on, when somebody else
    looks, and now and then in any case.
    """

    ANYWAY_SECONDS = 10.0

    def __init__(self) -> None:
        self.words: dict[int, str] = {}
        self.head, self.read_at = -1, 0.0

    def __call__(self, people: Collection[int]) -> dict[int, str]:
        head = Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        known = self.words.keys() >= set(people)
        if not known or head != self.head or time.monotonic() - self.read_at > self.ANYWAY_SECONDS:
            self.words, self.head, self.read_at = of(people), head, time.monotonic()
        return self.words
