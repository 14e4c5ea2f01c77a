"""One's own password."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from changbei.journal.models import Entry
from changbei.people.models import Account, Person

OLD, NEW = "an-old-word-1", "another-word-2"


def client(account: Account) -> Client:
    found = Client(headers={"accept-language": "en"})
    assert found.login(username=account.login, password=OLD)
    return found


@pytest.mark.django_db
def test_a_new_password_ends_other_sessions_and_keeps_this_one(small_city: object) -> None:
    person = Person.objects.order_by("pk")[0]
    account = Account.objects.create_user("one", OLD, person=person)
    here, elsewhere = client(account), client(account)
    url = reverse("password")
    assert url in here.get(reverse("board")).content.decode()
    wrong = here.post(url, {"old_password": "no", "new_password1": NEW, "new_password2": "x"})
    assert wrong.status_code == 422 and Account.objects.get().check_password(OLD)
    weak = here.post(url, {"old_password": OLD, "new_password1": "password", "new_password2": "password"})
    assert weak.status_code == 422 and "too common" in weak.content.decode()
    done = here.post(url, {"old_password": OLD, "new_password1": NEW, "new_password2": NEW})
    assert done.status_code == 303 and Account.objects.get().check_password(NEW)
    assert here.get(url).status_code == 200
    assert elsewhere.get(url).status_code == 302
    fact = Entry.objects.get(kind="people.password_set")
    assert fact.actor_id == person.pk and NEW not in str(fact.data)
