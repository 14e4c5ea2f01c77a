"""Reading CAP: our own small files, and the corpus of real and broken ones where it is at hand."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree
from shapely.geometry import Point, shape

from changbei.core.clock import LOCAL
from changbei.core.errors import Invalid
from changbei.incidents import cap, cap_writer
from changbei.incidents.cap import colours, times
from changbei.testing.typhoon import typhoon_warning

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "data" / "cap"

ALERT = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
<identifier>W-1</identifier><sender>a@weather.example</sender><sent>2026-07-01T08:00:00+08:00</sent>
<status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
<info><language>zh-CN</language><category>Met</category><event>台风</event><urgency>Expected</urgency>
<severity>Severe</severity><certainty>Likely</certainty><effective>2026-07-01T08:00:00+08:00</effective>
<expires>2026-07-01T20:00:00+08:00</expires><headline>某市气象台发布台风橙色预警信号</headline>
<area><areaDesc>某市</areaDesc><polygon>32.0,110.0 32.0,110.5 32.5,110.5 32.5,110.0 32.0,110.0</polygon>
<geocode><valueName>CPEAS Geographic Code</valueName><value>420322000000</value></geocode></area></info>
</alert>
"""


def read(text: str) -> cap.CapResult:
    return cap.read(text.encode())


def odd(text: str) -> list[tuple[str, str, int]]:
    """(code, element, line) of everything noted about a file."""
    return [(reason.code, reason.element, reason.line) for reason in read(text).reasons]


def test_a_good_alert_is_accepted_without_a_word() -> None:
    result = read(ALERT)
    assert result.verdict == "accepted" and result.reasons == ()
    alert = result.alert
    assert alert is not None
    assert (alert.sender, alert.identifier) == ("a@weather.example", "W-1")
    assert alert.sent == datetime(2026, 7, 1, 0, 0, tzinfo=UTC)
    assert alert.expires == datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert (alert.status, alert.msg_type, alert.severity, alert.colour) == (
        "Actual",
        "Alert",
        "Severe",
        "orange",
    )
    assert alert.geocodes == (cap.Geocode("CPEAS Geographic Code", "420322000000"),)
    assert alert.geometry == {
        "type": "Polygon",
        "coordinates": [[[110.0, 32.0], [110.5, 32.0], [110.5, 32.5], [110.0, 32.5], [110.0, 32.0]]],
    }
    assert not alert.lifts


REFUSED = {
    "not XML": ("HTTP/1.1 503 Service Unavailable", "not-xml"),
    "nothing": ("", "not-xml"),
    "entities": (ALERT.replace("<alert", '<!DOCTYPE alert [<!ENTITY a "b">]><alert', 1), "doctype"),
    "another root": ("<feed xmlns='http://www.w3.org/2005/Atom'/>", "not-alert"),
    "a later version": (ALERT.replace("cap:1.2", "cap:1.3"), "namespace"),
    "no identifier": (ALERT.replace("W-1", " "), "identity"),
    "no sender": (re.sub("<sender>.*</sender>", "", ALERT), "identity"),
    "no sent": (re.sub("<sent>.*</sent>", "", ALERT), "identity"),
    "an impossible day": (
        ALERT.replace("2026-07-01T08:00:00+08:00</sent>", "2026-02-30T08:00:00+08:00</sent>"),
        "sent",
    ),
    "an unknown status": (ALERT.replace("Actual", "Real"), "status"),
    "an unknown message type": (ALERT.replace("<msgType>Alert", "<msgType>News"), "msg-type"),
    "too deep": (ALERT.replace("某市</areaDesc>", "<a>" * 20 + "</a>" * 20 + "</areaDesc>"), "too-deep"),
}


@pytest.mark.parametrize("text,code", REFUSED.values(), ids=REFUSED)
def test_what_is_refused(text: str, code: str) -> None:
    result = read(text)
    assert result.verdict == "refused" and result.alert is None
    assert [reason.code for reason in result.reasons if reason.refuses] == [code]
    assert all(result.reasons[-1].text.values())


def polygon(words: str) -> str:
    return re.sub("<polygon>.*</polygon>", f"<polygon>{words}</polygon>", ALERT)


ODD = {
    "no namespace": (ALERT.replace(' xmlns="urn:oasis:names:tc:emergency:cap:1.2"', ""), "no-namespace", "alert", 2),
    "CAP 1.1": (ALERT.replace("cap:1.2", "cap:1.1"), "old-version", "alert", 2),
    "sent in Z": (ALERT.replace("08:00:00+08:00</sent>", "00:00:00Z</sent>"), "time-shape", "alert/sent", 3),
    "sent without a zone": (ALERT.replace("+08:00</sent>", "</sent>"), "time-zone", "alert/sent", 3),
    "status in lower case": (ALERT.replace("Actual", "actual"), "letter-case", "alert/status", 4),
    "scope missing": (ALERT.replace("<scope>Public</scope>", ""), "missing", "alert/scope", 2),
    "private without addresses": (ALERT.replace("Public", "Private"), "scope-addresses", "alert/scope", 4),
    "a severity of its own": (ALERT.replace("Severe", "Orange"), "value", "alert/info/severity", 6),
    "no expiry": (re.sub("<expires>.*</expires>", "", ALERT), "no-expires", "alert/info/expires", 5),
    "expires before it starts": (
        ALERT.replace("2026-07-01T20:00:00", "2026-06-30T20:00:00"),
        "expires-early",
        "alert/info/expires",
        7,
    ),
    "sender after sent": (
        re.sub("(<sender>.*</sender>)(<sent>.*</sent>)", r"\2\1", ALERT),
        "order",
        "alert/sender",
        3,
    ),
    "an element of its own": (ALERT.replace("<scope>", "<x/><scope>"), "unknown-element", "alert", 4),
    "two events": (ALERT.replace("<event>", "<event>暴雨</event><event>"), "repeated", "alert/info/event", 5),
    "markup": (ALERT.replace("某市</areaDesc>", "&lt;b&gt;某市</areaDesc>"), "markup", "alert/info/area/areaDesc", 8),
    "an update of nothing": (ALERT.replace("Type>Alert", "Type>Update"), "references-missing", "alert/references", 2),
    "an update of what is later": (
        ALERT.replace("</scope>", "</scope><references>b,W-0,2026-07-01T08:00:01+08:00</references>"),
        "reference-later", "alert/references", 4,
    ),
    "over before it was sent": (
        re.sub("<effective>.*?</effective>", "<effective>2026-06-01T08:00:00+08:00</effective>", ALERT)
        .replace("07-01T20", "06-30T20"),
        "expires-past", "alert/info/expires", 7,
    ),
    "onset after the end": (
        ALERT.replace("<expires>", "<onset>2026-07-02T08:00:00+08:00</onset><expires>"),
        "onset-late", "alert/info/onset", 7,
    ),
    "a circle, longitude first": (
        re.sub("<polygon>.*</polygon>", "<circle>110,32 5</circle>", ALERT),
        "circle-swapped", "alert/info/area/circle", 8,
    ),
    "six digits": (ALERT.replace("420322000000", "420322"), "geocode-digits", "alert/info/area/geocode", 9),
    "open polygon": (polygon("32,110 32,111 33,111"), "polygon-open", "alert/info/area/polygon", 8),
    "two points": (polygon("32,110 32,110"), "polygon-few", "alert/info/area/polygon", 8),
    "empty polygon": (polygon(""), "empty", "alert/info/area/polygon", 8),
    "flat polygon": (polygon("32,110 32,111 32,112 32,110"), "polygon-crossing", "alert/info/area/polygon", 8),
    "bow tie": (polygon("32,110 33,111 32,111 33,110 32,110"), "polygon-crossing", "alert/info/area/polygon", 8),
    "longitude first": (polygon("110,32 111,32 111,33 110,32"), "polygon-swapped", "alert/info/area/polygon", 8),
    "off the globe": (polygon("92,400 93,400 93,401 92,400"), "polygon-range", "alert/info/area/polygon", 8),
    "words": (polygon("here, there"), "polygon-pair", "alert/info/area/polygon", 8),
    "loose commas": (polygon("32, 110 32, 111 33, 111 32, 110"), "polygon-separators", "alert/info/area/polygon", 8),
}  # fmt: skip


@pytest.mark.parametrize("text,code,element,line", ODD.values(), ids=ODD)
def test_what_is_odd_is_read_and_noted(text: str, code: str, element: str, line: int) -> None:
    result = read(text)
    assert result.verdict == "accepted-with-warnings"
    assert odd(text)[0] == (code, element, line)


def test_a_bow_tie_keeps_both_wings() -> None:
    alert = read(polygon("32,110 33,111 32,111 33,110 32,110")).alert
    assert alert is not None and alert.geometry is not None
    assert alert.geometry["type"] == "MultiPolygon"
    assert shape(alert.geometry).area == pytest.approx(0.5)


def test_longitude_first_is_turned_round() -> None:
    alert = read(polygon("110,32 111,32 111,33 110,32")).alert
    assert alert is not None and alert.geometry is not None
    assert shape(alert.geometry).bounds == (110.0, 32.0, 111.0, 33.0)


def test_a_circle_becomes_a_polygon_of_its_radius() -> None:
    alert = read(re.sub("<polygon>.*</polygon>", "<circle>30.0,110.0 50</circle>", ALERT)).alert
    assert alert is not None and alert.geometry is not None
    drawn = shape(alert.geometry)
    assert len(alert.geometry["coordinates"][0]) == 65
    assert drawn.bounds[3] == pytest.approx(30 + 50 / 111.195, abs=1e-4)  # 50 km of latitude
    assert drawn.contains(Point(110.0, 30.0))


@pytest.mark.parametrize(
    "circle,code",
    [("30,110 -5", "circle-radius"), ("30,110 0", "circle-point"), ("30 110", "circle-shape"), ("", "empty")],
)
def test_circles_that_are_none(circle: str, code: str) -> None:
    text = re.sub("<polygon>.*</polygon>", f"<circle>{circle}</circle>", ALERT)
    assert odd(text) == [(code, "alert/info/area/circle", 8)]
    alert = read(text).alert
    assert alert is not None and alert.geometry is None


def test_a_missing_expiry_is_24_hours_and_said_so() -> None:
    alert = read(re.sub("<expires>.*</expires>", "", ALERT)).alert
    assert alert is not None
    assert alert.expires == datetime(2026, 7, 2, 0, 0, tzinfo=UTC)
    assert not alert.infos[0].expires_given


def test_references_are_read_and_a_reference_to_itself_is_left_out() -> None:
    references = (
        "<references>a@weather.example,W-1,2026-07-01T08:00:00+08:00 a@weather.example,W-0,2026-06-30T08:00:00+08:00 "
        "b@weather.example,W-x</references>"
    )
    result = read(
        ALERT.replace("<msgType>Alert", "<msgType>Cancel").replace("</scope>", f"</scope>{references}")
    )
    assert result.alert is not None and result.alert.lifts
    assert result.alert.references == (
        cap.Reference("a@weather.example", "W-0", datetime(2026, 6, 30, 0, 0, tzinfo=UTC)),
        cap.Reference("b@weather.example", "W-x", None),
    )
    assert [reason.code for reason in result.reasons] == ["reference-self", "reference-shape"]


@pytest.mark.parametrize(
    "headline,colour",
    [
        ("市气象台发布暴雨红色预警信号", "red"),
        ("黃色暴雨警告信號", "yellow"),
        ("Yellow warning for wind", "yellow"),
        ("Yellow River flood warning", ""),
        ("Red Cross opens shelters", ""),
        ("红色旅游公路封闭", ""),
        ("台风预警", ""),
    ],
)
def test_a_headline_colours_a_warning_only_as_a_warning(headline: str, colour: str) -> None:
    assert colours.of_words(headline) == colour


@pytest.mark.parametrize(
    "name,value,colour",
    [
        ("ColorCode", "Orange", "orange"),
        ("awareness_level", "2; yellow; Moderate", "yellow"),
        ("alert_color", "紅色", "red"),
        ("awareness_type", "9; avalanches; red", ""),
        ("ColorCode", "#fdeb1b", ""),
        ("Color", "Green", ""),
        ("Colour", "red or orange", ""),
    ],
)
def test_colours_of_parameters(name: str, value: str, colour: str) -> None:
    assert colours.of_parameters([(name, value)]) == colour


def test_severity_alone_gives_no_colour() -> None:
    alert = read(ALERT.replace("橙色", "").replace("Severe", "Extreme")).alert
    assert alert is not None and (alert.severity, alert.colour) == ("Extreme", "")


@pytest.mark.parametrize(
    "text,at,oddity",
    [
        ("2026-07-01T08:00:00+08:00", datetime(2026, 7, 1, tzinfo=UTC), ""),
        ("2026-07-01T00:00:00-00:00", datetime(2026, 7, 1, tzinfo=UTC), ""),
        ("2026-07-01T08:00:00.123+08:00", datetime(2026, 7, 1, tzinfo=UTC), "time-shape"),
        ("2026-07-01T08:00:00+0800", datetime(2026, 7, 1, tzinfo=UTC), "time-shape"),
        ("2026-07-01 08:00", datetime(2026, 7, 1, tzinfo=UTC), "time-zone"),
        ("0001-01-01T00:00:00+08:00", None, "time"),
        ("2026-07-01T08:00:00+99:00", None, "time"),
        ("tomorrow", None, "time"),
    ],
)
def test_times(text: str, at: datetime | None, oddity: str) -> None:
    assert times.parse(text) == times.Time(at, oddity)


def test_a_reader_gets_the_block_in_the_own_language() -> None:
    english = re.search("<info>.*</info>", ALERT, re.DOTALL)
    assert english is not None
    block = english[0].replace("zh-CN", "en-GB").replace("台风", "Typhoon", 1)
    alert = read(ALERT.replace("</alert>", block + "</alert>")).alert
    assert alert is not None
    assert [alert.info(language).language for language in ("zh-Hans", "zh-Hant", "en")] == [
        "zh-CN",
        "zh-CN",
        "en-GB",
    ]  # type: ignore[union-attr]


def test_amplification_in_an_attribute_ends_at_once() -> None:
    bomb = '<!DOCTYPE alert [<!ENTITY a "' + "a" * 5000 + '"><!ENTITY b "' + "&a;" * 5000 + '">]>'
    result = cap.read((bomb + '<alert x="&b;&b;"/>').encode())
    assert result.verdict == "refused"


STRICT = {
    "an attribute": (ALERT.replace("<scope>", '<scope kind="x">'), "attribute"),
    "words between": (ALERT.replace("<scope>", "so <scope>"), "stray-text"),
    "an element in words": (ALERT.replace("台风</event>", "台风<b/></event>"), "nested"),
    "white space": (ALERT.replace("<status>Actual", "<status> Actual"), "padding"),
    "a language of its own": (ALERT.replace(">zh-CN<", ">中文<"), "language-tag"),
    "a category of its own": (ALERT.replace(">Met<", ">Weather<"), "value"),
    "an address that is none": (ALERT.replace("<area>", "<web>www.weather.example</web><area>"), "not-uri"),
    "a ceiling alone": (ALERT.replace("</area>", "<ceiling>100</ceiling></area>"), "ceiling-alone"),
    "something foreign": (ALERT.replace("<info>", '<x xmlns="urn:x"/><info>'), "foreign-element"),
    "an update of nothing": (ALERT.replace("Type>Alert", "Type>Update"), "references-missing"),
    "a zone beyond the globe": (ALERT.replace("08:00:00+08:00</sent>", "08:00:00+15:00</sent>"), "sent"),
}


@pytest.mark.parametrize("text,code", STRICT.values(), ids=STRICT)
def test_what_strict_reading_refuses(text: str, code: str) -> None:
    result = cap.read(text.encode(), strict=True)
    assert result.refused and [reason.code for reason in result.reasons if reason.refuses] == [code]


def test_a_parameter_goes_before_a_headline_and_that_is_said() -> None:
    pair = "<parameter><valueName>ColorCode</valueName><value>Yellow</value></parameter>"
    result = read(ALERT.replace("<area>", f"{pair}<area>"))
    assert result.alert is not None
    assert (result.alert.colour, result.alert.infos[0].colour_from) == ("yellow", "parameter")
    assert [reason.code for reason in result.reasons] == ["colour-conflict"]


@pytest.mark.parametrize(
    "name,value,colour",
    [
        ("SAME", "TOR", ""),
        ("eventType", "11B03_ORANGE", "orange"),
        ("事件", "暴雨橙色", "orange"),
        ("event", "Red Tide", ""),
    ],
)
def test_colours_of_event_codes(name: str, value: str, colour: str) -> None:
    assert colours.of_event_codes([(name, value)]) == colour


def test_a_tangle_made_to_keep_us_waiting_is_read_as_its_hull() -> None:
    chance = random.Random(1)
    words = [f"{chance.uniform(20, 40):.3f},{chance.uniform(100, 120):.3f}" for _ in range(3000)]
    result = read(polygon(" ".join([*words, words[0]])))
    assert [reason.code for reason in result.reasons] == ["polygon-hull"]
    assert result.alert is not None and result.alert.geometry is not None
    assert shape(result.alert.geometry).area > 390


def test_more_shapes_than_anybody_draws_are_refused() -> None:
    text = re.sub("<polygon>.*</polygon>", "<circle>30,110 5</circle>" * 5001, ALERT)
    assert [reason.code for reason in read(text).reasons] == ["too-many"]


def test_blank_lines_before_the_declaration_are_passed_over_and_counted() -> None:
    text = f"\n \n{ALERT.replace('Actual', 'actual')}"
    assert odd(text) == [("leading-space", "document", 1), ("letter-case", "alert/status", 6)]
    assert cap.read(text.encode(), strict=True).refused


def test_the_size_limit() -> None:
    result = cap.read(b"<alert>" + b" " * (8 * 1024 * 1024))
    assert [reason.code for reason in result.reasons] == ["too-large"]


# --- what we write ---

AREA = {"type": "Polygon", "coordinates": [[[114.0, 30.5], [114.5, 30.5], [114.5, 30.9], [114.0, 30.5]]]}
SENT = datetime(2026, 11, 23, 9, 40, tzinfo=LOCAL)


def typhoon(**changes: object) -> bytes:
    city = {"zh-Hans": "示例市", "zh-Hant": "示例市", "en": "Sample City"}
    return cap_writer.write(typhoon_warning(AREA, sent=SENT, city=city, **changes))  # type: ignore[arg-type]


def test_the_demonstration_warning_reads_back() -> None:
    result = cap.read(typhoon())
    assert result.verdict == "accepted"
    alert = result.alert
    assert alert is not None
    assert (alert.status, alert.colour, alert.severity) == ("Actual", "orange", "Severe")
    assert alert.geometry == AREA
    assert alert.sent == SENT.astimezone(UTC)
    assert alert.expires == datetime(2026, 11, 23, 13, 40, tzinfo=UTC)
    assert [info.headline for info in alert.infos] == [
        "示例市气象台发布台风橙色预警信号",
        "示例市氣象臺發布颱風橙色預警信號",
        "Orange warning: typhoon, Sample City",
    ]


def test_its_cancel_reads_back_and_lifts() -> None:
    first = cap.read(typhoon()).alert
    assert first is not None
    reference = cap.Reference(first.sender, first.identifier, first.sent)
    result = cap.read(typhoon(msg_type="Cancel", references=[reference], identifier="DEMO-END"))
    assert result.verdict == "accepted" and result.alert is not None
    assert result.alert.lifts and result.alert.references == (reference,)


EARLIER = cap.Reference("warnings@weather.example", "DEMO-1", SENT.astimezone(UTC))


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of CAP files is not at hand")
@pytest.mark.parametrize("msg_type", ["Alert", "Update", "Cancel"])
def test_what_we_write_is_valid_by_the_schema(msg_type: str) -> None:
    schema = etree.XMLSchema(etree.parse(CORPUS / "xsd" / "CAP-v1.2.xsd"))
    references = [] if msg_type == "Alert" else [EARLIER]
    schema.assertValid(etree.fromstring(typhoon(msg_type=msg_type, references=references)))


@pytest.mark.parametrize("msg_type", ["Alert", "Update", "Cancel"])
def test_our_own_strict_reader_takes_what_we_write(msg_type: str) -> None:
    references = [] if msg_type == "Alert" else [EARLIER]
    made = typhoon_warning(
        {"type": "Polygon", "coordinates": [[[114.0, 30.5], [114.5, 30.5], [114.5, 30.9]]]},  # left open
        sent=SENT,
        city={"zh-Hans": "示例\N{BACKSPACE}市", "en": "A & <B>"},
        msg_type=msg_type,
        references=references,
    )
    made = replace(made, geocodes=[cap.Geocode("CPEAS Geographic Code", "420322000000")])
    result = cap.read(cap_writer.write(made), strict=True)
    assert [reason.code for reason in result.reasons if reason.code != "markup"] == []
    assert result.alert is not None and result.alert.references == tuple(references)
    assert result.alert.geometry == AREA
    assert result.alert.geocodes == (cap.Geocode("CPEAS Geographic Code", "420322000000"),)
    assert [info.language for info in result.alert.infos] == ["zh-CN", "zh-TW", "en-US"]
    assert "30.50000,114.00000 30.50000,114.50000" in cap_writer.write(made).decode()  # latitude first


def test_what_rounding_would_tangle_or_flatten_is_written_soundly() -> None:
    """The third corner of the first ring lies a centimetre beside its first edge, the second ring is one as wide."""
    tangled = [[114.0, 30.0], [114.1, 30.0], [114.05, 30.0000001], [114.05, 30.1], [114.0, 30.0]]
    flat = [[115.0, 30.0], [115.1, 30.0000001], [115.2, 30.0], [115.0, 30.0]]
    area = {"type": "MultiPolygon", "coordinates": [[tangled], [flat]]}
    made = typhoon_warning(area, sent=SENT, city={"zh-Hans": "示例市", "en": "Sample City"})
    result = cap.read(cap_writer.write(made), strict=True)
    assert (result.verdict, result.reasons) == ("accepted", ())
    assert result.alert is not None and result.alert.geometry is not None
    assert shape(result.alert.geometry).area == pytest.approx(0.05 * 0.1 / 2)


@pytest.mark.parametrize(
    "changes,field",
    [
        ({"identifier": "a b"}, "identifier"),
        ({"msg_type": "Update"}, "references"),
        ({"life": timedelta(0)}, "expires"),
    ],
)
def test_what_nobody_could_refer_to_is_not_written(changes: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        typhoon(**changes)
    assert [problem.field for problem in caught.value.problems] == [field]


# --- the corpus ---

# file → verdict and what is said about it, in the order of reading
BROKEN = {
    "malformed/kelvinn__pelmorex.atom.xml": "refused: not-xml",
    "synthetic-bad/cancel_self_reference.xml": "accepted-with-warnings: reference-self",
    "synthetic-bad/circle_negative_radius.xml": "accepted-with-warnings: circle-radius",
    "synthetic-bad/entity_expansion.xml": "refused: doctype",
    "synthetic-bad/expires_before_effective.xml": "accepted-with-warnings: expires-early",
    "synthetic-bad/geocode_6_digits.xml": "accepted-with-warnings: geocode-digits",
    "synthetic-bad/html_in_description.xml": "accepted-with-warnings: markup",
    "synthetic-bad/identifier_empty.xml": "refused: identity",
    "synthetic-bad/identifier_with_comma_space.xml": "accepted-with-warnings: identifier-characters",
    "synthetic-bad/no_info.xml": "accepted-with-warnings: no-info",
    "synthetic-bad/no_namespace.xml": "accepted-with-warnings: no-namespace",
    "synthetic-bad/not_xml.xml": "refused: not-xml",
    "synthetic-bad/polygon_self_intersecting.xml": "accepted-with-warnings: polygon-crossing",
    "synthetic-bad/polygon_three_points.xml": "accepted-with-warnings: polygon-few",
    "synthetic-bad/references_two_part.xml": "accepted-with-warnings: reference-shape",
    "synthetic-bad/scope_private_no_addresses.xml": "accepted-with-warnings: scope-addresses",
    "synthetic-bad/sent_Z_suffix.xml": "accepted-with-warnings: time-shape",
    "synthetic-bad/sent_fractional_seconds.xml": "accepted-with-warnings: time-shape",
    "synthetic-bad/sent_impossible_date.xml": "refused: sent",
    "synthetic-bad/sent_no_timezone.xml": "accepted-with-warnings: time-zone",
    "synthetic-bad/severity_colour_word.xml": "accepted-with-warnings: value",
    "synthetic-bad/utf16_bom.xml": "accepted",
    "synthetic-bad/utf8_bom.xml": "accepted",
    "synthetic-bad/wrong_namespace.xml": "refused: namespace",
    "xsd-invalid/google__bushfire_invalid_002.xml": "accepted-with-warnings: circle-point markup value",
    "xsd-invalid/google__invalid.cap.xml": "accepted-with-warnings: missing no-expires time-utc",
    "xsd-invalid/google__xee.cap.xml": "refused: doctype",
    "xsd-invalid/kde__alertswiss-POA-1216107687-4.xml": "accepted-with-warnings: markup missing no-expires order reference-later",  # noqa: E501
    "xsd-invalid/kde__alertswiss-TEST-1163.xml": "accepted-with-warnings: missing no-area no-expires order reference-later",  # noqa: E501
    "xsd-invalid/kde__noaa-2.49.0.1.840.0.9b5195e635069329b12a7c697fad5934d144784a.001.1.xml": (
        "accepted-with-warnings: onset-late order polygon-crossing"
    ),
    "xsd-invalid/kde__noaa-2.49.0.1.840.0.bde6c30c43ead9c23c42bea7977652a7de76d87d.002.1.xml": (
        "accepted-with-warnings: order polygon-crossing"
    ),
    "xsd-invalid/kelvinn__invalid_xmlns.cap.xml": "refused: namespace",
    "xsd-invalid/kelvinn__noaa_errors.cap.xml": "accepted-with-warnings: empty old-version polygon-separators",
    "xsd-invalid/kelvinn__sweden.cap.xml": "accepted-with-warnings: no-expires order unknown-element",
    "xsd-invalid/sahana__Fiji_Water_Shortage_Suva.xml": "accepted-with-warnings: no-area time-utc unknown-element",
    "xsd-invalid/willglynn__v1dot0_appendix_adot1.xml": "accepted-with-warnings: missing no-expires old-version stray-text",  # noqa: E501
    "xsd-invalid/willglynn__v1dot0_appendix_adot2.xml": "accepted-with-warnings: missing old-version stray-text",
    "xsd-invalid/willglynn__v1dot0_appendix_adot3.xml": (
        "accepted-with-warnings: circle-point missing no-expires old-version stray-text value"
    ),
    "xsd-invalid/willglynn__v1dot0_appendix_adot4.xml": "accepted-with-warnings: missing no-expires old-version stray-text",  # noqa: E501
}


def verdict(path: Path) -> str:
    result = cap.read(path.read_bytes())
    codes = " ".join(sorted({reason.code for reason in result.reasons}))
    return f"{result.verdict}: {codes}" if codes else result.verdict


needs_corpus = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of CAP files is not at hand")


@needs_corpus
@pytest.mark.parametrize("name", BROKEN)
def test_verdicts_on_broken_files(name: str) -> None:
    assert verdict(CORPUS / name) == BROKEN[name]


# what strict reading takes although the folder is called broken: the standard allows it, a remark says what is odd
RIGHT_BY_THE_STANDARD = {
    "synthetic-bad/geocode_6_digits.xml": "geocode-digits",  # the list of codes is the publisher's
    "synthetic-bad/html_in_description.xml": "markup",  # escaped: it is text
    "synthetic-bad/no_info.xml": "no-info",  # info is optional
    "synthetic-bad/utf16_bom.xml": "",
    "synthetic-bad/utf8_bom.xml": "",
}


@needs_corpus
@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused_strictly(name: str) -> None:
    result = cap.read((CORPUS / name).read_bytes(), strict=True)
    if name in RIGHT_BY_THE_STANDARD:
        codes = " ".join(one.code for one in result.reasons)
        assert not result.refused and codes == RIGHT_BY_THE_STANDARD[name]
    else:
        assert result.refused and result.alert is None
        assert any(reason.refuses for reason in result.reasons)


# valid by the schema, wrong by what the standard says in words
STRICTLY_REFUSED = {
    "bushfire_valid_012": "polygon-crossing",
    "CanadaNaad": "empty",
    "gdacs-cap_1023542": "polygon-pair",
    "gdacs-cap_1470644": "polygon-beyond",
    "il-488abaaf": "empty",
    "ireland_sample": "polygon-crossing",
    "kz-2.49.0.0.398": "polygon-crossing",
    "mo-cap_monsoon": "reference-self",
    "msg_actual-public_en": "empty time-zone",
    "msg_actual-public_fr": "empty time-zone",
    "msg_private-actual": "empty time-zone",
    "msg_public-actual": "empty time-zone",
    "msg_test-public": "empty time-zone",
    "nws-5c2cf27b1f": "empty",
    "test_cap_data_1": "polygon-open",
    "test_cap_data_e": "polygon-open",
}


@needs_corpus
def test_real_alerts_that_strict_reading_refuses() -> None:
    found = {}
    for path in sorted((CORPUS / "alerts").iterdir()):
        result = cap.read(path.read_bytes(), strict=True)
        if result.refused:
            name = next(one for one in STRICTLY_REFUSED if one in path.name)
            found[name] = " ".join(sorted({one.code for one in result.reasons if one.refuses}))
            assert result.draft is not None and result.draft.identifier
    assert found == STRICTLY_REFUSED


@needs_corpus
def test_what_strict_reading_accepts_is_valid_by_the_schema() -> None:
    schema = etree.XMLSchema(etree.parse(CORPUS / "xsd" / "CAP-v1.2.xsd"))
    folders = ("alerts", "synthetic-bad", "synthetic-matrix", "xsd-invalid")
    checked = 0
    for path in (path for folder in folders for path in sorted((CORPUS / folder).iterdir())):
        result = cap.read(path.read_bytes(), strict=True)
        if result.alert is not None and result.alert.version == "1.2":
            schema.assertValid(etree.fromstring(path.read_bytes()))
            checked += 1
    assert checked == 93


@needs_corpus
def test_every_broken_file_has_its_verdict_in_the_table() -> None:
    folders = ("malformed", "synthetic-bad", "xsd-invalid")
    assert sorted(BROKEN) == sorted(
        f"{folder}/{path.name}" for folder in folders for path in (CORPUS / folder).iterdir()
    )


@needs_corpus
def test_no_real_alert_is_refused() -> None:
    verdicts = [cap.read(path.read_bytes()).verdict for path in sorted((CORPUS / "alerts").iterdir())]
    assert len(verdicts) == 112
    assert {one: verdicts.count(one) for one in sorted(set(verdicts))} == {
        "accepted": 25,
        "accepted-with-warnings": 87,
    }


@needs_corpus
def test_colours_of_the_real_alerts() -> None:
    found = {}
    for path in sorted((CORPUS / "alerts").iterdir()):
        alert = cap.read(path.read_bytes()).alert
        if alert is not None and alert.colour:
            found[path.name.split("__")[1][:12]] = alert.colour
    assert found == {
        "ie-2.49.0.1.": "yellow",
        "il-488abaaf-": "yellow",
        "iceland_met_": "yellow",
        "taiwan.cap.x": "red",
        "france_sampl": "yellow",
        "ireland_samp": "yellow",
        "uk_nothern_i": "yellow",
    }


@needs_corpus
def test_feeds_are_refused_with_the_reason_that_one_alert_is_expected() -> None:
    for path in sorted((CORPUS / "feeds").iterdir()):
        assert verdict(path) in ("refused: not-alert", "refused: doctype"), path.name
