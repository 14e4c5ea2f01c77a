"""A drill's own ground: a database beside the real one, with the registries of the real one or a generated city.

A drill never touches the real day; its database is gone when it ends, however it ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, models, transaction
from psycopg import sql

from changbei.core import clock
from changbei.core.errors import Outside
from changbei.plans.loading import load_pack, read_folder
from changbei.plans.model import Pack
from changbei.site.commands.base import let_go_of_database
from changbei.site.postgres import DATABASE_VARIABLE, database

REGISTRIES = ("people", "network", "plans")
NOT_COPIED = frozenset({"people.account", "people.apitoken"})
WEEKS_OF_ROSTER = 3


@contextmanager
def drill_database() -> Iterator[str]:
    """An empty database of its own on the configured server, with Django set up on it; yields the real one's URL.

    Raises Outside when the server does not let us make one.
    """
    with database() as real:
        name = f"changbei_drill_{os.getpid()}"
        _execute(real, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        parts = urlsplit(real)
        os.environ[DATABASE_VARIABLE] = urlunsplit(parts._replace(path=f"/{name}"))
        os.environ.setdefault("CHANGBEI_SMS_GATEWAY", "twin:")
        try:
            django.setup()
            settings.DRILL_GROUND = True
            call_command("migrate", verbosity=0)
            yield real
        finally:
            let_go_of_database()
            os.environ[DATABASE_VARIABLE] = real
            _execute(real, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def own_or_generated_city(*, retailers: int, seed: int) -> Iterator[str]:
    """The configured database when it holds a city ("own"), else a drill's with a generated one ("generated")."""
    with database() as real:
        has_city = _has_city(real)
        if has_city:
            django.setup()
            try:
                yield "own"
            finally:
                let_go_of_database()
    if not has_city:
        with drill_database() as real:
            yield furnish(real, retailers=retailers, seed=seed)


def packs() -> list[Pack]:
    """The plans that a drill would find: those in force here, else the shipped ones."""
    with database() as real:
        django.setup()
        if _has_city(real):
            from changbei.plans.selectors import packs_in_force  # noqa: PLC0415 - models

            try:
                if found := packs_in_force():
                    return found
            finally:
                let_go_of_database()
    return [load_pack(read_folder(plan.parent), check_actions=False) for plan in _shipped()]


def _shipped() -> list[Path]:
    return sorted(settings.PLANS.glob("*/plan.yaml"))


def _execute(url: str, statement: sql.Composed) -> None:
    try:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(statement)
    except psycopg.Error as error:
        raise Outside(
            f"the drill needs a database of its own: {str(error).strip()}", permanent=True
        ) from error


def furnish(real: str, *, retailers: int, seed: int) -> str:
    """Registries into the drill's database: the real city's when there is one, else a generated one. Says which."""
    if _has_city(real):
        with psycopg.connect(real) as source, transaction.atomic(), connection.cursor() as target:
            for model in _registries():
                _copy(source, target, model)
        _adopt_if_none()
        return "own"
    from changbei.network import loading  # noqa: PLC0415 - models
    from changbei.network.city import CitySpec, make  # noqa: PLC0415 - models

    today = clock.today()
    monday = today - timedelta(days=today.weekday())
    loading.load(
        make(CitySpec(retailers=retailers, seed=seed, start_on=monday, roster_weeks=WEEKS_OF_ROSTER))
    )
    _adopt_if_none()
    return "generated"


def _adopt_if_none() -> None:
    from changbei.plans import services  # noqa: PLC0415 - models
    from changbei.plans.models import PlanVersion  # noqa: PLC0415 - models

    if not PlanVersion.objects.filter(in_force=True).exists():
        for found in _shipped():
            services.adopt(found.parent, actor=None)


def _has_city(url: str) -> bool:
    with psycopg.connect(url) as source:
        there = source.execute("SELECT to_regclass('network_retailer') IS NOT NULL").fetchone()
        if not there or not there[0]:
            return False
        row = source.execute("SELECT EXISTS (SELECT 1 FROM network_retailer)").fetchone()
        return bool(row and row[0])


def _registries() -> list[type[models.Model]]:
    """Foreign keys are checked at the end of the transaction, so the order does not matter."""
    found = [model for room in REGISTRIES for model in apps.get_app_config(room).get_models()]
    return [model for model in found if model._meta.label_lower not in NOT_COPIED]


def _copy(source: psycopg.Connection[Any], target: Any, model: type[models.Model]) -> None:
    table = sql.Identifier(model._meta.db_table)
    columns = sql.SQL(", ").join(
        sql.Identifier(cast(str, field.column)) for field in model._meta.concrete_fields
    )
    out = sql.SQL("COPY {} ({}) TO STDOUT (FORMAT binary)").format(table, columns)
    into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table, columns)
    with source.cursor().copy(out) as reading, target.copy(into) as writing:
        for block in reading:
            writing.write(block)
    target.execute(
        sql.SQL(
            "SELECT setval(pg_get_serial_sequence({name}, 'id'), greatest(max(id), 1)) FROM {table}"
            " HAVING pg_get_serial_sequence({name}, 'id') IS NOT NULL"
        ).format(name=sql.Literal(model._meta.db_table), table=table)
    )
