"""Goods that are short, do not sell, or do not come: figures, arrival and substitutes for a plan (E3.5)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from changbei.core import clock
from changbei.core.errors import Invalid
from changbei.network.models import Product, Shipment
from changbei.notify.recipients import of_contact
from changbei.people.models import Contact
from changbei.plans.actions import action, message
from changbei.plans.loading import pack_for
from changbei.plans.schemas import COUNT, FLAG, LIST, NUMBER, TEXT, object_
from changbei.runs import drills
from changbei.runs.context import ActionContext
from changbei.supply import early, rules
from changbei.supply.actions.telling import tell_once

AREA_STAFF = (
    "manufacturer-area"  # the group of contacts in which a factory's people for this area are (E3.5.4)
)


@action(
    "supply.look_at_supply",
    params=object_(product=TEXT),
    returns=object_(
        stock=COUNT,
        in_transit=COUNT,
        weekly=COUNT,
        cover_weeks=NUMBER,
        total_cover_weeks=NUMBER,
        complaints=COUNT,
        quality_complaints=COUNT,
        short=FLAG,
        total_short=FLAG,
        proposal=TEXT,
        factory=LIST,
    ),
)
def look_at_supply(context: ActionContext) -> dict[str, Any]:
    """What stock, demand and goods under way say of a product ("" for all of them), and what that proposes."""
    code, pack = context.params["product"], pack_for(context.run.plan_version)
    today, limits = clock.today(), early.thresholds(pack)
    everything = early.goods(pack, today)
    one = [goods for goods in everything if not code or goods.product == code]
    signals = rules.signals(everything, early.under_way(), limits, today)
    about = [signal for signal in signals if signal.subject == code or signal.kind == rules.TOTAL_SHORT]
    weekly = sum(goods.weekly for goods in one)
    stock, in_transit = sum(goods.stock for goods in one), sum(goods.in_transit for goods in one)
    return {
        "stock": stock,
        "in_transit": in_transit,
        "weekly": round(weekly),
        "cover_weeks": _weeks(stock + in_transit, weekly),
        "total_cover_weeks": _weeks(
            sum(goods.stock + goods.in_transit for goods in everything),
            sum(goods.weekly for goods in everything),
        ),
        "complaints": sum(goods.complaints for goods in one),
        "quality_complaints": sum(goods.quality_complaints for goods in one),
        "short": any(signal.kind == rules.BRAND_SHORT for signal in about),
        "total_short": any(signal.kind == rules.TOTAL_SHORT for signal in about),
        "proposal": about[0].proposal if about else "",
        "factory": _factory(code),
    }


def _factory(product: str) -> list[dict[str, Any]]:
    """Who makes the product, as a list of one, or of none."""
    found = Product.objects.filter(code=product).select_related("manufacturer").first()
    maker = found.manufacturer if found else None
    return [{"code": maker.code, "name": str(maker.name.get("zh-Hans", ""))}] if maker else []


def _weeks(cartons: int, weekly: float) -> float:
    """How long they last; -1 when nobody asks for them."""
    return round(cartons / weekly, 1) if weekly > 0 else -1.0


@action(
    "supply.arrival",
    params=object_(product=TEXT, shipment=TEXT),
    returns=object_(
        shipment=TEXT,
        manufacturer=TEXT,
        cartons=COUNT,
        due_on=TEXT,
        expected_on=TEXT,
        days_late=COUNT,
        in_cycle=FLAG,
    ),
)
def arrival(context: ActionContext) -> dict[str, Any]:
    """Whether goods come within the delivery cycle agreed (E3.5.2b)."""
    given = context.params
    found = early.arrival(given["product"], pack_for(context.run.plan_version), shipment=given["shipment"])
    maker = Product.objects.filter(code=given["product"]).values_list("manufacturer__code", flat=True).first()
    return asdict(found) | {"manufacturer": maker or ""}


@action(
    "supply.expect_shipment",
    params=object_(shipment=TEXT, expected_on=TEXT, delay=TEXT),
    returns=object_(shipment=TEXT, expected_on=TEXT, late=FLAG),
)
def expect_shipment(context: ActionContext) -> dict[str, Any]:
    """Carry the day that was promised to the goods awaited ("": none are); what is only practised changes nothing."""
    given = context.params
    expected_on = _day(given["expected_on"])
    if not given["shipment"] or drills.only_practised(context.run.drill):
        return {"shipment": "", "expected_on": given["expected_on"], "late": False}
    if given["delay"] not in Shipment.Delay.values:
        raise Invalid("delay", f"one of {', '.join(filter(None, Shipment.Delay.values))}")
    row = early.promised(context.run, given["shipment"], expected_on=expected_on, delay=given["delay"])
    return {
        "shipment": row.number,
        "expected_on": row.expected_on.isoformat(),
        "late": row.expected_on > row.due_on,
    }


def _day(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise Invalid("expected_on", f"{given!r}: a day is needed, such as 2026-11-29") from None


@action(
    "supply.find_substitutes",
    params=object_(product=TEXT, cartons=COUNT),
    returns=object_(found=COUNT, best=TEXT, substitutes=LIST, factories=LIST),
)
def find_substitutes(context: ActionContext) -> dict[str, Any]:
    """Products of the same price class that can stand in, closest first, and the factories to ask (E3.5.2b)."""
    given = context.params
    found = early.find_substitutes(
        given["product"], pack_for(context.run.plan_version), wanted_cartons=given["cartons"]
    )
    return {
        "found": len(found),
        "best": found[0].product.code if found else "",
        "substitutes": [
            {
                "product": one.product.code,
                "name": str(one.product.name.get("zh-Hans", "")),
                "spare_cartons": one.found.spare_cartons,
                "price_difference": one.found.price_difference,
                "suffices": one.found.suffices,
            }
            for one in found
        ],
        "factories": early.factories(found),
    }


@action(
    "supply.ask_factories",
    params=object_(factories=LIST, template=message()),
    returns=object_(told=COUNT, missing=LIST),
)
def ask_factories(context: ActionContext) -> dict[str, Any]:
    """Ask the factories' people for this area to send more; `missing` are those of whom nobody is on file (E3.5.4)."""
    wanted = [str(one["code"]) for one in context.params["factories"]]
    contacts = [
        one
        for one in Contact.objects.filter(group=AREA_STAFF).order_by("code")
        if set(one.serves) & set(wanted)
    ]
    served = {code for one in contacts for code in one.serves}
    told = tell_once(context, [of_contact(one) for one in contacts])
    return {"told": told, "missing": [code for code in wanted if code not in served]}


@action("supply.take_up_warnings", params=object_(subject=TEXT), returns=object_(taken=COUNT))
def take_up_warnings(context: ActionContext) -> dict[str, Any]:
    """The early warnings about what was reported now belong to this event; what is only practised leaves them alone."""
    if drills.only_practised(context.run.drill):
        return {"taken": 0}
    return {"taken": early.take_up(context.run, subject=context.params["subject"])}
