"""My tasks, and the page of one task: accept, do, decide, approve, prove, pass on."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms as django_forms
from django.contrib import messages
from django.db import transaction
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import Invalid, NotFound
from changbei.incidents.models import Report
from changbei.journal import heartbeat
from changbei.notify import selectors as notify
from changbei.people import access as people
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.plans.model import step_of
from changbei.runs import access, rules, services
from changbei.runs import selectors as runs
from changbei.runs.models import OPEN, Evidence, Task
from changbei.web import forms, handling, htmx, showing
from changbei.web.components import Action, TaskCard
from changbei.web.entry import actor, next_url, staff
from changbei.web.errors import detail, refuse
from changbei.web.widgets import PersonWidget

DONE_SHOWN = 30
ENOUGH_BYTES = 64  # say which kind of picture a file is
EVIDENCE = {"photo": gettext_lazy("photo"), "note": gettext_lazy("note"), "file": gettext_lazy("file")}


# ---------------------------------------------------------------- my tasks


@staff
def my_tasks(request: HttpRequest) -> HttpResponse:
    """What I have to do, the next due first; or, with `?show=done`, what I have done and reported."""
    person = actor(request)
    shows_done = request.GET.get("show") == "done"
    context = {"show": "done" if shows_done else "mine", **(_done(person) if shows_done else _mine(person))}
    part = htmx.wants_part(request)
    response = render(request, f"web/tasks/{'list' if part else 'page'}.html", context)
    return htmx.stamp(response, engine_still_seconds=heartbeat.still_seconds()) if part else response


def _mine(person: Person) -> dict[str, Any]:
    tasks = list(
        runs.my_tasks(person)
        .select_related("run__plan_version", "run__of_incident", "holder")
        .defer("run__plan_version__files")
    )
    now = clock.now()
    return {
        "tasks": [my_card(task, reverse("my-tasks")) for task in tasks],
        "late": sum(showing.is_late(task, now) for task in tasks),
        "waiting": list(waiting_messages(person)),
    }


def waiting_messages(person: Person) -> Any:
    """Messages to be confirmed that no task of the list stands for."""
    rows = notify.inbox(person).filter(notice__needs_acknowledgement=True, notice__stopped_at=None)
    return rows.filter(state="delivered").exclude(notice__template="task")[:20]


def my_card(task: Task, back: str) -> TaskCard:
    """A task of the reader with the buttons that fit its state."""
    level = getattr(getattr(task.run, "of_incident", None), "level", "")
    return showing.task_card(task, actions=my_actions(task, back), level=level)


def my_actions(task: Task, back: str) -> list[Action]:
    """Accept while nobody has; then carry on."""
    url = reverse("task", args=[task.uuid])
    if task.status == Task.Status.OPEN:
        return [
            showing.accept_action(task, back),
            Action(_("Open"), url=url, icon="arrow-right", post=False),
        ]
    return [Action(_next_label(task), url=url, icon="arrow-right", tone="primary", post=False)]


def _next_label(task: Task) -> str:
    match task.kind:
        case Task.Kind.DECIDE:
            return _("Decide")
        case Task.Kind.APPROVE:
            return _("Approve or refuse")
    return _("Carry on")


def _done(person: Person) -> dict[str, Any]:
    hidden = access.hidden_runs(person)
    done = runs.done_by(person).exclude(run__in=hidden).select_related("run__plan_version", "holder")
    reports = Report.objects.filter(reporter=person).exclude(incident__run__in=hidden)
    reports = reports.select_related("incident").order_by("-at")
    return {
        "done": [showing.task_card(task) for task in done.defer("run__plan_version__files")[:DONE_SHOWN]],
        "reports": list(reports[:DONE_SHOWN]),
    }


# ---------------------------------------------------------------- one task


class NoteForm(django_forms.Form):
    """Evidence beside what the task itself asks for."""

    note = django_forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        widget=django_forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
    )
    photo = django_forms.FileField(
        label=gettext_lazy("Photo"),
        required=False,
        widget=django_forms.FileInput(attrs={"accept": "image/*"}),
    )


class ProofForm(django_forms.Form):
    """The evidence a task still lacks, handed in together with its completion."""

    def __init__(self, wanted: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "note" in wanted:
            self.fields["proof_note"] = django_forms.CharField(
                label=_("Note (required)"), widget=django_forms.Textarea(attrs={"rows": 3}), max_length=2000
            )
        for kind in ("photo", "file"):
            if kind in wanted:
                accept = {"accept": "image/*"} if kind == "photo" else {}
                self.fields[f"proof_{kind}"] = django_forms.FileField(
                    label=_("Photo (required)") if kind == "photo" else _("File (required)"),
                    widget=django_forms.FileInput(attrs=accept),
                )


class HandOverForm(django_forms.Form):
    """To whom."""

    to = django_forms.CharField(label=gettext_lazy("To whom"), widget=PersonWidget)


@staff
def task_page(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The page of one task."""
    return _page(request, access.task_for(request.user, uuid))


def _page(request: HttpRequest, task: Task, *, status: int = 200, **bound: Any) -> HttpResponse:
    person = people.person_of(request.user)
    pack = pack_for(task.run.plan_version)
    procedure = pack.procedures[task.run.procedure]
    is_open = task.status in OPEN
    may_act = is_open and person is not None and access.may_act(person, task)
    evidence = list(task.attached.select_related("by").order_by("pk"))
    about = handling.about(task, procedure)
    step = procedure.step(task.item)
    context = {
        "provisional": is_open and showing.is_provisional(task),
        "others": _others(task, person) if is_open and person else [],
        "alone": step is not None and bool(step.delegates or step.each or task.held_as != Task.HeldAs.ROLE),
        "task": task,
        "card": showing.task_card(task, level=about.incident.level if about.incident else ""),
        "pack": pack,
        "about": about,
        "is_mine": person is not None and task.holder_id == person.pk,
        "may_act": may_act,
        "is_open": is_open,
        "elsewhere": handling.elsewhere(task) if is_open else None,
        "evidence": evidence,
        "wanted": [str(EVIDENCE.get(kind, kind)) for kind in task.evidence],
        "chosen": _chosen(task),
        "answers": handling.said(_schema(task), task.result),
        "told": list(notify.messages(task=task.uuid)),
        "may_hand_over": is_open and person is not None and handling.may_hand_over(person, task),
        "note_form": bound.get("note_form") or NoteForm(),
        "drill_banner": _("This is an exercise.") if task.run.drill else "",
    }
    if may_act:
        context["form"] = bound.get("form") or _form(task)
        context["proof"] = bound.get("proof") or ProofForm(_lacking(task, evidence))
    if context["may_hand_over"]:
        hand_over = bound.get("hand_over") or HandOverForm()
        hand_over.fields["to"].widget = PersonWidget(suggested=handling.suggestions(task, pack))
        context["hand_over"] = hand_over
    return render(request, "web/tasks/task.html", context, status=status)


def _others(task: Task, person: Person) -> list[Task]:
    """The reader's other open tasks of the same step, when it has one for each of a list."""
    step = step_of(task.item)
    if step == task.item:
        return []
    rows = Task.objects.filter(run=task.run, item__startswith=f"{step}@", holder=person, status__in=OPEN)
    return list(rows.exclude(pk=task.pk).order_by("pk"))


def _schema(task: Task) -> dict[str, Any]:
    spec = handling.spec_of(task, pack_for(task.run.plan_version))
    return dict(spec.form) if spec and spec.form else {}


def _form(task: Task, data: Any = None, files: Any = None) -> forms.SchemaForm | None:
    """The form of the step; a decision about an area begins with what was reported."""
    schema = _schema(task)
    if not schema.get("properties"):
        return None
    report = task.run.state.get("context", {}).get("report", {})
    initial = {name: report[name] for name in schema["properties"] if name in report}
    form = forms.SchemaForm(schema, data, files, language=showing.language(), initial=initial)
    if task.page == "delivery.substitute" and "staff_no" in form.fields:
        form.fields["staff_no"].widget = PersonWidget(suggested=handling.substitutes(task.run))
    return form


def _lacking(task: Task, evidence: list[Evidence]) -> list[str]:
    there = {one.kind for one in evidence}
    return [kind for kind in task.evidence if kind not in there]


def _chosen(task: Task) -> str:
    if task.kind == Task.Kind.APPROVE and "approved" in task.result:
        return _("Approved") if task.result["approved"] else _("Refused")
    option = task.result.get("option")
    return next((showing.say(one["title"]) for one in task.options if one["id"] == option), "")


# ---------------------------------------------------------------- verbs


@staff
@require_POST
def acknowledge(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """I have seen it, I am on it."""
    task = access.task_for(request.user, uuid)
    services.acknowledge(task, actor=actor(request))
    messages.success(request, _("Accepted: %(task)s") % {"task": showing.say(task.title)})
    return htmx.go_to(request, next_url(request, reverse("task", args=[uuid])))


@staff
@require_POST
def finish(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Done, decided, approved or refused: form, missing evidence and answer in one go, or nothing of it."""
    task, person = access.task_for(request.user, uuid), actor(request)
    form = _form(task, request.POST, request.FILES)
    proof = ProofForm(_lacking(task, list(task.attached.all())), request.POST, request.FILES)
    access.require_to_act(person, task)
    good = proof.is_valid() and (form is None or form.is_valid())
    if good:
        try:
            with transaction.atomic():
                _attach_proof(task, proof, person)
                _close(task, request, form.result if form else {}, person)
        except Invalid as error:
            proof.add_error(None, detail(error)) if form is None else form.refuse(error)
            good = False
    if not good:
        return _page(request, task, status=422, form=form, proof=proof)
    messages.success(request, _("Done: %(task)s") % {"task": showing.say(task.title)})
    return htmx.go_to(request, next_url(request, reverse("my-tasks")))


def _attach_proof(task: Task, proof: ProofForm, person: Person) -> None:
    for name, value in proof.cleaned_data.items():
        kind = name.removeprefix("proof_")
        words = {"note": value} if kind == "note" else {"file": value}
        services.attach(task, kind, actor=person, **words)


def _close(task: Task, request: HttpRequest, result: dict[str, Any], person: Person) -> None:
    match task.kind:
        case Task.Kind.DECIDE:
            services.decide(task, request.POST.get("option", ""), result=result, actor=person)
        case Task.Kind.APPROVE:
            if request.POST.get("approved") not in {"yes", "no"}:
                raise Invalid("approved", _("Approve or refuse."))
            services.approve(task, request.POST["approved"] == "yes", result=result, actor=person)
        case _:
            services.complete(task, result, actor=person)


@staff
@require_POST
def attach(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Keep a note or a photo with the task."""
    task, person = access.task_for(request.user, uuid), actor(request)
    access.require_to_act(person, task)
    form = NoteForm(request.POST, request.FILES)
    if form.is_valid():
        note, photo = form.cleaned_data["note"].strip(), form.cleaned_data["photo"]
        try:
            if not note and not photo:
                raise Invalid("note", _("Write a note or take a photo."))
            with transaction.atomic():
                if note:
                    services.attach(task, "note", note=note, actor=person)
                if photo:
                    services.attach(task, "photo", file=photo, actor=person)
            messages.success(request, _("Kept with the task."))
            return htmx.go_to(request, reverse("task", args=[uuid]))
        except Invalid as error:
            refuse(form, error, at=lambda field: "note" if field == "note" else "photo")
    return _page(request, task, status=422, note_form=form)


@staff
@require_POST
def hand_over(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Give the role, with all its open tasks, to a colleague."""
    task, person = access.task_for(request.user, uuid), actor(request)
    access.require_to_hand_over(person, task)
    form = HandOverForm(request.POST)
    if form.is_valid():
        to = Person.objects.filter(staff_no=form.cleaned_data["to"], active=True).first()
        try:
            if to is None:
                raise Invalid("to", _("There is no such colleague."))
            services.hand_over(task, to, actor=person)
            messages.success(request, _("Handed over to %(name)s.") % {"name": to.name})
            gone = access.is_hidden(
                person, task.run
            )  # whoever gives a confidential role away reads on no more
            return htmx.go_to(
                request, reverse("my-tasks") if gone else next_url(request, reverse("task", args=[uuid]))
            )
        except Invalid as error:
            refuse(form, error, at=lambda _field: "to")
    return _page(request, task, status=422, hand_over=form)


@staff
def evidence(request: HttpRequest, uuid: UUID) -> HttpResponseBase:
    """A file that was attached: a picture to be looked at, as what its first bytes say it is, anything else to be
    saved; never as a page or a script of ours."""
    found = Evidence.objects.select_related("task").filter(uuid=uuid).first()
    if found is None or not found.file:
        raise NotFound(str(uuid))
    access.task_for(request.user, found.task.uuid)
    return shown_file(found.file, str(found.uuid), is_photo=found.kind == "photo")


def shown_file(kept: FieldFile, name: str, *, is_photo: bool) -> HttpResponseBase:
    """A file that somebody attached; `is_photo`: it is looked at, when its first bytes say that it is a picture."""
    with kept.open("rb") as file:
        picture = rules.picture(file.read(ENOUGH_BYTES)) if is_photo else ""
    response = FileResponse(
        kept.open("rb"),
        as_attachment=not picture,
        filename=f"{name}.{picture}" if picture else "",
        content_type=rules.PICTURES.get(picture, "application/octet-stream"),
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response


def due_or_never(task: Task) -> datetime:
    """For sorting: what is due first stands first."""
    return task.due_at or datetime.max.replace(tzinfo=clock.LOCAL)


urlpatterns = [
    path("tasks/", my_tasks, name="my-tasks"),
    path("tasks/<uuid:uuid>/", task_page, name="task"),
    path("tasks/<uuid:uuid>/acknowledge", acknowledge, name="task-acknowledge"),
    path("tasks/<uuid:uuid>/finish", finish, name="task-finish"),
    path("tasks/<uuid:uuid>/attach", attach, name="task-attach"),
    path("tasks/<uuid:uuid>/hand-over", hand_over, name="task-hand-over"),
    path("evidence/<uuid:uuid>", evidence, name="evidence"),
]
