"""What identifiers of registers are called, where a finding names them."""

from __future__ import annotations

from collections.abc import Mapping

from changbei.readiness.rules.words import text

SYSTEMS = {
    "marketing-system": text("营销系统", "營銷系統", "the marketing system"),
    "ordering-system": text("订货系统", "訂貨系統", "the ordering system"),
}
COVERED = {
    "customers": text("客户数据", "客戶數據", "customer data"),
    "sales": text("销售数据", "銷售數據", "sales data"),
}
ROOMS = {
    "server-room": text("数据机房", "數據機房", "the server room"),
    "order-dept": text("订单部", "訂單部", "the order department"),
}
SPARES = {
    "line-socket": text("备用线路端口", "備用線路端口", "line sockets"),
    "voice-board": text("语音卡备板", "語音卡備板", "voice boards"),
    "collector": text("采集机", "採集機", "collectors"),
    "scanner": text("扫描机", "掃描機", "scanners"),
    "handheld": text("手持终端", "手持終端", "handheld scanners"),
    "order-pc": text("订货备用电脑", "訂貨備用電腦", "spare ordering PCs"),
}
PLACES = {
    "server-room": text("机房", "機房", "server room"),
    "power-room": text("配电室", "配電室", "power room"),
    "warehouse": text("卷烟仓库", "捲菸倉庫", "cigarette warehouse"),
    "office": text("办公场所", "辦公場所", "offices"),
    "vehicle": text("送货车辆", "送貨車輛", "vehicles"),
    "network-equipment": text("网络设备防雷防火", "網絡設備防雷防火", "network equipment (lightning, fire)"),
}
FACTORY = {
    "manufacturer-marketing": text("营销负责人", "營銷負責人", "head of marketing"),
    "manufacturer-department": text("部门负责人", "部門負責人", "department heads"),
    "manufacturer-area": text("区域人员", "區域人員", "area staff"),
}
BRAND_FILE = {
    "name": text("名称", "名稱", "name"),
    "address": text("地址", "地址", "address"),
    "brands": text("品牌", "品牌", "brands"),
    "specifications": text("规格", "規格", "specifications"),
    "prices": text("价格", "價格", "prices"),
    "scale": text("规模", "規模", "scale"),
    "prospects": text("前景", "前景", "prospects"),
}


def named(names: Mapping[str, Mapping[str, str]], key: str) -> Mapping[str, str] | str:
    """The words for an identifier; one nobody has words for stands for itself."""
    return names.get(key, key)
