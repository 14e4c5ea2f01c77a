"""A customer manager's files as one HTML page that opens on any phone or computer without the network (E3.2.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape

from changbei.core.clock import LOCAL
from changbei.core.texts import LANGUAGES, pick
from changbei.network.models import Retailer

STYLE = """
body{font:16px/1.45 system-ui,"Noto Sans SC","Microsoft YaHei",sans-serif;
margin:1rem auto;max-width:60rem;padding:0 1rem;color:#1b2730}
.note{border:1px solid #b45309;border-radius:.5rem;padding:.5rem 1rem;background:#fff7ed}
article{border-top:2px solid #cbd5e1;padding:.5rem 0;break-inside:avoid}
h2{margin:.25rem 0;font-size:1.1rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;margin:0}
dt{color:#475569}dd{margin:0}a{color:#0b5cad}
@media print{body{font-size:11pt;max-width:none}a{color:inherit;text-decoration:none}}
"""
LABELS: Mapping[str, tuple[str, str, str]] = {
    "title": ("客户档案", "客戶檔案", "Customer files"),
    "manager": ("客户经理", "客戶經理", "Customer manager"),
    "exported": ("导出", "導出", "Taken out"),
    "purpose": ("用途", "用途", "Purpose"),
    "keep": ("保存至", "保存至", "Keep until"),
    "warning": (
        "含个人信息：仅限上述用途，妥善保管，期满销毁并登记。",
        "含個人資料：僅限上述用途，妥善保管，期滿銷毀並登記。",
        "Personal data: for this purpose only, to be kept safe, destroyed at its end and recorded as destroyed.",
    ),
    "customers": ("客户", "客戶", "Customers"),
    "licence": ("许可证号", "許可證號", "Licence"),
    "contact": ("联系人", "聯繫人", "Contact"),
    "phone": ("电话", "電話", "Telephone"),
    "address": ("地址", "地址", "Address"),
    "place": ("所在地", "所在地", "Place"),
    "position": ("经纬度", "經緯度", "Position"),
    "format": ("业态", "業態", "Kind of shop"),
    "tier": ("档位", "檔位", "Supply tier"),
    "grade": ("诚信等级", "誠信等級", "Credit grade"),
    "conduct": ("守法情况", "守法情況", "Conduct"),
    "marked": ("明码实价", "明碼實價", "Marked prices"),
    "settlement": ("结算方式", "結算方式", "Settlement"),
    "order_day": ("订货日", "訂貨日", "Order day"),
    "line": ("送货线路", "送貨線路", "Delivery line"),
    "usual": ("通常订货（条）", "通常訂貨（條）", "Usual order (cartons)"),
    "window": ("收货时间", "收貨時間", "Delivery hours"),
    "marks": ("备注", "備註", "Marks"),
    "key": ("重点客户", "重點客戶", "key customer"),
    "vulnerable": ("弱势群体客户", "弱勢群體客戶", "vulnerable customer"),
    "yes": ("是", "是", "yes"),
    "no": ("否", "否", "no"),
    "law_abiding": ("守法", "守法", "law-abiding"),
    "warned": ("受过警告", "受過警告", "warned"),
    "punished": ("受过处罚", "受過處罰", "punished"),
    "e_settlement": ("电子结算", "電子結算", "electronic"),
    "cash": ("现金", "現金", "cash"),
    "days": (
        "周一 周二 周三 周四 周五",
        "週一 週二 週三 週四 週五",
        "Monday Tuesday Wednesday Thursday Friday",
    ),
}


@dataclass(frozen=True)
class Head:
    """What stands above the files: whose they are, who took them out, when, what for, until when they may be kept."""

    city: Mapping[str, str]
    manager: str
    exported_by: str
    exported_at: datetime
    purpose: str
    keep_until: date


def page(head: Head, retailers: Sequence[Retailer], language: str) -> bytes:
    """The whole page, UTF-8: no scripts, no addresses outside. Districts, places and lines have to be loaded."""
    label = {name: pick(dict(zip(LANGUAGES, words, strict=True)), language) for name, words in LABELS.items()}
    title = f"{label['title']} · {head.manager}"
    at = head.exported_at.astimezone(LOCAL)
    facts = [
        ("manager", head.manager),
        ("exported", f"{at:%Y-%m-%d %H:%M} · {head.exported_by}"),
        ("purpose", head.purpose),
        ("keep", head.keep_until.isoformat()),
        ("customers", str(len(retailers))),
    ]
    parts = [
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1><p>{escape(pick(head.city, language))}</p>",
        f'<div class="note">{_list(facts, label)}<p><strong>{escape(label["warning"])}</strong></p></div>',
        *(_customer(one, label, language) for one in retailers),
        "</body></html>\n",
    ]
    return "\n".join(parts).encode()


def _list(facts: Sequence[tuple[str, str]], label: Mapping[str, str]) -> str:
    rows = "".join(
        f"<dt>{escape(label[name])}</dt><dd>{escape(value)}</dd>" for name, value in facts if value
    )
    return f"<dl>{rows}</dl>"


def _customer(one: Retailer, label: Mapping[str, str], language: str) -> str:
    phone = f'<p><a href="tel:{escape(one.phone)}">{escape(one.phone)}</a> {escape(one.contact_name)}</p>'
    return (
        f"<article><h2>{escape(one.name)}</h2>{phone}{_list(_facts(one, label, language), label)}</article>"
    )


def _facts(one: Retailer, label: Mapping[str, str], language: str) -> list[tuple[str, str]]:
    days = label["days"].split()
    window = f"{one.window_start:%H:%M}–{one.window_end:%H:%M}" if one.window_start and one.window_end else ""
    marks = [label[name] for name, is_so in (("key", one.is_key), ("vulnerable", one.is_vulnerable)) if is_so]
    return [
        ("licence", one.licence_no),
        ("contact", one.contact_name),
        ("phone", one.phone),
        ("address", one.address),
        ("place", f"{pick(one.district.name, language)} · {pick(one.place.name, language)}"),
        ("position", f"{one.latitude:.5f}, {one.longitude:.5f}"),
        ("format", one.retail_format),
        ("tier", str(one.supply_tier)),
        ("grade", one.credit_grade),
        ("conduct", label.get(one.conduct, one.conduct)),
        ("marked", label["yes"] if one.marked_prices else label["no"]),
        ("settlement", label.get(one.settlement, one.settlement)),
        (
            "order_day",
            days[one.order_weekday - 1] if one.order_weekday <= len(days) else str(one.order_weekday),
        ),
        ("line", f"{one.line.code} · {one.line_sequence}"),
        ("usual", str(one.usual_cartons)),
        ("window", window),
        ("marks", " · ".join(marks)),
    ]
