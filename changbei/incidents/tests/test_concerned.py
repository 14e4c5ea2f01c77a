"""Customers as an audience of the plan's messages: those whom the incident concerns, and whom a suspension stops."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from changbei.core import clock as core_clock
from changbei.core.clock import LOCAL
from changbei.incidents import services
from changbei.incidents.models import Incident, SuspendedRetailer
from changbei.incidents.tests import people
from changbei.network.models import Line, Retailer
from changbei.notify import recipients
from changbei.notify.models import Message
from changbei.plans.facts import Tell
from changbei.plans.model import Audience
from changbei.runs import audiences
from changbei.runs import services as services_of_runs
from changbei.runs.effects import Effects
from changbei.runs.writing import write

pytestmark = pytest.mark.usefixtures("plan")


def _hour(at: int) -> datetime:
    return datetime(2026, 11, 23, at, tzinfo=LOCAL)


def _part() -> dict[str, Any]:
    return people.box(Retailer.objects.filter(line=Line.objects.order_by("pk")[0]), margin=0.0005)


def _found(incident: Incident, **wanted: Any) -> set[int]:
    assert incident.run is not None
    found = audiences.retailers(wanted, incident.run, core_clock.now())
    return set(found.values_list("pk", flat=True))


def _pks(**filters: Any) -> set[int]:
    return set(Retailer.objects.filter(active=True, **filters).values_list("pk", flat=True))


def test_everything_said_has_to_apply(typhoon: Incident) -> None:
    line = Line.objects.order_by("pk")[1]
    assert _found(typhoon, line=line.code) == _pks(line=line)
    assert _found(typhoon, key=True, tier_from=10, tier_to=30) == _pks(
        is_key=True, supply_tier__gte=10, supply_tier__lte=30
    )
    assert _found(typhoon, settlement="cash") == _pks(settlement="cash")
    assert _found(typhoon, vulnerable=False) == _pks(is_vulnerable=False)
    assert _found(typhoon, order_day="today") == _pks(order_weekday=1)
    assert _found(typhoon, order_day="tomorrow") == _pks(order_weekday=2)


def test_who_has_left_is_not_told(typhoon: Incident) -> None:
    gone = Retailer.objects.order_by("pk")[0]
    Retailer.objects.filter(pk=gone.pk).update(active=False)
    assert gone.pk not in _found(typhoon, area="incident")
    assert len(_found(typhoon, area="incident")) == 299


def test_the_area_that_was_reported_and_the_suspended_ones(typhoon: Incident) -> None:
    assert _found(typhoon, area="suspension") == set()
    suspension = services.suspend(
        typhoon, area=_part(), starts_at=_hour(10), ends_at=_hour(20), reason="台风", actor=people.head()
    )
    frozen = set(SuspendedRetailer.objects.values_list("retailer_id", flat=True))
    assert 0 < len(frozen) < 300
    assert _found(typhoon, area="suspension") == frozen
    assert _found(typhoon, area="suspension", order_day="today") == frozen & _pks(order_weekday=1)
    services.resume(suspension, actor=people.head())
    assert _found(typhoon, area="suspension") == set()
    assert len(_found(typhoon, area="incident")) == 300


def test_an_incident_without_an_area_concerns_nobody(typhoon: Incident) -> None:
    Incident.objects.filter(pk=typhoon.pk).update(area=None)
    assert _found(typhoon, area="incident") == set()


def test_a_message_to_customers_goes_to_customers_only(typhoon: Incident) -> None:
    run = typhoon.run
    assert run is not None
    pack, procedure = services_of_runs.plan_of(run)
    customers = Audience("customers", {}, None, None, {"area": "incident", "order_day": "today"})
    effects = Effects(
        run, replace(pack, audiences={"customers": customers}), procedure, core_clock.now(), None
    )
    effects.take_all([Tell("x", "order-by-phone", (), "customers", {})])
    write([effects])
    told = Message.objects.filter(notice__template="order-by-phone")
    assert set(told.values_list("retailer", flat=True)) == _pks(order_weekday=1)
    assert set(told.values_list("person", "contact")) == {(None, None)}


def test_they_are_recipients_with_their_licences(typhoon: Incident) -> None:
    assert typhoon.run is not None
    line = Line.objects.order_by("pk")[1]
    found = recipients.of_retailers(audiences.retailers({"line": line.code}, typhoon.run, core_clock.now()))
    assert [one.label for one in found] == list(
        Retailer.objects.filter(line=line)
        .order_by("line_sequence", "pk")
        .values_list("licence_no", flat=True)
    )
    assert {one.kind for one in found} == {"retailer"}
