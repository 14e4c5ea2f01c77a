"""Early warnings in words, for findings and messages that outlive the language of whoever looks (E3.5.2a)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from changbei.core.texts import LANGUAGES, Text
from changbei.supply.models import SupplyWarning

SENTENCES: Mapping[str, Mapping[str, str]] = {
    "total_short": {
        "zh-Hans": "卷烟总货源不足：库存和在途合计可供{cover_weeks}周。",
        "zh-Hant": "捲菸總貨源不足：庫存和在途合計可供{cover_weeks}週。",
        "en": "All goods together are short: stock and goods under way last {cover_weeks} weeks.",
    },
    "brand_short": {
        "zh-Hans": "{name}短缺：库存{stock}条，在途{in_transit}条，可供{cover_weeks}周，客户反映{complaints}次。",
        "zh-Hant": "{name}短缺：庫存{stock}條，在途{in_transit}條，可供{cover_weeks}週，客戶反映{complaints}次。",
        "en": "{name} is short: {stock} cartons in store, {in_transit} under way, enough for {cover_weeks} weeks; "
        "{complaints} complaints.",
    },
    "quality": {
        "zh-Hans": "{name}质量反映{quality_complaints}次。",
        "zh-Hant": "{name}品質反映{quality_complaints}次。",
        "en": "{name}: {quality_complaints} complaints about quality.",
    },
    "slow": {
        "zh-Hans": "{name}滞销：库存{stock}条，每周仅需{weekly}条。",
        "zh-Hant": "{name}滯銷：庫存{stock}條，每週僅需{weekly}條。",
        "en": "{name} sells slowly: {stock} cartons in store, {weekly} asked for a week.",
    },
    "late": {
        "zh-Hans": "{name}的在途货源{subject}（{cartons}条）晚于发货周期{days_late}天。",
        "zh-Hant": "{name}的在途貨源{subject}（{cartons}條）晚於發貨週期{days_late}天。",
        "en": "{name}: {subject} with {cartons} cartons is {days_late} days behind the delivery cycle.",
    },
}
NOT_ASKED = {"zh-Hans": "—", "zh-Hant": "—", "en": "—"}


def of_warning(warning: SupplyWarning) -> Text:
    """One sentence in each language; the warning comes with its product."""
    return {language: _sentence(warning, language) for language in LANGUAGES}


def _sentence(warning: SupplyWarning, language: str) -> str:
    name = warning.product.name.get(language, warning.product.code) if warning.product else ""
    figures: dict[str, Any] = dict(warning.figures)
    if figures.get("cover_weeks", 0) is None:
        figures["cover_weeks"] = NOT_ASKED[language]
    return SENTENCES[warning.kind][language].format_map({**figures, "name": name, "subject": warning.subject})
