"""Lines planned in the evening, over the lines so far."""

from __future__ import annotations

from changbei.delivery.features.marks import Json, around, at, calls_of, point, stroke, van_title
from changbei.delivery.models import LineQuestion, Stop, Tour
from changbei.network.features import collection


class LinesMap:
    """Planned lines over the lines so far, from two queries: all of a site's, or one van's in full."""

    def __init__(self, question: LineQuestion) -> None:
        self.answer: Json = question.answer or {"tours": [], "lines": [], "lines_so_far": []}
        self.tours = Tour.objects.select_related("vehicle", "site").in_bulk(self.answer["tours"])
        wanted = [pk for line in self.answer["lines"] for pk in line]
        stops = Stop.objects.filter(pk__in=wanted).order_by("pk")
        self.calls = {call.pk: call for call in calls_of(stops)}
        self.before = {pk: n for n, line in enumerate(self.answer["lines_so_far"]) for pk in line}

    def layers(self, van: str = "") -> dict[str, Json]:
        """Without a van: every planned line, the lines of before to be switched on, and who changes vans marked. Of a
        van: its line of before (dashed) and after, its customers in sequence, and those it gives away."""
        chosen = [
            n for n, pk in enumerate(self.answer["tours"]) if van in ("", self.tours[pk].vehicle.number)
        ]
        found = {
            "before": [self._line("lines_so_far", n) for n in chosen],
            "after": [self._line("lines", n) for n in chosen],
        }
        lists = [(n, self.answer["lines"][n]) for n in chosen]
        if van:
            given = [pk for n in chosen for pk in self.answer["lines_so_far"][n]]
            kept = {pk for _n, line in lists for pk in line}
            found["retailers"] = [self._dot(pk, "affected") for pk in given if pk not in kept]
            found["stops"] = [
                self._sign(pk, n, sequence) for n, line in lists for sequence, pk in enumerate(line, start=1)
            ]
        else:
            found["retailers"] = [
                self._dot(pk, "waiting" if self.before.get(pk) == n else "affected")
                for n, line in lists
                for pk in line
            ]
        return {name: collection(one for one in rows if one) for name, rows in found.items()}

    def bounds(self) -> list[float] | None:
        """West, south, east, north of the lines; None when there is nobody."""
        spots = [(call.longitude, call.latitude) for call in self.calls.values()]
        return around(spots) if spots else None

    def _line(self, which: str, number: int) -> Json | None:
        tour, line = self.tours[self.answer["tours"][number]], self.answer[which][number]
        if not line:
            return None
        home = at(tour.site.longitude, tour.site.latitude)
        about = {"index": number, "name": tour.vehicle.number, "title": van_title(tour.vehicle)}
        ends = 2 * number + (which == "lines")
        return stroke([home, *(self.calls[pk].position for pk in line), home], about, ends)

    def _dot(self, pk: int, state: str) -> Json:
        call = self.calls[pk]
        return point(call.position, {"name": call.name, "detail": call.licence, "state": state}, pk)

    def _sign(self, pk: int, number: int, sequence: int) -> Json:
        state = "kept" if self.before.get(pk) == number else "moved"
        call = self.calls[pk]
        about = {
            "name": call.name,
            "detail": call.licence,
            "state": state,
            "index": number,
            "sequence": sequence,
        }
        return point(call.position, about, pk)
