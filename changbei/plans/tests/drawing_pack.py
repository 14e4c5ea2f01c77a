"""A pack with one of every kind of step, for what is drawn, printed and exported."""

from __future__ import annotations

from changbei.plans.model import Pack, Procedure
from changbei.plans.tests import packs

PLAN = (
    packs.PLAN
    + """\
sections:
  scope: [E1]
  levels: [E1.1b]
  supplementary: [E5]
"""
)

STAGES = """\
- id: act
  title: {zh-Hans: 处置, zh-Hant: 處置, en: Act}
  steps:
    - id: look
      task:
        title: {zh-Hans: 查看现场, zh-Hant: 查看現場, en: Look}
        guide: {zh-Hans: 先看后动, zh-Hant: 先看後動, en: Look first}
      role: driver
      clause: E1.1
      acknowledge_within: 3m
      within: 15m
      overdue: usual
      evidence: [photo]
    - id: plan-anew
      do: delivery.recover
      with: {vehicle: report.vehicle}
      clause: E1.1
      on_failure:
        title: {zh-Hans: 人工重排, zh-Hant: 人工重排, en: By hand}
        role: head
        within: 20m
        overdue: [commander]
    - id: choose
      after: [look, plan-anew]
      when: 'report.injured'
      decide:
        title: {zh-Hans: 是否停送, zh-Hant: 是否停送, en: Stop?}
        options:
          - {id: stop, title: {zh-Hans: 停, zh-Hant: 停, en: Stop}}
          - {id: go, title: {zh-Hans: 不停, zh-Hant: 不停, en: Go on}}
      role: head
      clause: E1.1
      within: 10m
      overdue: [commander]
    - id: tell
      after: [choose]
      notify: {template: told, roles: [head], audience: all-drivers, values: {vehicle: report.vehicle}}
      clause: E1.1
- id: rest
  title: {zh-Hans: 等待, zh-Hant: 等待, en: Rest}
  after: []
  when: 'report.injured'
  steps:
    - id: ups
      countdown:
        title: {zh-Hans: 后备电源, zh-Hant: 後備電源, en: Backup power}
        until: 'report.vehicle'
        marks: [{id: last-call, before: 30m}]
      clause: E1.1
    - {id: pause, wait: {for: 90m}, clause: E1.1}
    - id: agree
      after: [pause]
      approve: {title: {zh-Hans: 批准, zh-Hant: 批准, en: Approve}, timeout: {after: 2h, decides: refused}}
      role: head
      clause: E1.1
      within: 1h
      overdue: [commander]
- id: close
  title: {zh-Hans: 结束, zh-Hant: 結束, en: Close}
  after: [act, rest]
  steps:
    - id: file-papers
      task: {title: {zh-Hans: 归档, zh-Hant: 歸檔, en: File}}
      role: head
      clause: E1.1
      within: 1wd
      overdue: [commander]
"""


def clause(name: str, body: str, *, section: str = "") -> str:
    own = f"section: {section}\n" if section else ""
    return (
        f"---\nid: {name}\ntitle: {{zh-Hans: 条款{name}, zh-Hant: 條款{name}, en: Clause {name}}}\n{own}---\n"
        f"## zh-Hans\n\n{body}\n\n## zh-Hant\n\n{body}\n\n## en\n\n{body}\n"
    )


def pack() -> Pack:
    files = packs.files(STAGES, plan=PLAN)
    files["clauses/E1.1b.md"] = clause("E1.1b", "一级和二级。")
    files["clauses/E2.md"] = clause("E2", "由**组长**负责。\n\n- 一\n- 二\n", section="organisation")
    files["clauses/E3.md"] = clause("E3", "没有指明章节。")
    files["clauses/E5.md"] = clause("E5", "自发布之日起施行。")
    return packs.load_pack(files, check_actions=False)


def procedure() -> Procedure:
    return pack().procedures["breakdown"]
