"""Goods: what there is to order, what lies in store, and what customers asked for and got."""

from __future__ import annotations

from changbei.core.texts import text
from changbei.network.imports import values
from changbei.network.imports.columns import Column, Kind, flag_column, site_column
from changbei.network.imports.ground import code_column, name_columns

SUPPLY_CLASSES = {"general": ("一般", "普通", "顺销"), "scarce": ("紧俏", "緊俏"), "controlled": ("控量",)}
MOST_CARTONS = 100_000_000

PRODUCT = Column(
    "product",
    text("品规代码", "品規代碼", "Product"),
    values.code(20),
    text("品规的代码，须已存在", "品規的代碼，須已存在", "Code of an existing product"),
    "P0001",
    also=("品规", "卷烟代码"),
    reference="product",
)


def _cartons(key: str, hans: str, hant: str, english: str, example: str, *also: str) -> Column:
    return Column(
        key,
        text(hans, hant, english),
        values.integer(0, MOST_CARTONS),
        text("条", "條", "Cartons"),
        example,
        also=also,
    )


def _complaints(key: str, hans: str, hant: str, english: str) -> Column:
    return Column(
        key,
        text(hans, hant, english),
        values.integer(0, 1_000_000),
        text("件数；空为 0", "件數；空為 0", "How many; empty: 0"),
        "0",
        required=False,
        default=0,
    )


PRODUCTS = Kind(
    "products",
    text("品规", "品規", "Products"),
    (
        code_column(20, "P0001", "品规代码"),
        *name_columns("样牌（硬）", "Sample (hard)"),
        Column(
            "manufacturer",
            text("生产企业", "生產企業", "Manufacturer"),
            values.text(60),
            text(
                "代码或名称；企业先用 changbei register import manufacturers 登记",
                "代碼或名稱；企業先用 changbei register import manufacturers 登記",
                "Code or name; it comes first, by changbei register import manufacturers",
            ),
            "M01",
            also=("工业企业", "厂家"),
            reference="manufacturer",
        ),
        Column(
            "supply_class",
            text("货源类别", "貨源類別", "Supply"),
            values.choice(SUPPLY_CLASSES),
            text("一般、紧俏、控量；空为一般", "一般、緊俏、控量；空為一般", "general, scarce or controlled"),
            "一般",
            required=False,
            default="general",
        ),
        Column(
            "price_class",
            text("价类", "價類", "Price class"),
            values.integer(1, 5),
            text("1 最高，5 最低", "1 最高，5 最低", "1 the highest, 5 the lowest"),
            "3",
        ),
        Column(
            "wholesale_fen",
            text("批发价", "批發價", "Wholesale price"),
            values.yuan,
            text("元／条", "元／條", "Yuan a carton"),
            "106.00",
            also=("批发价（元/条）",),
        ),
        Column(
            "retail_fen",
            text("零售价", "零售價", "Retail price"),
            values.yuan,
            text("元／条", "元／條", "Yuan a carton"),
            "120.00",
            also=("零售价（元/条）", "建议零售价"),
        ),
        flag_column("active", text("在销", "在銷", "Sold"), default=True),
    ),
    key=("code",),
)

STOCK = Kind(
    "stock",
    text("库存", "庫存", "Stock"),
    (
        site_column(text("站点", "站點", "Site"), "仓库", "所属站点"),
        PRODUCT,
        _cartons("cartons", "库存（条）", "庫存（條）", "Cartons", "1200", "库存", "条数"),
    ),
    key=("site", "product"),
)

DEMAND = Kind(
    "demand",
    text("每周供需", "每週供需", "Weekly demand"),
    (
        PRODUCT,
        Column(
            "week_starts_on",
            text("周一日期", "週一日期", "Week"),
            values.monday,
            text("该周的周一", "該週的週一", "The Monday it begins with"),
            "2026-11-16",
            also=("周", "周次"),
        ),
        _cartons("asked_cartons", "需求（条）", "需求（條）", "Asked for", "5200", "需求"),
        _cartons("supplied_cartons", "供应（条）", "供應（條）", "Supplied", "4100", "供应", "实际供应"),
        _complaints("complaints", "货源投诉", "貨源投訴", "Complaints of too little"),
        _complaints("quality_complaints", "质量投诉", "質量投訴", "Complaints of quality"),
    ),
    key=("product", "week_starts_on"),
)
