"""Every shared part of a page once, with invented content: for looking at, in development and in the demo."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changbei.core import clock
from changbei.core.errors import NotFound
from changbei.web.components import Action, Clause, PersonCard, Step, TaskCard, TimelineEntry

Feature = dict[str, object]
Position = tuple[float, float]

CENTRE: Position = (119.02, 33.60)
RETAILERS = 12_000


class SampleForm(forms.Form):
    """One control of each kind."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What happened"),
        choices=[
            ("van", gettext_lazy("Van broken down")),
            ("weather", gettext_lazy("Severe weather")),
            ("system", gettext_lazy("Ordering system down")),
            ("demand", gettext_lazy("Sudden demand")),
        ],
        widget=forms.RadioSelect,
        initial="van",
    )
    vehicle = forms.ChoiceField(
        label=gettext_lazy("Van"), choices=[("", "—"), ("17", "Van 17"), ("18", "Van 18")]
    )
    place = forms.CharField(
        label=gettext_lazy("Exact place"), help_text=gettext_lazy("Road, kilometre, nearest village.")
    )
    account = forms.CharField(
        label=gettext_lazy("What is to be seen"), widget=forms.Textarea(attrs={"rows": 3}), required=False
    )
    hurt = forms.BooleanField(label=gettext_lazy("Somebody is hurt"), required=False)
    point = forms.CharField(widget=forms.HiddenInput, required=False)
    area = forms.CharField(widget=forms.HiddenInput, required=False)
    photos = forms.FileField(
        label=gettext_lazy("Photos"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/*"}),
    )


def styleguide(request: HttpRequest) -> HttpResponse:
    """The page; `?wrong` shows the form with errors, `?drill` the banner of a drill."""
    _only_where_nothing_is_real()
    now = clock.now()
    form = SampleForm({"kind": "van", "vehicle": "", "place": ""} if "wrong" in request.GET else None)
    context = {
        "form": form,
        "drill_banner": _("All messages are marked; nobody outside is told.")
        if "drill" in request.GET
        else "",
        "nav_counts": {"my-tasks": 3},
        "tasks": _tasks(now),
        "finished_task": _finished_task(now),
        "people": _people(),
        "entries": _entries(now),
        "steps": _steps(now),
        "now": now,
        "soon": now + timedelta(minutes=4, seconds=12),
        "later": now + timedelta(hours=6, minutes=20),
        "far": now + timedelta(days=2, hours=5),
        "past": now - timedelta(minutes=3, seconds=9),
        "tones": ["neutral", "info", "good", "notice", "warn", "bad"],
        "colours": ["blue", "yellow", "orange", "red"],
        "states": [
            "open",
            "acknowledged",
            "waiting",
            "done",
            "late",
            "escalated",
            "sent",
            "delivered",
            "failed",
            "broken",
        ],
    }
    return render(request, "web/styleguide.html", context)


def styleguide_map(request: HttpRequest) -> JsonResponse:
    """Layers of every kind around an invented town, 12,000 retailers among them."""
    _only_where_nothing_is_real()
    west, south, east, north = CENTRE[0] - 0.45, CENTRE[1] - 0.32, CENTRE[0] + 0.45, CENTRE[1] + 0.32
    layers = {
        kind: {"data": {"type": "FeatureCollection", "features": features}}
        for kind, features in _sample_layers().items()
    }
    return JsonResponse({"bounds": [west, south, east, north], "layers": layers})


def _only_where_nothing_is_real() -> None:
    if not (settings.DEBUG or settings.DEMO):
        raise NotFound


def _clause(number: str, title: str = "") -> Clause:
    return Clause(number, url=f"#{number}", title=title)


def _tasks(now: datetime) -> list[TaskCard]:
    accept = Action(_("Accept"), url="#", icon="check", tone="primary")
    hand_over = Action(_("Hand over"), dialog="sample-dialog", icon="user-share")
    return [
        TaskCard(
            key="1",
            title=_("Send a reserve van to take over the line"),
            role=_("Dispatcher on duty"),
            state="open",
            url="#",
            holder="测试员甲",
            holder_phone="000-0001-0017",
            clause=_clause("E3.3.1"),
            due_at=now + timedelta(minutes=4),
            opened_at=now - timedelta(minutes=11),
            incident="INC-0042",
            incident_title=_("Van broken down"),
            incident_url="#",
            instructions=_("Choose an option on the map, accept it, and tell both drivers."),
            actions=[accept, hand_over],
        ),
        TaskCard(
            key="2",
            title=_("Confirm the repair order with the workshop"),
            role=_("Head of the delivery centre"),
            state="acknowledged",
            holder="测试员乙",
            clause=_clause("E3.3.1"),
            due_at=now - timedelta(minutes=7, seconds=40),
            opened_at=now - timedelta(minutes=67),
            late=True,
            incident="INC-0042",
            note=_("Escalated to the deputy head 2 minutes ago."),
            actions=[
                Action(_("Done"), url="#", icon="circle-check", tone="primary"),
                Action(_("Add evidence"), dialog="sample-dialog", icon="camera"),
                Action(
                    _("Cannot be done"),
                    url="#",
                    icon="ban",
                    tone="danger",
                    confirm=_("Say that this cannot be done?"),
                ),
            ],
        ),
    ]


def _finished_task(now: datetime) -> TaskCard:
    return TaskCard(
        key="3",
        title=_("Report the exact place"),
        role=_("Driver"),
        state="done",
        holder="测试员丙",
        clause=_clause("E3.3.1"),
        due_at=now - timedelta(minutes=10),
        done_at=now - timedelta(minutes=14),
    )


def _people() -> list[PersonCard]:
    return [
        PersonCard(
            "测试员甲", _("Dispatcher"), _("Delivery centre"), "000-0001-0017", note=_("On duty until 18:00")
        ),
        PersonCard(
            "测试员乙", _("Head of the delivery centre"), "", "000-0001-0018", "000-0002-0018", acting=True
        ),
        PersonCard("测试员丁", _("Head of the leading group"), away=True),
    ]


def _entries(now: datetime) -> list[TimelineEntry]:
    def before(minutes: int) -> datetime:
        return now - timedelta(minutes=minutes)

    return [
        TimelineEntry(
            before(31),
            _("reported a broken van"),
            "测试员丙",
            "message-report",
            "notice",
            _("Four cartons of 40 aboard."),
        ),
        TimelineEntry(before(31), _("Classified as local"), icon="adjustments", clause=_clause("E2.1d")),
        TimelineEntry(before(30), _("Message delivered to the dispatcher"), icon="check", tone="good"),
        TimelineEntry(
            before(19), _("did not answer; asked the deputy"), icon="arrow-up", tone="warn", late=True
        ),
        TimelineEntry(
            before(12), _("accepted option 2"), "测试员甲", "route", "info", clause=_clause("E3.3.2")
        ),
    ]


def _steps(now: datetime) -> list[Step]:
    return [
        Step(_("Reported"), "done", now - timedelta(minutes=31)),
        Step(_("Activated"), "done", now - timedelta(minutes=30)),
        Step(_("Take-over"), "now"),
        Step(_("Service back"), "ahead"),
        Step(_("Review"), "ahead"),
    ]


# ---------------------------------------------------------------- an invented town


def _feature(shape: str, coordinates: object, /, **properties: object) -> Feature:
    return {
        "type": "Feature",
        "geometry": {"type": shape, "coordinates": coordinates},
        "properties": properties,
    }


def _at(east: float, north: float) -> Position:
    return (round(CENTRE[0] + east, 6), round(CENTRE[1] + north, 6))


def _box(west: float, south: float, east: float, north: float) -> list[list[Position]]:
    return [[_at(west, south), _at(east, south), _at(east, north), _at(west, north), _at(west, south)]]


def _sample_layers() -> dict[str, list[Feature]]:
    dice = random.Random(42)
    towns = [_at(dice.uniform(-0.4, 0.4), dice.uniform(-0.28, 0.28)) for _number in range(26)]
    return {
        "districts": _districts(),
        "warnings": [
            _feature(
                "Polygon",
                _box(0.02, -0.30, 0.42, 0.02),
                colour="orange",
                name="台风橙色预警",
                detail="07:30–20:00",
            ),
            _feature("Polygon", _box(-0.42, 0.14, -0.12, 0.30), colour="blue", name="暴雨蓝色预警"),
        ],
        "suspensions": [
            _feature("Polygon", _box(0.16, -0.26, 0.34, -0.12), name="暂停送货", detail="12:00–18:00")
        ],
        "streets": _streets(dice),
        "lines": [
            _feature("LineString", [_at(0, 0), town], name=f"线路 {n}") for n, town in enumerate(towns[:12])
        ],
        "retailers": _retailers(dice, towns),
        **_recovery(dice),
        "sites": [
            _feature("Point", _at(0.01, 0.015), kind="delivery_center", name="配送中心"),
            _feature("Point", _at(-0.27, 0.16), kind="transfer_station", name="北区中转站"),
            _feature("Point", _at(0.28, -0.2), kind="transfer_station", name="南区中转站"),
        ],
        "incidents": [
            _feature(
                "Point",
                _at(-0.13, -0.09),
                level="LOCAL",
                number="INC-0042",
                name="INC-0042",
                detail="送货车故障",
            )
        ],
        "places": [
            _feature("Point", _at(0, -0.01), kind="city", name="示例市"),
            *(
                _feature(
                    "Point", at, kind="town" if n % 2 else "village", name=f"{'甲乙丙丁戊己庚辛'[n % 8]}{n}镇"
                )
                for n, at in enumerate(towns)
            ),
        ],
    }


def _districts() -> list[Feature]:
    return [
        _feature("Polygon", _box(-0.45, 0, 0, 0.32), name="北区"),
        _feature("Polygon", _box(0, 0, 0.45, 0.32), name="东区"),
        _feature("Polygon", _box(-0.45, -0.32, 0, 0), name="西区"),
        _feature("Polygon", _box(0, -0.32, 0.45, 0), name="南区"),
    ]


def _streets(dice: random.Random) -> list[Feature]:
    streets = []
    for n in range(-14, 15):
        wobble = dice.uniform(-0.006, 0.006)
        step = n * 0.03
        kind = "main" if n % 4 == 0 else "side"
        streets.append(
            _feature(
                "LineString", [_at(step, -0.32), _at(step + wobble, 0), _at(step, 0.32)], **{"class": kind}
            )
        )
        if abs(step) <= 0.31:
            streets.append(
                _feature(
                    "LineString",
                    [_at(-0.45, step), _at(0, step + wobble), _at(0.45, step)],
                    **{"class": kind},
                )
            )
    return streets


def _retailers(dice: random.Random, towns: list[Position]) -> list[Feature]:
    centres = [CENTRE, CENTRE, CENTRE, *towns]
    found = []
    for n in range(RETAILERS):
        lon, lat = dice.choice(centres)
        at = (round(dice.gauss(lon, 0.022), 6), round(dice.gauss(lat, 0.017), 6))
        state = dice.choices(["", "served", "waiting", "affected"], [70, 15, 10, 5])[0]
        found.append(
            _feature("Point", at, name=f"示例零售户 {n:05d}", state=state, facts=[["档位", n % 30 + 1]])
        )
    return found


def _recovery(dice: random.Random) -> dict[str, list[Feature]]:
    """A van that stopped at its sixth stop; two others take the rest."""
    old = [_at(-0.30 + 0.022 * n, -0.22 + 0.016 * n + dice.uniform(-0.02, 0.02)) for n in range(16)]
    broken, rest = old[6], old[7:]
    first = [_at(-0.27, 0.16), *rest[:5]]
    second = [_at(0.01, 0.015), *rest[5:]]
    stops = [_feature("Point", at, state="driven") for at in old[:7]]
    stops += [_feature("Point", at, state="moved", index=0, sequence=n + 1) for n, at in enumerate(rest[:5])]
    stops += [
        _feature("Point", at, state="moved", index=1, sequence=n + 1) for n, at in enumerate(rest[5:-1])
    ]
    stops.append(_feature("Point", rest[-1], state="unserved", name="示例零售户", detail="改到下一订货日"))
    return {
        "before": [_feature("LineString", old, name="线路 17")],
        "after": [
            _feature("LineString", first, name="备用车 02", index=0),
            _feature("LineString", second[:-1], name="送货车 21", index=1),
        ],
        "stops": stops,
        "vans": [
            _feature("Point", broken, state="broken", name="送货车 17"),
            _feature("Point", first[0], state="reserve", name="备用车 02"),
            _feature("Point", _at(0.05, 0.06), state="taking-over", name="送货车 21"),
            _feature("Point", _at(-0.05, 0.12), state="driving", name="送货车 08"),
        ],
    }
