"""Somebody's login: given, another password, closed and opened again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from changbei.core.errors import Conflict, Invalid, NotFound
from changbei.people import access, accounts
from changbei.people.models import Account, Person
from changbei.web import htmx
from changbei.web.entry import actor, staff
from changbei.web.errors import refuse


class PasswordForm(forms.Form):
    """A password that somebody types for another, or none: then one is made."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Left empty, one is made and shown once."),
    )


class NewLoginForm(PasswordForm):
    login = forms.CharField(
        label=gettext_lazy("Login name"),
        max_length=accounts.LONGEST_LOGIN,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    field_order = ("login", "password")


@staff
@never_cache
def login(request: HttpRequest, staff_no: str) -> HttpResponse:
    """The login of a person; a POST gives one, or another password. One that was made is shown in the answer only."""
    person = actor(request)
    access.require(person, "people.manage_accounts")
    found = access.get_person(request.user, staff_no)
    account = _account(found)
    form: PasswordForm = (PasswordForm if account else NewLoginForm)(
        request.POST if request.method == "POST" else None
    )
    if not form.is_valid():
        return _page(request, found, form, status=422 if form.is_bound else 200)
    typed = form.cleaned_data["password"]
    word = typed or accounts.made_password()
    try:
        if account:
            accounts.set_password(account, word, actor=person)
        else:
            accounts.create_account(form.cleaned_data["login"], word, person=found, actor=person)
    except (Invalid, Conflict) as error:
        refuse(form, error)
        return _page(request, found, form, status=422)
    if not typed:
        return _page(request, found, PasswordForm(), made=word)
    messages.success(
        request, _("The password is set. Tell it in person; it can be changed under “Change password”.")
    )
    return htmx.go_to(request, reverse("person-login", args=[staff_no]))


def _page(
    request: HttpRequest, found: Person, form: PasswordForm, *, made: str = "", status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "person": found,
        "account": _account(found),
        "form": form,
        "made": made,
        "own": access.person_of(request.user) == found,
    }
    return render(request, "web/people/login.html", context, status=status)


@staff
@require_POST
def switch(request: HttpRequest, staff_no: str) -> HttpResponse:
    """Close the login, or open it again."""
    person, found = actor(request), access.get_person(request.user, staff_no)
    account = _account(found)
    access.require(person, "people.manage_accounts")
    if account is None:
        raise NotFound(staff_no)
    on = request.POST.get("on") == "1"
    accounts.switch_account(account, on=on, actor=person)
    messages.success(
        request, _("The login is open.") if on else _("The login is closed, with its sessions and keys.")
    )
    return htmx.go_to(request, reverse("person-login", args=[staff_no]))


def _account(found: Person) -> Account | None:
    return Account.objects.filter(person=found).first()


urlpatterns = [
    path("people/<str:staff_no>/login", login, name="person-login"),
    path("people/<str:staff_no>/login/switch", switch, name="person-login-switch"),
]
