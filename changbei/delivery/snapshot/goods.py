"""Where the goods of a day are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from changbei.delivery.models import Stop


def _lists() -> defaultdict[int, list[Stop]]:
    return defaultdict(list)


@dataclass(frozen=True)
class Goods:
    """The day's stops by where their goods are; one that is neither planned nor on a tour is in none."""

    by_tour: defaultdict[int, list[Stop]] = field(
        default_factory=_lists
    )  # tour -> its list, whatever became of them
    stranded: defaultdict[int, list[Stop]] = field(
        default_factory=_lists
    )  # breakdown -> what waits at the van
    left_aboard: defaultdict[int, list[Stop]] = field(
        default_factory=_lists
    )  # tour -> aboard, but on no list
    at_site: defaultdict[tuple[int, datetime | None], list[Stop]] = field(
        default_factory=lambda: defaultdict(list)
    )  # site, and from when on they are ready

    @classmethod
    def of(cls, stops: Iterable[Stop]) -> Goods:
        found = cls()
        for stop in stops:
            found._sort_in(stop)
        return found

    def _sort_in(self, stop: Stop) -> None:
        planned = stop.status == Stop.Status.PLANNED
        if planned and stop.goods_at_id is not None:
            self.stranded[stop.goods_at_id].append(stop)
        elif planned and stop.goods_site_id is not None:
            self.at_site[stop.goods_site_id, stop.goods_ready_at].append(stop)
        elif stop.tour_id is not None:
            self.by_tour[stop.tour_id].append(stop)
        elif planned and stop.aboard_id is not None:
            self.left_aboard[stop.aboard_id].append(stop)
        elif planned:
            self.at_site[stop.retailer.line.site_id, None].append(stop)
