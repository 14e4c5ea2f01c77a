"""The columns of each kind of file: headings in three languages, what may stand in them, an example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from changbei.core.texts import Text, text
from changbei.network.imports import values
from changbei.network.imports.sheets import fold


@dataclass(frozen=True)
class Column:
    """`key`: name in the product. `reference`: kind of thing it names (district, place, line, site, unit,
    person, post).
    """

    key: str
    heading: Text
    convert: values.Convert
    hint: Text
    example: str
    required: bool = True
    default: object = None
    also: tuple[str, ...] = ()
    reference: str = ""

    @property
    def headings(self) -> list[str]:
        return [self.key, *self.heading.values(), *self.also]


@dataclass(frozen=True)
class Kind:
    """A kind of file. `key`: columns that together say which thing a row is about; a kind without one is only added
    to. `unique`: further columns whose value may occur once, in the file and in the database. `repeats`: columns of
    which further rows with the same key say one more; of the rest they say the same, or nothing.
    """

    name: str
    title: Text
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    repeats: tuple[str, ...] = ()
    by_key: Mapping[str, Column] = field(init=False, compare=False)
    by_heading: Mapping[str, str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_key", {column.key: column for column in self.columns})
        headings = {fold(heading): column.key for column in self.columns for heading in column.headings}
        object.__setattr__(self, "by_heading", headings)

    @property
    def identifying(self) -> list[Column]:
        """The columns of its key."""
        return [self.by_key[name] for name in self.key]

    @property
    def describing(self) -> list[Column]:
        """The other ones."""
        return [column for column in self.columns if column.key not in self.key]


DEGREES = text(
    "十进制度；WGS-84，或导入时指明的坐标系",
    "十進位度；WGS-84，或匯入時指明的坐標系",
    "Decimal degrees; WGS-84, or the system named at import",
)
LONGITUDE = Column(
    "longitude", text("经度", "經度", "Longitude"), values.degrees(73.0, 136.0), DEGREES, "122.6021"
)
LATITUDE = Column("latitude", text("纬度", "緯度", "Latitude"), values.degrees(3.0, 54.0), DEGREES, "32.6012")
MAY_BE_EMPTY = text("可空", "可空", "May be empty")


def phone_column(heading: Text, example: str, *also: str) -> Column:
    hint = text("5 至 15 位数字，设为文本格式", "5 至 15 位數字，設為文字格式", "5 to 15 digits, as text")
    return Column("phone", heading, values.phone, hint, example, also=also)


def email_column(example: str, *also: str) -> Column:
    heading = text("邮箱", "郵箱", "E-mail")
    return Column(
        "email", heading, values.email, MAY_BE_EMPTY, example, required=False, default="", also=also
    )


def flag_column(key: str, heading: Text, *also: str, default: bool) -> Column:
    """Yes or no; the default where it is left empty."""
    hint = (
        text("是、否；空为是", "是、否；空為是", "yes or no; empty: yes")
        if default
        else text("是、否；空为否", "是、否；空為否", "yes or no; empty: no")
    )
    example = "是" if default else "否"
    return Column(key, heading, values.yes_no, hint, example, required=False, default=default, also=also)


def unit_column(key: str, example: str, *, required: bool = True) -> Column:
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


def site_column(heading: Text, *also: str) -> Column:
    hint = text("配送中心或中转站的代码或名称", "配送中心或中轉站的代碼或名稱", "Code or name of the site")
    return Column("site", heading, values.text(60), hint, "delivery-center", also=also, reference="site")


def district_column(*also: str) -> Column:
    hint = text("区县名称或六位代码", "區縣名稱或六位代碼", "Name or six-digit code")
    return Column(
        "district",
        text("区县", "區縣", "District"),
        values.text(40),
        hint,
        "样城区",
        also=also,
        reference="district",
    )


FORMATS = {
    "supermarket": ("超市", "商场", "商場"),
    "convenience": ("便利店",),
    "grocery": ("食杂店", "食雜店", "小卖部"),
    "specialist": ("专营店", "烟酒店", "專營店", "煙酒店"),
    "hotel": ("宾馆", "娱乐服务", "賓館", "酒店"),
    "kiosk": ("售货亭", "售貨亭", "其他"),
}
CONDUCTS = {"law_abiding": ("守法",), "warned": ("警告",), "punished": ("处罚", "處罰", "违规")}
SETTLEMENTS = {"e_settlement": ("电子结算", "電子結算", "电子"), "cash": ("现金", "現金")}
GRADES: dict[str, tuple[str, ...]] = dict.fromkeys("ABCD", ())
LANGUAGES = {
    "zh-Hans": ("简体", "简体中文"),
    "zh-Hant": ("繁体", "繁體", "繁體中文"),
    "en": ("英语", "英語", "english"),
}
JOBS = {
    "head": ("负责人", "負責人", "主任"),
    "deputy": ("副职", "副職", "副主任"),
    "secretary": ("秘书", "秘書", "办公室人员"),
    "driver": ("送货员", "送貨員", "驾驶员"),
    "dispatcher": ("调度", "調度", "调度员"),
    "warehouse_keeper": ("仓管", "倉管", "仓库保管员"),
    "customer_manager": ("客户经理", "客戶經理"),
    "market_manager": ("市场经理", "市場經理"),
    "order_clerk": ("订单员", "訂單員", "电访员"),
    "service_clerk": ("客服", "客服员"),
    "buyer": ("采购员", "採購員"),
    "technician": ("技术员", "技術員", "信息技术员"),
    "accountant": ("会计", "會計"),
    "guard": ("安保", "安保员"),
    "auditor": ("考评员", "考評員", "督察员"),
    "inspector": ("稽查员", "稽查員", "稽查队员"),
}

RETAILERS = Kind(
    "retailers",
    text("零售客户", "零售客戶", "Retailers"),
    (
        Column(
            "licence_no",
            text("许可证号", "許可證號", "Licence number"),
            values.digits(6, 20),
            text("零售许可证号，6 至 20 位数字", "零售許可證號，6 至 20 位數字", "Retail licence, 6 to 20 digits"),
            "990101100001",
            also=("零售许可证号", "专卖许可证号", "客户编码", "licence"),
        ),
        Column(
            "name",
            text("客户名称", "客戶名稱", "Name"),
            values.text(80),
            text("店名", "店名", "Name of the shop"),
            "甲子镇便利店001",
            also=("店名", "名称"),
        ),
        Column(
            "contact_name",
            text("联系人", "聯絡人", "Contact"),
            values.text(40),
            text("经营者或联系人", "經營者或聯絡人", "Owner or contact"),
            "某甲子",
            also=("经营者", "负责人", "负责人姓名"),
        ),
        phone_column(
            text("联系电话", "聯絡電話", "Telephone"), "10020000001", "电话", "手机", "手机号", "订货电话", "phone"
        ),
        Column(
            "address",
            text("经营地址", "經營地址", "Address"),
            values.text(160),
            text("门店地址", "門店地址", "Address of the shop"),
            "样城区甲子街道1号",
            also=("地址",),
        ),
        LONGITUDE,
        LATITUDE,
        district_column("县区", "所属区县"),
        Column(
            "place",
            text("乡镇街道", "鄉鎮街道", "Town"),
            values.text(40),
            text("区县内的乡镇、街道、村名或代码", "區縣內的鄉鎮、街道、村名或代碼", "Name in the district, or code"),
            "样城区中心",
            also=("乡镇", "乡镇村", "所在地", "place"),
            reference="place",
        ),
        Column(
            "retail_format",
            text("业态", "業態", "Format"),
            values.choice(FORMATS),
            text("超市、便利店、食杂店、专营店、宾馆、售货亭", "超市、便利店、食雜店、專營店、賓館、售貨亭",
                  "supermarket, convenience, grocery, specialist, hotel, kiosk"),
            "便利店",
            also=("零售业态",),
        ),
        Column(
            "supply_tier",
            text("档位", "檔位", "Tier"),
            values.integer(1, 30),
            text("1（最低）至 30", "1（最低）至 30", "1 (lowest) to 30"),
            "12",
            also=("客户档位",),
        ),
        Column(
            "credit_grade",
            text("诚信等级", "誠信等級", "Credit grade"),
            values.choice(GRADES),
            text("A、B、C、D", "A、B、C、D", "A, B, C, D"),
            "A",
        ),
        Column(
            "conduct",
            text("守法情况", "守法情況", "Conduct"),
            values.choice(CONDUCTS),
            text("守法、警告、处罚；空为守法", "守法、警告、處罰；空為守法", "law_abiding, warned, punished"),
            "守法",
            required=False,
            default="law_abiding",
        ),
        flag_column("marked_prices", text("明码实价", "明碼實價", "Marked prices"), default=True),
        flag_column("is_key", text("重点客户", "重點客戶", "Key customer"), default=False),
        flag_column("is_vulnerable", text("弱势群体", "弱勢群體", "Vulnerable"), default=False),
        Column(
            "settlement",
            text("结算方式", "結算方式", "Settlement"),
            values.choice(SETTLEMENTS),
            text("电子结算、现金；空为电子结算", "電子結算、現金；空為電子結算", "e_settlement or cash"),
            "电子结算",
            required=False,
            default="e_settlement",
        ),
        Column(
            "order_weekday",
            text("订货日", "訂貨日", "Order day"),
            values.weekday,
            text("周一至周五或 1 至 5", "週一至週五或 1 至 5", "1 to 5, Mon to Fri"),
            "周五",
            also=("访销日", "订货周期"),
        ),
        Column(
            "line",
            text("送货线路", "送貨線路", "Line"),
            values.code(20),
            text("线路编号，须已存在", "線路編號，須已存在", "Code of an existing line"),
            "L01-1",
            also=("线路", "线路编号"),
            reference="line",
        ),
        Column(
            "line_sequence",
            text("送货顺序", "送貨順序", "Sequence"),
            values.integer(1, 9999),
            text("线路上的次序；空为排在最后", "線路上的次序；空為排在最後", "Place on the line; empty: at its end"),
            "1",
            required=False,
            also=("顺序", "序号"),
        ),
        Column(
            "usual_cartons",
            text("周均订货条数", "週均訂貨條數", "Usual cartons"),
            values.integer(0, 5000),
            text("每周订货，条", "每週訂貨，條", "Cartons of one weekly order"),
            "15",
            also=("周均条数", "条数"),
        ),
        Column(
            "service_seconds",
            text("停留秒数", "停留秒數", "Service seconds"),
            values.integer(10, 7200),
            text("送货停留时间，秒；空为 300", "送貨停留時間，秒；空為 300", "Seconds at the door; empty: 300"),
            "300",
            required=False,
            default=300,
        ),
        Column(
            "window_start",
            text("最早收货", "最早收貨", "From"),
            values.clock_time,
            text("开始，如 08:30；可空", "開始，如 08:30；可空", "Deliveries from, e.g. 08:30; may be empty"),
            "08:30",
            required=False,
        ),
        Column(
            "window_end",
            text("最晚收货", "最晚收貨", "Until"),
            values.clock_time,
            text("结束，如 12:00；可空", "結束，如 12:00；可空", "Deliveries until, e.g. 12:00; may be empty"),
            "12:00",
            required=False,
        ),
        Column(
            "customer_manager",
            text("客户经理工号", "客戶經理工號", "Customer manager"),
            values.code(20),
            text("客户经理的工号，须已存在", "客戶經理的工號，須已存在", "Staff number of a customer manager"),
            "CB0100",
            also=("客户经理",),
            reference="customer_manager",
        ),
        flag_column("active", text("在营", "在營", "In business"), "营业", "營業", default=True),
    ),
    key=("licence_no",),
)  # fmt: skip

VEHICLES = Kind(
    "vehicles",
    text("送货车辆", "送貨車輛", "Vehicles"),
    (
        Column(
            "number",
            text("车号", "車號", "Number"),
            values.code(10),
            text("大家口头使用的编号", "大家口頭使用的編號", "What people call it"),
            "17",
            also=("编号", "车辆编号"),
        ),
        Column(
            "plate",
            text("车牌", "車牌", "Plate"),
            values.text(12),
            text("车牌号", "車牌號", "Number plate"),
            "样A·00017",
            also=("车牌号", "号牌"),
        ),
        Column(
            "model",
            text("车型", "車型", "Model"),
            values.text(40),
            text(
                "向保险公司说明的车型", "向保險公司說明的車型", "Type of vehicle as the insurer asks for it"
            ),
            "4.2 m box van",
        ),
        site_column(text("所属站点", "所屬站點", "Site"), "站点", "中转站"),
        Column(
            "capacity_cartons",
            text("载量（条）", "載量（條）", "Capacity (cartons)"),
            values.integer(1, 20000),
            text("可装条数", "可裝條數", "Cartons it carries"),
            "1200",
            also=("载量", "装载条数"),
        ),
        flag_column("is_reserve", text("备用车", "備用車", "Reserve"), "备用车辆", "是否备用", default=False),
        Column(
            "checked_on",
            text("上次检查", "上次檢查", "Checked on"),
            values.day,
            text("车况检查日期；可空", "車況檢查日期；可空", "Date of the last fitness check; may be empty"),
            "2026-11-23",
            required=False,
            also=("检查日期",),
        ),
        Column(
            "keeper",
            text("保管人工号", "保管人工號", "Keeper"),
            values.code(20),
            text("送货员工号；可空", "送貨員工號；可空", "Staff number of its driver; may be empty"),
            "CB0200",
            required=False,
            also=("驾驶员工号", "送货员工号"),
            reference="person",
        ),
    ),
    key=("number",),
    unique=("plate",),
)

STAFF = Kind(
    "staff",
    text("人员", "人員", "Staff"),
    (
        Column(
            "staff_no",
            text("工号", "工號", "Staff number"),
            values.code(20),
            text("工号", "工號", "Staff number"),
            "CB0001",
            also=("员工编号",),
        ),
        Column(
            "name",
            text("姓名", "姓名", "Name"),
            values.text(40),
            text("姓名", "姓名", "Name"),
            "例甲子",
        ),
        phone_column(
            text("电话", "電話", "Telephone"), "10000000001", "手机", "手机号", "联系电话", "phone"
        ),
        Column(
            "second_phone",
            text("备用电话", "備用電話", "Second telephone"),
            values.phone,
            MAY_BE_EMPTY,
            "10010000001",
            required=False,
            default="",
            also=("第二电话",),
        ),
        email_column("cb0001@changbei.example", "电子邮箱", "电子邮件"),
        Column(
            "language",
            text("语言", "語言", "Language"),
            values.choice(LANGUAGES),
            text("空为简体", "空為簡體", "zh-Hans, zh-Hant or en; empty: zh-Hans"),
            "简体",
            required=False,
            default="zh-Hans",
        ),
        unit_column("unit", "info-center"),
        Column(
            "job",
            text("工种", "工種", "Job"),
            values.choice(JOBS),
            text("送货员、调度、客户经理、市场经理、技术员……", "送貨員、調度、客戶經理、市場經理、技術員……",
                  "driver, dispatcher, customer_manager, market_manager, technician …"),
            "技术员",
            also=("岗位", "崗位"),  # as files of earlier versions say
        ),
        Column(
            "post",
            text("岗位代码", "崗位代碼", "Post"),
            values.code(60),
            text("任职的岗位代码；可空；每个岗位一行", "任職的崗位代碼；可空；每個崗位一行",
                 "Code of the post held; may be empty; a row for each post"),
            "info-center-head",
            required=False,
            also=("职务代码", "職務代碼", "职务"),
            reference="post",
        ),
        Column(
            "rank",
            text("岗位次序", "崗位次序", "Rank"),
            values.integer(1, 99),
            text("1 为正职，2、3……为副职；有岗位时填写", "1 為正職，2、3……為副職；有崗位時填寫",
                  "1 the holder, 2, 3 … deputies; with a post"),
            "1",
            required=False,
            also=("职务次序", "職務次序"),
        ),
        flag_column("active", text("在职", "在職", "Employed"), default=True),
    ),
    key=("staff_no",),
    repeats=("post", "rank"),
)  # fmt: skip
