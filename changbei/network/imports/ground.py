"""What a city stands on before anybody else can be taken in: units, posts, who is on duty, outside contacts, sites,
districts, towns and lines.
"""

from __future__ import annotations

from changbei.core.texts import text
from changbei.network.imports import values
from changbei.network.imports.columns import DEGREES, Column, Kind

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


def code_column(longest: int, hans: str, hant: str, english: str, example: str, *also: str) -> Column:
    return Column(
        "code",
        text("代码", "代碼", "Code"),
        values.code(longest),
        text(hans, hant, english),
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


def _unit(key: str, example: str, *, required: bool = True) -> Column:
    return Column(
        key,
        text("部门", "部門", "Unit"),
        values.text(60),
        text("部门代码或名称，须已存在", "部門代碼或名稱，須已存在", "Code or name of an existing unit"),
        example,
        required=required,
        also=("部门代码", "单位"),
        reference="unit",
    )


LONGITUDE = Column(
    "longitude", text("经度", "經度", "Longitude"), values.degrees(73.0, 136.0), DEGREES, "122.6021"
)
LATITUDE = Column("latitude", text("纬度", "緯度", "Latitude"), values.degrees(3.0, 54.0), DEGREES, "32.6012")

UNITS = Kind(
    "units",
    text("部门", "部門", "Units"),
    (
        code_column(40, "自定，不再更改", "自定，不再更改", "Your own, never changed", "info-center", "部门代码"),
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
    text("职务", "職務", "Posts"),
    (
        code_column(60, "自定，不再更改", "自定，不再更改", "Your own, never changed", "info-center-head", "职务代码"),
        *name_columns("信息中心负责人", "Head of the information centre"),
        Column(
            "kind",
            text("职务类别", "職務類別", "Kind of post"),
            values.code(60),
            text(
                "预案里 post 或 duty 的名字", "預案裡 post 或 duty 的名字",
                "What plans call it under post or duty",
            ),
            "info-center-head",
            also=("类别",),
        ),
        _unit("unit", "info-center"),
    ),
    key=("code",),
)  # fmt: skip

DUTY = Kind(
    "duty",
    text("值班表", "值班表", "Duty roster"),
    (
        Column(
            "post",
            text("职务代码", "職務代碼", "Post"),
            values.code(60),
            text("值班的职务代码", "值班的職務代碼", "Code of the post on duty"),
            "info-technician",
            also=("职务", "值班岗位"),
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
        code_column(60, "自定，不再更改", "自定，不再更改", "Your own, never changed", "vendor-order-system"),
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
            text("可空", "可空", "May be empty"),
            "某辛未",
            required=False,
            default="",
        ),
        Column(
            "phone",
            text("电话", "電話", "Telephone"),
            values.phone,
            text("5 至 15 位数字，设为文本格式", "5 至 15 位數字，設為文字格式", "5 to 15 digits, as text"),
            "10080000001",
            also=("手机", "联系电话"),
        ),
        Column(
            "email",
            text("邮箱", "郵箱", "E-mail"),
            values.email,
            text("可空", "可空", "May be empty"),
            "vendor-order-system@changbei.example",
            required=False,
            default="",
        ),
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
        code_column(20, "自定，不再更改", "自定，不再更改", "Your own, never changed", "delivery-center", "站点代码"),
        *name_columns("配送中心", "Delivery centre"),
        Column(
            "kind",
            text("类别", "類別", "Kind"),
            values.choice(SITE_KINDS),
            text("配送中心、中转站", "配送中心、中轉站", "delivery_center or transfer_station"),
            "配送中心",
        ),
        _unit("unit", "delivery-center"),
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
        _unit("marketing_department", "marketing-department-990101", required=False),
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
        Column(
            "district",
            text("区县", "區縣", "District"),
            values.text(40),
            text("区县名称或六位代码", "區縣名稱或六位代碼", "Name or six-digit code"),
            "样城区",
            reference="district",
        ),
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
        code_column(20, "线路编号", "線路編號", "What the line is called in files", "L01-1", "线路编号", "线路"),
        *name_columns("1号车周一线", "Van 1, Mon"),
        Column(
            "site",
            text("所属站点", "所屬站點", "Site"),
            values.text(60),
            text("配送中心或中转站的代码或名称", "配送中心或中轉站的代碼或名稱", "Code or name of the site"),
            "delivery-center",
            also=("站点",),
            reference="site",
        ),
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
