"""The words of the review as a document, in simplified Chinese, traditional Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

from changbei.core.texts import LANGUAGES

_LABELS: Mapping[str, tuple[str, str, str]] = {
    "heading": ("应急处置评估", "應急處置評估", "Review of an emergency"),
    "drill": ("演练", "演練", "DRILL"),
    "simulated": ("模拟应答", "模擬應答", "simulated"),
    "figures": ("概况", "概況", "In figures"),
    "command": ("指挥", "指揮", "Command"),
    "findings": ("问题与整改", "問題與整改", "Findings and what is to be mended"),
    "nothing": ("没有发现问题。", "沒有發現問題。", "Nothing was found."),
    "finding": ("问题", "問題", "Finding"),
    "owner": ("责任人", "責任人", "Owner"),
    "due_on": ("完成日期", "完成日期", "Due"),
    "tasks": ("任务：预案要求与实际", "任務：預案要求與實際", "Tasks: what the plan said, what happened"),
    "task": ("任务", "任務", "Task"),
    "clause": ("条款", "條款", "Clause"),
    "held_by": ("承担人", "承擔人", "Held by"),
    "planned": ("应完成", "應完成", "Due"),
    "actual": ("实际完成", "實際完成", "Done"),
    "difference": ("相差", "相差", "Difference"),
    "timeline": ("时间线", "時間線", "Timeline"),
    "at": ("时间", "時間", "When"),
    "what": ("事项", "事項", "What"),
    "who": ("人员", "人員", "Who"),
    "remarks": ("评估意见", "評估意見", "Remarks"),
    "kind": ("事件类型", "事件類型", "Kind of event"),
    "level": ("级别", "級別", "Level"),
    "place": ("地点", "地點", "Place"),
    "plan": ("预案", "預案", "Plan"),
    "reported": ("报告", "報告", "Reported"),
    "restored": ("服务恢复", "服務恢復", "Service back"),
    "closed": ("结束", "結束", "Closed"),
    "reason": ("结束说明", "結束說明", "Reason"),
    "interruption": ("中断时长", "中斷時長", "Service interrupted"),
    "affected": ("涉及客户", "涉及客戶", "Customers concerned"),
    "tasks_done": ("完成的任务", "完成的任務", "Tasks done"),
    "late": ("逾期的任务", "逾期的任務", "Tasks late"),
    "escalations": ("逐级提醒", "逐級提醒", "Escalations"),
    "told": ("通知人员", "通知人員", "Staff told"),
    "unreached": ("未通知到", "未通知到", "Not reached"),
    "commander": ("总指挥", "總指揮", "Commander"),
    "acting_commander": ("临时总指挥", "臨時總指揮", "Acting commander"),
    "deputy_commander": ("副总指挥", "副總指揮", "Deputy commander"),
    "set_up": ("成立", "成立", "Set up"),
    "stood_down": ("撤销", "撤銷", "Stood down"),
    "authorised": ("授权", "授權", "Authorised"),
    "nobody": ("无人", "無人", "nobody"),
    "not_yet": ("未", "未", "not yet"),
    "in_time": ("按时", "按時", "in time"),
    "no_limit": ("不限时", "不限時", "no limit"),
    "cancelled": ("已取消", "已取消", "cancelled"),
    "escalated": ("{at} 提醒{to}（{why}）", "{at} 提醒{to}（{why}）", "{at} escalated to {to} ({why})"),
    "acknowledge": ("未确认", "未確認", "not acknowledged"),
    "due": ("逾期", "逾期", "overdue"),
    "moved": ("{at} 由{from}转给{to}", "{at} 由{from}轉給{to}", "{at} passed from {from} to {to}"),
    "recovery": ("送货恢复", "送貨恢復", "Recovery of deliveries"),
    "stranded": ("滞留客户", "滯留客戶", "Customers stranded"),
    "option": ("采用方案", "採用方案", "Option taken"),
    "options": ("备选方案", "備選方案", "Options offered"),
    "extra_minutes": ("增加行驶（分）", "增加行駛（分）", "Extra minutes"),
    "vans_touched": ("涉及车辆", "涉及車輛", "Vans concerned"),
    "unserved": ("当日未送达", "當日未送達", "Not served that day"),
    "computing": ("计算用时（秒）", "計算用時（秒）", "Computed in (s)"),
    "accepted_by": ("选定人", "選定人", "Accepted by"),
    "site_reserve": ("本站备用车", "本站備用車", "reserve van of the site"),
    "nearest_reserve": ("邻近站备用车", "鄰近站備用車", "reserve van of the nearest site"),
    "neighbours": ("邻近线路分担", "鄰近線路分擔", "neighbouring lines"),
    "mixed": ("混合", "混合", "mixed"),
    "suspension": ("暂停服务", "暫停服務", "Suspension of service"),
    "whole": ("全区", "全區", "whole area"),
    "partial": ("局部", "局部", "part of the area"),
    "scope": ("范围", "範圍", "Scope"),
    "from": ("自", "自", "From"),
    "until": ("至", "至", "Until"),
    "resumed": ("恢复", "恢復", "Resumed"),
    "why": ("原因", "原因", "Reason"),
    "decided_by": ("决定人", "決定人", "Decided by"),
    "customers": ("客户通知", "客戶通知", "Notices to customers"),
    "customers_told": ("已发送", "已發送", "Sent to"),
    "customers_delivered": ("已送达", "已送達", "Arrived at"),
    "calls": ("电话通知", "電話通知", "Phone calls"),
    "calls_reached": ("已接通或走访", "已接通或走訪", "Reached or visited"),
    "calls_left": ("未完成", "未完成", "Left over"),
    "supply": ("临时货源", "臨時貨源", "Extra goods"),
    "requests": ("申请", "申請", "Requests"),
    "cartons": ("数量（条）", "數量（條）", "Cartons"),
    "total": ("合计", "合計", "In all"),
    "signed_review": ("督察考评：", "督察考評：", "Supervision and evaluation:"),
    "signed_group": ("领导小组：", "領導小組：", "Leading group:"),
    "made": ("生成于", "生成於", "Made"),
    "days": ("天", "天", "d"),
    "hours": ("小时", "小時", "h"),
    "minutes": ("分钟", "分鐘", "min"),
    "MAJOR": ("重大事件", "重大事件", "Major"),
    "LOCAL": ("局部事件", "局部事件", "Local"),
    "DEMAND": ("货源需求", "貨源需求", "Demand"),
    "SERVICE": ("日常服务", "日常服務", "Everyday service"),
}

# the timeline of the document: what somebody did, or what decided the course; messages and timers are left out
_FACTS: Mapping[str, tuple[str, str, str]] = {
    "incidents.reported": ("报告事件", "報告事件", "Reported"),
    "incidents.report_joined": ("再次报告，并入本事件", "再次報告，併入本事件", "Reported again, joined"),
    "incidents.classified": ("定级：{level}", "定級：{level}", "Classified: {level}"),
    "incidents.level_changed": (
        "级别改为{level}：{reason}",
        "級別改為{level}：{reason}",
        "Level now {level}: {reason}",
    ),
    "incidents.command_post_set_up": ("成立指挥部", "成立指揮部", "Command post set up"),
    "incidents.command_passed": ("指挥权移交", "指揮權移交", "Command passed on"),
    "incidents.command_handed_back": ("指挥权交回", "指揮權交回", "Command handed back"),
    "incidents.command_post_stood_down": ("撤销指挥部", "撤銷指揮部", "Command post stood down"),
    "incidents.authorisation_asked": ("请求授权临时总指挥", "請求授權臨時總指揮", "Authorisation asked for"),
    "incidents.authorisation_granted": ("授权临时总指挥", "授權臨時總指揮", "Acting commander authorised"),
    "incidents.warning_updated": (
        "预警更新：{headline}",
        "預警更新：{headline}",
        "Warning updated: {headline}",
    ),
    "incidents.warning_expired": (
        "预警到期：{headline}",
        "預警到期：{headline}",
        "Warning ran out: {headline}",
    ),
    "incidents.all_clear": ("险情解除", "險情解除", "All clear"),
    "incidents.service_suspended": (
        "暂停服务：{retailers}户，{reason}",
        "暫停服務：{retailers}戶，{reason}",
        "Service suspended: {retailers} customers, {reason}",
    ),
    "incidents.suspension_extended": ("延长暂停服务", "延長暫停服務", "Suspension extended"),
    "incidents.service_resumed": ("恢复服务", "恢復服務", "Service resumed"),
    "incidents.public_notice_made": ("拟定公告", "擬定公告", "Public notice made"),
    "incidents.fallback_recorded": (
        "启用替代手段：{fallback}",
        "啟用替代手段：{fallback}",
        "Fallback: {fallback}",
    ),
    "incidents.contact_missing": (
        "联系清单缺项：{serves}",
        "聯繫清單缺項：{serves}",
        "No contact for {serves}",
    ),
    "incidents.restored": ("服务恢复", "服務恢復", "Service is back"),
    "incidents.closed": ("事件结束", "事件結束", "Closed"),
    "runs.started": ("启动预案", "啟動預案", "Plan started"),
    "runs.task_acknowledged": ("确认：{title}", "確認：{title}", "Acknowledged: {title}"),
    "runs.task_done": ("完成：{title}", "完成：{title}", "Done: {title}"),
    "runs.escalated": ("逐级提醒：{title}", "逐級提醒：{title}", "Escalated: {title}"),
    "runs.role_moved": ("换人：{role}", "換人：{role}", "Role passed on: {role}"),
    "runs.finished": ("预案执行完毕", "預案執行完畢", "Plan carried out"),
    "runs.ended": (
        "提前结束，预案未全部执行",
        "提前結束，預案未全部執行",
        "Ended before the plan was carried out",
    ),
    "delivery.broken_down": ("车辆故障登记", "車輛故障登記", "Breakdown recorded"),
    "delivery.recovery_offered": ("接替方案算出", "接替方案算出", "Ways to take over offered"),
    "delivery.recovery_accepted": ("选定接替方案", "選定接替方案", "Way to take over accepted"),
    "delivery.goods_taken_over": ("货物移交", "貨物移交", "Goods taken over"),
    "delivery.postponed": ("余下客户改期", "餘下客戶改期", "Remaining customers postponed"),
    "delivery.repair_ordered": ("车辆送修", "車輛送修", "Repair ordered"),
    "notify.call_list_made": ("生成电话通知名单", "生成電話通知名單", "Call list made"),
    "notify.calls_ended": (
        "事由消除，不再电话通知",
        "事由消除，不再電話通知",
        "Calls that were left are over",
    ),
    "notify.call_list_finished": ("电话通知完成", "電話通知完成", "Every customer phoned"),
    "supply.request_assessed": ("货源申请审核", "貨源申請審核", "Request assessed"),
    "supply.request_approved": ("货源申请批准", "貨源申請批准", "Request approved"),
    "supply.request_declined": ("货源申请未批准", "貨源申請未批准", "Request declined"),
    "supply.request_merged": ("并入正常订货", "併入正常訂貨", "Joined to the regular order"),
    "supply.replenishment_dispatched": ("临时补货发出", "臨時補貨發出", "Replenishment sent out"),
    "supply.key_customers_replenished": ("重点客户临时补货", "重點客戶臨時補貨", "Key customers replenished"),
}


def labels(language: str) -> dict[str, str]:
    """All fixed words in one language."""
    place = _place(language)
    return {name: words[place] for name, words in _LABELS.items()}


def fact(kind: str, language: str) -> str:
    """The words of a kind of fact with its placeholders; "" for kinds the document leaves out."""
    return _FACTS[kind][_place(language)] if kind in _FACTS else ""


def known(language: str) -> str:
    """The language of the product that a reader's language means."""
    folded = {name.lower(): name for name in LANGUAGES}
    return "en" if language.lower().startswith("en") else folded.get(language.lower(), LANGUAGES[0])


def _place(language: str) -> int:
    return LANGUAGES.index(known(language))
