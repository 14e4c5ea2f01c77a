"""The next delivery of many customers at once is what each would be told alone."""

from datetime import date, datetime

import pytest

from changbei.core import clock as core_clock
from changbei.core.clock import LOCAL, VirtualClock
from changbei.delivery import planning, selectors
from changbei.delivery.models import Stop
from changbei.network.models import Retailer
from changbei.notify import personal

pytestmark = pytest.mark.django_db


def alone() -> dict[int, object]:
    found = {one.pk: selectors.next_delivery(one) for one in Retailer.objects.select_related("line")}
    return {pk: one.on for pk, one in found.items() if one}


def test_before_and_after_a_day_is_planned(small_city, clock) -> None:
    everybody = Retailer.objects.all()
    assert selectors.next_days(everybody) == alone()
    planning.plan_day(core_clock.local_now().date(), actor=None)
    assert selectors.next_days(everybody) == alone()
    served = list(Stop.objects.order_by("pk")[:4])
    Stop.objects.filter(pk__in=[one.pk for one in served[:2]]).update(status=Stop.Status.DELIVERED)
    Stop.objects.filter(pk=served[2].pk).update(status=Stop.Status.HELD)
    found = selectors.next_days(everybody)
    assert found == alone() and len(set(found.values())) > 1
    assert "next_delivery" in personal.known()


def test_a_holiday_is_no_delivery_day(small_city) -> None:
    """National Day 2026 is a Thursday, and so is the first working day of that line after it."""
    with core_clock.use(VirtualClock(datetime(2026, 9, 28, 7, tzinfo=LOCAL))):
        shop = Retailer.objects.filter(line__weekday=4, active=True).select_related("line")[0]
        following = selectors.next_delivery(shop)
        assert following is not None and following.on == date(2026, 10, 8)
        assert selectors.next_days(Retailer.objects.all()) == alone()
