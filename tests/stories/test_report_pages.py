"""Every kind of event of the network and of safety can be reported on its page (E2.4, E2.5)."""

from __future__ import annotations

import pytest
from django.test import Client

from changbei.incidents.models import Incident
from changbei.people.models import Account
from changbei.site.clockwork import run_until_quiet
from tests.stories.telling import Town

SINCE = "2026-11-23T09:30"
FORMS = {
    "power-cut": {"place": "both", "since": SINCE, "on_ups": "true", "orders_today": "false"},
    "information-security": {"what": "leak", "since": SINCE, "computer": "PC-07", "stops_work": "false"},
    "line-fault": {"line": "site", "since": SINCE, "stops_work": "false", "site": "transfer-station-1"},
    "equipment-fault": {"equipment": "scanner", "since": SINCE, "stops_work": "false"},
    "safety-accident": {"what": "theft", "since": SINCE, "place": "仓库", "hurt": "0"},
    "safety-inspection": {"round": "irregular"},
    "daily-backup": {"work": "restore_drill"},
}


@pytest.mark.parametrize("kind", sorted(FORMS))
def test_it_is_reported_on_its_page(town: Town, client: Client, kind: str) -> None:
    clerk = town.on_duty("order-desk")
    account = Account.objects.filter(person=clerk).first() or Account.objects.create_user(
        "clerk-of-the-day", "a long password", person=clerk
    )
    client.force_login(account)
    assert client.get(f"/report/{kind}/").status_code == 200
    answer = client.post(f"/report/{kind}/", FORMS[kind])
    assert answer.status_code == 303, answer.content.decode()
    run_until_quiet()
    incident = Incident.objects.get(kind=kind)
    assert incident.run is not None
    assert incident.run.status == "running"
