"""Telling people, and what they and the carriers answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import NotAllowed
from changbei.core.texts import uuid_in
from changbei.journal import services as journal
from changbei.journal.rows import Rows, made, reserve
from changbei.journal.services import NewEntry, append_many
from changbei.notify import confirming, copying, rules
from changbei.notify.book import Book, book
from changbei.notify.channels import Receipt
from changbei.notify.channels.registry import offered
from changbei.notify.confirming import Confirm
from changbei.notify.ladders import INBOX, PUSH
from changbei.notify.models import Device, Message, Notice, Urgency
from changbei.notify.noting import fact
from changbei.notify.recipients import Recipient
from changbei.people.models import Person

State = Message.State
COPY_FROM = 1_000  # rows; below, one INSERT
NAMED_IN_JOURNAL = 20  # recipients; above, only how many
# States of a message that somebody can acknowledge:
OVER = (State.HANDED, State.DELIVERED, State.READ, State.SENDING)
ARRIVED = (State.DELIVERED, State.READ)


@dataclass(frozen=True)
class NewNotice:
    """What is to be told. Texts are maps from language to words, complete but for the placeholders named in `personal`,
    for which every recipient has own `values`.

    A notice about several `tasks` goes to one recipient. `channels` replaces the ladder of the urgency. `confirm` says
    how many of the recipients have to acknowledge, and who is told when they have not. `outside_in_drill` is the tick
    without which nobody outside the company is told in a drill. `key` becomes the notice's uuid.
    """

    template: str
    title: dict[str, str]
    body: dict[str, str]
    urgency: Urgency
    incident: UUID | None = None
    run: UUID | None = None
    task: UUID | None = None
    tasks: tuple[UUID, ...] = ()  # instead of one
    item: str = ""
    clause: str = ""
    needs_acknowledgement: bool = False
    drill: bool = False
    outside_in_drill: bool = False
    channels: tuple[str, ...] = ()
    confirm: Confirm | None = None
    personal: tuple[str, ...] = ()
    key: UUID | None = None

    @property
    def wants_answers(self) -> bool:
        return self.needs_acknowledgement or self.confirm is not None


Order = tuple[NewNotice, Sequence[Recipient]]


@dataclass(frozen=True)
class Way:
    """What the messages of one moment have in common."""

    offered: Collection[str]
    book: Book
    with_devices: Collection[int]  # people with a browser that takes pushes
    now: datetime
    known: dict[Hashable, list[rules.Row]] = field(default_factory=dict)  # of staff told at this moment


def tell(new: NewNotice, recipients: Sequence[Recipient], *, actor: Person | None = None) -> Notice:
    """Tell `recipients`, each once: rows for every rung of the ladder, sent by the workers after the commit.

    An audience of nobody is a notice without messages; the journal says so.
    """
    return tell_many([(new, recipients)], actor=actor)[0]


def tell_many(
    orders: Sequence[Order],
    *,
    actor: Person | None = None,
    facts: list[NewEntry] | None = None,
    rows: Rows | None = None,
) -> list[Notice]:
    """Several notices at once, in two statements whatever their number.

    With `facts` and `rows` the journal entries and the rows are added to those, for a caller who writes them
    together with the own; more than a thousand messages go by COPY, at once.
    """
    if not orders:
        return []
    way = _way(orders)
    own_rows, own_facts = rows or Rows(), [] if facts is None else facts
    keys = reserve({Notice: len(orders)})[Notice]
    with transaction.atomic(savepoint=False):
        notices = [_notice(key, new, way.book, way.now) for key, (new, _) in zip(keys, orders, strict=True)]
        messages: list[Message] = []
        for notice, (new, recipients) in zip(notices, orders, strict=True):
            unique = list({(one.kind, one.id): one for one in recipients}.values())
            own = [message for one in unique for message in _messages(notice, new, one, way)]
            messages += own
            own_facts.append(_told(notice, new, unique, own, actor))
        own_rows.insert_objects(notices)
        if len(messages) > COPY_FROM:
            copying.copy_messages(messages)
        else:
            own_rows.insert_objects(messages)
        if facts is None:
            journal.add(own_facts, own_rows)
        if rows is None:
            own_rows.write()
    return notices


def acknowledge(what: Message | Notice, person: Person, *, actor: Person, by: str = "") -> bool:
    """`person` has taken note of the message: nothing more of the same notice goes to them. False when
    already so. `by` is the way it was said when that was not a page of ours: link, reply, key.

    Only the recipient acknowledges: an acknowledgement is what a person saw, nobody sees for another.
    """
    notice_id = what.notice_id if isinstance(what, Message) else what.pk
    if actor.pk != person.pk or (isinstance(what, Message) and what.person_id != person.pk):
        raise NotAllowed(gettext_noop("only who received a message acknowledges it"))
    with transaction.atomic():
        notice = Notice.objects.select_for_update().get(pk=notice_id)
        own = Message.objects.filter(notice=notice, person=person)
        if not own.exists():
            raise NotAllowed(gettext_noop("only who received a message acknowledges it"))
        if own.filter(state=State.ACKNOWLEDGED).exists():
            return False
        answered = what if isinstance(what, Message) else None
        _acknowledge(Q(notice=notice), Q(person=person), answered)
        append_many([_acknowledged(notice, person, actor, by), *confirming.counted(notice)])
    return True


def acknowledge_from_outside(message: Message, *, by: str) -> bool:
    """The recipient has said so by a way that only the recipient has: the link, a reply from the own number, a
    key pressed in a call to it. False when already so.
    """
    if message.person is not None:
        return acknowledge(message, message.person, actor=message.person, by=by)
    own = Q(retailer=message.retailer_id) if message.retailer_id else Q(contact=message.contact_id)
    with transaction.atomic():
        notice = Notice.objects.select_for_update().get(pk=message.notice_id)
        if Message.objects.filter(own, notice=notice, state=State.ACKNOWLEDGED).exists():
            return False
        _acknowledge(Q(notice=notice), own, message)
        append_many([_acknowledged_outside(notice, message, by), *confirming.counted(notice)])
    return True


def acknowledge_tasks(tasks: Collection[UUID], person: Person) -> None:
    """The tasks were acknowledged elsewhere: their messages to this person count as acknowledged, without a new
    fact.
    """
    concerned = list(Notice.objects.filter(_about(tasks)).values_list("pk", flat=True))
    if concerned:
        _acknowledge(Q(notice__in=concerned), Q(person=person), None)


def stop(
    *,
    tasks: Collection[UUID] = (),
    notices: Collection[UUID] = (),
    to: Person | None = None,
    reason: str = "no longer needed",
) -> int:
    """No further messages of these notices, or of the notices of these tasks; the number stopped before
    hand-over.

    With `to` only this person's messages stop and the notices live on for others. A notice about several tasks
    goes on until it asks for none of them.
    """
    if not tasks and not notices:
        return 0
    which = _about(tasks) if tasks else Q(uuid__in=list(notices))
    with transaction.atomic(savepoint=False):
        found = list(Notice.objects.filter(which, stopped_at__isnull=True).only("pk", "tasks"))
        if tasks:
            _no_longer_ask([one for one in found if one.tasks], set(tasks), to)
        concerned = [one.pk for one in found if notices or not one.tasks]
        if not concerned:
            return 0
        if to is None:
            Notice.objects.filter(pk__in=concerned).update(stopped_at=clock.now())
        waiting = Message.objects.filter(notice__in=concerned, state=State.QUEUED)
        return _stop(waiting if to is None else waiting.filter(person=to), reason)


def _about(tasks: Collection[UUID]) -> Q:
    return Q(task__in=list(tasks)) | Q(tasks__overlap=list(tasks))


def _no_longer_ask(several: Sequence[Notice], gone: Collection[UUID], to: Person | None) -> None:
    """These notices about several tasks, or those of them that went to `to`, no longer ask for the tasks `gone`."""
    if several and to is not None:
        theirs = set(Message.objects.filter(notice__in=several, person=to).values_list("notice", flat=True))
        several = [one for one in several if one.pk in theirs]
    for one in several:
        one.tasks = [task for task in one.tasks or () if task not in gone]
    if several:
        Notice.objects.bulk_update(several, ["tasks"])


def take_receipts(receipts: Sequence[Receipt]) -> int:
    """Receipts, in the order in which they came; how many changed something. Two statements, however many.

    Repeated, late and early ones are harmless: an early one comes before the worker has noted the hand-over.
    """
    now, changed = clock.now(), 0
    with transaction.atomic():
        by_key, by_carrier_id = _messages_of(receipts)
        after: dict[int, Message] = {}
        for one in receipts:
            message = by_key.get(one.reference) if one.reference else by_carrier_id.get(one.carrier_id)
            if message is not None and _took(message, one, now):
                after[message.pk] = message
                changed += 1
        rows = Rows()
        rows.update(
            Message,
            [{name: getattr(one, name) for name in ("id", *BY_RECEIPT)} for one in after.values()],
            keys=("id",),
        )
        rows.write()
    return changed


BY_RECEIPT = (
    "state", "due_at", "lease_until", "handed_at", "carrier_id", "error", "delivered_at", "read_at"
)  # fmt: skip


def _took(message: Message, one: Receipt, now: datetime) -> bool:
    state = rules.after_receipt(message.state, one.state)
    if state is None:
        return False
    message.state = state
    message.due_at = message.lease_until = None
    message.handed_at = message.handed_at or now
    message.carrier_id = message.carrier_id or one.carrier_id
    message.error = "" if state in ARRIVED else one.detail
    message.delivered_at = (message.delivered_at or now) if state in ARRIVED else None
    message.read_at = now if state == State.READ else None
    return True


def _messages_of(receipts: Sequence[Receipt]) -> tuple[dict[str, Message], dict[str, Message]]:
    """The messages that receipts speak of, locked in the order of their keys: by our reference, as it came, and by the
    carrier's id.
    """
    keys = {one.reference: key for one in receipts if one.reference and (key := uuid_in(one.reference))}
    carrier_ids = {one.carrier_id for one in receipts if one.carrier_id and not one.reference}
    if not keys and not carrier_ids:
        return {}, {}
    which = Q(uuid__in=list(keys.values())) | Q(carrier_id__in=list(carrier_ids))
    found = list(Message.objects.select_for_update().only("uuid", *BY_RECEIPT).filter(which).order_by("pk"))
    by_uuid = {one.uuid: one for one in found}
    by_key = {reference: by_uuid[key] for reference, key in keys.items() if key in by_uuid}
    return by_key, {one.carrier_id: one for one in reversed(found)}


def count_reached(new: NewNotice, recipients: Sequence[Recipient]) -> int:
    """How many of them some channel would reach. Changes nothing."""
    way = _way([(new, recipients)])
    return sum(any(row.state != State.UNREACHABLE for row in _rows(new, one, way)) for one in recipients)


def _way(orders: Sequence[Order]) -> Way:
    kinds = offered()
    return Way(kinds, book(), _with_devices(orders) if PUSH in kinds else frozenset(), clock.now())


def _with_devices(orders: Sequence[Order]) -> frozenset[int]:
    staff = {one.id for _, recipients in orders for one in recipients if one.has_inbox}
    found = Device.objects.filter(person__in=staff).values_list("person_id", flat=True) if staff else ()
    return frozenset(found)


def _notice(key: int, new: NewNotice, rulebook: Book, now: datetime) -> Notice:
    return made(
        Notice,
        id=key,
        uuid=new.key or uuid4(),
        incident=new.incident,
        run=new.run,
        task=new.task,
        tasks=list(new.tasks) or None,
        template=new.template,
        clause=new.clause,
        title=rules.marked(new.title) if new.drill else new.title,
        body=new.body,
        urgency=new.urgency,
        needs_acknowledgement=new.wants_answers,
        drill=new.drill,
        personal=list(new.personal),
        created_at=now,
        valid_until=rulebook.valid_until(new.urgency, now),
        **confirming.fields(new.confirm, now),
    )


def _messages(notice: Notice, new: NewNotice, recipient: Recipient, way: Way) -> list[Message]:
    rows = _rows(new, recipient, way)
    kept_back = rules.kept_from_outside(recipient, drill=new.drill, outside_too=new.outside_in_drill)
    return [_message(notice, recipient, row, way.now, kept_back=kept_back) for row in rows]


def _rows(new: NewNotice, recipient: Recipient, way: Way) -> list[rules.Row]:
    """A thousand deadlines tell the same few of the staff: what applies to them is kept."""
    asked = (recipient.id, new.urgency, new.wants_answers, new.channels)
    if recipient.has_inbox and asked in way.known:
        return way.known[asked]
    rows = rules.rows(
        recipient,
        urgency=new.urgency,
        resend=new.wants_answers,
        channels=new.channels,
        offered=way.offered,
        now=way.now,
        book=way.book,
        has_device=recipient.has_inbox and recipient.id in way.with_devices,
    )
    if recipient.has_inbox:
        way.known[asked] = rows
    return rows


def _message(
    notice: Notice, recipient: Recipient, row: rules.Row, now: datetime, *, kept_back: bool
) -> Message:
    message = made(
        Message,
        uuid=uuid4(),
        notice=notice,
        channel=row.channel,
        rung=row.rung,
        address=row.address,
        language=recipient.language,
        urgency=notice.urgency,
        state=row.state,
        due_at=row.due_at,
        error=row.error,
        queued_at=now,
        values=dict(recipient.values) if recipient.values and notice.personal else None,
    )
    setattr(message, f"{recipient.kind}_id", recipient.id)
    if kept_back:
        message.state, message.due_at, message.error = State.STOPPED, None, rules.KEPT_BACK
    elif row.channel == INBOX and row.due_at == now:
        # The row is what lies in the inbox: with the commit it is there, no worker needed.
        message.state, message.due_at = State.DELIVERED, None
        message.handed_at = message.delivered_at = now
    return message


def _told(
    notice: Notice,
    new: NewNotice,
    recipients: Sequence[Recipient],
    messages: Sequence[Message],
    actor: Person | None,
) -> NewEntry:
    data: dict[str, Any] = {
        "template": notice.template,
        "urgency": int(notice.urgency),
        "recipients": len(recipients),
        "messages": dict(Counter(f"{message.channel}:{message.state}" for message in messages)),
    }
    if notice.task:
        data["task"] = str(notice.task)
    if len(recipients) <= NAMED_IN_JOURNAL:
        data["to"] = [f"{one.name} ({one.label})" for one in recipients]
    return fact("notify.told", notice, actor, item=new.item, **data)


def _acknowledge(which: Q, whose: Q, by: Message | None) -> None:
    """Mark the message that was answered (else the inbox's, else all that went out) and stop the rest."""
    now = clock.now()
    own = Message.objects.filter(which, whose)
    out = own.filter(state__in=OVER)
    answered = out.filter(pk=by.pk) if by else out.filter(channel=INBOX)
    count = answered.update(state=State.ACKNOWLEDGED, acknowledged_at=now, due_at=None, lease_until=None)
    if not count:
        out.update(state=State.ACKNOWLEDGED, acknowledged_at=now, due_at=None, lease_until=None)
    _stop(own.filter(state=State.QUEUED), "acknowledged")


def _stop(waiting: QuerySet[Message], reason: str) -> int:
    return waiting.update(state=State.STOPPED, due_at=None, lease_until=None, error=reason)


def _acknowledged(notice: Notice, person: Person, actor: Person, by: str) -> NewEntry:
    task, way = str(notice.task) if notice.task else "", {"way": by} if by else {}
    said = {"template": notice.template, "task": task, "by": person.staff_no, **way}
    return fact("notify.acknowledged", notice, actor, **said)


def _acknowledged_outside(notice: Notice, message: Message, by: str) -> NewEntry:
    """A customer or an outside contact: nobody on the staff, so another kind of fact, which moves no task."""
    who = rules.recipient_name(message)
    return fact("notify.answered", notice, None, template=notice.template, by=who, way=by)
