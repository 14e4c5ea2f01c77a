"""Why a file was refused, or what was odd about it: a code, a place, and words in the three languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from changbei.core.texts import LANGUAGES, fill, pick

ACCEPTED = "accepted"
ACCEPTED_WITH_WARNINGS = "accepted-with-warnings"
REFUSED = "refused"

Words = tuple[str, str, str]  # zh-Hans, zh-Hant, en

# refused: it cannot be told what the file says, or it is unsafe to look
REFUSALS: Mapping[str, Words] = {
    "too-large": (
        "文件有{size}字节，超过{limit}字节",
        "檔案有{size}位元組，超過{limit}位元組",
        "{size} bytes, more than {limit}",
    ),
    "not-xml": ("不是XML：{detail}", "不是XML：{detail}", "not XML: {detail}"),
    "doctype": (
        "含有文档类型声明，不予读取",
        "含有文件類型宣告，不予讀取",
        "a document type declaration is not read",
    ),
    "too-deep": ("嵌套超过{limit}层", "巢狀超過{limit}層", "nested deeper than {limit}"),
    "too-many": ("元素超过{limit}个", "元素超過{limit}個", "more than {limit} elements"),
    "not-alert": (
        "根元素是{name}，不是CAP的alert",
        "根元素是{name}，不是CAP的alert",
        "the root is {name}, not a CAP alert",
    ),
    "namespace": (
        "命名空间{name}不是CAP 1.0、1.1或1.2",
        "命名空間{name}不是CAP 1.0、1.1或1.2",
        "the namespace {name} is not CAP 1.0, 1.1 or 1.2",
    ),
    "identity": (
        "缺少{name}，无法识别是哪一条",
        "缺少{name}，無法識別是哪一條",
        "{name} is missing: the alert cannot be told from others",
    ),
    "sent": ("{value}不是时间", "{value}不是時間", "{value} is not a time"),
    "status": (
        "{value}不是status的取值（{allowed}）",
        "{value}不是status的取值（{allowed}）",
        "{value} is not a status ({allowed})",
    ),
    "msg-type": (
        "{value}不是msgType的取值（{allowed}）",
        "{value}不是msgType的取值（{allowed}）",
        "{value} is not a msgType ({allowed})",
    ),
    "too-old": (
        "CAP {version}早于国际标准，严格模式不予接受",
        "CAP {version}早於國際標準，嚴格模式不予接受",
        "CAP {version} is older than the international standard: not accepted strictly",
    ),
    "identity-reused": (
        "另有一条内容不同的预警用了同样的发布者、编号和时间",
        "另有一條內容不同的預警用了同樣的發布者、編號和時間",
        "another alert, with other words, has the same sender, identifier and time",
    ),
    "left-out": (
        "另有{count}个条目未读",
        "另有{count}個條目未讀",
        "{count} more entries were not read",
    ),
    "entry-empty": (
        "条目里既没有预警，也没有链接",
        "條目裡既沒有預警，也沒有連結",
        "the entry has neither an alert nor an address of one",
    ),
}

# warnings: what the file says is clear enough, and here is how it was read
ODDITIES: Mapping[str, Words] = {
    "old-version": ("按CAP {version}读取", "按CAP {version}讀取", "read as CAP {version}"),
    "no-namespace": (
        "没有命名空间，按CAP 1.2读取",
        "沒有命名空間，按CAP 1.2讀取",
        "no namespace: read as CAP 1.2",
    ),
    "unknown-element": ("CAP没有{name}，未读", "CAP沒有{name}，未讀", "CAP has no {name} here: not read"),
    "order": ("{name}的位置不合规定", "{name}的位置不合規定", "{name} is out of order"),
    "repeated": (
        "{name}出现不止一次，取第一个",
        "{name}出現不止一次，取第一個",
        "{name} appears more than once: the first is taken",
    ),
    "missing": ("缺少{name}", "缺少{name}", "{name} is missing"),
    "empty": ("{name}是空的", "{name}是空的", "{name} is empty"),
    "identifier-characters": (
        "{name}含有空格、逗号或<&，引用可能不准",
        "{name}含有空格、逗號或<&，引用可能不準",
        "{name} has a space, comma, < or &: references to it may fail",
    ),
    "letter-case": (
        "{value}的大小写不合规定",
        "{value}的大小寫不合規定",
        "{value} is not spelled as CAP does",
    ),
    "value": (
        "{value}不是规定的取值，按{taken}读取",
        "{value}不是規定的取值，按{taken}讀取",
        "{value} is not an allowed value: read as {taken}",
    ),
    "time-shape": ("{value}的写法不合规定", "{value}的寫法不合規定", "{value} is not written as CAP asks"),
    "time-zone": (
        "{value}没有时区，按北京时间读取",
        "{value}沒有時區，按北京時間讀取",
        "{value} has no zone: read as China time",
    ),
    "time": ("{value}不是时间，未读", "{value}不是時間，未讀", "{value} is not a time: not read"),
    "no-expires": (
        "没有失效时间，按{hours}小时计算",
        "沒有失效時間，按{hours}小時計算",
        "no expiry: {hours} hours are assumed",
    ),
    "expires-early": (
        "失效早于生效，按{hours}小时计算",
        "失效早於生效，按{hours}小時計算",
        "expires before it takes effect: {hours} hours are assumed",
    ),
    "expires-past": (
        "发布时已经失效",
        "發布時已經失效",
        "it had expired when it was sent",
    ),
    "onset-late": (
        "开始晚于失效",
        "開始晚於失效",
        "it begins after it expires",
    ),
    "sent-future": (
        "发布时间{value}还没有到",
        "發布時間{value}還沒有到",
        "sent at {value}, which lies in the future",
    ),
    "no-info": (
        "没有info，不知道是什么事件",
        "沒有info，不知道是什麼事件",
        "no info: it does not say what happens",
    ),
    "no-area": ("没有区域", "沒有區域", "no area is named"),
    "references-missing": (
        "{type}没有引用原来的预警",
        "{type}沒有引用原來的預警",
        "a message of type {type} names no earlier alert",
    ),
    "reference-shape": (
        "引用{value}不是“发布者,编号,时间”",
        "引用{value}不是「發布者,編號,時間」",
        "the reference {value} is not sender,identifier,sent",
    ),
    "reference-later": (
        "引用的{value}比自己晚",
        "引用的{value}比自己晚",
        "it refers to {value}, which is later than itself",
    ),
    "reference-self": ("引用了自己", "引用了自己", "it refers to itself"),
    "scope-addresses": ("Private没有写明addresses", "Private沒有寫明addresses", "Private without addresses"),
    "scope-restriction": (
        "Restricted没有写明restriction",
        "Restricted沒有寫明restriction",
        "Restricted without restriction",
    ),
    "markup": ("含有标记，按文字显示", "含有標記，按文字顯示", "has markup: shown as plain text"),
    "polygon-pair": (
        "{value}不是“纬度,经度”，多边形未读",
        "{value}不是「緯度,經度」，多邊形未讀",
        "{value} is not latitude,longitude: polygon not read",
    ),
    "polygon-separators": (
        "坐标间的分隔不合规定",
        "座標間的分隔不合規定",
        "the pairs are not separated as CAP asks",
    ),
    "polygon-few": (
        "多边形少于四个点，未读",
        "多邊形少於四個點，未讀",
        "a polygon of fewer than four points: not read",
    ),
    "polygon-open": ("多边形没有闭合，已闭合", "多邊形沒有閉合，已閉合", "the polygon was open: closed"),
    "polygon-swapped": (
        "按“经度,纬度”的顺序读取",
        "按「經度,緯度」的順序讀取",
        "read in the order longitude,latitude",
    ),
    "polygon-range": (
        "坐标超出范围，多边形未读",
        "座標超出範圍，多邊形未讀",
        "coordinates out of range: polygon not read",
    ),
    "polygon-beyond": (
        "经度超出±180，照写读取",
        "經度超出±180，照寫讀取",
        "longitudes beyond ±180: read as written",
    ),
    "polygon-crossing": (
        "多边形自相交，已修补",
        "多邊形自相交，已修補",
        "the polygon crosses itself: mended",
    ),
    "polygon-empty": ("多边形没有面积，未读", "多邊形沒有面積，未讀", "the polygon has no area: not read"),
    "circle-shape": (
        "{value}不是“纬度,经度 半径”，未读",
        "{value}不是「緯度,經度 半徑」，未讀",
        "{value} is not latitude,longitude radius: not read",
    ),
    "circle-swapped": (
        "按“经度,纬度”的顺序读取",
        "按「經度,緯度」的順序讀取",
        "read in the order longitude,latitude",
    ),
    "circle-radius": (
        "半径{value}公里不合理，未读",
        "半徑{value}公里不合理，未讀",
        "a radius of {value} km makes no sense: not read",
    ),
    "circle-point": (
        "半径为零，是一个点，不是区域",
        "半徑為零，是一個點，不是區域",
        "radius zero: a point, not an area",
    ),
    "polygon-hull": (
        "多边形自相交且有{points}个点，取其外包",
        "多邊形自相交且有{points}個點，取其外包",
        "it crosses itself and has {points} points: its hull is taken",
    ),
    "area-hull": (
        "区域共有{points}个点，取其外包",
        "區域共有{points}個點，取其外包",
        "the areas have {points} points: their hull is taken",
    ),
    "foreign-element": (
        "{name}不属于CAP，未读",
        "{name}不屬於CAP，未讀",
        "{name} does not belong to CAP: not read",
    ),
    "attribute": ("CAP没有属性{name}", "CAP沒有屬性{name}", "CAP has no attribute {name}"),
    "stray-text": ("元素之间有文字，未读", "元素之間有文字，未讀", "words between the elements: not read"),
    "nested": (
        "{name}里只应有文字",
        "{name}裡只應有文字",
        "{name} should hold words alone",
    ),
    "padding": ("{value}前后有空白", "{value}前後有空白", "white space around {value}"),
    "language-tag": (
        "{value}不是语言代码",
        "{value}不是語言代碼",
        "{value} is not a language code",
    ),
    "not-uri": (
        "{value}不是完整的网址",
        "{value}不是完整的網址",
        "{value} is not a full address (URI)",
    ),
    "not-number": ("{value}不是数字", "{value}不是數字", "{value} is not a number"),
    "ceiling-alone": (
        "有ceiling而没有altitude",
        "有ceiling而沒有altitude",
        "a ceiling without an altitude",
    ),
    "colour-conflict": (
        "参数写的颜色是{parameter}，标题写的是{words}；按参数",
        "參數寫的顏色是{parameter}，標題寫的是{words}；按參數",
        "a parameter says {parameter}, the words say {words}: the parameter is taken",
    ),
    "time-utc": (
        "{value}：CAP以-00:00表示世界时",
        "{value}：CAP以-00:00表示世界時",
        "{value}: CAP writes -00:00 for UTC",
    ),
    "envelope-status": (
        "外层标为{envelope}而预警标为{alert}，按{envelope}",
        "外層標為{envelope}而預警標為{alert}，按{envelope}",
        "the envelope says {envelope}, the alert {alert}: {envelope} is taken",
    ),
    "elsewhere": (
        "此处没有预警本身，只有链接{link}",
        "此處沒有預警本身，只有連結{link}",
        "the alert itself is not here, only its address: {link}",
    ),
    "leading-space": (
        "XML声明之前有空白",
        "XML宣告之前有空白",
        "white space before the XML declaration",
    ),
    "feed-empty": ("没有条目", "沒有條目", "there is no entry"),
    "geocode-digits": (
        "{value}不是12位行政区划代码",
        "{value}不是12位行政區劃代碼",
        "{value} is not an administrative code of 12 digits",
    ),
}

# not as one would wish, but no breach of the standard: strict reading accepts it with the remark
REMARKS = frozenset(
    {
        "old-version",
        "no-info",  # info is optional
        "no-area",  # so is area
        "no-expires",  # "if this item is not provided, each recipient is free to set its own policy"
        "markup",  # text is text
        "circle-point",  # a radius of zero is a number
        "geocode-digits",  # the list of areas is the publisher's; counties may be given by six digits
        "time-utc",  # the standard asks for -00:00, its own schema takes +00:00
        "colour-conflict",  # a colour is no part of CAP
        "area-hull",
        "feed-empty",
        "elsewhere",  # a feed may hold addresses alone
        "sent-future",  # the clock that is wrong may be ours
        "expires-past",  # no order of the two is demanded
        "onset-late",
    }
)

_LONGEST_VALUE = 120


@dataclass(frozen=True)
class Reason:
    """`element` is a path such as alert/info/expires, `line` counts from 1 (0: no place in the file)."""

    code: str
    element: str
    line: int
    values: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False

    @property
    def refuses(self) -> bool:
        return self.code in REFUSALS or (self.strict and self.code not in REMARKS)

    @property
    def text(self) -> dict[str, str]:
        words = REFUSALS.get(self.code) or ODDITIES[self.code]
        values = {name: _short(value) for name, value in self.values.items()}
        return fill(dict(zip(LANGUAGES, words, strict=True)), values)

    def message(self, language: str = "en") -> str:
        return pick(self.text, language)

    def to_json(self) -> dict[str, object]:
        """As kept in `Warning.reasons`: element, line, code and message (a text in three languages)."""
        return {"element": self.element, "line": self.line, "code": self.code, "message": self.text}


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 1] + "…"


class Notebook:
    """Collects reasons while a file is read; `strict`: every breach of the standard refuses it."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.reasons: list[Reason] = []
        self.lines_before = 0  # of the file, that the parser did not see

    def note(self, code: str, element: str, line: int, /, **values: object) -> None:
        given = {name: str(value) for name, value in values.items()}
        place = line + self.lines_before if line else 0
        self.reasons.append(Reason(code, element, place, given, self.strict))

    @property
    def unreadable(self) -> bool:
        """Whether something was noted for which even a lenient reader gives up."""
        return any(reason.code in REFUSALS and reason.code != "too-old" for reason in self.reasons)

    @property
    def verdict(self) -> str:
        if any(reason.refuses for reason in self.reasons):
            return REFUSED
        return ACCEPTED_WITH_WARNINGS if self.reasons else ACCEPTED
