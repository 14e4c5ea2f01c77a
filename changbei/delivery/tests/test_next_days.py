"""The next delivery of many customers at once is what each would be told alone."""

import pytest

from changbei.core import clock as core_clock
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
