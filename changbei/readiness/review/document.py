"""The review as a PDF, drawn by Typst with the font files of the front end's build."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings

from changbei.core.clock import LOCAL
from changbei.core.texts import pick
from changbei.plans.rendering.pdf import typeset
from changbei.readiness.models import Review
from changbei.readiness.review import words
from changbei.readiness.review.findings import REASONS, Json

TEMPLATE = Path(__file__).with_name("review.typ")
LONGEST_TIMELINE = 400
DASH = "—"


def pdf(review: Review, language: str) -> bytes:
    """The review as a PDF in zh-Hans, zh-Hant or en. Raises Outside when the font files are not there."""
    return typeset(TEMPLATE, content(review, language), Path(settings.FONTS), review.made_at)


def content(review: Review, language: str) -> Json:
    """What the template draws: plain words in one language."""
    language = words.known(language)
    label = words.labels(language)
    made = review.content
    say = partial(pick, language=language)
    return {
        "lang": language.split("-")[0],
        "labels": label,
        "heading": f"{label['heading']} {made['number']}",
        "subheading": say(made["title"]),
        "drill": made["drill"],
        "footer": f"{made['number']} · {label['made']} {_moment(review.made_at.isoformat())}",
        "facts": _facts(made, label, language),
        "figures": _figures(made, label),
        "command": _command(made["command"], label),
        "findings": _findings(review, label, language),
        "tasks": [_task(task, label, language) for task in made["tasks"]],
        "blocks": _blocks(made, label),
        "remarks": review.remarks,
        "timeline": _timeline(made, label, language),
        "signatures": [label["signed_review"], label["signed_group"]],
    }


def _moment(text: str | None) -> str:
    """A moment as people of the city read it off the wall clock."""
    return datetime.fromisoformat(text).astimezone(LOCAL).strftime("%m-%d %H:%M:%S") if text else DASH


def _minute(text: str | None) -> str:
    return datetime.fromisoformat(text).astimezone(LOCAL).strftime("%m-%d %H:%M") if text else DASH


def _full(text: str | None) -> str:
    return datetime.fromisoformat(text).astimezone(LOCAL).strftime("%Y-%m-%d %H:%M") if text else DASH


def length(seconds: int | None, label: Mapping[str, str]) -> str:
    """How long, in the two largest units: 2 h 05 min."""
    if seconds is None:
        return DASH
    minutes = round(seconds / 60)
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [(days, "days"), (hours, "hours"), (minutes, "minutes")]
    shown = [f"{number} {label[unit]}" for number, unit in parts if number][:2]
    return " ".join(shown) or f"0 {label['minutes']}"


def _facts(made: Json, label: Mapping[str, str], language: str) -> list[tuple[str, str]]:
    plan = made["plan"]
    return [
        (label["kind"], pick(made["procedure"], language)),
        (label["level"], label.get(made["level"], made["level"])),
        (label["place"], made["place"] or DASH),
        (label["plan"], f"{pick(plan['titles'], language)} {plan['version']}"),
        (label["reported"], f"{_full(made['reported_at'])} {made['reported_by']}".strip()),
        (label["restored"], _full(made["restored_at"])),
        (label["closed"], f"{_full(made['closed_at'])} {made['closed_by']}".strip()),
        (label["reason"], made["close_reason"] or DASH),
    ]


def _figures(made: Json, label: Mapping[str, str]) -> list[Json]:
    summary, messages = made["summary"], made["messages"]
    rows = [
        ("interruption", length(made["interruption_seconds"], label), False),
        ("affected", str(made["affected"] or DASH), False),
        ("tasks_done", f"{summary['done']}/{summary['tasks']}", False),
        ("late", str(summary["late"]), summary["late"] > 0),
        ("escalations", str(summary["escalations"]), False),
        ("told", str(messages["told"]), False),
        ("unreached", str(messages["unreached"]), messages["unreached"] > 0),
    ]
    return [{"label": label[name], "value": value, "bad": bad} for name, value, bad in rows]


def _command(command: Json | None, label: Mapping[str, str]) -> list[tuple[str, str]]:
    if command is None:
        return []
    title = label["acting_commander"] if command["acting"] else label["commander"]
    found = [
        (title, command["commander"] or label["nobody"]),
        (label["deputy_commander"], command["deputy_commander"] or DASH),
        (label["set_up"], _full(command["set_up_at"])),
        (label["stood_down"], _full(command["stood_down_at"])),
    ]
    if command["acting"]:
        answer = f"{command['authorised_by']} {_full(command['authorised_at'])}"
        found.append((label["authorised"], answer if command["authorised_at"] else label["not_yet"]))
        found.append(("", ""))
    return found


def _findings(review: Review, label: Mapping[str, str], language: str) -> list[Json]:
    """The findings with who mends them; rows added by people carry their own words."""
    texts = {finding["text"]["zh-Hans"]: finding["text"] for finding in review.content["findings"]}
    rows = review.rectifications.select_related("owner").order_by("pk")
    return [
        {
            "text": pick(texts.get(row.text, {}), language) or row.text,
            "clause": row.clause or DASH,
            "owner": row.owner.name if row.owner else label["nobody"],
            "due_on": row.due_on.isoformat(),
        }
        for row in rows
    ]


def _task(task: Json, label: Mapping[str, str], language: str) -> Json:
    simulated = bool(task.get("simulated"))  # made before, a review says nothing of it
    late = task["late_seconds"] > 0 and not simulated
    who = task["done_by"] or task["holder"] or label["nobody"]
    return {
        "title": pick(task["title"], language),
        "clause": task["clause"],
        "who": f"{who} ({label['simulated']})" if simulated else who,
        "role": pick(task["role_title"], language),
        "planned": _minute(task["due_at"]) if task["due_at"] else label["no_limit"],
        "actual": _minute(task["done_at"]) if task["status"] == "done" else label["cancelled"],
        "late": late,
        "difference": f"+{length(task['late_seconds'], label)}" if late else _in_time(task, label),
        "reasons": " · ".join(REASONS[code][language] for code in task["reasons"]) if late else "",
        "notes": _notes(task, label),
    }


def _in_time(task: Json, label: Mapping[str, str]) -> str:
    counts = task["due_at"] and task["status"] == "done" and not task.get("simulated")
    return label["in_time"] if counts else DASH


def _notes(task: Json, label: Mapping[str, str]) -> list[str]:
    nobody = label["nobody"]
    found = [
        label["escalated"].format(
            at=_minute(one["at"]), to=one["to"] or nobody, why=label.get(one["why"], one["why"])
        )
        for one in task["escalations"]
    ]
    found += [
        label["moved"].format_map(
            {"at": _minute(one["at"]), "from": one["from"] or nobody, "to": one["to"] or nobody}
        )
        for one in task["moves"]
    ]
    return found


def _blocks(made: Json, label: Mapping[str, str]) -> list[Json]:
    found = [_block("recovery", label, _recovery(one, label)) for one in made["recoveries"]]
    found += [_block("suspension", label, _suspension(one, label)) for one in made["suspensions"]]
    customers = made["messages"]["customers"]
    if customers["told"] or customers["unreached"]:
        rows = [("customers_told", "told"), ("customers_delivered", "delivered"), ("unreached", "unreached")]
        found.append(_block("customers", label, [(label[name], str(customers[key])) for name, key in rows]))
    if calls := made["calls"]:
        pairs = [
            (label["total"], str(calls["total"])),
            (label["calls_reached"], str(calls["reached"] + calls["visited"])),
            (label["calls_left"], str(calls["left"])),
        ]
        found.append(_block("calls", label, pairs))
    if supply := made["supply"]:
        pairs = [(label["requests"], str(supply["requests"])), (label["cartons"], str(supply["cartons"]))]
        found.append(_block("supply", label, pairs))
    return found


def _block(name: str, label: Mapping[str, str], pairs: list[tuple[str, str]]) -> Json:
    """A block of facts, two beside each other."""
    return {"title": label[name], "facts": pairs if len(pairs) % 2 == 0 else [*pairs, ("", "")]}


def _recovery(one: Json, label: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        (label["stranded"], str(one["stranded"])),
        (label["options"], str(one["options"])),
        (label["option"], label.get(one["kind"], one["kind"]) or DASH),
        (label["accepted_by"], f"{one['accepted_by']} {_moment(one['accepted_at'])}".strip()),
        (label["extra_minutes"], _number(one["extra_minutes"])),
        (label["vans_touched"], str(one["vans_touched"])),
        (label["unserved"], str(one["unserved"])),
        (label["computing"], _number(one["computing_seconds"])),
    ]


def _number(value: Any) -> str:
    return DASH if value is None else f"{value:g}"


def _suspension(one: Json, label: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        (label["scope"], label.get(one["scope"], one["scope"])),
        (label["affected"], str(one["retailers"])),
        (label["from"], _full(one["starts_at"])),
        (label["until"], _full(one["ends_at"])),
        (label["resumed"], _full(one["resumed_at"])),
        (label["interruption"], length(one["seconds"], label)),
        (label["why"], one["reason"]),
        (label["decided_by"], one["decided_by"] or DASH),
    ]


def _timeline(made: Json, label: Mapping[str, str], language: str) -> list[Json]:
    """What people did and what decided the course; the journal has every message as well."""
    titles = {task["item"]: pick(task["title"], language) for task in made["tasks"]}
    roles = {task["role"]: pick(task["role_title"], language) for task in made["tasks"]}
    found = []
    for entry in made["timeline"]:
        shape = words.fact(entry["kind"], language)
        if not shape:
            continue
        values = _Forgiving(entry["data"])
        if isinstance(headline := values["headline"], dict):
            values["headline"] = pick(headline, language)
        values["title"] = titles.get(entry["item"], entry["item"])
        values["role"] = roles.get(str(entry["data"].get("role", "")), str(entry["data"].get("role", "")))
        if level := entry["data"].get("level"):
            values["level"] = label.get(str(level), str(level))
        row = {"at": _moment(entry["at"]), "what": shape.format_map(values), "clause": entry["clause"]}
        simulated = f" ({label['simulated']})" if entry["data"].get("simulated") else ""
        found.append({**row, "who": entry["who"] + simulated})
    return found[:LONGEST_TIMELINE]


class _Forgiving(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return DASH
