"""Moments in the words of messages."""

from datetime import UTC, datetime

from changbei.core import moments

MORNING = datetime(2026, 11, 23, 2, 5, tzinfo=UTC)
EVENING = datetime(2026, 11, 23, 16, 1, tzinfo=UTC)  # the next day in Shanghai


def test_a_moment_is_read_off_the_citys_wall_clock() -> None:
    assert moments.moment(MORNING) == {
        "zh-Hans": "11月23日10:05",
        "zh-Hant": "11月23日10:05",
        "en": "23 Nov 10:05",
    }
    assert moments.moment(EVENING)["en"] == "24 Nov 00:01"


def test_an_end_names_the_day_only_when_it_is_another() -> None:
    assert moments.end(MORNING, MORNING.replace(hour=9))["zh-Hans"] == "当日17:05"
    assert moments.end(MORNING, MORNING.replace(hour=9))["en"] == "17:05 the same day"
    assert moments.end(MORNING, EVENING)["zh-Hant"] == "11月24日00:01"


def test_a_period_says_the_day_once() -> None:
    assert moments.period(MORNING, MORNING.replace(hour=9))["zh-Hans"] == "11月23日10:05至当日17:05"
    assert moments.period(MORNING, EVENING)["en"] == "23 Nov 10:05 to 24 Nov 00:01"
