"""Manufacturers, products and stock; every brand is called a sample."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from changbei.network.city import names
from changbei.network.city.plan import Table
from changbei.network.city.spec import CitySpec

BRANDS = (
    ("立春", "Lichun"), ("雨水", "Yushui"), ("惊蛰", "Jingzhe"), ("春分", "Chunfen"), ("清明", "Qingming"),
    ("谷雨", "Guyu"), ("立夏", "Lixia"), ("小满", "Xiaoman"), ("芒种", "Mangzhong"), ("夏至", "Xiazhi"),
    ("小暑", "Xiaoshu"), ("大暑", "Dashu"), ("立秋", "Liqiu"), ("处暑", "Chushu"), ("白露", "Bailu"),
    ("秋分", "Qiufen"), ("寒露", "Hanlu"), ("霜降", "Shuangjiang"), ("立冬", "Lidong"), ("小雪", "Xiaoxue"),
)  # fmt: skip
VARIANTS = (  # Chinese, English, price class
    ("典藏", "reserve", 1),
    ("细支", "slim", 1),
    ("中支", "medium", 2),
    ("金", "gold", 2),
    ("硬", "hard", 3),
    ("软", "soft", 3),
    ("蓝", "blue", 4),
    ("平", "plain", 5),
)
WHOLESALE_YUAN = {
    1: (220, 780),
    2: (140, 220),
    3: (70, 140),
    4: (45, 70),
    5: (25, 45),
}  # per carton, from, below
SCARCE_SHARE = {1: 0.45, 2: 0.2, 3: 0.1, 4: 0.05, 5: 0.0}
CONTROLLED_SHARE = 0.05
PROSPECTS = (
    {"zh-Hans": "销量平稳", "zh-Hant": "銷量平穩", "en": "Sells steadily"},
    {
        "zh-Hans": "需求上升，预计供应偏紧",
        "zh-Hant": "需求上升，預計供應偏緊",
        "en": "Demand rises, supply will be tight",
    },
    {"zh-Hans": "需求下降，减少进货", "zh-Hant": "需求下降，減少進貨", "en": "Demand falls, less is ordered"},
)


def make_goods(spec: CitySpec, manufacturers: Table, products: Table) -> None:
    rng = spec.stream("goods")
    for number, (brand, english) in enumerate(BRANDS, start=1):
        maker = manufacturers.add(
            f"M{number:02d}",
            names.text(f"样品{brand}厂", f"Sample {english} Works"),
            f"样品省示例路{number}号",
            [names.text(f"样品{brand}", f"Sample {english}")],
            40_000 + 13_000 * number % 180_000,
            PROSPECTS[number % len(PROSPECTS)],
            spec.start_on - timedelta(days=10 + 7 * number),
        )
        for variant, (hans, english_variant, price_class) in enumerate(VARIANTS, start=1):
            low, high = WHOLESALE_YUAN[price_class]
            wholesale = int(rng.integers(low * 2, high * 2)) * 50
            retail = max(wholesale + 500, round(wholesale * 1.15 / 500) * 500)
            draw = rng.random()
            scarce = draw < SCARCE_SHARE[price_class]
            supply_class = "scarce" if scarce else "controlled" if draw > 1 - CONTROLLED_SHARE else "general"
            products.add(
                f"P{number:02d}{variant}",
                names.text(f"样品{brand}（{hans}）", f"Sample {english} ({english_variant})"),
                maker,
                supply_class,
                price_class,
                wholesale,
                retail,
                True,
            )


def fill_stores(spec: CitySpec, products: Table, stock: Table, weekly_cartons_of_site: list[int]) -> None:
    """Two to four weeks of sales of each product at the delivery centre, some days at the transfer
    stations.
    """
    rng = spec.stream("stock")
    class_share = {1: 0.8, 2: 1.1, 3: 1.5, 4: 0.9, 5: 0.4}
    share = np.array([class_share[row["price_class"]] for row in products.as_dicts()]) * rng.lognormal(
        0, 0.5, len(products.rows)
    )
    share /= share.sum()
    supply = [row["supply_class"] for row in products.as_dicts()]
    for site, weekly in enumerate(weekly_cartons_of_site, start=1):
        weeks = rng.uniform(2.0, 4.0, len(share)) if site == 1 else rng.uniform(0.3, 0.8, len(share))
        total = sum(weekly_cartons_of_site) if site == 1 else weekly
        for product, cartons in enumerate(share * weeks * total, start=1):
            short = 0.25 if supply[product - 1] == "scarce" else 1.0
            stock.add(site, product, int(cartons * short))
