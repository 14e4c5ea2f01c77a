"""Notices in bulk while they go out: how far they have come; held, stopped, tried again, told in person.

Every verb here is a statement or two over the notice's messages, however many; nothing waits in memory, and workers
need not be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, NotAllowed, there
from changbei.journal.services import append_many
from changbei.network.models import Retailer
from changbei.notify import audiences, calls, rules, services, wording
from changbei.notify.book import book
from changbei.notify.channels.registry import offered
from changbei.notify.ladders import BY_PHONE
from changbei.notify.models import CallList, Message, Notice
from changbei.notify.noting import fact
from changbei.notify.paper import PAPER
from changbei.people import access
from changbei.people.models import Person

State = Message.State
PERMISSION = "notify.send"
UNDER_WAY = (State.QUEUED, State.SENDING)
FAILED = (State.FAILED, State.EXPIRED)
UNCONFIRMED = "unconfirmed"
WRONG_ADDRESS = (State.REFUSED, State.UNREACHABLE)  # tried again once the register has another number


def get(actor: object, notice: UUID) -> Notice:
    """A notice, for who may see what was sent. Raises NotAllowed, NotFound."""
    access.require(actor, PERMISSION)
    found = Notice.objects.filter(uuid=notice).select_related("by").first()
    return there(found, gettext_noop("no such notice"))


def may_steer(actor: object, notice: Notice) -> bool:
    """Whether the actor may hold, stop or repeat it: of a unit's own notices, whoever speaks for the unit."""
    own = access.units_with(actor, PERMISSION)
    return own is None or (notice.by is not None and notice.by.unit_id in own)


def _require_to_steer(actor: object, notice: Notice) -> None:
    if not may_steer(actor, notice):
        raise NotAllowed(gettext_noop("this notice is of another unit"))


def recipients(notice: Notice, state: str = "") -> QuerySet[Message]:
    """Its messages, those in one state or all, with whom they are for; in the order in which they were made.
    `UNCONFIRMED` stands for all messages to those who have confirmed none.
    """
    rows = notice.messages.select_related("person", "retailer", "contact").order_by("pk")
    if state == UNCONFIRMED:
        said = notice.messages.filter(state=State.ACKNOWLEDGED)
        whose = {
            "person": OuterRef("person"),
            "retailer": OuterRef("retailer"),
            "contact": OuterRef("contact"),
        }
        own = [Q(**{f"{name}__isnull": False, name: ref}) for name, ref in whose.items()]
        return rows.filter(~Exists(said.filter(own[0] | own[1] | own[2])))
    return rows.filter(state=state) if state else rows


def confirmed(notice: Notice) -> int:
    """How many different recipients have confirmed."""
    said = notice.messages.filter(state=State.ACKNOWLEDGED).order_by()
    return said.values("person", "retailer", "contact").distinct().count()


def sent() -> QuerySet[Notice]:
    """What was sent in bulk, the newest first."""
    return Notice.objects.filter(audience__isnull=False).select_related("by").order_by("-pk")


@dataclass(frozen=True)
class Progress:
    """How far a notice has come; all figures count messages."""

    total: int
    states: dict[str, int]

    def _of(self, *states: str) -> int:
        return sum(self.states.get(state, 0) for state in states)

    @property
    def left(self) -> int:
        """Those a worker, or somebody on foot, still has to do."""
        return self._of(State.QUEUED, State.SENDING)

    @property
    def out(self) -> int:
        """Those a carrier has taken."""
        return self._of(State.HANDED, State.DELIVERED, State.READ, State.ACKNOWLEDGED)

    @property
    def arrived(self) -> int:
        return self._of(State.DELIVERED, State.READ, State.ACKNOWLEDGED)

    @property
    def failed(self) -> int:
        return self._of(*FAILED, State.REFUSED)

    @property
    def unreachable(self) -> int:
        return self._of(State.UNREACHABLE)

    @property
    def stopped(self) -> int:
        return self._of(State.STOPPED)


def progress(notice: Notice) -> Progress:
    """One statement over the index of notice and state."""
    states = dict(notice.messages.order_by().values_list("state").annotate(n=Count("pk")))
    return Progress(sum(states.values()), states)


# What waits its turn on the ladder, or for the end of quiet hours, waits as long afterwards as it had to before.
HOLD = """
UPDATE notify_message
SET held_seconds = ceil(greatest(0, extract(epoch FROM due_at - %(now)s::timestamptz))), due_at = NULL
WHERE notice_id = %(notice)s AND state = 'queued' AND due_at IS NOT NULL
"""
LET_GO = """
UPDATE notify_message
SET due_at = %(now)s::timestamptz + coalesce(held_seconds, 0) * interval '1 second', held_seconds = NULL
WHERE notice_id = %(notice)s AND state = 'queued' AND due_at IS NULL AND channel <> %(paper)s
"""


def pause(notice: Notice, *, actor: Person) -> int:
    """What has not been handed over waits until `resume`; how many messages. Conflict when nothing goes out."""
    _require_to_steer(actor, notice)
    with transaction.atomic():
        notice = _locked(notice)
        if notice.stopped_at or notice.paused_at:
            raise Conflict(gettext_noop("this notice is not going out now"))
        now = clock.now()
        Notice.objects.filter(pk=notice.pk).update(paused_at=now)
        with connection.cursor() as cursor:
            cursor.execute(HOLD, {"now": now, "notice": notice.pk})
            held = int(cursor.rowcount)
        _note("notify.notice_paused", notice, actor, held)
    return held


def resume(notice: Notice, *, actor: Person) -> int:
    """What was paused goes out again; how many messages. Conflict when it was not paused."""
    _require_to_steer(actor, notice)
    now = clock.now()
    with transaction.atomic():
        notice = _locked(notice)
        if notice.stopped_at or not notice.paused_at:
            raise Conflict(gettext_noop("this notice is not paused"))
        Notice.objects.filter(pk=notice.pk).update(
            paused_at=None,
            valid_until=book().valid_until(notice.urgency, now),
            confirm_due_at=F("confirm_due_at") + (now - notice.paused_at),  # that time did not run
        )
        with connection.cursor() as cursor:
            cursor.execute(LET_GO, {"now": now, "notice": notice.pk, "paper": PAPER})
            going = int(cursor.rowcount)
        _note("notify.notice_resumed", notice, actor, going)
    return going


def cancel(notice: Notice, *, actor: Person) -> int:
    """Nothing more of it is handed over, and nobody phones for it any more; how many messages were kept back.

    Conflict when it was stopped already.
    """
    _require_to_steer(actor, notice)
    with transaction.atomic():
        notice = _locked(notice)
        if notice.stopped_at:
            raise Conflict(gettext_noop("this notice was stopped already"))
        kept = services.stop(notices=[notice.uuid], reason="cancelled")
        Notice.objects.filter(pk=notice.pk).update(paused_at=None)
        CallList.objects.filter(notice=notice.uuid, finished_at=None).update(finished_at=clock.now())
        _note("notify.notice_cancelled", notice, actor, kept)
    return kept


# A message that a carrier had taken and lost goes out under a new key, or the carrier would call it done. One of which
# nobody knows whether it was taken keeps its key. Numbers are read anew; where the register still has the number that
# was refused, there is nothing to try.
RETRY = """
UPDATE notify_message m SET state = 'queued', due_at = %(now)s, lease_until = NULL, attempts = 0, error = '',
uuid = CASE WHEN m.carrier_id <> '' THEN gen_random_uuid() ELSE m.uuid END, carrier_id = '',
address = coalesce(nullif(f.phone, ''), m.address), handed_at = NULL
FROM notify_message o LEFT JOIN LATERAL (
  SELECT r.phone FROM network_retailer r WHERE r.id = o.retailer_id AND r.phone ~ %(number)s
) f ON o.channel = ANY(%(by_phone)s)
WHERE o.id = m.id AND m.notice_id = %(notice)s AND m.channel = ANY(%(channels)s)
AND (m.state = ANY(%(failed)s) OR (m.state = ANY(%(wrong)s) AND f.phone IS NOT NULL AND f.phone <> m.address))
AND NOT EXISTS (
  SELECT FROM notify_message s WHERE s.notice_id = m.notice_id AND s.state = 'acknowledged'
  AND (s.person_id = m.person_id OR s.retailer_id = m.retailer_id OR s.contact_id = m.contact_id)
)
"""


def retry_failed(notice: Notice, *, actor: Person) -> int:
    """Messages that failed, or whose number has been mended since, go out once more; how many. Who has confirmed, or
    was told in person, is not told again.

    Conflict when the notice was stopped or is paused, or nothing of it can be tried again.
    """
    _require_to_steer(actor, notice)
    now = clock.now()
    with transaction.atomic():
        notice = _locked(notice)
        if notice.stopped_at or notice.paused_at:
            raise Conflict(gettext_noop("this notice is not going out now"))
        with connection.cursor() as cursor:
            cursor.execute(
                RETRY,
                {
                    "now": now,
                    "notice": notice.pk,
                    "number": rules.NUMBER,
                    "by_phone": sorted(BY_PHONE),
                    "channels": list(offered()),
                    "failed": [str(one) for one in FAILED],
                    "wrong": [str(one) for one in WRONG_ADDRESS],
                },
            )
            again = int(cursor.rowcount)
        if not again:
            raise Conflict(gettext_noop("nothing of this notice can be tried again"))
        Notice.objects.filter(pk=notice.pk).update(valid_until=book().valid_until(notice.urgency, now))
        _note("notify.notice_retried", notice, actor, again)
    return again


def left_over(notice: Notice) -> QuerySet[Retailer]:
    """Customers whom no message of the notice has reached or can reach any more, and who wait for somebody to come."""
    reached = notice.messages.filter(
        state__in=[State.HANDED, State.DELIVERED, State.READ, State.ACKNOWLEDGED, State.STOPPED]
    ) | notice.messages.filter(state__in=UNDER_WAY).exclude(channel=PAPER)
    out = reached.filter(retailer__isnull=False).values("retailer")
    return Retailer.objects.filter(active=True, messages__notice=notice).exclude(pk__in=out).distinct()


def tell_in_person(notice: Notice, *, actor: Person) -> CallList | None:
    """Whom no wire reaches is told by the own customer manager, from a list that prints; None when nobody is left.

    Who has only a refused, failed or missing address gets a message on paper beside it. One list a notice.
    """
    _require_to_steer(actor, notice)
    with transaction.atomic():
        notice = _locked(notice)
        if notice.stopped_at:
            raise Conflict(gettext_noop("this notice was stopped already"))
        if CallList.objects.filter(notice=notice.uuid).exists():
            raise Conflict(gettext_noop("there is a list for this notice already"))
        left = list(left_over(notice).order_by("pk").values_list("pk", flat=True))
        if not left:
            return None
        _on_paper(notice, left)
        return calls.make_call_list(
            audiences.among(Retailer.objects.all(), left),
            title=wording.general(notice.title, notice.personal)
            if not notice.drill
            else rules.unmarked(wording.general(notice.title, notice.personal)),
            script=wording.general(notice.body, notice.personal),
            incident=notice.incident,
            run=notice.run,
            notice=notice.uuid,
            clause=notice.clause or "E3.2.2",
            drill=notice.drill,
            actor=actor,
        )


def _on_paper(notice: Notice, retailers: Sequence[int]) -> None:
    have = set(
        notice.messages.filter(channel=PAPER, retailer__isnull=False).values_list("retailer_id", flat=True)
    )
    Message.objects.bulk_create(
        Message(
            notice=notice,
            retailer_id=retailer,
            channel=PAPER,
            urgency=notice.urgency,
            state=State.QUEUED,
            queued_at=clock.now(),
        )
        for retailer in retailers
        if retailer not in have
    )


def _locked(notice: Notice) -> Notice:
    return Notice.objects.select_for_update(of=("self",)).get(pk=notice.pk)


def _note(kind: str, notice: Notice, actor: Person, messages: int) -> None:
    append_many([fact(kind, notice, actor, template=notice.template, messages=messages)])
