"""Units, posts and people as an administrator keeps them: something new, what changes of it, what goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from changbei.core import texts
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.network import organisation
from changbei.network.imports import KINDS
from changbei.network.imports.columns import JOBS, LANGUAGES
from changbei.network.imports.fields import NAMES
from changbei.network.imports.ground import UNIT_KINDS
from changbei.people import access, staffing
from changbei.people.models import Person, Post, Unit
from changbei.plans import posts as needed
from changbei.web import htmx, showing
from changbei.web.entry import actor, may_act, staff
from changbei.web.errors import refuse
from changbei.web.views.posts import rank_words

Row = TypeVar("Row", bound=Model)
Options = Mapping[str, Sequence[tuple[str, str]]]

UNIT = ("name", "kind", "parent", "name_hant", "name_en")
POST = ("name", "kind", "unit", "name_hant", "name_en")
REACHED_BY = ("phone", "second_phone", "email", "language")
PERSON = ("name", *REACHED_BY, "unit", "job")
LABELS = {
    "parent": gettext_lazy("Unit above"),
    "job": gettext_lazy("Job"),
    "post": pgettext_lazy("held", "Post"),
    "rank": gettext_lazy("As"),
}
"""Where pages call a column otherwise than files do."""
EXPLAINED = {"code", "name_hant", "name_en"}
"""Columns whose hint says something on a page as well."""
RANKS = range(1, 10)


class ColumnsForm(forms.Form):
    """Columns of a kind of file as fields, under their headings. What may stand in them the verb behind says."""

    def __init__(self, kind: str, names: Sequence[str], options: Options, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in names:
            column = KINDS[kind].by_key[name]
            if name in options:
                choices = _with(options[name], self.initial.get(name, ""), column.required)
                field: forms.Field = forms.ChoiceField(choices=choices)
            else:
                field = forms.CharField()
            field.label = LABELS.get(name) or showing.say(column.heading)
            field.required = column.required
            field.help_text = showing.say(column.hint) if name in EXPLAINED else ""
            self.fields[name] = field
        if "kind" in self.fields and "kind" not in options:
            self.fields["kind"].widget.attrs["list"] = "kinds"
            self.fields["kind"].label = _("Kind of post")
            self.fields["kind"].help_text = _("What plans call it. Those there are are offered as you type.")
        if "phone" in self.fields:
            self.fields["phone"].widget.input_type = self.fields["second_phone"].widget.input_type = "tel"

    def written(self, write: Callable[[dict[str, Any]], Row], *, whole: bool = False) -> Row | None:
        """What `write` makes of what was filled in, or of what was changed; None with the reasons in the form."""
        if not self.is_valid():
            return None
        names = self.fields if whole else self.changed_data
        try:
            return write({name: self.cleaned_data[name] for name in names})
        except (Invalid, Conflict) as error:
            refuse(self, error)
            return None


def _with(options: Sequence[tuple[str, str]], given: str, required: bool) -> list[tuple[str, str]]:
    """With what is there although it is no choice any more, and with nothing where nothing may be chosen."""
    known = not given or any(given == key for key, _words in options)
    found = [*options] if known else [(given, given.replace("_", " ")), *options]
    return found if required and given else [("", "—"), *found]


def _units() -> list[tuple[str, str]]:
    """Every unit, each after those above it and further in."""
    return [(one.code, "\u3000" * depth + showing.say(one.name)) for depth, one in staffing.units_in_order()]


def _unit_options() -> Options:
    return {"kind": [(key, unit_kind(key)) for key in UNIT_KINDS], "parent": _units()}


def unit_kind(key: str) -> str:
    """A kind of unit in words; one of the house's own as it is written."""
    english = key.replace("_", " ").capitalize()
    words = UNIT_KINDS.get(key, (english,))
    return showing.say(texts.text(words[0], words[-1], english))


def _person_options() -> Options:
    posts = staffing.in_order(Post.objects.select_related("unit"))
    names = {"zh-Hans": "简体中文", "zh-Hant": "繁體中文", "en": "English"}
    return {
        "unit": _units(),
        "job": [(key, showing.job(key)) for key in JOBS],
        "language": [(key, names[key]) for key in LANGUAGES],
        "post": [(one.code, f"{showing.say(one.name)} · {showing.say(one.unit.name)}") for one in posts],
        "rank": [(str(rank), rank_words(rank)) for rank in RANKS],
    }


def _known(thing: Unit | Post) -> dict[str, Any]:
    """Names and kind as the form shows them: a name that is the simplified one is left empty."""
    simplified = thing.name["zh-Hans"]
    names = {name: thing.name.get(language, "") for name, language in NAMES.items()}
    copies = {name: "" for name, words in names.items() if name != "name" and words == simplified}
    return names | copies | {"kind": thing.kind}


def _page(request: HttpRequest, form: ColumnsForm, heading: str, back: tuple[str, str]) -> HttpResponse:
    kinds = {}
    if "kind" in form.fields and not hasattr(form.fields["kind"], "choices"):
        kinds = dict.fromkeys(needed.kinds_named(), "")
        kinds |= {one.kind: showing.say(one.name) for one in Post.objects.order_by("-pk")}
    context = {"form": form, "heading": heading, "back": back, "kinds": sorted(kinds.items())}
    return render(request, "web/people/form.html", context, status=422 if form.is_bound else 200)


def _people() -> tuple[str, str]:
    return reverse("people"), _("Posts and people")


# ---- units


@staff
def new_unit(request: HttpRequest) -> HttpResponse:
    person = _organiser(request)
    initial = {"parent": request.GET.get("parent", "")}
    form = ColumnsForm("units", ("code", *UNIT), _unit_options(), initial=initial, data=request.POST or None)
    made = form.written(lambda given: organisation.add_unit(given, actor=person), whole=True)
    if made is None:
        return _page(request, form, _("New unit"), _people())
    return _done(request, _("Recorded."), "unit", made.code)


@staff
def unit(request: HttpRequest, code: str) -> HttpResponse:
    """A unit with what belongs to it."""
    found = staffing.get_unit(request.user, code)
    people = found.people.filter(active=True).order_by("pk")
    context = {
        "unit": found,
        "name": showing.say(found.name),
        "kind": unit_kind(found.kind),
        "below": list(found.children.order_by("pk")),
        "posts": staffing.in_order(found.posts.select_related("unit")),
        "people": [(one, showing.job(one.job)) for one in people],
        "may_organise": may_act(request, organisation.ORGANISE),
    }
    if context["may_organise"]:
        context["uses"] = organisation.uses_of_unit(found)
    return render(request, "web/people/unit.html", context)


@staff
def edit_unit(request: HttpRequest, code: str) -> HttpResponse:
    person, found = _organiser(request), staffing.get_unit(request.user, code)
    initial = _known(found) | {"parent": found.parent.code if found.parent else ""}
    form = ColumnsForm("units", UNIT, _unit_options(), initial=initial, data=request.POST or None)
    if form.written(lambda given: organisation.change_unit(found, given, actor=person)) is None:
        name = showing.say(found.name)
        return _page(request, form, name, (reverse("unit", args=[code]), name))
    return _done(request, _("Saved."), "unit", code)


@staff
@require_POST
def remove_unit(request: HttpRequest, code: str) -> HttpResponse:
    found = staffing.get_unit(request.user, code)
    organisation.remove_unit(found, actor=actor(request))
    return _done(request, _("%(name)s is removed.") % {"name": showing.say(found.name)}, "people")


# ---- posts


@staff
def new_post(request: HttpRequest) -> HttpResponse:
    person = _organiser(request)
    initial = {"unit": request.GET.get("unit", "")}
    options = {"unit": _units()}
    form = ColumnsForm("posts", ("code", *POST), options, initial=initial, data=request.POST or None)
    made = form.written(lambda given: organisation.add_post(given, actor=person), whole=True)
    if made is None:
        return _page(request, form, _("New post"), _people())
    return _done(request, _("Recorded. Nobody holds it yet."), "post", made.code)


@staff
def edit_post(request: HttpRequest, code: str) -> HttpResponse:
    person, found = _organiser(request), staffing.get_post(request.user, code)
    initial = _known(found) | {"unit": found.unit.code}
    form = ColumnsForm("posts", POST, {"unit": _units()}, initial=initial, data=request.POST or None)
    if form.written(lambda given: needed.change(found, given, actor=person)) is None:
        name = showing.say(found.name)
        return _page(request, form, name, (reverse("post", args=[code]), name))
    return _done(request, _("Saved."), "post", code)


@staff
@require_POST
def remove_post(request: HttpRequest, code: str) -> HttpResponse:
    found = staffing.get_post(request.user, code)
    needed.remove(found, actor=actor(request))
    return _done(request, _("%(name)s is removed.") % {"name": showing.say(found.name)}, "people")


# ---- people


@staff
def new_person(request: HttpRequest) -> HttpResponse:
    person = _organiser(request)
    columns = ["staff_no", *PERSON]
    if may_act(request, "people.appoint"):
        columns += ["post", "rank"]
    initial = {"unit": request.GET.get("unit", ""), "language": "zh-Hans", "rank": "1"}
    form = ColumnsForm("staff", columns, _person_options(), initial=initial, data=request.POST or None)

    def add(given: dict[str, Any]) -> Person:
        if not given.get("post"):
            given.pop("rank", None)
        return organisation.add_person(given, actor=person)

    made = form.written(add, whole=True)
    if made is None:
        return _page(request, form, _("New colleague"), _people())
    return _done(request, _("Recorded."), "person", made.staff_no)


@staff
def edit_person(request: HttpRequest, staff_no: str) -> HttpResponse:
    """All of it for who organises; how somebody is reached for oneself, and for who keeps the numbers of the unit."""
    person, found = actor(request), access.get_person(request.user, staff_no)
    columns = editable(request, found)
    if not columns:
        raise NotAllowed(organisation.MAY_CALL)
    initial = {name: getattr(found, name) for name in PERSON} | {"unit": found.unit.code}
    form = ColumnsForm("staff", columns, _person_options(), initial=initial, data=request.POST or None)
    if form.written(lambda given: organisation.change_person(found, given, actor=person)) is None:
        return _page(request, form, found.name, (reverse("person", args=[staff_no]), found.name))
    return _done(request, _("Saved."), "person", staff_no)


def editable(request: HttpRequest, found: Person) -> Sequence[str]:
    """What the reader may put right of somebody."""
    if may_act(request, organisation.ORGANISE):
        return PERSON
    own = access.person_of(request.user) == found
    return REACHED_BY if own or may_act(request, organisation.MAY_CALL, found) else ()


def _organiser(request: HttpRequest) -> Person:
    person = actor(request)
    access.require(person, organisation.ORGANISE)
    return person


def _done(request: HttpRequest, words: str, place: str, *args: str) -> HttpResponse:
    messages.success(request, words)
    return htmx.go_to(request, reverse(place, args=args))


urlpatterns = [
    path("people/new", new_person, name="person-new"),
    path("people/<str:staff_no>/edit", edit_person, name="person-edit"),
    path("people/units/new", new_unit, name="unit-new"),
    path("people/units/<str:code>/", unit, name="unit"),
    path("people/units/<str:code>/edit", edit_unit, name="unit-edit"),
    path("people/units/<str:code>/remove", remove_unit, name="unit-remove"),
    path("people/posts/new", new_post, name="post-new"),
    path("people/posts/<str:code>/edit", edit_post, name="post-edit"),
    path("people/posts/<str:code>/remove", remove_post, name="post-remove"),
]
