"""The words of the printed plan, its handbook and its diagrams in the three languages."""

from __future__ import annotations

from collections.abc import Mapping

from changbei.core.durations import Duration
from changbei.core.texts import LANGUAGES, Text

_WORDS: Mapping[str, tuple[str, str, str]] = {
    # sections of the official document, in the words of GB/T 29639-2020
    "general": ("总则", "總則", "General"),
    "scope": ("适用范围", "適用範圍", "Scope"),
    "levels": ("响应分级", "響應分級", "Levels of response"),
    "organisation": ("应急组织机构及职责", "應急組織機構及職責", "Emergency organisation and duties"),
    "response": ("应急响应", "應急響應", "Emergency response"),
    "reporting": ("信息报告", "資訊報告", "Reporting"),
    "warning": ("预警", "預警", "Early warning"),
    "activation": ("响应启动", "響應啟動", "Starting the response"),
    "handling": ("应急处置", "應急處置", "Handling"),
    "support": ("应急支援", "應急支援", "Support"),
    "termination": ("响应终止", "響應終止", "Ending the response"),
    "aftermath": ("后期处置", "後期處置", "Aftermath"),
    "safeguarding": ("应急保障", "應急保障", "Resources"),
    "communication": ("通信与信息保障", "通信與資訊保障", "Communication"),
    "teams": ("应急队伍保障", "應急隊伍保障", "Staff"),
    "supplies": ("物资装备保障", "物資裝備保障", "Vehicles, equipment and stock"),
    "safeguards": ("其他保障", "其他保障", "Other resources"),
    "supplementary": ("附则", "附則", "Supplementary provisions"),
    "appendices": ("附件", "附件", "Appendices"),
    "appendix": ("附件", "附件", "Appendix"),
    "overview": ("本单位概况", "本單位概況", "The organisation"),
    "risks": ("风险评估的结果", "風險評估的結果", "Results of the risk assessment"),
    "materials": (
        "应急物资装备的名录或清单",
        "應急物資裝備的名錄或清單",
        "Vehicles, equipment and registers",
    ),
    "contacts": (
        "有关应急部门、机构或人员的联系方式",
        "有關應急部門、機構或人員的聯繫方式",
        "Contacts of departments, bodies and persons",
    ),
    "texts": ("格式化文本", "格式化文本", "Forms and message texts"),
    "diagrams": ("应急处置程序图", "應急處置程序圖", "Procedure diagrams"),
    "related": (
        "关联预案与条款对照",
        "關聯預案與條款對照",
        "Related plans, and clauses with what carries them out",
    ),
    "procedures_steps": ("应急处置程序", "應急處置程序", "Procedures step by step"),
    "tables": ("决策表", "決策表", "Decision tables"),
    "settings": ("参数", "參數", "Settings"),
    "checks": ("常备检查", "常備檢查", "Readiness checks"),
    # front matter
    "approval": ("批准页", "批准頁", "Approval"),
    "revisions": ("修订记录", "修訂記錄", "Revision history"),
    "contents": ("目次", "目次", "Contents"),
    "issuer": ("发布单位", "發布單位", "Issued by"),
    "version": ("版本", "版本", "Version"),
    "effective": ("施行日期", "施行日期", "In effect from"),
    "draft": ("草案，未施行", "草案，未施行", "Draft, not in effect"),
    "review_every": ("复审周期", "複審週期", "Reviewed every"),
    "digest": ("文件摘要（SHA-256）", "文件摘要（SHA-256）", "Digest of the files (SHA-256)"),
    "tier": ("层级", "層級", "Tier"),
    "approve_words": (
        "本预案经领导小组审议，自施行日期起执行。",
        "本預案經領導小組審議，自施行日期起執行。",
        "The leading group has considered this plan; it is carried out from its date of effect.",
    ),
    "unsigned": (
        "本版本尚无签署记录。",
        "本版本尚無簽署記錄。",
        "No signature is on record for this version.",
    ),
    "signer": ("签署人", "簽署人", "Signed by"),
    "post": ("岗位", "崗位", "Post"),
    "signed_at": ("签署时间", "簽署時間", "Signed at"),
    "signature": ("签名", "簽名", "Signature"),
    "date": ("日期", "日期", "Date"),
    "adopted": ("采纳", "採納", "Adopted"),
    "adopted_by": ("采纳人", "採納人", "Adopted by"),
    "remark": ("说明", "說明", "Remark"),
    "in_force": ("现行", "現行", "in force"),
    # clauses and steps
    "clause": ("条款", "條款", "Clause"),
    "title": ("名称", "名稱", "Title"),
    "carried_out_by": ("由此执行", "由此執行", "Carried out by"),
    "nothing": ("—", "—", "—"),
    "step": ("步骤", "步驟", "Step"),
    "stage": ("阶段", "階段", "Stage"),
    "role": ("角色", "角色", "Role"),
    "limit": ("时限", "時限", "Time limit"),
    "accept": ("接收", "接收", "accept"),
    "finish": ("完成", "完成", "done"),
    "escalation": ("逾期报告", "逾期報告", "When late, tell"),
    "condition": ("条件", "條件", "Condition"),
    "only_when": ("仅当", "僅當", "only when"),
    "not_before": ("不早于", "不早於", "not before"),
    "until": ("直到", "直到", "until"),
    "after": ("之后", "之後", "after"),
    "at_once": ("立即", "立即", "at once"),
    "every": ("每隔", "每隔", "every"),
    "by_hand": ("失败时人工", "失敗時人工", "by hand if it fails"),
    "to_whom": ("发给", "發給", "to"),
    "evidence": ("留证", "留證", "Evidence"),
    "photo": ("照片", "照片", "photo"),
    "file": ("文件", "文件", "file"),
    "note": ("记录", "記錄", "note"),
    "options": ("选项", "選項", "Options"),
    "fill_in": ("填写", "填寫", "To be filled in"),
    "form_of": ("报告表", "報告表", "Report form"),
    "report": ("报告", "報告", "Report"),
    "required": ("必填", "必填", "required"),
    "yes": ("是", "是", "yes"),
    "no": ("否", "否", "no"),
    "field": ("项目", "項目", "Field"),
    "means": ("内容", "內容", "Content"),
    "check": ("检查", "檢查", "Check"),
    "procedure": ("程序", "程序", "Procedure"),
    "checklist": ("检查表", "檢查表", "Checklist"),
    "is_finding": ("发现问题的情形", "發現問題的情形", "Counts as a finding"),
    "below": ("少于 {n}", "少於 {n}", "below {n}"),
    "above": ("超过 {n}", "超過 {n}", "above {n}"),
    "begins": ("发起{what}", "發起{what}", "begins {what}"),
    "registry": ("台账", "臺賬", "Register"),
    "table": ("决策表", "決策表", "Decision table"),
    "setting": ("参数", "參數", "Setting"),
    "mend": ("整改办法", "整改辦法", "How to mend it"),
    "told": ("告知", "告知", "Told"),
    "value": ("取值", "取值", "Value"),
    "when": ("情形", "情形", "When"),
    "then": ("处理", "處理", "Then"),
    "message": ("信息", "資訊", "Message"),
    "text": ("正文", "正文", "Text"),
    "urgency": ("紧急程度", "緊急程度", "Urgency"),
    "immediate": ("立即", "立即", "immediate"),
    "urgent": ("紧急", "緊急", "urgent"),
    "routine": ("一般", "一般", "routine"),
    "held_by": ("担任方式", "擔任方式", "Held by"),
    "has_deputies": ("设代理", "設代理", "with deputies"),
    "by_post": ("岗位", "崗位", "post"),
    "by_duty": ("值班", "值班", "on duty"),
    "by_job": ("工种", "工種", "job"),
    "by_command": ("应急指挥部", "應急指揮部", "command post"),
    "by_name": ("报告指明", "報告指明", "named by the report"),
    "organisation_chart": ("组织机构图", "組織機構圖", "Organisation chart"),
    "report_starts": (
        "出现下列情形之一的，发现人应当立即报告，报告内容见附件“格式化文本”。",
        "出現下列情形之一的，發現人應當立即報告，報告內容見附件「格式化文本」。",
        "Whoever notices one of the following reports it at once; what a report says stands in the appendix of forms.",
    ),
    "kind_of_event": ("情形", "情形", "Event"),
    "what_happens": ("处置概要", "處置概要", "What is done"),
    "same_joins": (
        "同一事项重复报告的，并入先报事件的期限",
        "同一事項重複報告的，併入先報事件的期限",
        "A second report of the same thing joins within",
    ),
    "activation_words": (
        "报告登记后按决策表定级，响应同时启动；各级响应的指挥方式见“响应分级”。",
        "報告登記後按決策表定級，響應同時啟動；各級響應的指揮方式見「響應分級」。",
        "A report is classified by decision table and the response starts at once; who commands: “Levels of response”.",
    ),
    "termination_words": (
        "完成下列确认后，视为服务恢复；程序的各阶段全部结束后，响应终止。",
        "完成下列確認後，視為服務恢復；程序的各階段全部結束後，響應終止。",
        "Service is restored when the following is confirmed; the response ends when every stage is closed.",
    ),
    "restored_by": ("恢复确认", "恢復確認", "Service is back when"),
    "teams_words": (
        "下列角色由岗位或值班表确定，人员变动时任务随之转移。",
        "下列角色由崗位或值班表確定，人員變動時任務隨之轉移。",
        "These roles follow posts and duty rosters; when the holder changes, the tasks move along.",
    ),
    "see_appendix": ("详见附件", "詳見附件", "see appendix"),
    "none_of_plan": (
        "预案未就本节另作规定。",
        "預案未就本節另作規定。",
        "The plan has no provision of its own here.",
    ),
    "diagram_of": ("程序图", "程序圖", "Diagram"),
    "part": ("第 {n} 部分", "第 {n} 部分", "part {n}"),
    "key": ("图例", "圖例", "Key"),
    # appendices from what is on file
    "personal_data": (
        "本附件含个人信息，只供应急联系使用，不得复制外传。",
        "本附件含個人資料，只供應急聯繫使用，不得複製外傳。",
        "This appendix holds personal data. It serves emergencies only and must not be copied or passed on.",
    ),
    "contacts_withheld": (
        "联系方式属个人信息，本份未附；经授权人员可以带联系方式重新输出。",
        "聯繫方式屬個人資料，本份未附；經授權人員可以帶聯繫方式重新輸出。",
        "Contact details are personal data and are left out of this copy; whoever is entitled can print it with them.",
    ),
    "not_on_file": ("没有登记。", "沒有登記。", "Nothing is on file."),
    "person": ("姓名", "姓名", "Name"),
    "unit": ("部门", "部門", "Department"),
    "phone": ("电话", "電話", "Phone"),
    "second_phone": ("备用电话", "備用電話", "Second phone"),
    "email": ("电子邮件", "電子郵件", "E-mail"),
    "serves": ("用于", "用於", "For"),
    "reviewed_on": ("复核日期", "複核日期", "Reviewed"),
    "holder": ("负责人", "負責人", "Holder"),
    "deputy": ("第{n}代理", "第{n}代理", "deputy {n}"),
    "staff": ("内部人员", "內部人員", "Staff"),
    "outside": ("外部单位", "外部單位", "Outside bodies"),
    "vehicles": ("车辆", "車輛", "Vehicles"),
    "site": ("站点", "站點", "Site"),
    "vans": ("送货车（辆）", "送貨車（輛）", "Vans"),
    "reserves": ("备用车（辆）", "備用車（輛）", "Reserve vans"),
    "capacity": ("总载量（条）", "總載量（條）", "Capacity (cartons)"),
    "registers": ("台账", "臺賬", "Registers"),
    "page": ("页面", "頁面", "Page"),
    "kept_at": ("所在", "所在", "Kept at"),
    "figure": ("指标", "指標", "Figure"),
    "units": ("部门与站点", "部門與站點", "Departments and sites"),
    "people": ("在职人员", "在職人員", "Members of staff"),
    "retailers": ("零售客户", "零售客戶", "Retailers"),
    "sites": ("配送站点", "配送站點", "Delivery sites"),
    "fleet": ("送货车辆", "送貨車輛", "Delivery vans"),
    "risks_words": (
        "预案所应对的情形及其定级、触发和应对程序如下。",
        "預案所應對的情形及其定級、觸發和應對程序如下。",
        "The events this plan answers, and the procedures that answer them.",
    ),
    "levels_possible": ("可能的级别", "可能的級別", "Possible levels"),
    "plans_related": ("关联预案", "關聯預案", "Related plans"),
    "no_related": ("本预案不启动其他预案。", "本預案不啟動其他預案。", "This plan starts no other plan."),
    "started_by": ("由步骤启动", "由步驟啟動", "Started by"),
    # families
    "network": ("网络与系统", "網絡與系統", "Network and systems"),
    "vehicle": ("车辆", "車輛", "Vehicles"),
    "weather": ("天气", "天氣", "Weather"),
    "demand": ("需求", "需求", "Demand"),
    "supply": ("货源", "貨源", "Supply"),
    "settlement": ("结算", "結算", "Settlement"),
    "safety": ("安全", "安全", "Safety"),
    "petition": ("信访", "信訪", "Petitions"),
    "routine_family": ("日常", "日常", "Routine"),
    "service": ("客户服务", "客戶服務", "Customer service"),
    # kinds of steps
    "kind_task": ("任务", "任務", "Task"),
    "kind_decide": ("决定", "決定", "Decision"),
    "kind_approve": ("审批", "審批", "Approval"),
    "kind_await": ("等待事项", "等待事項", "Waits for"),
    "kind_do": ("系统执行", "系統執行", "The system does"),
    "kind_notify": ("通知", "通知", "Message"),
    "kind_wait": ("等待", "等待", "Wait"),
    "kind_countdown": ("倒计时", "倒計時", "Count-down"),
    "kind_call": ("启动程序", "啟動程序", "Starts"),
    "approved": ("批准", "批准", "approved"),
    "refused": ("不批准", "不批准", "refused"),
    "for_each": ("逐一", "逐一", "for each"),
    "marks": ("节点", "節點", "Marks"),
    "before_end": ("结束前", "結束前", "before the end"),
    # states on a running event
    "state_done": ("已完成", "已完成", "done"),
    "state_open": ("进行中", "進行中", "under way"),
    "state_overdue": ("已逾期", "已逾期", "overdue"),
    "state_skipped": ("不适用", "不適用", "not needed"),
    "state_failed": ("已转人工", "已轉人工", "failed, by hand"),
    "state_waiting": ("未开始", "未開始", "not yet"),
    # handbook
    "handbook": ("岗位应急手册", "崗位應急手冊", "Emergency handbook"),
    "handbook_for": ("岗位", "崗位", "For"),
    "what_i_do": ("遇到以下情形，我要做什么", "遇到以下情形，我要做什麼", "What I do when …"),
    "my_tasks": ("我的任务", "我的任務", "My tasks"),
    "my_calls": ("联系谁", "聯繫誰", "Whom to call"),
    "i_hear_of": ("逾期时我会被告知", "逾期時我會被告知", "I am told when these are late"),
    "i_receive": ("我会收到的通知", "我會收到的通知", "Messages I receive"),
    "my_checks": ("我负责的检查", "我負責的檢查", "Checks I answer for"),
    "report_how": ("报告时说明", "報告時說明", "A report says"),
    "no_task": (
        "本岗位在本预案中没有任务。",
        "本崗位在本預案中沒有任務。",
        "The plan has no task for this post.",
    ),
    "accept_within": ("{time}内接收", "{time}內接收", "accept within {time}"),
    "done_within": ("{time}内完成", "{time}內完成", "done within {time}"),
    "confirmed": (
        "至少 {n} 人在{time}内确认收到",
        "至少 {n} 人在{time}內確認收到",
        "at least {n} acknowledge within {time}",
    ),
    "late_tell": ("逾期依次告知：{names}", "逾期依次告知：{names}", "when late, told in turn: {names}"),
    # time
    "seconds": ("{n} 秒", "{n} 秒", "{n} s"),
    "minutes": ("{n} 分钟", "{n} 分鐘", "{n} min"),
    "hours": ("{n} 小时", "{n} 小時", "{n} h"),
    "days": ("{n} 天", "{n} 天", "{n} d"),
    "working_days": ("{n} 个工作日", "{n} 個工作日", "{n} working day(s)"),
    "page_of": ("第 {page} 页", "第 {page} 頁", "Page {page}"),
    "separator": ("、", "、", ", "),
    "semicolon": ("；", "；", "; "),
    "colon": ("：", "：", ": "),
}
_LENGTHS = ("seconds", "minutes", "hours", "days", "working_days")
# English has one word for one and another for more: `one|more`
_QUANTITIES: Mapping[str, tuple[str, str, str]] = {
    "weeks": ("{n} 周", "{n} 週", "{n} week|{n} weeks"),
    "cartons": ("{n} 条", "{n} 條", "{n} carton|{n} cartons"),
    "boards": ("{n} 块", "{n} 塊", "{n} board|{n} boards"),
    "computers": ("{n} 台", "{n} 臺", "{n} computer|{n} computers"),
    "machines": ("{n} 台", "{n} 臺", "{n} machine|{n} machines"),
    "sockets": ("{n} 个", "{n} 個", "{n} socket|{n} sockets"),
    "customers": ("{n} 户", "{n} 戶", "{n} customer|{n} customers"),
    "people": ("{n} 人", "{n} 人", "{n} person|{n} people"),
    "products": ("{n} 个品种", "{n} 個品種", "{n} product|{n} products"),
    "vehicles": ("{n} 辆", "{n} 輛", "{n} vehicle|{n} vehicles"),
    "force": ("{n} 级", "{n} 級", "force {n}"),
    "centimetres": ("{n} 厘米", "{n} 厘米", "{n} cm"),
    "millimetres": ("{n} 毫米", "{n} 毫米", "{n} mm"),
}


class Words:
    """The words in one language: `say("clause")`, with values filled in: `say("part", n=2)`."""

    def __init__(self, language: str) -> None:
        self.language = known(language)
        self._column = LANGUAGES.index(self.language)

    def __call__(self, name: str, **values: object) -> str:
        words = _WORDS[name][self._column]
        return words.format(**values) if values else words

    def has(self, name: str) -> bool:
        return name in _WORDS

    def length(self, duration: Duration | None) -> str:
        """A time limit: `15 分钟`, `1 个工作日`; "" without one."""
        if duration is None:
            return ""
        if duration.working_days:
            return self("working_days", n=duration.working_days)
        for unit, seconds in (("days", 86400), ("hours", 3600), ("minutes", 60)):
            if duration.seconds and duration.seconds % seconds == 0:
                return self(unit, n=duration.seconds // seconds)
        return self("seconds", n=duration.seconds)

    def quantity(self, value: object, unit: str) -> str:
        """A number with its unit: `30 条`; a unit that has no words of its own stands as the plan writes it."""
        number = f"{value:g}" if isinstance(value, int | float) else str(value)
        words = _QUANTITIES.get(unit) or _WORDS.get(unit if unit in _LENGTHS else "")
        if words is None:
            return f"{number} {unit}".strip()
        one, _, more = words[self._column].partition("|")
        return (one if number == "1" else more or one).format(n=number)

    def sentence(self, parts: list[str]) -> str:
        return self("semicolon").join(part for part in parts if part)

    def joined(self, parts: list[str]) -> str:
        return self("separator").join(part for part in parts if part)


def known(language: str) -> str:
    """The language of ours that `language` means: zh-hant-tw → zh-Hant, en-gb → en, else zh-Hans."""
    folded = language.lower()
    if folded.startswith("en"):
        return "en"
    return "zh-Hant" if folded.startswith(("zh-hant", "zh-tw", "zh-hk")) else "zh-Hans"


def text(name: str) -> Text:
    """A word in all languages."""
    return dict(zip(LANGUAGES, _WORDS[name]))
