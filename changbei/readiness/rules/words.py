"""What does not hold, in words of three languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from changbei.core.texts import LANGUAGES


@dataclass(frozen=True)
class Trouble:
    """Something that does not hold: what it is about, and words in three languages."""

    subject: str
    text: dict[str, str]


TEXTS: Mapping[str, tuple[str, str, str]] = {
    "vacant": ("{post}岗位空缺。", "{post}崗位空缺。", "The post {post} is vacant."),
    "no-reserve": (
        "{site}可出车的备用车辆{found}辆，应有{wanted}辆。",
        "{site}可出車的備用車輛{found}輛，應有{wanted}輛。",
        "{site} has {found} reserve vehicles fit to go, {wanted} are asked for.",
    ),
    "unchecked": (
        "备用车{number}号（{site}）自{since}起未检查。",
        "備用車{number}號（{site}）自{since}起未檢查。",
        "Reserve vehicle {number} ({site}) has not been checked since {since}.",
    ),
    "no-forecast": (
        "{day}：到{by}仍没有三日天气预报。",
        "{day}：到{by}仍沒有三日天氣預報。",
        "{day}: there was no three-day forecast by {by}.",
    ),
    "no-exercise": (
        "{plan}施行{days}天以来没有演练（期限{limit}天）。",
        "{plan}施行{days}天以來沒有演練（期限{limit}天）。",
        "{plan}: no exercise in the {days} days since it was adopted (limit {limit}).",
    ),
    "old-exercise": (
        "{plan}上次演练距今{days}天（期限{limit}天）。",
        "{plan}上次演練距今{days}天（期限{limit}天）。",
        "{plan}: the last exercise was {days} days ago (limit {limit}).",
    ),
    "source-silent": (
        "预警来源“{name}”自{since}起没有消息。{trouble}",
        "預警來源「{name}」自{since}起沒有消息。{trouble}",
        "The source of warnings “{name}” has been silent since {since}. {trouble}",
    ),
    "forecast-unconfirmed": (
        "{day}：{department}尚未确认已发布天气预报。",
        "{day}：{department}尚未確認已發布天氣預報。",
        "{day}: {department} has not confirmed that the forecast was published.",
    ),
    "no-technician": (
        "{hour}起没有可联系的技术人员（{found}/{wanted}）。",
        "{hour}起沒有可聯繫的技術人員（{found}/{wanted}）。",
        "No technician can be reached from {hour} ({found} of {wanted}).",
    ),
    "group-missing": (
        "联系清单缺少{group}。",
        "聯繫清單缺少{group}。",
        "The contact list has nobody of the group {group}.",
    ),
    "service-missing": (
        "联系清单中没有{service}的服务商。",
        "聯繫清單中沒有{service}的服務商。",
        "Nobody on the contact list serves {service}.",
    ),
    "customers-refused": (
        "{district}有{count}户客户的号码被运营商拒收（最早{since}），见“被拒号码”名单。",
        "{district}有{count}戶客戶的號碼被電信業者拒收（最早{since}），見「被拒號碼」名單。",
        "{district}: carriers refuse the numbers of {count} customers (since {since}); see “Refused numbers”.",
    ),
    "number-refused": (
        "运营商称{who}尾号{ending}的号码无效或拒收（{on}）。",
        "電信業者稱{who}尾號{ending}的號碼無效或拒收（{on}）。",
        "The carrier says that the number of {who} ending in {ending} is none or takes nothing ({on}).",
    ),
    "no-phone": ("{who}没有可用的电话。", "{who}沒有可用的電話。", "{who} has no telephone number."),
    "below-floor": (
        "{product}库存{found}条，低于预留{wanted}条。",
        "{product}庫存{found}條，低於預留{wanted}條。",
        "{found} cartons of {product} are in store, {wanted} are to be kept.",
    ),
    "stale": (
        "{who}的联系方式{days}天没有复核（期限{limit}天）。",
        "{who}的聯繫方式{days}天沒有複核（期限{limit}天）。",
        "The contact of {who} was last reviewed {days} days ago (limit {limit}).",
    ),
    # S8
    "matter-ownerless": (
        "{number} {title}：没有承办人。",
        "{number} {title}：沒有承辦人。",
        "{number} {title}: nobody owns it.",
    ),
    "matter-late": (
        "{number} {title}：“{task}”应于{due}办完，{owner}仍未办理。",
        "{number} {title}：「{task}」應於{due}辦完，{owner}仍未辦理。",
        "{number} {title}: “{task}” was due on {due}; {owner} has not done it.",
    ),
    # E3.1.2, E2.3
    "no-backup": (
        "{system}没有含{covers}的备份记录。",
        "{system}沒有含{covers}的備份記錄。",
        "No backup of {system} with {covers} is on record.",
    ),
    "old-backup": (
        "{system}最近一次含{covers}的备份已过{hours}小时（期限{limit}小时）。",
        "{system}最近一次含{covers}的備份已過{hours}小時（期限{limit}小時）。",
        "The last backup of {system} with {covers} is {hours} hours old (limit {limit}).",
    ),
    "no-restore": (
        "{system}没有恢复演练记录。",
        "{system}沒有恢復演練記錄。",
        "No restore drill of {system} is on record.",
    ),
    "old-restore": (
        "{system}上次恢复演练距今{days}天（期限{limit}天）。",
        "{system}上次恢復演練距今{days}天（期限{limit}天）。",
        "The last restore drill of {system} was {days} days ago (limit {limit}).",
    ),
    "incomplete-restore": (
        "{system}在{on}的恢复演练没有完整恢复。",
        "{system}在{on}的恢復演練沒有完整恢復。",
        "The restore drill of {system} on {on} did not bring everything back.",
    ),
    "slow-restore": (
        "{system}恢复用时{minutes}分钟（限{limit}分钟）。",
        "{system}恢復用時{minutes}分鐘（限{limit}分鐘）。",
        "Restoring {system} took {minutes} minutes (limit {limit}).",
    ),
    # E3.1.6
    "no-batch": (
        "{system}在{on}没有批处理备份。",
        "{system}在{on}沒有批處理備份。",
        "{system} has no backup of the batch of {on}.",
    ),
    "not-on-tape": (
        "{system}在{on}的批处理备份没有送磁带库。",
        "{system}在{on}的批處理備份沒有送磁帶庫。",
        "The batch backup of {system} of {on} was not put into the tape library.",
    ),
    "late-on-tape": (
        "{system}在{on}的批处理备份到{stored}才送磁带库。",
        "{system}在{on}的批處理備份到{stored}才送磁帶庫。",
        "The batch backup of {system} of {on} reached the tape library only on {stored}.",
    ),
    # E3.1.7
    "no-pair": (
        "{system}没有登记双机热备。",
        "{system}沒有登記雙機熱備。",
        "No hot standby of {system} is registered.",
    ),
    "untested": (
        "{name}没有测试记录。",
        "{name}沒有測試記錄。",
        "No test of {name} is on record.",
    ),
    "old-test": (
        "{name}上次测试距今{days}天（期限{limit}天）。",
        "{name}上次測試距今{days}天（期限{limit}天）。",
        "{name} was last tested {days} days ago (limit {limit}).",
    ),
    "failed-test": (
        "{name}在{on}的切换测试没有接替成功。",
        "{name}在{on}的切換測試沒有接替成功。",
        "{name} did not take over in the test on {on}.",
    ),
    "slow-test": (
        "{name}切换用时{seconds}秒（限{limit}秒）。",
        "{name}切換用時{seconds}秒（限{limit}秒）。",
        "{name} took {seconds} seconds to take over (limit {limit}).",
    ),
    # E3.1.1
    "no-ups": (
        "{room}没有登记备用电源。",
        "{room}沒有登記備用電源。",
        "No backup power is registered for {room}.",
    ),
    "short-ups": (
        "{name}实测可供电{minutes}分钟，应不少于{limit}分钟。",
        "{name}實測可供電{minutes}分鐘，應不少於{limit}分鐘。",
        "{name} lasted {minutes} minutes, {limit} are asked for.",
    ),
    # E3.1.8, E3.1.9, E3.1.12
    "few-spares": (
        "{kind}共{found}件，应有{wanted}件。",
        "{kind}共{found}件，應有{wanted}件。",
        "There are {found} of {kind}, {wanted} are asked for.",
    ),
    "spare-gone": (
        "{site}的{kind}现有{found}件，计划{wanted}件。",
        "{site}的{kind}現有{found}件，計劃{wanted}件。",
        "{site} has {found} of {kind}, {wanted} are planned.",
    ),
    # E2.8, E3.1.10
    "no-target": (
        "没有登记{kind}类的检查对象。",
        "沒有登記{kind}類的檢查對象。",
        "No place or equipment of the kind {kind} is on the rota.",
    ),
    "never-inspected": (
        "{name}没有定期检查记录。",
        "{name}沒有定期檢查記錄。",
        "No regular inspection of {name} is on record.",
    ),
    "inspection-due": (
        "{name}上次定期检查距今{days}天（间隔{limit}天）。",
        "{name}上次定期檢查距今{days}天（間隔{limit}天）。",
        "{name} was last inspected {days} days ago (interval {limit}).",
    ),
    "inspection-missed": (
        "{name}在{on}的不定期检查没有进行。",
        "{name}在{on}的不定期檢查沒有進行。",
        "The irregular inspection of {name} on {on} was not made.",
    ),
    "no-irregular": (
        "{kind}类近{days}天没有不定期检查。",
        "{kind}類近{days}天沒有不定期檢查。",
        "No irregular inspection of the kind {kind} was made in {days} days.",
    ),
    # E2.9
    "unconfirmed-review": (
        "{number}的评估报告{days}天未确认（期限{limit}天）。",
        "{number}的評估報告{days}天未確認（期限{limit}天）。",
        "The review of {number} has waited {days} days to be confirmed (limit {limit}).",
    ),
    "not-circulated": (
        "{number}的评估结果尚未通报。",
        "{number}的評估結果尚未通報。",
        "The review of {number} has not been circulated.",
    ),
    "no-owner": (
        "{number}的整改事项没有责任人：{text}",
        "{number}的整改事項沒有責任人：{text}",
        "Something to be mended after {number} has no owner: {text}",
    ),
    "mending-late": (
        "{number}的整改事项逾期{days}天（{who}）：{text}",
        "{number}的整改事項逾期{days}天（{who}）：{text}",
        "Something to be mended after {number} is {days} days late ({who}): {text}",
    ),
    # E3.2.6
    "unfit-days": (
        "{site}在近{of}个工作日中有{days}个工作日没有检查合格的备用车：{list}",
        "{site}在近{of}個工作日中有{days}個工作日沒有檢查合格的備用車：{list}",
        "On {days} of the last {of} working days {site} had no reserve vehicle found fit: {list}",
    ),
    # E3.2.7
    "no-copy": (
        "{who}没有客户档案的安全备份。",
        "{who}沒有客戶檔案的安全備份。",
        "There is no safe copy of the customer files of {who}.",
    ),
    "old-copy": (
        "{who}的客户档案备份已有{days}天（期限{limit}天）。",
        "{who}的客戶檔案備份已有{days}天（期限{limit}天）。",
        "The safe copy of the customer files of {who} is {days} days old (limit {limit}).",
    ),
    "lacking-copy": (
        "{who}的客户档案备份缺{count}户。",
        "{who}的客戶檔案備份缺{count}戶。",
        "The safe copy of the customer files of {who} lacks {count} customers.",
    ),
    "kept-too-long": (
        "{who}在{on}的客户档案备份已过保存期，应销毁。",
        "{who}在{on}的客戶檔案備份已過保存期，應銷毀。",
        "The copy of {who}'s customer files of {on} is past its time and is to be destroyed.",
    ),
    # E3.2.8
    "unverified": (
        "{unit}有{count}人的电话未核实（共{of}人）：{who}",
        "{unit}有{count}人的電話未核實（共{of}人）：{who}",
        "{count} of {of} people of {unit} have no number that was verified: {who}",
    ),
    # E3.4.4
    "few-goods": (
        "红白事常备货源清单有{found}个品规，应有{wanted}个。",
        "紅白事常備貨源清單有{found}個品規，應有{wanted}個。",
        "The list of goods kept for weddings and funerals has {found} products, {wanted} are asked for.",
    ),
    "not-common": (
        "{product}不是一般货源，不能列入常备清单。",
        "{product}不是一般貨源，不能列入常備清單。",
        "{product} is not a common product and cannot be on the list.",
    ),
    # E3.5.3, E3.5.4
    "brand-file": (
        "{name}的品牌档案缺：{what}",
        "{name}的品牌檔案缺：{what}",
        "The brand file of {name} lacks: {what}",
    ),
    "old-brand-file": (
        "{name}的品牌档案{days}天没有复核（期限{limit}天）。",
        "{name}的品牌檔案{days}天沒有複核（期限{limit}天）。",
        "The brand file of {name} was last reviewed {days} days ago (limit {limit}).",
    ),
    "no-factory-contact": (
        "{name}缺少{group}联系方式。",
        "{name}缺少{group}聯繫方式。",
        "{name} has no contact: {group}.",
    ),
}


def trouble(kind: str, subject: str, /, **values: Any) -> Trouble:
    """A trouble in words; values may be texts in languages."""
    return Trouble(
        f"{kind}:{subject}"[:120],
        {
            language: words.format(**{name: _word(value, language) for name, value in values.items()})
            for language, words in zip(LANGUAGES, TEXTS[kind], strict=True)
        },
    )


def _word(value: Any, language: str) -> Any:
    return value.get(language, "") if isinstance(value, Mapping) else value


def listed(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Texts one after the other, with the comma of each language."""
    every = list(parts)
    return {
        language: (", " if language == "en" else "、").join(part[language] for part in every)
        for language in LANGUAGES
    }


def text(hans: str, hant: str, english: str) -> dict[str, str]:
    return dict(zip(LANGUAGES, (hans, hant, english), strict=True))
