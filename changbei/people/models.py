"""Who there is, which post they hold, who is on duty, who is away."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models


class Unit(models.Model):
    """A department, an office, a station. `kind` is an identifier of the glossary (marketing_department …)."""

    code = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=40)
    name = models.JSONField()  # text in three languages
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)


class Person(models.Model):
    """A member of staff."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    staff_no = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=40)
    phone = models.CharField(max_length=20, blank=True)
    second_phone = models.CharField(max_length=20, blank=True)
    email = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=10, default="zh-Hans")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="people")
    job = models.CharField(
        max_length=40
    )  # identifier: driver, customer_manager, market_manager, dispatcher, technician …
    active = models.BooleanField(default=True)
    phone_verified_on = models.DateField(null=True)  # somebody called the number and was answered (E3.2.8)

    def __str__(self) -> str:
        return self.name


class Post(models.Model):
    """A post that carries duties, e.g. `delivery-center-head`; plans name posts, never persons."""

    code = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=60)  # same for each unit's own: `marketing-department-head`
    name = models.JSONField()
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="posts")

    class Meta:
        indexes = [models.Index(fields=["kind"])]


class PostHolding(models.Model):
    """Who holds a post: rank 1 is the holder, 2, 3 … the deputies in order."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="holdings")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="holdings")
    rank = models.PositiveSmallIntegerField(default=1)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(rank__gte=1), name="holding_rank_from_1"),
            models.UniqueConstraint(
                fields=["post", "person"], condition=models.Q(until__isnull=True), name="holding_once"
            ),
        ]


class DutyShift(models.Model):
    """Somebody is on duty for a post between two moments."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="duty")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="duty")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="duty_ends_after_start"
            )
        ]
        indexes = [models.Index(fields=["post", "starts_at", "ends_at"])]


class Absence(models.Model):
    """Somebody is away. Out of the city is what the command rule (E2.1c) asks; reachable people can still be asked."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="absences")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    out_of_city = models.BooleanField(default=False)
    reachable = models.BooleanField(default=True)
    substitute = models.ForeignKey(
        Person, null=True, on_delete=models.SET_NULL, related_name="substitutes_for"
    )
    recorded_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="absence_ends_after_start"
            )
        ]
        indexes = [models.Index(fields=["person", "starts_at", "ends_at"])]


class Contact(models.Model):
    """Somebody outside the company whom a plan needs: vendor, carrier, bank, insurer, provincial office, authority."""

    code = models.CharField(max_length=60, unique=True)
    group = models.CharField(
        max_length=40
    )  # vendor, carrier, bank, …; manufacturer-marketing, -department, -area (E3.5.4)
    organisation = models.JSONField()
    person = models.CharField(max_length=40, blank=True)
    phone = models.CharField(max_length=20)
    email = models.CharField(max_length=120, blank=True)
    serves = models.JSONField(
        default=list
    )  # equipment or services, e.g. ["ordering-system"], or the manufacturer's code
    reviewed_on = models.DateField()


class AccountManager(BaseUserManager["Account"]):
    def create_user(
        self, login: str, password: str | None = None, *, person: Person | None = None, is_admin: bool = False
    ) -> Account:
        account = self.model(login=login, person=person, is_admin=is_admin)
        account.set_password(password)
        account.save()
        return account


class Account(AbstractBaseUser):
    """A login; what it may do follows from the posts its person holds."""

    login = models.CharField(max_length=60, unique=True)
    person = models.OneToOneField(Person, null=True, on_delete=models.CASCADE, related_name="account")
    is_active = models.BooleanField(default=True)
    is_admin = models.BooleanField(default=False)

    objects: ClassVar[AccountManager] = AccountManager()

    USERNAME_FIELD = "login"


class ApiToken(models.Model):
    """A key for the HTTP API; only its SHA-256 is kept."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    label = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
