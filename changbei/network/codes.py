"""Chinese administrative codes (GB/T 2260 and GB/T 10114): what they mean, and which known areas they name. Pure.

Six digits down to the county and twelve down to the village, with zeros where they say nothing: 420000 is a
province, 420300 a city, 420322 and 420322000000 a county, 420322101000 a town.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

STEPS = (2, 4, 6, 9, 12)  # digits of province, city, county, town, village
COUNTY = 6  # a wider area is taken up to here: the city knows all its counties


def head(code: str) -> str:
    """The digits that say something, "" for what is no administrative code: 420322000000 gives 420322."""
    digits = code.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in STEPS or digits[0] == "0":
        return ""  # other countries' numbers of six digits begin with 0
    said = len(digits.rstrip("0"))
    return digits[: next(step for step in STEPS if said <= step)]


def meant(geocode: str) -> str:
    """As `head`, for what a warning gives: codes of six or twelve digits; other countries have shorter ones."""
    return head(geocode) if len(geocode.strip()) in (6, 12) else ""


def above(code: str) -> list[str]:
    """The codes of what a meaningful code lies in up to its county, itself included, the nearest first."""
    return [code[:step] for step in reversed(STEPS) if COUNTY <= step <= len(code)]


@dataclass(frozen=True)
class Named:
    """`codes` of the tables; geocodes for which a `wider` area had to be taken; geocodes of nowhere we know."""

    codes: tuple[str, ...]
    wider: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def named(geocodes: Iterable[str], known: Iterable[str]) -> Named:
    """Which of the `known` areas the codes mean.

    One that is known stands for all of itself. Of one that is not, its known parts are taken; when there is none, the
    nearest known area that it lies in up to the county, which is wider than what was meant and is said so: nobody is
    left out.
    """
    table = {head(code): code for code in known}
    found: dict[str, None] = {}
    wider: list[str] = []
    unknown: list[str] = []
    for code in dict.fromkeys(geocodes):
        wanted = meant(code)
        if not wanted:
            continue
        parts = [wanted] if wanted in table else [one for one in table if one.startswith(wanted)]
        if not parts:
            parts = [one for one in above(wanted) if one in table][:1]
            (wider if parts else unknown).append(code)
        found.update(dict.fromkeys(table[part] for part in parts))
    return Named(tuple(found), tuple(wider), tuple(unknown))
