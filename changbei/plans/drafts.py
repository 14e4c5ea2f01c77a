"""Drafts of plans: written, submitted, signed by the leading group, and only then a version (E2.2, E4, E5)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotAllowed, Problem
from changbei.journal import services as journal
from changbei.people import access as people
from changbei.people.models import Person
from changbei.people.rules import LEADING_GROUP
from changbei.plans import rules, selectors, services
from changbei.plans.loading import digest_of, load_pack, pack_for
from changbei.plans.model import Pack
from changbei.plans.models import PlanDraft, PlanReview, PlanVersion, Signature
from changbei.plans.starting import starter

LONGEST_FILE = 400_000  # characters
State = PlanDraft.State
CLAUSES = {"plans.draft_signed": "E2.2", "plans.draft_refused": "E2.2"}  # what the group does; the rest is E4


@transaction.atomic
def begin(
    pack_id: str, *, actor: Person, files: dict[str, str] | None = None, review: PlanReview | None = None
) -> PlanDraft:
    """A draft of the version in force, or of `files` (a folder's). `review`: what it is written for."""
    people.require(actor, "plans.draft")
    base = PlanVersion.objects.filter(pack=pack_id, in_force=True).first()
    if base is None and files is None:
        base = selectors.in_force(pack_id)
    text = files if files is not None else dict(base.files) if base else {}
    draft = PlanDraft.objects.create(
        pack=pack_id, base=base, files=text, digest=digest_of(text), begun_by=actor, begun_at=clock.now()
    )
    if review is not None:
        PlanReview.objects.filter(pk=review.pk).update(draft=draft)
    _journal("plans.draft_begun", draft, actor)
    return draft


@transaction.atomic
def begin_new(pack_id: str, title: str, *, actor: Person) -> PlanDraft:
    """A draft of a plan that there is none of yet, with what a small one needs. Raises Invalid, Conflict."""
    people.require(actor, "plans.draft")
    files = starter(pack_id, title, effective_on=clock.today())
    written = PlanDraft.objects.filter(pack=pack_id, state__in=(State.EDITED, State.REVIEW))
    if PlanVersion.objects.filter(pack=pack_id).exists() or written.exists():
        raise Conflict(gettext_noop("there is a plan with this id already"))
    return begin(pack_id, actor=actor, files=files)


@transaction.atomic
def save_file(draft: PlanDraft, path: str, text: str | None, *, revision: int, actor: Person) -> PlanDraft:
    """Change, add, or with None remove a file. Raises Conflict when the draft is no longer that of `revision`."""
    people.require(actor, "plans.draft")
    draft = _lock(draft)
    if draft.state != State.EDITED:
        raise Conflict(gettext_noop("the draft is not being edited"))
    if draft.revision != revision:
        raise Conflict(gettext_noop("somebody has changed the draft meanwhile"))
    files = with_file(draft, path, text)
    if files == draft.files:
        return draft
    draft.files, draft.digest, draft.revision = files, digest_of(files), revision + 1
    draft.save(update_fields=["files", "digest", "revision"])
    _journal("plans.draft_changed", draft, actor, file=path)
    return draft


def with_file(draft: PlanDraft, path: str, text: str | None) -> dict[str, str]:
    """The draft's files with this one changed. Raises Invalid for a path that no pack has."""
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or "" in parts or not path.endswith((".yaml", ".md")):
        raise Invalid("path", "a file of a pack ends with .yaml or .md and lies within its folder")
    if text is not None and len(text) > LONGEST_FILE:
        raise Invalid("text", f"a file has at most {LONGEST_FILE} characters")
    files = {name: words for name, words in draft.files.items() if name != path}
    if text is not None:
        files[path] = text.replace("\r\n", "\n")
    return dict(sorted(files.items()))


def findings(files: dict[str, str]) -> list[Problem]:
    """Every problem that keeps these files from being a pack."""
    try:
        load_pack(files)
    except Invalid as invalid:
        return invalid.problems
    return []


def pack_id_of(files: dict[str, str]) -> str:
    """The id that plan.yaml gives the pack, also where other things are wrong. Raises Invalid without one."""
    for line in files.get("plan.yaml", "").splitlines():
        name, colon, value = line.partition(":")
        if name == "id" and colon:
            return value.split("#")[0].strip().strip("\"'")
    raise Invalid("id", gettext_noop("plan.yaml does not say which plan this is"))


@transaction.atomic
def submit(draft: PlanDraft, effective_on: date, *, reason: str, actor: Person) -> PlanDraft:
    """Put the draft before the leading group, with the day from which it is to hold (E5).

    Raises Invalid with every problem of the files, for a day that has passed, for a number that another version has.
    """
    people.require(actor, "plans.draft")
    draft = _lock(draft)
    if draft.state != State.EDITED:
        raise Conflict(gettext_noop("the draft is not being edited"))
    pack = load_pack(draft.files)
    if pack.id != draft.pack:
        raise Invalid("id", f"the files are of the plan {pack.id}, the draft is of {draft.pack}")
    if effective_on < clock.today():
        raise Invalid("effective_on", gettext_noop("the date of effect has passed"))
    if not reason.strip():
        raise Invalid("reason", gettext_noop("say why the plan is changed"))
    if _is_known(pack):
        raise Invalid(
            "version", f"there is a version {pack.version} already; give this one a number of its own"
        )
    draft.state, draft.effective_on, draft.reason = State.REVIEW, effective_on, reason.strip()
    draft.submitted_by, draft.submitted_at = actor, clock.now()
    draft.save(update_fields=["state", "effective_on", "reason", "submitted_by", "submitted_at"])
    _journal("plans.draft_submitted", draft, actor, effective_on=effective_on.isoformat())
    return draft


@transaction.atomic
def sign(draft: PlanDraft, *, digest: str, actor: Person) -> PlanDraft:
    """A member of the leading group signs what they have read; with the last signature needed it is a version.

    Raises NotAllowed for anybody else, Conflict when the files are no longer those with `digest`, or when a version
    with the number of this one has been adopted meanwhile.
    """
    draft = _lock(draft)
    _record(draft, digest, actor, signed=True, words="")
    if not any(missing(draft)):
        _adopt(draft, actor)
    return draft


@transaction.atomic
def refuse(draft: PlanDraft, *, digest: str, words: str, actor: Person) -> PlanDraft:
    """A member of the leading group refuses, and says why: the draft goes back to be edited."""
    if not words.strip():
        raise Invalid("words", gettext_noop("say what has to be changed"))
    draft = _lock(draft)
    _record(draft, digest, actor, signed=False, words=words.strip())
    draft.state = State.EDITED
    draft.revision += 1
    draft.save(update_fields=["state", "revision"])
    return draft


@transaction.atomic
def withdraw(draft: PlanDraft, *, actor: Person) -> PlanDraft:
    """The draft is given up by who begun it, or by the leading group; what was signed stays on record."""
    draft = _lock(draft)
    if draft.begun_by_id != actor.pk:
        people.require(actor, "plans.adopt")
    if draft.state not in {State.EDITED, State.REVIEW}:
        raise Conflict(gettext_noop("the draft is adopted or withdrawn already"))
    draft.state = State.WITHDRAWN
    draft.save(update_fields=["state"])
    _journal("plans.draft_withdrawn", draft, actor)
    return draft


def missing(draft: PlanDraft) -> tuple[int, bool]:
    """How many signatures the draft as it is still needs, and whether the head's or deputy head's is among them."""
    return rules.missing_signatures(_signed(draft), _needed(draft))


def _signed(draft: PlanDraft) -> dict[int, str]:
    """Who has signed the files as they are. A refusal of the same files since then counts against nobody else."""
    rows = Signature.objects.filter(draft=draft, digest=draft.digest, signed=True)
    return dict(rows.values_list("person_id", "post"))


def _needed(draft: PlanDraft) -> int:
    """As many as the version in force asks for, or the draft where that asks for more: none lowers its own number."""
    current = PlanVersion.objects.filter(pack=draft.pack, in_force=True).first() or draft.base
    own = _asked_by(load_pack(draft.files, check_actions=False))
    return own if current is None else max(own, _asked_by(pack_for(current)))


def _asked_by(pack: Pack) -> int:
    setting = pack.settings.get("plan_signatures")
    return int(setting.value) if setting else rules.SIGNATURES_NEEDED


def _is_known(pack: Pack) -> bool:
    """Whether a version of the plan has this number."""
    return PlanVersion.objects.filter(pack=pack.id, version=pack.version).exists()


def _record(draft: PlanDraft, digest: str, actor: Person, *, signed: bool, words: str) -> None:
    people.require(actor, "plans.sign")
    post = rules.post_to_sign_with({kind for kind, _ in people.standing(actor).posts}, LEADING_GROUP)
    if not post:
        raise NotAllowed("plans.sign")
    if draft.state != State.REVIEW:
        raise Conflict(gettext_noop("the draft is not before the leading group"))
    if draft.digest != digest:
        raise Conflict(gettext_noop("the draft has been changed since you read it"))
    known = Signature.objects.filter(draft=draft, digest=digest, person=actor).first()
    if known is not None:
        raise Conflict(gettext_noop("you have signed or refused this already"))
    Signature.objects.create(
        draft=draft, person=actor, post=post, digest=digest, signed=signed, words=words, at=clock.now()
    )
    _journal("plans.draft_signed" if signed else "plans.draft_refused", draft, actor, post=post, words=words)


def _adopt(draft: PlanDraft, actor: Person) -> None:
    services.lock(draft.pack)
    if _is_known(load_pack(draft.files, check_actions=False)):
        raise Conflict(
            gettext_noop("another version has this number; refuse the draft, so that it is given its own")
        )
    signers = Signature.objects.filter(draft=draft, digest=draft.digest, signed=True).order_by("at", "pk")
    version = services.take(
        draft.files,
        actor=actor,
        effective_on=draft.effective_on,
        signed_by=list(signers.values_list("person__staff_no", flat=True)),
    )
    draft.state, draft.adopted = State.ADOPTED, version
    draft.save(update_fields=["state", "adopted"])
    for review in PlanReview.objects.filter(draft=draft, done_at__isnull=True):
        review.done_at, review.done_by, review.outcome = clock.now(), actor, version.version
        review.save(update_fields=["done_at", "done_by", "outcome"])


def _lock(draft: PlanDraft) -> PlanDraft:
    return PlanDraft.objects.select_for_update().get(pk=draft.pk)


def _journal(kind: str, draft: PlanDraft, actor: Person, **data: Any) -> None:
    told = {"draft": str(draft.uuid), "pack": draft.pack, "digest": draft.digest, "revision": draft.revision}
    journal.append(kind, actor=actor, clause=CLAUSES.get(kind, "E4"), data={**told, **data})
