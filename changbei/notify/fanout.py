"""One notice to very many customers: one statement writes all rows, from the register, without an object for any.

Who gets which row is decided by the same rules as for one message (`rules.rows`): of a customer they only look at
whether there is a number, so they are asked twice, and the database lays the answers beside each customer.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import BooleanField, Count, ExpressionWrapper, F, Q, QuerySet
from psycopg import sql

from changbei.core import clock
from changbei.journal.services import NewEntry, append_many
from changbei.network.models import Retailer
from changbei.notify import personal, rules, services
from changbei.notify.book import book
from changbei.notify.channels.registry import offered
from changbei.notify.models import Message, Notice
from changbei.notify.paper import PAPER
from changbei.notify.recipients import Recipient
from changbei.notify.services import NewNotice, Way
from changbei.people.models import Person

State = Message.State
A_NUMBER = "+8613800000000"  # stands for the customer's own
WITH_OR_WITHOUT = {
    True: Recipient("retailer", 0, "", A_NUMBER),
    False: Recipient("retailer", 0, ""),
}


@dataclass
class Counted:
    """How many were told, and how many messages of each channel and state that makes."""

    recipients: int = 0
    messages: Counter[str] = field(default_factory=Counter)


def way() -> Way:
    """What the messages of this moment have in common."""
    return Way(offered(), book(), frozenset(), clock.now())


def tell_retailers(
    new: NewNotice,
    retailers: QuerySet[Retailer],
    *,
    audience: dict[str, Any] | None = None,
    actor: Person | None,
) -> Notice:
    """Tell every customer of the query, each once and by name when the wording asks for it (`new.personal`).

    With the channel `paper` among the notice's, whoever has no other way gets a row that a person will carry out.
    """
    facts: list[NewEntry] = []
    with transaction.atomic(savepoint=False):
        [notice] = services.tell_many([(new, ())], actor=actor, facts=facts)
        counted = _write(notice, new, retailers)
        data = {
            **facts[0].data,
            "recipients": counted.recipients,
            "messages": dict(sorted(counted.messages.items())),
        }
        data.pop("to", None)
        if audience:
            data["audience"] = audience
            Notice.objects.filter(pk=notice.pk).update(audience=audience, by=actor)
            notice.audience, notice.by = audience, actor
        append_many([replace(facts[0], data=data)])
    return notice


def shapes(new: NewNotice, now: Way) -> dict[bool, list[rules.Row]]:
    """The messages of a customer who has a number, with `A_NUMBER` for it, and of one who has none."""
    return {has: _rows(one, new, now) for has, one in WITH_OR_WITHOUT.items()}


def with_and_without(retailers: QuerySet[Retailer]) -> dict[bool, int]:
    """How many of the customers have a number that is one, and how many have none."""
    has = ExpressionWrapper(Q(phone__regex=rules.NUMBER), output_field=BooleanField())
    return dict(retailers.order_by().annotate(has=has).values_list("has").annotate(Count("pk")))


def _rows(one: Recipient, new: NewNotice, now: Way) -> list[rules.Row]:
    wired = tuple(channel for channel in new.channels if channel != PAPER)
    rows: list[rules.Row] = []
    if wired or PAPER not in new.channels:
        rows = rules.rows(
            one,
            urgency=new.urgency,
            resend=new.wants_answers,
            channels=wired,
            offered=now.offered,
            now=now.now,
            book=now.book,
        )
    if PAPER in new.channels and all(row.state == State.UNREACHABLE for row in rows):
        rows = [rules.Row(PAPER, 0, "", State.QUEUED, None)]
    if rules.kept_from_outside(one, drill=new.drill, outside_too=new.outside_in_drill):
        rows = [replace(row, state=State.STOPPED, due_at=None, error=rules.KEPT_BACK) for row in rows]
    return rows


_PLACEHOLDER = re.compile("%%|%s")
# The audience is read once, so that what is counted is what was written.
WRITE = """
WITH r AS MATERIALIZED (
  SELECT *, row_number() OVER () AS place, phone ~ %(number)s AS has_number FROM ({retailers}) found
), shape AS (
  SELECT * FROM unnest(%(has)s::bool[], %(channel)s::text[], %(rung)s::int[], %(address)s::text[], %(state)s::text[],
    %(due_at)s::timestamptz[], %(error)s::text[]) s(has_number, channel, rung, address, state, due_at, error)
), written AS (
  INSERT INTO notify_message ({constants}, uuid, retailer_id, channel, rung, address, language, state, due_at, error,
    "values")
  SELECT {given}, gen_random_uuid(), r.id, s.channel, s.rung,
    CASE WHEN s.address = %(any_number)s THEN r.phone ELSE s.address END, %(language)s, s.state, s.due_at, s.error,
    {values}
  FROM r JOIN shape s USING (has_number) {joins} ORDER BY r.place, s.rung
)
SELECT has_number, count(*) FROM r GROUP BY 1
"""


def _write(notice: Notice, new: NewNotice, retailers: QuerySet[Retailer]) -> Counted:
    now = way()
    found, counted = shapes(new, now), Counted()
    fields, declared = personal.sources(new.personal)
    own = {f"own_{place}": F(column) for place, column in enumerate(fields.values())}
    try:
        audience, given = retailers.annotate(**own).values("id", "phone", *own).query.sql_with_params()
    except EmptyResultSet:
        return counted
    parameters: dict[str, Any] = {f"a{place}": value for place, value in enumerate(given)}
    names = iter(parameters)
    named = _PLACEHOLDER.sub(lambda one: one[0] if one[0] == "%%" else f"%({next(names)})s", audience)
    constants = _constants(notice, now.now)
    values, joins, more = _values(fields, {name: find(retailers) for name, find in declared.items()})
    statement = sql.SQL(WRITE).format(
        retailers=sql.SQL(named),  # Django's own statement
        constants=sql.SQL(", ").join(map(sql.Identifier, constants)),
        given=sql.SQL(", ").join(sql.Placeholder(f"c_{name}") for name in constants),
        values=values,
        joins=joins,
    )
    parameters |= {f"c_{name}": value for name, value in constants.items()} | more
    parameters |= _columns(found) | {
        "number": rules.NUMBER,
        "any_number": A_NUMBER,
        "language": WITH_OR_WITHOUT[True].language,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for has_number, count in cursor.fetchall():
            counted.recipients += count
            for row in found[has_number]:
                counted.messages[f"{row.channel}:{row.state}"] += count
    return counted


def _columns(found: Mapping[bool, Sequence[rules.Row]]) -> dict[str, list[Any]]:
    """The shapes as columns."""
    rows = [(has, row) for has, own in found.items() for row in own]
    return {
        "has": [has for has, _ in rows],
        "channel": [row.channel for _, row in rows],
        "rung": [row.rung for _, row in rows],
        "address": [row.address for _, row in rows],
        "state": [str(row.state) for _, row in rows],
        "due_at": [row.due_at for _, row in rows],
        "error": [row.error for _, row in rows],
    }


# What differs from row to row; every other column has the same words in all of them.
VARYING = frozenset(
    ("uuid", "retailer_id", "channel", "rung", "address", "language", "state", "due_at", "error", "values")
)


def _constants(notice: Notice, now: datetime) -> dict[str, Any]:
    """The columns that are alike in all rows; those that are null need not be named."""
    model = Message(notice=notice, urgency=notice.urgency, queued_at=now)
    fields = [
        one for one in Message._meta.concrete_fields if not one.primary_key and one.column not in VARYING
    ]
    given = {str(one.column): getattr(model, one.attname) for one in fields}
    return {name: value for name, value in given.items() if value is not None}


def _values(
    fields: Collection[str], declared: Mapping[str, Mapping[int, Any]]
) -> tuple[sql.Composable, sql.Composable, dict[str, Any]]:
    """Each customer's own values as one object, null when there are none; what is joined for it; its parameters."""
    if not fields and not declared:
        return sql.SQL("NULL"), sql.SQL(""), {}
    parameters: dict[str, Any] = {}
    pairs: list[sql.Composable] = []
    for place, name in enumerate(fields):
        parameters[f"n{place}"] = name
        pairs += [
            sql.SQL("{}::text").format(sql.Placeholder(f"n{place}")),
            sql.Identifier("r", f"own_{place}"),
        ]
    objects: list[sql.Composable] = [sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(pairs))]
    joins: list[sql.Composable] = []
    for place, (name, known) in enumerate(declared.items()):
        alias = sql.Identifier(f"d{place}")
        parameters |= {
            f"d{place}_n": name,
            f"d{place}_k": list(known),
            f"d{place}_v": [json.dumps(value, ensure_ascii=False) for value in known.values()],
        }
        objects.append(
            sql.SQL(
                "CASE WHEN {a}.k IS NULL THEN '{{}}' ELSE jsonb_build_object({n}::text, {a}.v) END"
            ).format(a=alias, n=sql.Placeholder(f"d{place}_n"))
        )
        joins.append(
            sql.SQL("LEFT JOIN unnest({k}::bigint[], {v}::jsonb[]) {a}(k, v) ON {a}.k = r.id").format(
                a=alias, k=sql.Placeholder(f"d{place}_k"), v=sql.Placeholder(f"d{place}_v")
            )
        )
    whole = sql.SQL("nullif({}, '{{}}'::jsonb)").format(sql.SQL(" || ").join(objects))
    return whole, sql.SQL(" ").join(joins), parameters
