"""Logins and keys for the HTTP API."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, Words
from changbei.core.texts import Text
from changbei.journal import services as journal
from changbei.people import access
from changbei.people.models import Account, ApiToken, DutyShift, Person, PostHolding

INVENTED = "changbei.example"
"""Where everybody of an invented city has a mailbox; nobody else can."""
DEMO_PASSWORD = "changbei-demo"  # noqa: S105 - printed on purpose, for the invented city on loopback only
TOKEN_BYTES = 32
WORD_BYTES = 12
LONGEST_LOGIN = 60


@dataclass(frozen=True)
class DemoLogin:
    """One login of the demo; `role`: what the person is, in three languages."""

    login: str
    password: str
    person: Person
    role: Text


@dataclass(frozen=True)
class _Role:
    """`post`: whoever is on duty there now, else its holder; or the first with the `job`."""

    login: str
    hans: str
    hant: str
    english: str
    post: str = ""
    job: str = ""

    @property
    def title(self) -> Text:
        return {"zh-Hans": self.hans, "zh-Hant": self.hant, "en": self.english}


_DEMO_ROLES = (
    _Role("head", "领导小组组长", "領導小組組長", "Head of the leading group", post="leading-group-head"),
    _Role("deputy", "领导小组副组长", "領導小組副組長", "Deputy head", post="leading-group-deputy"),
    _Role(
        "office", "领导小组办公室", "領導小組辦公室", "Leading group's office", post="leading-group-office"
    ),
    _Role(
        "delivery", "配送中心负责人", "配送中心負責人", "Delivery centre head", post="delivery-center-head"
    ),
    _Role("dispatcher", "调度", "調度", "Dispatcher", post="dispatcher"),
    _Role("driver", "送货员", "送貨員", "Delivery driver", job="driver"),
    _Role(
        "marketing", "营销中心负责人", "營銷中心負責人", "Marketing centre head", post="marketing-center-head"
    ),
    _Role(
        "department",
        "营销部副经理",
        "營銷部副經理",
        "Marketing department deputy",
        post="marketing-department-deputy",
    ),
    _Role("market-manager", "市场经理", "市場經理", "Market manager", post="market-manager"),
    _Role("customer-manager", "客户经理", "客戶經理", "Customer manager", job="customer_manager"),
    _Role("service-desk", "客服值班", "客服值班", "Customer service desk", post="customer-service-desk"),
    _Role("order-desk", "订单值班", "訂單值班", "Order desk", post="order-desk"),
    _Role("technician", "信息值班", "資訊值班", "Technician on duty", post="info-technician"),
    _Role("inspection", "督察考评负责人", "督察考評負責人", "Supervision head", post="inspection-head"),
    _Role(
        "petitions", "信访接待组组长", "信訪接待組組長", "Petition reception", post="petition-enquiry-lead"
    ),
    _Role("admin", "管理员（信息中心）", "管理員（資訊中心）", "Administrator", post="info-center-head"),
)


@transaction.atomic
def create_demo_accounts() -> list[DemoLogin]:
    """A login per role in a demo city; existing ones stay as they are, so it can be called at every start.

    Only invented people get one, as everybody knows the password.
    """
    existing = {a.login: a for a in Account.objects.select_related("person").filter(person__isnull=False)}
    hashed = make_password(DEMO_PASSWORD)  # once: the slow part
    taken = {account.person_id for account in existing.values()}
    logins = []
    for role in _DEMO_ROLES:
        person = existing[role.login].person if role.login in existing else _demo_person(role, taken)
        if person is None:
            continue
        if role.login not in existing:
            Account.objects.create(
                login=role.login, password=hashed, person=person, is_admin=role.login == "admin"
            )
            taken.add(person.pk)
        logins.append(DemoLogin(role.login, DEMO_PASSWORD, person, role.title))
    return logins


def demo_logins() -> list[DemoLogin]:
    """The logins of the demo that exist, for picking a role on the login page."""
    names = [role.login for role in _DEMO_ROLES]
    accounts = Account.objects.filter(login__in=names, person__isnull=False).select_related("person")
    people = {account.login: account.person for account in accounts}
    found = ((role, people.get(role.login)) for role in _DEMO_ROLES)
    return [DemoLogin(role.login, DEMO_PASSWORD, person, role.title) for role, person in found if person]


def _demo_person(role: _Role, taken: set[int | None]) -> Person | None:
    now = clock.now()
    invented = Person.objects.filter(active=True, email__endswith=f"@{INVENTED}")
    free = invented.exclude(pk__in=[pk for pk in taken if pk])
    if role.job:
        return free.filter(job=role.job).order_by("pk").first()
    duty = DutyShift.objects.filter(
        post__kind=role.post, starts_at__lte=now, ends_at__gt=now, person__in=free
    )
    if shift := duty.select_related("person").order_by("post__code", "pk").first():
        return shift.person
    holdings = PostHolding.objects.filter(post__kind=role.post, person__in=free)
    holdings = holdings.filter(Q(until__isnull=True) | Q(until__gt=now)).order_by("post__code", "rank")
    holding = holdings.select_related("person").first()
    return holding.person if holding else None


@transaction.atomic
def create_account(
    login: str,
    password: str,
    *,
    person: Person | None,
    is_admin: bool = False,
    actor: Person | Account | None,
) -> Account:
    """A new login. Raises Invalid for one that is taken, when the person has one already or has left, and for a weak
    password.
    """
    if actor is not None:
        access.require(actor, "people.manage_accounts")
    if not login.strip() or len(login) > LONGEST_LOGIN:
        raise Invalid("login", Words(gettext_noop("1 to %(most)d characters are needed"), most=LONGEST_LOGIN))
    _refuse_weak(password)
    if Account.objects.filter(login=login).exists():
        raise Invalid("login", Words(gettext_noop("%(login)s is taken"), login=login))
    if person is not None and Account.objects.filter(person=person).exists():
        raise Invalid("person", Words(gettext_noop("%(name)s has a login already"), name=person.name))
    if person is not None and not person.active:
        raise Invalid("person", Words(gettext_noop("%(name)s has left"), name=person.name))
    account = Account.objects.create_user(login, password, person=person, is_admin=is_admin)
    by = access.person_of(actor)
    journal.append(
        "people.account_created",
        actor=by,
        data={"login": login, "person": person.staff_no if person else None},
    )
    return account


def made_password() -> str:
    """One that nobody has thought of."""
    return secrets.token_urlsafe(WORD_BYTES)


@transaction.atomic
def set_password(account: Account, password: str, *, actor: Person | Account | None) -> None:
    """Another password; sessions that began with the old one end. Everybody may give oneself one. Raises Invalid for
    a weak one.
    """
    if actor is not None and actor != account:
        access.require(actor, "people.manage_accounts")
    _refuse_weak(password)
    account.set_password(password)
    account.save(update_fields=["password"])
    journal.append("people.password_set", actor=access.person_of(actor), data={"login": account.login})


@transaction.atomic
def switch_account(account: Account, *, on: bool, actor: Person | Account | None) -> None:
    """Close a login, with its sessions and keys, or open it again. Raises Conflict when it is so already, for
    somebody who has left, and for closing one's own: nobody may be left then who could open it.
    """
    by = access.person_of(actor)
    if actor is not None:
        access.require(actor, "people.manage_accounts")
        if not on and by is not None and by.pk == account.person_id:
            raise Conflict(gettext_noop("nobody closes their own login"))
    if on and account.person is not None and not account.person.active:
        raise Conflict(Words(gettext_noop("%(name)s has left"), name=account.person.name))
    if not Account.objects.filter(pk=account.pk, is_active=not on).update(is_active=on):
        said = (
            gettext_noop("%(login)s is open already") if on else gettext_noop("%(login)s is closed already")
        )
        raise Conflict(Words(said, login=account.login))
    journal.append(
        "people.account_opened" if on else "people.account_closed",
        actor=by,
        data={"login": account.login},
    )


def _refuse_weak(password: str) -> None:
    try:
        validate_password(password)
    except ValidationError as error:
        raise Invalid("password", " ".join(error.messages)) from None


@transaction.atomic
def issue_token(account: Account, label: str, *, actor: Person | None) -> str:
    """A key for the HTTP API. It is shown this once; only its SHA-256 is kept."""
    if actor is not None and account.person_id != actor.pk:
        access.require(actor, "people.manage_accounts")
    token = f"cb_{secrets.token_urlsafe(TOKEN_BYTES)}"
    ApiToken.objects.create(account=account, label=label, digest=_digest(token), created_at=clock.now())
    journal.append("people.token_issued", actor=actor, data={"login": account.login, "label": label})
    return token


@transaction.atomic
def revoke_token(token: ApiToken, *, actor: Person | None) -> None:
    if actor is not None and token.account.person_id != actor.pk:
        access.require(actor, "people.manage_accounts")
    if not ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=clock.now()):
        raise Conflict("the key was revoked already")
    journal.append(
        "people.token_revoked", actor=actor, data={"login": token.account.login, "label": token.label}
    )


def account_of_token(token: str) -> Account | None:
    """The active account whose unrevoked key this is."""
    accounts = Account.objects.select_related("person").filter(is_active=True)
    return accounts.filter(tokens__digest=_digest(token), tokens__revoked_at__isnull=True).first()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
