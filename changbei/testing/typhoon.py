"""A typhoon warning as the weather service of an artificial city publishes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from changbei.core.clock import LOCAL
from changbei.incidents.cap.parts import GeoJson, Reference
from changbei.incidents.cap_writer import NewWarning, WarningText

_COLOUR_WORDS = {"blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色"}
_TRADITIONAL_WORDS = {"blue": "藍色", "yellow": "黃色", "orange": "橙色", "red": "紅色"}


def typhoon_warning(
    area: GeoJson,
    *,
    sent: datetime,
    city: dict[str, str],
    colour: str = "orange",
    life: timedelta = timedelta(hours=12),
    identifier: str = "",
    status: str = "Actual",
    msg_type: str = "Alert",
    references: Sequence[Reference] = (),
) -> NewWarning:
    """A typhoon warning of an artificial weather service for the city named (text in languages) and `area`.

    A Cancel says that the warning is lifted. The sender is a reserved name that no real service can have.
    """
    lifted = msg_type == "Cancel"
    hans, english = city.get("zh-Hans", ""), city.get("en", "")
    hant = city.get("zh-Hant", "") or hans
    word, traditional = f"台风{_COLOUR_WORDS[colour]}预警", f"颱風{_TRADITIONAL_WORDS[colour]}預警"
    texts = (
        WarningText(
            language="zh-CN",
            event="台风",
            headline=f"{hans}气象台{'解除' if lifted else '发布'}{word}信号",
            description=(
                f"{hans}的{word}信号解除。"
                if lifted
                else f"受台风影响，未来{_hours(life)}小时{hans}风力可达10级以上，并有强降雨，道路可能积水。"
            ),
            instruction="" if lifted else "停止室外高空作业，车辆避开低洼路段，人员尽量减少外出。",
            area=hans,
            sender_name=f"{hans}气象台（演示）",
        ),
        WarningText(
            language="zh-TW",
            event="颱風",
            headline=f"{hant}氣象臺{'解除' if lifted else '發布'}{traditional}信號",
            description=(
                f"{hant}的{traditional}信號解除。"
                if lifted
                else f"受颱風影響，未來{_hours(life)}小時{hant}風力可達10級以上，並有強降雨，道路可能積水。"
            ),
            instruction="" if lifted else "停止室外高空作業，車輛避開低窪路段，人員盡量減少外出。",
            area=hant,
            sender_name=f"{hant}氣象臺（演示）",
        ),
        WarningText(
            language="en-US",
            event="Typhoon",
            headline=f"{colour.capitalize()} warning: typhoon, {english}{' lifted' if lifted else ''}",
            description=(
                f"The warning of a typhoon in {english} is lifted."
                if lifted
                else f"In the next {_hours(life)} hours a typhoon brings storm of force 10 and more and heavy rain "
                f"to {english}; roads may be under water."
            ),
            instruction=""
            if lifted
            else "No work at heights outdoors; vehicles avoid low roads; stay indoors.",
            area=english,
            sender_name=f"{english} weather service (demonstration)",
        ),
    )
    return NewWarning(
        sender="warnings@weather.example",
        identifier=identifier or f"DEMO-TYPHOON-{sent.astimezone(LOCAL):%Y%m%d%H%M%S}",
        sent=sent,
        texts=texts,
        area=area,
        effective=sent,
        expires=sent + life,
        status=status,
        msg_type=msg_type,
        references=references,
        response_types=("AllClear",) if lifted else ("Prepare",),
        urgency="Past" if lifted else "Expected",
        colour=colour,
    )


def _hours(life: timedelta) -> int:
    return int(life.total_seconds() // 3600)
