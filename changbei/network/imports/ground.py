"""What a city stands on before anybody else can be taken in: units, posts, who is on duty, outside contacts, sites,
districts, towns and lines.
"""

from __future__ import annotations

from changbei.core.texts import Text, text
from changbei.network.imports import values
from changbei.network.imports.columns import (
    LATITUDE,
    LONGITUDE,
    MAY_BE_EMPTY,
    Column,
    Kind,
    district_column,
    email_column,
    phone_column,
    site_column,
    unit_column,
)

UNIT_KINDS = {
    "tobacco_bureau": ("局（公司）", "公司"),
    "marketing_center": ("营销中心", "營銷中心"),
    "marketing_department": ("营销部", "營銷部"),
    "market_office": ("市场部", "市場部"),
    "order_dept": ("订单部", "訂單部"),
    "customer_service_dept": ("客户服务部", "客戶服務部"),
    "procurement_dept": ("采供部", "採供部"),
    "delivery_center": ("配送中心",),
    "transfer_station": ("中转站", "中轉站"),
    "info_center": ("信息中心", "資訊中心"),
    "finance_office": ("财务管理处", "財務管理處"),
    "security_office": ("安保处", "安保處"),
    "inspection_center": ("督察考评中心", "督察考評中心"),
    "monopoly_inspection": ("专卖稽查支队", "專賣稽查支隊"),
    "other": ("其他",),
}
SITE_KINDS = {"delivery_center": ("配送中心",), "transfer_station": ("中转站", "中轉站")}
PLACE_KINDS = {
    "city": ("城区", "城區"),
    "county_seat": ("县城", "縣城", "城关镇"),
    "town": ("乡镇", "鄉鎮", "街道", "镇", "乡"),
    "village": ("村", "社区", "社區"),
}
TERRAINS = {"plain": ("平原",), "hill": ("山地", "丘陵")}


OWN_CODE = text("自定，不再更改", "自定，不再更改", "Your own, never changed")


def code_column(longest: int, example: str, *also: str, hint: Text = OWN_CODE) -> Column:
    return Column(
        "code",
        text("代码", "代碼", "Code"),
        values.code(longest),
        hint,
        example,
        also=also,
    )


def name_columns(example: str, english: str) -> tuple[Column, ...]:
    """The name in three languages; where one is left empty the simplified one stands."""
    return (
        Column(
            "name",
            text("名称", "名稱", "Name"),
            values.text(60),
            text("简体名称", "簡體名稱", "Name in simplified Chinese"),
            example,
        ),
        Column(
            "name_hant",
            text("繁体名称", "繁體名稱", "Traditional name"),
            values.text(60),
            text("空则用简体", "空則用簡體", "Empty: the simplified one"),
            example,
            required=False,
        ),
        Column(
            "name_en",
            text("英文名称", "英文名稱", "English name"),
            values.text(80),
            text("空则用简体", "空則用簡體", "Empty: the simplified one"),
            english,
            required=False,
        ),
    )


UNITS = Kind(
    "units",
    text("部门", "部門", "Units"),
    (
        code_column(40, "info-center", "部门代码"),
        *name_columns("信息中心", "Information centre"),
        Column(
            "kind",
            text("类别", "類別", "Kind"),
            values.choice(UNIT_KINDS),
            text(
                "、".join(words[0] for words in UNIT_KINDS.values()),
                "、".join(words[-1] for words in UNIT_KINDS.values()),
                ", ".join(UNIT_KINDS),
            ),
            "信息中心",
            also=("部门类别",),
        ),
        Column(
            "parent",
            text("上级部门代码", "上級部門代碼", "Parent unit"),
            values.code(40),
            text("已存在或在上面的行；最上级为空", "已存在或在上面的行；最上級為空",
                 "Existing, or in a row above; empty: the top"),
            "bureau",
            required=False,
            also=("上级部门",),
        ),
    ),
    key=("code",),
)  # fmt: skip

POSTS = Kind(
    "posts",
    text("岗位", "崗位", "Posts"),
    (
        code_column(60, "info-center-head", "岗位代码", "职务代码"),
        *name_columns("信息中心负责人", "Head of the information centre"),
        Column(
            "kind",
            text("岗位类别", "崗位類別", "Kind of post"),
            values.code(60),
            text(
                "预案里 post 或 duty 的名字", "預案裡 post 或 duty 的名字",
                "What plans call it under post or duty",
            ),
            "info-center-head",
            also=("类别", "职务类别", "職務類別"),
        ),
        unit_column("unit", "info-center"),
    ),
    key=("code",),
)  # fmt: skip

DUTY = Kind(
    "duty",
    text("值班表", "值班表", "Duty roster"),
    (
        Column(
            "post",
            text("岗位代码", "崗位代碼", "Post"),
            values.code(60),
            text("值班的岗位代码", "值班的崗位代碼", "Code of the post on duty"),
            "info-technician",
            also=("岗位", "值班岗位", "职务代码", "職務代碼", "职务"),
            reference="post",
        ),
        Column(
            "person",
            text("工号", "工號", "Staff number"),
            values.code(20),
            text("值班人的工号", "值班人的工號", "Staff number of who is on duty"),
            "CB0001",
            also=("值班人", "员工编号"),
            reference="person",
        ),
        Column(
            "starts_at",
            text("开始", "開始", "From"),
            values.moment,
            text("本地日期和时间", "本地日期和時間", "Day and time of the city's clock"),
            "2026-11-23 08:00",
            also=("开始时间",),
        ),
        Column(
            "ends_at",
            text("结束", "結束", "Until"),
            values.moment,
            text("本地日期和时间", "本地日期和時間", "Day and time of the city's clock"),
            "2026-11-23 20:00",
            also=("结束时间",),
        ),
    ),
)  # fmt: skip

CONTACTS = Kind(
    "contacts",
    text("外部联系人", "外部聯絡人", "Outside contacts"),
    (
        code_column(60, "vendor-order-system"),
        Column(
            "group",
            text("类别", "類別", "Group"),
            values.code(40),
            text(
                "预案里的类别：vendor、carrier、bank、insurer、province、authority、media",
                "預案裡的類別：vendor、carrier、bank、insurer、province、authority、media",
                "As plans say it: vendor, carrier, bank, insurer, province, authority, media",
            ),
            "vendor",
        ),
        *name_columns("样例软件厂商", "Sample Software Vendor"),
        Column(
            "person",
            text("联系人", "聯絡人", "Person"),
            values.text(40),
            MAY_BE_EMPTY,
            "某辛未",
            required=False,
            default="",
        ),
        phone_column(text("电话", "電話", "Telephone"), "10080000001", "手机", "联系电话"),
        email_column("vendor-order-system@changbei.example"),
        Column(
            "serves",
            text("负责", "負責", "Serves"),
            values.several(60),
            text("预案里的系统或服务，用逗号分开；可空", "預案裡的系統或服務，用逗號分開；可空",
                  "Systems or services as plans say them, apart by commas; may be empty"),
            "ordering-system, marketing-system",
            required=False,
            also=("服务",),
        ),
        Column(
            "reviewed_on",
            text("复核日期", "複核日期", "Reviewed on"),
            values.day,
            text("上次核对的日期", "上次核對的日期", "When it was last found right"),
            "2026-11-23",
        ),
    ),
    key=("code",),
)  # fmt: skip

SITES = Kind(
    "sites",
    text("站点", "站點", "Sites"),
    (
        code_column(20, "delivery-center", "站点代码"),
        *name_columns("配送中心", "Delivery centre"),
        Column(
            "kind",
            text("类别", "類別", "Kind"),
            values.choice(SITE_KINDS),
            text("配送中心、中转站", "配送中心、中轉站", "delivery_center or transfer_station"),
            "配送中心",
        ),
        unit_column("unit", "delivery-center"),
        LONGITUDE,
        LATITUDE,
    ),
    key=("code",),
)  # fmt: skip

DISTRICTS = Kind(
    "districts",
    text("区县", "區縣", "Districts"),
    (
        Column(
            "code",
            text("代码", "代碼", "Code"),
            values.digits(6, 6),
            text(
                "六位区划代码；轮廓须先用 changbei area import 导入",
                "六位區劃代碼；輪廓須先用 changbei area import 匯入",
                "Six digits; its outline comes first, by changbei area import",
            ),
            "990101",
            also=("区划代码",),
        ),
        *name_columns("样城区", "Sample Core District"),
        unit_column("marketing_department", "marketing-department-990101", required=False),
    ),
    key=("code",),
)  # fmt: skip

TOWNS = Kind(
    "towns",
    text("乡镇街道", "鄉鎮街道", "Towns"),
    (
        Column(
            "code",
            text("代码", "代碼", "Code"),
            values.digits(12, 12),
            text("十二位区划代码", "十二位區劃代碼", "Twelve digits"),
            "990101001000",
            also=("区划代码",),
        ),
        *name_columns("样城区中心", "Sample Core District Centre"),
        Column(
            "kind",
            text("类别", "類別", "Kind"),
            values.choice(PLACE_KINDS),
            text("城区、县城、乡镇、村", "城區、縣城、鄉鎮、村", "city, county_seat, town, village"),
            "城区",
        ),
        district_column(),
        Column(
            "population",
            text("人口", "人口", "Population"),
            values.integer(0, 50_000_000),
            text("空为 0", "空為 0", "Empty: 0"),
            "74000",
            required=False,
            default=0,
        ),
        Column(
            "terrain",
            text("地形", "地形", "Terrain"),
            values.choice(TERRAINS),
            text("平原、山地；空为平原", "平原、山地；空為平原", "plain or hill; empty: plain"),
            "平原",
            required=False,
            default="plain",
        ),
        LONGITUDE,
        LATITUDE,
    ),
    key=("code",),
)  # fmt: skip

LINES = Kind(
    "lines",
    text("送货线路", "送貨線路", "Lines"),
    (
        code_column(
            20, "L01-1", "线路编号", "线路",
            hint=text("线路编号", "線路編號", "What the line is called in files"),
        ),
        *name_columns("1号车周一线", "Van 1, Mon"),
        site_column(text("所属站点", "所屬站點", "Site"), "站点"),
        Column(
            "weekday",
            text("送货日", "送貨日", "Weekday"),
            values.weekday,
            text("周一至周五或 1 至 5", "週一至週五或 1 至 5", "1 to 5, Mon to Fri"),
            "周一",
        ),
        Column(
            "vehicle",
            text("车号", "車號", "Van"),
            values.code(10),
            text("车号，须已存在", "車號，須已存在", "Number of an existing van"),
            "17",
            reference="vehicle",
        ),
        Column(
            "driver",
            text("驾驶员工号", "駕駛員工號", "Driver"),
            values.code(20),
            text("送货员的工号，须已存在", "送貨員的工號，須已存在", "Staff number of its driver"),
            "CB0200",
            also=("送货员工号",),
            reference="person",
        ),
    ),
    key=("code",),
)  # fmt: skip
