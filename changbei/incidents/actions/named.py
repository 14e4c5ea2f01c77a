"""What a call of a plan names: the incident of its run, a suspension of it, and who decided."""

from __future__ import annotations

from typing import Any

from changbei.core.errors import Invalid, NotFound, there
from changbei.core.texts import uuid_in
from changbei.incidents.models import Incident, Suspension
from changbei.journal.models import Entry
from changbei.people.models import Person
from changbei.runs.context import ActionContext
from changbei.runs.models import Task


def incident_of(context: ActionContext) -> Incident:
    uuid = context.run.incident
    found = Incident.objects.select_related("run__plan_version").filter(uuid=uuid).first() if uuid else None
    return there(found, f"the run {context.run.number} belongs to no incident")


def suspension_of(context: ActionContext) -> Suspension:
    """The suspension named in the parameters, which has to be of this incident."""
    uuid = uuid_in(context.params["suspension"])
    if uuid is None:
        raise Invalid("suspension", "is no suspension")
    found = Suspension.objects.select_related("incident__run__plan_version").filter(uuid=uuid).first()
    if found is None or found.incident.uuid != context.run.incident:
        raise NotFound(f"{context.run.number} has no suspension {uuid}")
    return found


def decider(context: ActionContext, option: str) -> Person | None:
    """Who decided in this run what the plan now carries out."""
    done = Task.objects.filter(
        run=context.run, kind=Task.Kind.DECIDE, status=Task.Status.DONE, result__option=option
    )
    task = done.select_related("done_by").order_by("-done_at").first()
    return task.done_by if task else None


def last_fact(context: ActionContext, kind: str, suspension: Suspension) -> dict[str, Any]:
    facts = Entry.objects.filter(run=context.run.uuid, kind=kind, data__suspension=str(suspension.uuid))
    fact = facts.order_by("-id").first()
    return dict(fact.data) if fact else {}
