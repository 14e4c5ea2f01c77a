"""All registers, as one table to be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Invalid, NotFound
from changbei.network.models import Area, Manufacturer, Vehicle
from changbei.people import services as people
from changbei.people.models import Person
from changbei.readiness import services
from changbei.readiness.models import (
    Backup,
    Inspection,
    InspectionTarget,
    ReserveGoods,
    RestoreDrill,
    Spare,
    StandbyPair,
    Ups,
)
from changbei.readiness.registers.columns import Column, Register
from changbei.readiness.rules import names

CODE = Column("code", _("Code"), longest=60)
NAME = Column("name", _("Name"), "words", longest=120)
SITE = Column("site", _("Site"), "site", path="site.name")
TESTED = Column("tested_on", _("Last tested"), "day", required=False)
SYSTEM = Column("system", _("System"), "choice", choices=names.SYSTEMS, open_choice=True, longest=60)
NOTE = Column("note", _("Note"), required=False)
YES_NO = {"fit": _("fit to go"), "unfit": _("to be repaired")}
KINDS = {Backup.Kind.DAILY_BATCH.value: _("daily batch"), Backup.Kind.FULL.value: _("full backup")}


def _visible_inspections() -> QuerySet[Inspection]:
    """Irregular dates that lie ahead are nobody's to see."""
    today = clock.today()
    rows = Inspection.objects.exclude(Q(irregular=True, done_on__isnull=True, planned_on__gt=today))
    return rows.select_related("target", "by").order_by("-planned_on", "target__code")


def _reserve_goods() -> QuerySet[ReserveGoods]:
    held = Coalesce(Sum("product__stock__cartons"), 0)
    return ReserveGoods.objects.select_related("product").annotate(held=held).order_by("product__code")


def _record_backup(values: Mapping[str, Any], _row: Model | None, *, actor: Person) -> Backup:
    return services.record_backup(**values, actor=actor)


def _check_backup(row: Backup) -> None:
    services.refuse_backup(row.system, row.kind, row.covers, row.taken_at, row.stored_at)


def _record_drill(values: Mapping[str, Any], _row: Model | None, *, actor: Person) -> RestoreDrill:
    minutes = values["minutes"]
    rest = {name: value for name, value in values.items() if name != "minutes"}
    return services.record_restore_drill(**rest, restore_seconds=minutes * 60, actor=actor)


def _record_inspection(values: Mapping[str, Any], row: Model | None, *, actor: Person) -> Model:
    findings = values["findings"].splitlines()
    rest = {name: value for name, value in values.items() if name != "findings"}
    made = services.record_inspection(**rest, findings=findings, actor=actor)
    if made is None:
        raise NotFound(values["target"])
    return made


def _check_vehicle(values: Mapping[str, Any], row: Model | None, *, actor: Person) -> Model:
    if not isinstance(row, Vehicle):
        raise NotFound("vehicle")
    if "state" not in values:
        raise Invalid("state", gettext_noop("is missing"))
    services.check_vehicle(row, fit=values["state"] == "fit", note=values.get("note", ""), actor=actor)
    row.refresh_from_db()
    return row


def _verify_phone(values: Mapping[str, Any], row: Model | None, *, actor: Person) -> Model:
    if not isinstance(row, Person):
        raise NotFound("person")
    phone, second = (values.get(name, getattr(row, name)) for name in ("phone", "second_phone"))
    return people.verify_phone(row, phone=phone, second_phone=second, actor=actor)


_ALL = (
    Register(
        "backups",
        _("Backups"),
        "E3.1.6",
        lambda: Backup.objects.select_related("reported_by").order_by("-taken_at", "pk"),
        (
            SYSTEM,
            Column("kind", _("Kind"), "choice", choices=KINDS),
            Column("covers", _("What is in it"), "many", choices=names.COVERED),
            Column("taken_at", _("Made"), "moment"),
            Column("stored_at", _("In the tape library"), "moment", required=False),
            Column("medium", _("Tape"), required=False, longest=60),
            Column("megabytes", _("Megabytes"), "whole", required=False),
        ),
        key=("system", "kind", "taken_at"),
        add=_record_backup,
        check=_check_backup,
        verb=_("Record a backup"),
    ),
    Register(
        "restore-drills",
        _("Restore drills"),
        "E3.1.2",
        lambda: RestoreDrill.objects.select_related("by").order_by("-on", "-pk"),
        (
            SYSTEM,
            Column("on", _("Day"), "day"),
            Column("minutes", _("Minutes it took"), "whole", maximum=100_000, shown=False),
            Column("restore_seconds", _("Seconds it took"), "whole", typed=False),
            Column("complete", _("Everything was there"), "flag"),
            Column("by", _("By"), "person", typed=False, path="by.name"),
            NOTE,
        ),
        save=_record_drill,
        edits=False,
        verb=_("Record a restore drill"),
    ),
    Register(
        "standby",
        _("Machines in hot standby"),
        "E3.1.7",
        lambda: StandbyPair.objects.order_by("code"),
        (
            CODE,
            NAME,
            SYSTEM,
            Column("first_machine", _("First machine"), longest=60),
            Column("second_machine", _("Second machine"), longest=60),
            TESTED,
            Column("switch_over_seconds", _("Seconds to take over"), "whole", required=False),
            Column("took_over", _("It took over"), "flag", required=False),
        ),
        key=("code",),
    ),
    Register(
        "power",
        _("Backup power"),
        "E3.1.1",
        lambda: Ups.objects.order_by("code"),
        (
            CODE,
            NAME,
            Column("room", _("Room"), "choice", choices=names.ROOMS, open_choice=True, longest=60),
            Column("runtime_minutes", _("Minutes it lasted"), "whole", required=False),
            TESTED,
        ),
        key=("code",),
    ),
    Register(
        "spares",
        _("Spares"),
        "E3.1.8",
        lambda: Spare.objects.select_related("site").order_by("kind", "site_id"),
        (
            Column("kind", _("Kind"), "choice", choices=names.SPARES, open_choice=True, longest=60),
            SITE,
            Column("planned", _("Planned"), "whole"),
            Column("present", _("Present"), "whole"),
            Column("counted_on", _("Counted on"), "day", required=False),
        ),
        key=("kind", "site"),
    ),
    Register(
        "inspections",
        _("Inspections"),
        "E2.8",
        _visible_inspections,
        (
            Column("target", _("Place or equipment"), "choice", open_choice=True, path="target.name"),
            Column("planned_on", _("Planned"), "day", typed=False),
            Column("irregular", _("Unannounced"), "flag"),
            Column("done_on", _("Made"), "day", required=False, typed=False),
            Column("by", _("By"), "person", required=False, typed=False, path="by.name"),
            Column("findings", _("Findings, one a line"), "lines", required=False, shown=False),
            Column("owner", _("Who mends them"), "person", required=False, shown=False),
            Column("due_on", _("Mended by"), "day", required=False, shown=False),
            NOTE,
        ),
        save=_record_inspection,
        edits=False,
        verb=_("Record an inspection"),
        note=_("Unannounced inspections show only on their day."),
    ),
    Register(
        "inspection-targets",
        _("Places and equipment that are inspected"),
        "E2.8",
        lambda: InspectionTarget.objects.select_related("site").order_by("kind", "code"),
        (
            CODE,
            NAME,
            Column("kind", _("Kind"), "choice", choices=names.PLACES),
            Column("site", _("Site"), "site", required=False, path="site.name"),
            Column("active", _("On the rota"), "flag"),
        ),
        key=("code",),
    ),
    Register(
        "vehicles",
        _("Checks of reserve vehicles"),
        "E3.2.6",
        lambda: Vehicle.objects.filter(is_reserve=True).select_related("site").order_by("site_id", "number"),
        (
            Column("number", _("Number"), typed=False),
            Column("site", _("Site"), "site", typed=False, path="site.name"),
            Column("state", _("State"), "choice", choices=YES_NO),
            Column("checked_on", _("Last looked at"), "day", typed=False),
            Column("note", _("Note"), required=False, shown=False),
        ),
        permission="readiness.check",
        save=_check_vehicle,
        adds=False,
    ),
    Register(
        "staff-phones",
        _("Colleagues' numbers"),
        "E3.2.8",
        lambda: Person.objects.filter(active=True).select_related("unit").order_by("unit__code", "staff_no"),
        (
            Column("staff_no", _("Staff number"), typed=False),
            Column("name", _("Name"), typed=False),
            Column("unit", _("Unit"), typed=False, path="unit.name"),
            Column("phone", _("Telephone"), longest=20),
            Column("second_phone", _("Second telephone"), required=False, longest=20),
            Column("phone_verified_on", _("Verified"), "day", required=False, typed=False),
        ),
        permission="people.verify_phone",
        save=_verify_phone,
        adds=False,
        note=_("Call the number before you save: saving says that it was verified today."),
    ),
    Register(
        "reserve-goods",
        _("Goods kept for weddings and funerals"),
        "E3.4.4",
        _reserve_goods,
        (
            Column("product", _("Product"), "product", path="product.name"),
            Column("floor_cartons", _("Never fewer than (cartons)"), "whole", minimum=1),
            Column("held", _("In store (cartons)"), "whole", typed=False),
        ),
        key=("product",),
        permission="supply.replenish",
    ),
    Register(
        "manufacturers",
        _("Brand files"),
        "E3.5.3",
        lambda: Manufacturer.objects.prefetch_related("products").order_by("code"),
        (
            Column("code", _("Code"), longest=20),
            NAME,
            Column("address", _("Address"), required=False, longest=160),
            Column("brands", _("Brands, one a line"), "lines", required=False),
            Column("yearly_cases", _("Cases made in a year"), "whole", required=False),
            Column("prospects", _("Prospects"), "words", required=False),
            Column("reviewed_on", _("Reviewed"), "day", required=False),
            Column("products", _("Specifications and prices"), typed=False),
        ),
        key=("code",),
        permission="supply.replenish",
    ),
    Register(
        "areas",
        _("Administrative areas"),
        "E3.2",
        lambda: Area.objects.defer("outline").order_by("code"),
        (
            Column("code", _("Code"), typed=False),
            Column("name", _("Name"), "words", typed=False),
            Column("source", _("Taken from"), typed=False),
            Column("loaded_at", _("Loaded"), "moment", typed=False),
        ),
        permission="network.import",
        adds=False,
        edits=False,
        note=_(
            "Outlines for warnings that name areas by code: changbei area import FILE. Counties are known already."
        ),
    ),
)
REGISTERS: Mapping[str, Register] = {register.id: register for register in _ALL}


def get(register: str) -> Register:
    """The register of this name; a plan may write it with underscores. Raises NotFound."""
    found = REGISTERS.get(register.replace("_", "-"))
    if found is None:
        raise NotFound(f"there is no register {register}; there are {', '.join(REGISTERS)}")
    return found
