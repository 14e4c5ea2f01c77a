"""The API as a whole: keys, errors, and the parts it is made of. Mounted at /api/v1/."""

from __future__ import annotations

from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import HttpBearer

from changbei.core.errors import ChangbeiError, Invalid
from changbei.people.accounts import account_of_token
from changbei.people.models import Account
from changbei.web import errors
from changbei.web.api import (
    broadcasts,
    deliveries,
    incidents,
    organisation,
    papers,
    plans,
    readiness,
    recoveries,
    rehearsals,
    suspensions,
    tasks,
    visits,
    warnings,
)


class Key(HttpBearer):
    """`Authorization: Bearer cb_…`, a key that `changbei token create` has printed."""

    def authenticate(self, request: HttpRequest, token: str) -> Account | None:
        account = account_of_token(token)
        if account is not None:
            request.user = account
        return account


api = NinjaAPI(
    title="Changbei",
    version="1",
    description="Report events, follow incidents, act on tasks. Every moment is ISO 8601 with an offset. "
    "Bodies are read as JSON, whatever their Content-Type says; only files come as multipart/form-data. "
    "Every refusal, also of an address that does not exist (404) or of a method that an address does not take "
    "(405, with Allow), is a Refusal; its words are in the language of Accept-Language.",
    docs_url=None,
    openapi_url="/openapi.json",
    auth=Key(),
    urls_namespace="api",
)
api.add_router("/incidents", incidents.router)
api.add_router("/tasks", tasks.router)
api.add_router("/recoveries", recoveries.router)
api.add_router("/deliveries", deliveries.router)
api.add_router("/readiness", readiness.router)
api.add_router("/rehearsals", rehearsals.router)
api.add_router("/warnings", warnings.router)
api.add_router("/visits", visits.router)
api.add_router("/notices", broadcasts.router)
api.add_router("/suspensions", suspensions.router)
api.add_router("/retailers", suspensions.retailers)
api.add_router("/people", organisation.router)
api.add_router("/plans", plans.router)
api.add_router("/plans", papers.router)


@api.exception_handler(ChangbeiError)
def _of_the_rooms(request: HttpRequest, error: ChangbeiError) -> HttpResponse:
    found = error.problems if isinstance(error, Invalid) else []
    problems = [{"field": one.field, "message": errors.said(one.message)} for one in found]
    return errors.as_json(errors.status_of(error), errors.in_words(error), problems)


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _of_the_database(request: HttpRequest, error: Exception) -> HttpResponse:
    """It is gone, or has no room: nothing counts that was not answered with a number."""
    return errors.away(request, error)


@api.exception_handler(DataError)
@api.exception_handler(UnicodeEncodeError)
def _of_the_values(request: HttpRequest, error: Exception) -> HttpResponse:
    found = errors.as_ours(error)
    if not isinstance(found, ChangbeiError):
        raise error
    return _of_the_rooms(request, found)


@api.exception_handler(ValidationError)
def _of_the_request(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """The body has the wrong shape: where and why, in the words of the house."""
    problems = [
        {"field": ".".join(str(part) for part in one["loc"][2:] or one["loc"][1:]), "message": one["msg"]}
        for one in error.errors
    ]
    return errors.as_json(422, _("Something is missing or wrong."), problems)


@api.exception_handler(AuthenticationError)
def _without_key(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    response = errors.as_json(401, _("A valid key is needed."))
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(HttpError)
def _of_ninja(request: HttpRequest, error: HttpError) -> HttpResponse:
    """What cannot be read at all: a body that is no JSON."""
    words = _("The body cannot be read: JSON is needed.") if error.status_code == 400 else str(error)
    return errors.as_json(error.status_code, words)
