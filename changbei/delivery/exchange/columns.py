"""The columns of a delivery day as a table, one row a stop."""

from __future__ import annotations

from changbei.core.texts import text
from changbei.network.imports import values
from changbei.network.imports.columns import Column, Kind

STOPS = Kind(
    "stops",
    text("送货日", "送貨日", "Delivery day"),
    (
        Column(
            "van",
            text("车号", "車號", "Van"),
            values.code(10),
            text("送货车编号，须已存在", "送貨車編號，須已存在", "Number of an existing van"),
            "17",
            also=("车辆", "车辆编号"),
        ),
        Column(
            "sequence",
            text("顺序", "順序", "Sequence"),
            values.integer(1, 9999),
            text("该车第几户；空为按文件次序", "該車第幾戶；空為按檔案次序", "Empty: as in the file"),
            "1",
            required=False,
            also=("送货顺序", "序号"),
        ),
        Column(
            "licence_no",
            text("许可证号", "許可證號", "Licence number"),
            values.digits(6, 20),
            text("零售许可证号，须已存在", "零售許可證號，須已存在", "Retail licence of an existing customer"),
            "990101100001",
            also=("零售许可证号", "客户编码", "licence"),
        ),
        Column(
            "cartons",
            text("条数", "條數", "Cartons"),
            values.integer(1, 20_000),
            text("本次送货条数", "本次送貨條數", "Cartons of this delivery"),
            "15",
            also=("送货条数", "订货条数"),
        ),
        Column(
            "order_fen",
            text("金额（分）", "金額（分）", "Value (fen)"),
            values.integer(0, 10**12),
            text("订单金额，分；可空", "訂單金額，分；可空", "Value of the order in fen; may be empty"),
            "180000",
            required=False,
            default=0,
            also=("订单金额",),
        ),
        Column(
            "service_seconds",
            text("停留秒数", "停留秒數", "Service seconds"),
            values.integer(0, 7200),
            text("空为该客户通常所需", "空為該客戶通常所需", "Empty: what the customer usually takes"),
            "300",
            required=False,
        ),
        Column(
            "window_start",
            text("最早收货", "最早收貨", "From"),
            values.clock_time,
            text("如 08:30；空为该客户通常时间", "如 08:30；空為該客戶通常時間", "Empty: the customer's usual"),
            "08:30",
            required=False,
        ),
        Column(
            "window_end",
            text("最晚收货", "最晚收貨", "Until"),
            values.clock_time,
            text("如 12:00；空为该客户通常时间", "如 12:00；空為該客戶通常時間", "Empty: the customer's usual"),
            "12:00",
            required=False,
        ),
        Column(
            "departs_at",
            text("出车时间", "出車時間", "Departs"),
            values.clock_time,
            text("该车出车时间；空为 08:00", "該車出車時間；空為 08:00", "When the van leaves; empty: 08:00"),
            "08:00",
            required=False,
        ),
        Column(
            "driver",
            text("驾驶员工号", "駕駛員工號", "Driver"),
            values.code(20),
            text("空为该车保管人", "空為該車保管人", "Staff number; empty: the van's keeper"),
            "CB0200",
            required=False,
            also=("送货员工号",),
        ),
    ),
    unique=("licence_no",),
)  # fmt: skip
TOLD = ("name", "address", "longitude", "latitude", "planned_at", "expected_at", "status", "urgent")
"""What a table says besides; reading takes notice of the last two alone."""
