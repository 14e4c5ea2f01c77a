"""Reminders of what is to be mended: the owner first, supervision when the date has passed, then the leading group."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from changbei.core import clock
from changbei.core.texts import LANGUAGES
from changbei.journal import services as journal
from changbei.notify import services as notify
from changbei.notify.models import Urgency
from changbei.notify.recipients import of_people
from changbei.people.models import Person
from changbei.people.resolution import resolve_many
from changbei.people.rules import RoleSpec
from changbei.readiness import rules
from changbei.readiness.models import Rectification

LADDER = (
    (),
    ("inspection-head",),
    ("inspection-head", "leading-group-deputy", "leading-group-head"),
)
"""Kinds of posts that hear of it beside the owner, by how far it has come."""


def remind_due(limit: int = 100) -> int:
    """Send the reminders whose time has come; how many. Several workers share them."""
    done = 0
    while done < limit and _remind_one():
        done += 1
    return done


@transaction.atomic
def _remind_one() -> bool:
    now = clock.now()
    due = Rectification.objects.filter(done_at__isnull=True, remind_at__lte=now)
    found = (
        due.select_for_update(of=("self",), skip_locked=True)
        .select_related("owner", "review__incident__run", "inspection__target")
        .order_by("remind_at", "pk")
        .first()
    )
    if found is None:
        return False
    today = clock.today()
    reach = rules.reminded(found.due_on, today)
    told = _listeners(found, reach)
    notify.tell(_reminder(found, reach), of_people(told), actor=None)
    found.remind_at, found.reminders = rules.next_reminder(found.due_on, today), found.reminders + 1
    found.save(update_fields=["remind_at", "reminders"])
    facts = {"reach": reach, "told": [one.staff_no for one in told], "due_on": found.due_on.isoformat()}
    incident = found.review.incident if found.review else None
    journal.append(
        "readiness.rectification_reminded",
        actor=None,
        incident=incident.uuid if incident else None,
        clause="E2.9",
        drill=incident.drill if incident else False,
        data=facts,
    )
    return True


def _listeners(found: Rectification, reach: int) -> list[Person]:
    """The owner and whoever stands above; without an owner supervision hears of it from the first."""
    kinds: Iterable[str] = LADDER[reach if found.owner else max(reach, 1)]
    holders = resolve_many({kind: RoleSpec(post=kind) for kind in kinds}, {}, clock.now())
    people = [found.owner, *(holder.person for holder in holders.values())]
    return list({one.pk: one for one in people if one is not None}.values())


def _reminder(found: Rectification, reach: int) -> notify.NewNotice:
    incident = found.review.incident if found.review else None
    about = incident.number if incident else ""
    if found.inspection is not None:
        about = found.inspection.target.name["zh-Hans"]
    who, day = (found.owner.name if found.owner else "—"), found.due_on.isoformat()
    titles = {
        0: ("整改事项即将到期", "整改事項即將到期", "Something is to be mended soon"),
        1: ("整改事项已逾期", "整改事項已逾期", "Something to be mended is late"),
        2: (
            "整改事项逾期，请督办",
            "整改事項逾期，請督辦",
            "Something to be mended is late: please see to it",
        ),
    }
    title = dict(zip(LANGUAGES, titles[reach], strict=True))
    body = {
        "zh-Hans": f"{about}：{found.text}（责任人{who}，期限{day}）",
        "zh-Hant": f"{about}：{found.text}（責任人{who}，期限{day}）",
        "en": f"{about}: {found.text} (owner {who}, until {day})",
    }
    return notify.NewNotice(
        template="rectification-reminder",
        title=title,
        body=body,
        urgency=Urgency.URGENT if reach == 2 else Urgency.ROUTINE,
        incident=incident.uuid if incident else None,
        clause="E2.9",
        needs_acknowledgement=True,
        drill=incident.drill if incident else False,
    )
