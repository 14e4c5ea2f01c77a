"""Notices and the messages that carry them, one row a recipient and channel."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from changbei.network.models import Retailer
from changbei.notify import wording
from changbei.people.models import Contact, Person


class Urgency(models.IntegerChoices):
    """Smaller goes first."""

    IMMEDIATE = 0  # first contact of an incident, escalations
    URGENT = 1
    ROUTINE = 2
    BULK = 3  # notices to customers


class Notice(models.Model):
    """Something that has to be told; its wording is frozen here."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    incident = models.UUIDField(null=True)
    run = models.UUIDField(null=True)
    task = models.UUIDField(null=True)  # runs.Task: an acknowledgement of the message acknowledges the task
    tasks = ArrayField(
        models.UUIDField(), null=True
    )  # instead, of one about several: those it asks for still
    template = models.CharField(max_length=60)
    clause = models.CharField(max_length=20, default="")
    title = models.JSONField()  # text
    body = models.JSONField()  # text
    urgency = models.PositiveSmallIntegerField(choices=Urgency.choices)
    needs_acknowledgement = models.BooleanField(default=False)
    drill = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)  # no further messages after this
    valid_until = models.DateTimeField(
        null=True
    )  # what has not been handed over by then is not sent any more
    # How many different recipients have to acknowledge, until when, and who is told when they have not.
    confirm_at_least = models.PositiveSmallIntegerField(default=0)
    confirm_due_at = models.DateTimeField(null=True)  # null when nothing is waited for
    confirm_chain = models.JSONField(default=list)  # of [kind, key], one after the other
    confirm_every_seconds = models.PositiveIntegerField(default=300)  # between one of the chain and the next
    confirm_step = models.PositiveSmallIntegerField(default=0)  # how many of the chain were told
    confirmed_at = models.DateTimeField(null=True)
    # Placeholders that are still in title and body: each message has the recipient's own `values` for them.
    personal = models.JSONField(default=list)
    audience = models.JSONField(null=True)  # the query whose answer the messages are (`audiences.Query`)
    by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")  # who sent it
    paused_at = models.DateTimeField(null=True)  # what is still queued has no due time meanwhile

    class Meta:
        indexes = [
            models.Index(fields=["task"], condition=Q(task__isnull=False), name="notice_task"),
            GinIndex(fields=["tasks"], condition=Q(tasks__isnull=False), name="notice_tasks"),
            models.Index(fields=["run"], condition=Q(run__isnull=False), name="notice_run"),
            models.Index(fields=["incident"], condition=Q(incident__isnull=False), name="notice_incident"),
            models.Index(
                fields=["confirm_due_at"],
                condition=Q(confirm_due_at__isnull=False),
                name="notice_confirmation_due",
            ),
        ]

    @property
    def general_title(self) -> dict[str, str]:
        """The title where nobody in particular is spoken to."""
        return wording.general(self.title, self.personal)

    @property
    def general_body(self) -> dict[str, str]:
        """The body where nobody in particular is spoken to."""
        return wording.general(self.body, self.personal)


class Message(models.Model):
    """One notice to one recipient by one channel. What a state says happened was observed."""

    class State(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"  # claimed by a worker until `lease_until`
        HANDED = "handed"  # the carrier took it
        DELIVERED = "delivered"  # the carrier says it arrived, or it lies in the inbox
        READ = "read"  # the carrier says it was opened: nobody has confirmed yet
        ACKNOWLEDGED = "acknowledged"  # by a person
        FAILED = "failed"
        REFUSED = "refused"  # the carrier says that the address is none, or wants nothing from us
        EXPIRED = "expired"  # too old when its turn came, or when the carrier gave up
        STOPPED = "stopped"  # no longer needed before it was handed over
        UNREACHABLE = "unreachable"  # no way to reach this recipient

    uuid = models.UUIDField(
        default=uuid.uuid4, unique=True, editable=False
    )  # also the idempotency key at the carrier
    notice = models.ForeignKey(  # the index by notice and state finds them
        Notice, on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="messages")
    retailer = models.ForeignKey(Retailer, null=True, on_delete=models.PROTECT, related_name="messages")
    contact = models.ForeignKey(Contact, null=True, on_delete=models.PROTECT, related_name="messages")
    channel = models.CharField(max_length=12)  # a kind of `ladders.KINDS`
    rung = models.PositiveSmallIntegerField(
        default=0
    )  # of the ladder; later ones wait for an acknowledgement
    address = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=10, default="zh-Hans")
    urgency = models.PositiveSmallIntegerField(choices=Urgency.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    due_at = models.DateTimeField(null=True)  # when a worker is to take it; null when nothing is left to do
    held_seconds = models.PositiveIntegerField(null=True)  # what was left to wait when its notice was paused
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    carrier_id = models.CharField(max_length=80, blank=True)
    queued_at = models.DateTimeField()
    handed_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)
    values = models.JSONField(null=True)  # for the notice's `personal` placeholders; null when it has none

    class Meta:
        indexes = [
            models.Index(
                fields=["channel", "urgency", "due_at"],
                condition=Q(due_at__isnull=False),
                name="message_due_by_channel",
            ),
            models.Index(fields=["carrier_id"], condition=~Q(carrier_id=""), name="message_carrier"),
            models.Index(fields=["person", "id"], condition=Q(channel="inbox"), name="message_inbox"),
            models.Index(fields=["notice", "state"]),
            models.Index(fields=["queued_at"], condition=Q(state="refused"), name="message_refused"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=False, retailer__isnull=True, contact__isnull=True)
                | Q(person__isnull=True, retailer__isnull=False, contact__isnull=True)
                | Q(person__isnull=True, retailer__isnull=True, contact__isnull=False),
                name="message_one_recipient",
            )
        ]

    @property
    def body(self) -> str:
        """The words that this recipient reads."""
        notice = self.notice
        return wording.spoken(notice.body, notice.personal, self.values, self.language)


class Attempt(models.Model):
    """One try to hand a message to its carrier."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=12)  # handed, delivered, retry, limited, refused, failed
    detail = models.CharField(max_length=300, blank=True)


class Reply(models.Model):
    """What came back from a recipient, kept whether or not it could be matched to a message."""

    channel = models.CharField(max_length=12)
    sender = models.CharField(max_length=120, blank=True)
    text = models.CharField(max_length=500, blank=True)
    carrier_id = models.CharField(max_length=80, blank=True)  # carriers repeat themselves: once per id
    at = models.DateTimeField()
    message = models.ForeignKey(Message, null=True, on_delete=models.CASCADE, related_name="replies")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "carrier_id"], condition=~Q(carrier_id=""), name="reply_once"
            )
        ]


class Device(models.Model):
    """A browser of a member of staff that takes web pushes."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="devices")
    endpoint = models.CharField(max_length=500, unique=True)
    public_key = models.CharField(max_length=120)  # p256dh, base64url
    secret = models.CharField(max_length=60)  # auth, base64url
    added_at = models.DateTimeField()


class Pace(models.Model):
    """How many messages a channel has handed over in a minute: what limits are counted with."""

    channel = models.CharField(max_length=12)
    minute = models.DateTimeField()
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "minute"], name="pace_per_minute")]


class CallList(models.Model):
    """Customers to be phoned one by one (E3.2.2)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    incident = models.UUIDField(null=True)
    run = models.UUIDField(null=True)
    notice = models.UUIDField(null=True)  # whose messages reached nobody there: each is told in person
    clause = models.CharField(max_length=20, default="")
    title = models.JSONField()
    script = models.JSONField()  # what to say
    drill = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)  # nobody pending


class Call(models.Model):
    """One customer on a call list, with the manager who phones."""

    class Outcome(models.TextChoices):
        PENDING = "pending"
        REACHED = "reached"
        NO_ANSWER = "no_answer"  # stays on the list
        WRONG_NUMBER = "wrong_number"
        CALL_BACK = "call_back"  # asked to be phoned again at `call_at`
        REFUSED = "refused"  # did not want to listen: somebody goes there
        VISITED = "visited"

    call_list = models.ForeignKey(CallList, on_delete=models.CASCADE, related_name="calls")
    retailer = models.ForeignKey(Retailer, on_delete=models.PROTECT, related_name="calls")
    caller = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="calls")
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(null=True)
    call_at = models.DateTimeField(null=True)  # when to phone again

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call_list", "retailer"], name="call_once")]
        indexes = [models.Index(fields=["caller", "outcome"])]
