"""The registers of readiness as a well-kept house has them on the first day: nothing is missing, nothing overdue."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from uuid import UUID

from changbei.core import workdays
from changbei.network.city import names
from changbei.network.city.organisation import SITE_CODES, STATION_NAMES, Organisation
from changbei.network.city.plan import Table
from changbei.network.city.roster import local_moment
from changbei.network.city.spec import CitySpec

CENTER = 1  # the delivery centre's id; the transfer stations follow
BACKUP_DAYS = 30
VEHICLE_CHECK_WORKDAYS = 12
RESERVE_PRODUCTS = 8
SPARES = (  # kind, at every site, planned
    ("line-socket", False, 8),
    ("voice-board", False, 1),
    ("collector", False, 2),
    ("scanner", True, 2),
    ("handheld", True, 1),
    ("order-pc", True, 1),
)
SYSTEM = "marketing-system"


def registers(
    spec: CitySpec,
    organisation: Organisation,
    vehicles: Table,
    retailers: Table,
    products: Table,
    stock: Table,
) -> list[Table]:
    """The tables of the room `readiness`, in the order in which they can be loaded."""
    targets = _targets()
    return [
        _vehicle_checks(spec, organisation, vehicles),
        *_backups(spec, organisation),
        _standby(spec),
        _power(spec),
        _spares(spec),
        targets,
        _inspections(spec, organisation, targets),
        _file_copies(spec, organisation, retailers),
        _reserve_goods(products, stock),
    ]


def _vehicle_checks(spec: CitySpec, organisation: Organisation, vehicles: Table) -> Table:
    """Every reserve van on each of the last working days, by a dispatcher."""
    table = Table("readiness.VehicleCheck", ("id", "vehicle_id", "on", "fit", "by_id", "note"))
    by = organisation.people_of("dispatcher")[0][0]
    days = [spec.start_on]
    while len(days) < VEHICLE_CHECK_WORKDAYS:
        days.append(workdays.previous_workday(days[-1]))
    reserve = [row["id"] for row in vehicles.as_dicts() if row["is_reserve"]]
    for day in reversed(days):
        for vehicle in reserve:
            table.add(vehicle, day, True, by, "")
    return table


def _backups(spec: CitySpec, organisation: Organisation) -> tuple[Table, Table]:
    """Each night's batch on tape before midnight, a full backup each week, and one restore to show for it."""
    technician = organisation.people_of("technician")[0][0]
    backups = Table(
        "readiness.Backup",
        (
            "id", "system", "kind", "covers", "taken_at", "stored_at", "medium", "megabytes", "sha256",
            "reported_by_id",
        ),
    )  # fmt: skip
    covers = ["customers", "sales"]
    for ago in range(BACKUP_DAYS, 0, -1):
        day = spec.start_on - timedelta(days=ago)
        taken, stored = local_moment(day, 20.5), local_moment(day, 22)
        tape = f"T{day:%m%d}"
        backups.add(SYSTEM, "daily_batch", covers, taken, stored, tape, 1800 + 7 * ago, "", technician)
        if day.isoweekday() == 7:
            full = local_moment(day, 21), local_moment(day, 23)
            backups.add(SYSTEM, "full", covers, *full, f"{tape}-F", 41_000 + 90 * ago, "", technician)
    drills = Table(
        "readiness.RestoreDrill",
        ("id", "system", "on", "backup_taken_at", "restore_seconds", "complete", "by_id", "note"),
    )
    on = workdays.previous_workday(spec.start_on - timedelta(days=40))
    drills.add(SYSTEM, on, local_moment(on - timedelta(days=1), 20.5), 46 * 60, True, technician, "")
    return backups, drills


def _standby(spec: CitySpec) -> Table:
    table = Table(
        "readiness.StandbyPair",
        (
            "id", "code", "name", "system", "first_machine", "second_machine", "tested_on", "switch_over_seconds",
            "took_over",
        ),
    )  # fmt: skip
    tested = workdays.previous_workday(spec.start_on - timedelta(days=30))
    name = names.text("订单系统双机", "Pair of the ordering system")
    table.add("ordering-hosts", name, "ordering-system", "host-1", "host-2", tested, 95, True)
    return table


def _power(spec: CitySpec) -> Table:
    table = Table("readiness.Ups", ("id", "code", "name", "room", "runtime_minutes", "tested_on"))
    tested = workdays.previous_workday(spec.start_on - timedelta(days=45))
    table.add(
        "ups-server-room",
        names.text("数据机房备用电源", "Backup power, server room"),
        "server-room",
        335,
        tested,
    )
    table.add(
        "ups-order-dept",
        names.text("订单部备用电源", "Backup power, order department"),
        "order-dept",
        318,
        tested,
    )
    return table


def _spares(spec: CitySpec) -> Table:
    table = Table("readiness.Spare", ("id", "kind", "site_id", "planned", "present", "counted_on"))
    for kind, everywhere, planned in SPARES:
        for site in range(CENTER, len(SITE_CODES) + 1) if everywhere else (CENTER,):
            table.add(kind, site, planned, planned, spec.start_on - timedelta(days=14))
    return table


def _targets() -> Table:
    """The five kinds of places that security looks at (E2.8), and the network equipment (E3.1.10)."""
    table = Table("readiness.InspectionTarget", ("id", "code", "name", "kind", "site_id", "active"))
    table.add("server-room", names.text("数据机房", "Server room"), "server-room", None, True)
    table.add(
        "power-room", names.text("配电室", "Power room") | {"zh-Hant": "配電室"}, "power-room", None, True
    )
    table.add(
        "offices",
        names.text("营销办公场所", "Sales offices") | {"zh-Hant": "營銷辦公場所"},
        "office",
        None,
        True,
    )
    table.add(
        "network-equipment",
        names.text("网络设备", "Network equipment") | {"zh-Hant": "網絡設備"},
        "network-equipment",
        None,
        True,
    )
    titles = [("配送中心", "Delivery centre"), *((f"{h}中转站", f"{e} station") for h, e in STATION_NAMES)]
    for site, (hans, english) in enumerate(titles, start=CENTER):
        at = names.text(hans, english)
        warehouse = names.join(
            [at, {"zh-Hans": "卷烟仓库", "zh-Hant": "捲菸倉庫", "en": "cigarette warehouse"}]
        )
        vans = names.join([at, {"zh-Hans": "送货车辆", "zh-Hant": "送貨車輛", "en": "delivery vans"}])
        table.add(f"warehouse-{site}", warehouse, "warehouse", site, True)
        table.add(f"vehicles-{site}", vans, "vehicle", site, True)
    return table


def _inspections(spec: CitySpec, organisation: Organisation, targets: Table) -> Table:
    """Of each place the last regular inspection and the last on a day nobody was told beforehand."""
    table = Table(
        "readiness.Inspection",
        ("id", "target_id", "planned_on", "irregular", "done_on", "by_id", "run", "note"),
    )
    guards = [row[0] for row in organisation.people_of("guard")]
    for target in targets.as_dicts():
        number = int(target["id"])
        by = guards[number % len(guards)]
        regular = workdays.previous_workday(spec.start_on - timedelta(days=3 + number * 5 % 14))
        table.add(number, regular, False, regular, by, None, "")
        if target["kind"] != "network-equipment":
            irregular = workdays.previous_workday(spec.start_on - timedelta(days=9 + number * 11 % 40))
            table.add(number, irregular, True, irregular, by, None, "")
    return table


def _file_copies(spec: CitySpec, organisation: Organisation, retailers: Table) -> Table:
    """Each customer manager's files, copied some days ago."""
    table = Table(
        "readiness.CustomerFileCopy",
        (
            "id", "uuid", "manager_id", "made_at", "made_by_id", "purpose", "kept_at", "retailers", "sha256",
            "keep_until",
            "destroyed_on",
        ),
    )  # fmt: skip
    rng = spec.stream("file copies")
    served: dict[int, list[str]] = {}
    for row in retailers.as_dicts():
        served.setdefault(row["customer_manager_id"], []).append(row["licence_no"])
    counts = Counter({manager: len(licences) for manager, licences in served.items()})
    for manager in sorted(counts):
        day = spec.start_on - timedelta(days=int(rng.integers(1, 20)))
        digest = hashlib.sha256("\n".join(served[manager]).encode()).hexdigest()
        table.add(
            UUID(bytes=rng.bytes(16), version=4),
            manager,
            local_moment(day, 17),
            manager,
            "断网时服务客户",
            "客户服务部保险柜",
            counts[manager],
            digest,
            day + timedelta(days=90),
            None,
        )
    return table


def _reserve_goods(products: Table, stock: Table) -> Table:
    """Some common goods, with a floor that is a third of what is in store."""
    table = Table("readiness.ReserveGoods", ("id", "product_id", "floor_cartons"))
    held: Counter[int] = Counter()
    for row in stock.as_dicts():
        held[row["product_id"]] += row["cartons"]
    common = [
        p["id"] for p in products.as_dicts() if p["supply_class"] == "general" and p["price_class"] == 3
    ]
    for product in common[:RESERVE_PRODUCTS]:
        table.add(product, held[product] // 3)
    return table
