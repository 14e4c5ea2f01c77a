"""Logging in and out. In the demo a role is picked with one tap."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_POST

from changbei.core.errors import NotAllowed, NotFound
from changbei.notify import devices
from changbei.people import access as people
from changbei.people.accounts import demo_logins, set_password
from changbei.people.models import Account
from changbei.web import entry, htmx


class LoginForm(AuthenticationForm):
    """Name and password, in the words of the page around it."""

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = gettext_lazy("Login name")
        wrong = gettext_lazy("This name and password do not belong together.")
        self.error_messages = self.error_messages | {"invalid_login": wrong}


class Login(LoginView):
    """The login page."""

    authentication_form = LoginForm
    template_name = "web/account/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "roles": demo_logins() if settings.DEMO else [],
            "nav": [],
        }

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = 422
        return response


class Logout(LogoutView):
    """Nothing stays in the browser of what was seen; `endpoint` names one that is not pushed to any more.

    The browser's database stays: what a driver said without coverage waits there for the same driver.
    """

    next_page = "login"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = people.person_of(request.user)
        if person is not None and (endpoint := request.POST.get("endpoint")):
            devices.forget(endpoint, actor=person)
        response = super().post(request, *args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response


@entry.staff
def password(request: HttpRequest) -> HttpResponse:
    """One's own password; whoever is logged in by the old one elsewhere is logged out."""
    account = request.user
    if not isinstance(account, Account):
        raise NotFound(gettext_noop("there is no login"))
    form = PasswordChangeForm(account, request.POST or None)
    if request.method == "POST" and form.is_valid():
        set_password(account, form.cleaned_data["new_password1"], actor=account)
        update_session_auth_hash(request, account)
        messages.success(request, _("The password is changed. Other devices have to log in again."))
        return htmx.go_to(request, resolve_url(settings.LOGIN_REDIRECT_URL))
    status = 422 if form.is_bound else 200
    return render(request, "web/account/password.html", {"form": form}, status=status)


@require_POST
def as_role(request: HttpRequest) -> HttpResponse:
    """Log in as one of the demo's roles, with the password that the demo prints."""
    if not settings.DEMO:
        raise NotFound(gettext_noop("this is no demonstration"))
    picked = next((one for one in demo_logins() if one.login == request.POST.get("role")), None)
    account = authenticate(request, username=picked.login, password=picked.password) if picked else None
    if account is None:
        raise NotAllowed(gettext_noop("this role has another password by now"))
    login(request, account)
    return htmx.go_to(request, entry.next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL)))


urlpatterns = [
    path("login/", Login.as_view(), name="login"),
    path("login/role", as_role, name="login-role"),
    path("password/", password, name="password"),
    path("logout/", Logout.as_view(), name="logout"),
]
