"""A draft of a plan on its way: the group hears that it is to sign, the author what came of it (E2.2, E4)."""

from __future__ import annotations

from collections.abc import Iterable

from changbei.core.texts import Text
from changbei.notify import services as notify
from changbei.notify.models import Urgency
from changbei.notify.recipients import of_people
from changbei.people.models import Person
from changbei.people.rules import LEADING_GROUP
from changbei.plans.models import PlanDraft, Signature


def ask_to_sign(draft: PlanDraft) -> None:
    """Everybody of the leading group who has not yet signed these files; who put the draft forward knows of it."""
    signed = Signature.objects.filter(draft=draft, digest=draft.digest).values("person_id")
    group = Person.objects.filter(
        active=True, holdings__until__isnull=True, holdings__post__kind__in=LEADING_GROUP
    ).exclude(pk__in=signed)
    people = [one for one in group.distinct().order_by("staff_no") if one.pk != draft.submitted_by_id]
    when = draft.effective_on.isoformat() if draft.effective_on else "—"
    body = {
        "zh-Hans": f"修订理由：{draft.reason}。拟自{when}施行，请在预案页面审阅并签署或退回。",
        "zh-Hant": f"修訂理由：{draft.reason}。擬自{when}施行，請在預案頁面審閱並簽署或退回。",
        "en": f"Why: {draft.reason}. To hold from {when}. Please read it on the plan's page, and sign or refuse it.",
    }
    title = {
        "zh-Hans": f"预案{draft.pack}修订稿待签署",
        "zh-Hant": f"預案{draft.pack}修訂稿待簽署",
        "en": f"A draft of the plan {draft.pack} is to be signed",
    }
    _tell("plan-draft-to-sign", title, body, people)


def tell_refused(draft: PlanDraft, words: str) -> None:
    title = {
        "zh-Hans": f"预案{draft.pack}修订稿被退回",
        "zh-Hant": f"預案{draft.pack}修訂稿被退回",
        "en": f"The draft of the plan {draft.pack} was refused",
    }
    body = dict.fromkeys(title, words)
    _tell("plan-draft-refused", title, body, _authors(draft))


def tell_adopted(draft: PlanDraft) -> None:
    when = draft.effective_on.isoformat() if draft.effective_on else "—"
    title = {
        "zh-Hans": f"预案{draft.pack}修订稿已签署，自{when}施行",
        "zh-Hant": f"預案{draft.pack}修訂稿已簽署，自{when}施行",
        "en": f"The draft of the plan {draft.pack} is signed and holds from {when}",
    }
    _tell("plan-draft-adopted", title, dict.fromkeys(title, draft.reason), _authors(draft))


def _authors(draft: PlanDraft) -> list[Person]:
    found = {one.pk: one for one in (draft.begun_by, draft.submitted_by) if one is not None}
    return list(found.values())


def _tell(template: str, title: Text, body: Text, people: Iterable[Person]) -> None:
    new = notify.NewNotice(template, dict(title), dict(body), Urgency.ROUTINE, clause="E4")
    notify.tell(new, of_people(list(people)), actor=None)
