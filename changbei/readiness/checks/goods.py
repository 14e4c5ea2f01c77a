"""Goods kept for weddings and funerals (E3.4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Sum
from django.db.models.functions import Coalesce

from changbei.network.models import Product
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.readiness import rules
from changbei.readiness.params import names, number, params, whole
from changbei.readiness.rules import Trouble
from changbei.supply import rules as supply


@check_kind(
    "stock_floor",
    params=params(
        names("products", "Codes of the goods; left out: all general goods."),
        whole("floor_cartons", "No less than this is in store, city-wide."),
    ),
)
def stock_floor(given: Mapping[str, Any], pack: Pack, _now: datetime) -> list[Trouble]:
    """Of the common goods kept for weddings and funerals no less than the floor is in store, city-wide (E3.4.4).

    `products`: their codes, else all general goods; `floor_cartons`, or `floor_cartons_setting`.
    """
    goods = Product.objects.filter(active=True, supply_class=Product.SupplyClass.GENERAL)
    if codes := given.get("products"):
        goods = goods.filter(code__in=codes)
    names = {product.code: product.name for product in goods}
    rows = goods.values_list("code").annotate(held=Coalesce(Sum("stock__cartons"), 0)).order_by()
    held = dict(rows)
    floor = number(given, "floor_cartons", pack, 0)
    return [
        rules.trouble("below-floor", code, product=names[code], found=held[code], wanted=floor)
        for code in supply.below_floor(held, floor)
    ]
