"""Lines on a day of bad weather, and the departments that decide on them (E2.6, E3.2.1, E3.2.2)."""

from __future__ import annotations

from typing import Any

from changbei.incidents import departments
from changbei.incidents.actions.named import decider, incident_of
from changbei.incidents.services import lines
from changbei.plans.actions import action
from changbei.plans.schemas import COUNT, FLAG, LIST, MAP, TEXT, object_
from changbei.runs import drills
from changbei.runs.context import ActionContext


@action(
    "incidents.tell_line_customers",
    params=object_(templates=MAP),
    returns=object_(told=COUNT, unreachable=COUNT),
)
def tell_line_customers(context: ActionContext) -> dict[str, Any]:
    """Each customer of the lines decided on gets the own new time, van or day; nobody twice (E3.2.1, E3.2.2)."""
    told, unreachable = lines.tell_customers(
        incident_of(context), context.params["templates"], item=context.item, actor=None
    )
    return {"told": told, "unreachable": unreachable}


@action(
    "incidents.end_line_hold",
    params=object_(measure=TEXT),
    returns=object_(lines=COUNT, stops=COUNT, measure=TEXT, practised=FLAG),
)
def end_line_hold(context: ActionContext) -> dict[str, Any]:
    """Lines on hold go again, or their goods go out with the next delivery day."""
    measure = context.params["measure"]
    made = lines.end_hold(incident_of(context), measure, decided_by=decider(context, measure), actor=None)
    return {
        "lines": len(made),
        "stops": sum(one.stops for one in made),
        "measure": measure,
        "practised": drills.only_practised(context.run.drill),
    }


@action(
    "incidents.departments",
    params=object_("codes", kinds=LIST, codes=LIST),
    returns=object_(departments=LIST, count=COUNT),
)
def list_departments(context: ActionContext) -> dict[str, Any]:
    """The departments headed by posts of these kinds, or only those with these codes, with who heads them now."""
    found = departments.headed_by(context.params["kinds"], context.params.get("codes"), context.now)
    return {"departments": [one.to_json() for one in found], "count": len(found)}
