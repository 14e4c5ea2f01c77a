"""Names nobody bears: sexagenary-cycle pairs behind words that mean "example", in three languages."""

from __future__ import annotations

from itertools import product

from changbei.core.texts import Text

STEMS = {
    "甲": "jia", "乙": "yi", "丙": "bing", "丁": "ding", "戊": "wu",
    "己": "ji", "庚": "geng", "辛": "xin", "壬": "ren", "癸": "gui",
}  # fmt: skip
BRANCHES = {
    "子": "zi", "丑": "chou", "寅": "yin", "卯": "mao", "辰": "chen", "巳": "si",
    "午": "wu", "未": "wei", "申": "shen", "酉": "you", "戌": "xu", "亥": "hai",
}  # fmt: skip
SURNAMES = "例样试拟仿设范虚"  # example, sample, trial, mock, imitation, supposed, model, void
NUMERALS = "零一二三四五六七八九"

_TRADITIONAL = str.maketrans(
    "备样试拟设虚县区镇东营销务订单部门烟专卖传质级办测厂软细长员应产总经处稽领导监评车辆队电联银险气闻数据仓库转运输场组师网络会计书资谷满惊蛰财户采负责费货储调机维语扫动结视关号周线种蓝讯体脑统双访稳劳协",
    "備樣試擬設虛縣區鎮東營銷務訂單部門菸專賣傳質級辦測廠軟細長員應產總經處稽領導監評車輛隊電聯銀險氣聞數據倉庫轉運輸場組師網絡會計書資穀滿驚蟄財戶採負責費貨儲調機維語掃動結視關號週線種藍訊體腦統雙訪穩勞協",
)


_WORDS = {"信息": "资讯", "软件": "软体"}  # said differently, as in the glossary


def text(hans: str, english: str) -> dict[str, str]:
    """A text in three languages; the traditional form follows from the simplified one, character by
    character.
    """
    hant = hans
    for here, there in _WORDS.items():
        hant = hant.replace(here, there)
    return {"zh-Hans": hans, "zh-Hant": hant.translate(_TRADITIONAL), "en": english}


def join(parts: list[Text], *, between: str = " ") -> dict[str, str]:
    """Texts one after the other; Chinese without a gap."""
    return {
        language: (between if language == "en" else "").join(part[language] for part in parts)
        for language in ("zh-Hans", "zh-Hant", "en")
    }


def pair(number: int) -> tuple[str, str]:
    """The n-th stem-and-branch pair, Chinese and romanised: 甲子 Jiazi, 乙丑 Yichou …; after 60 the uneven
    pairs follow.
    """
    even = number % 120 < 60
    stem = number % 10
    branch = number % 12 if even else (number + 1) % 12
    hans, romanised = list(STEMS.items())[stem], list(BRANCHES.items())[branch]
    return hans[0] + romanised[0], (hans[1] + romanised[1]).capitalize()


def place_stem(number: int) -> tuple[str, str]:
    """A name for the n-th town: 甲子, …; from the 121st on with a numeral: 甲子二."""
    round_, position = divmod(number, 120)
    hans, romanised = pair(position)
    return (hans, romanised) if not round_ else (hans + numeral(round_ + 1), f"{romanised} {round_ + 1}")


def numeral(number: int) -> str:
    """Chinese digits: 12 → 一二."""
    return "".join(NUMERALS[int(digit)] for digit in str(number))


def staff_names(count: int) -> list[str]:
    """`count` different names such as 例甲子; from the 961st on with a numeral."""
    first = [surname + pair(number)[0] for number, surname in product(range(120), SURNAMES)]
    return [
        first[i % len(first)] + (numeral(i // len(first) + 1) if i >= len(first) else "")
        for i in range(count)
    ]


def shopkeeper(number: int) -> str:
    """某甲子: Mr or Ms So-and-so."""
    return "某" + pair(number)[0]


def phone(block: int, number: int) -> str:
    """Eleven digits that begin with 100, which no mobile number does. Blocks: 0 staff, 1 second numbers, 8
    outside, 2 … shops.
    """
    return f"100{block:01d}{number:07d}"
