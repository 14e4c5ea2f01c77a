"""plan.yaml → its settings, roles, ladders, audiences and registries."""

from __future__ import annotations

from datetime import date

from changbei.plans.loading.bench import Reader
from changbei.plans.loading.source import Path
from changbei.plans.loading.value_types import fits, type_of, typed
from changbei.plans.model import COMMAND_ROLES, Audience, Registry, Role, Setting


def read_plan(plan: Reader) -> None:
    bench = plan.bench
    for name in plan.map(("settings",)):
        setting = _setting(plan, ("settings", name), name)
        if setting is not None:
            bench.settings[name] = setting
    for role in plan.map(("roles",)):
        bench.roles[role] = _role(plan, ("roles", role), role)
    for ladder in plan.map(("ladders",)):
        bench.ladders[ladder] = _ladder(plan, ("ladders", ladder), ladder)
    for audience in plan.map(("audiences",)):
        bench.audiences[audience] = _audience(plan, ("audiences", audience), audience)
    for registry in plan.map(("registries",)):
        entry = plan.map(("registries", registry))
        bench.registries[registry] = Registry(registry, entry.get("title", {}), entry.get("page", ""))
    if (day := plan.words(("effective_on",))) and date_of(day) is None:
        plan.problem(("effective_on",), f"{day!r} is not a date of the calendar")
    plan.duration(("review_period",))


def _setting(plan: Reader, path: Path, name: str) -> Setting | None:
    entry = plan.map(path)
    if "default" not in entry:
        return None
    value, declared = entry["default"], entry.get("type")
    kind = declared or type_of(value)
    if not fits(value, kind):
        plan.problem((*path, "default"), f"{value!r} is not of the type {kind}")
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = entry.get("minimum"), entry.get("maximum")
        if (low is not None and value < low) or (high is not None and value > high):
            plan.problem((*path, "default"), f"{value} is not between {low} and {high}")
    return Setting(
        name,
        typed(value, kind),
        kind,
        str(entry.get("unit", "")),
        plan.clause((*path, "clause")),
        entry.get("title", {}),
        plan.place(path),
    )


def _role(plan: Reader, path: Path, role: str) -> Role:
    entry = plan.map(path)
    if entry.get("command") is True and role not in COMMAND_ROLES and plan.bench.actions is not None:
        known = " or ".join(COMMAND_ROLES)
        plan.problem(path, f"no command fills the role {role!r}; call it {known}", at_key=True)
    return Role(
        id=role,
        title=entry.get("title", {}),
        post=plan.words((*path, "post")),
        duty=plan.words((*path, "duty")),
        job=plan.words((*path, "job")),
        command=entry.get("command") is True,
        scope=entry.get("scope", "city"),
        deputies=entry.get("deputies") is True,
        clause=plan.clause((*path, "clause")),
        place=plan.place(path),
    )


def _ladder(plan: Reader, path: Path, ladder: str) -> tuple[str, ...]:
    if ladder in plan.bench.known["role"]:
        plan.problem(path, f"{ladder!r} is the name of a role", at_key=True)
    return plan.roles(path)


def _audience(plan: Reader, path: Path, audience: str) -> Audience:
    entry = plan.map(path)
    low, high = (plan.at((*path, "retailers", word)) for word in ("tier_from", "tier_to"))
    if isinstance(low, int) and isinstance(high, int) and low > high:
        plan.problem((*path, "retailers", "tier_to"), f"{high} lies before tier_from, which is {low}")
    return Audience(
        audience,
        entry.get("title", {}),
        entry.get("staff"),
        entry.get("contacts"),
        entry.get("retailers"),
    )


def date_of(day: str) -> date | None:
    try:
        return date.fromisoformat(day)
    except ValueError:
        return None
