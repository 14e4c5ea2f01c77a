"""The shipped plan with forty mistakes planted in it: one check names them all, each with its kind, file and line.

Every replacement carries the name of its mistake in a comment on the line where the finding has to point.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from changbei.core.clock import VirtualClock
from changbei.network.city import City
from changbei.plans.checking import check_files
from changbei.plans.checking.offer import declared
from changbei.plans.loading import read_folder
from changbei.readiness import plan_check
from changbei.testing.city import SHIPPED

VAN, ORDERING = "procedures/vehicle-breakdown.yaml", "procedures/ordering-system-down.yaml"
WEATHER, DEMAND = "procedures/severe-weather.yaml", "procedures/sudden-demand.yaml"
PLAN, CHECKS = "plan.yaml", "checks.yaml"
TITLE = "title: {zh-Hans: 多余, zh-Hant: 多餘, en: Left over}"
TAKE_CHARGE = (
    "        acknowledge_within: 3m\n        within: 10m\n"
    "        overdue: delivery\n        escalate_every: 3m\n"
)
PLANNED = """  - when: 'path == "planned" && """


@dataclass(frozen=True)
class Planted:
    """`old` stands in the file, `new` is put there; an `old` of "" puts `new` at the end, or makes the file."""

    name: str
    kind: str
    file: str
    old: str
    new: str


MISTAKES = [
    # --- those that loading finds
    Planted(
        "key",
        "load",
        VAN,
        "      - id: take-charge\n",
        "      - id: take-charge\n        gravity: high  # key\n",
    ),
    Planted(
        "role",
        "load",
        VAN,
        "        role: security-head\n        clause: E3.3.4\n        acknowledge_within: 10m\n",
        "        role: security-boss  # role\n        clause: E3.3.4\n        acknowledge_within: 10m\n",
    ),
    Planted(
        "language",
        "load",
        "messages/command-post.yaml",
        "  zh-Hans: 成立应急指挥部\n  zh-Hant: 成立應急指揮部\n",
        "  zh-Hans: 成立应急指挥部  # language\n",
    ),
    Planted("limit", "no-limit", VAN, "      - id: confirm-place\n", "      - id: confirm-place  # limit\n"),
    Planted("chain", "no-escalation", VAN, "      - id: secure-site\n", "      - id: secure-site  # chain\n"),
    Planted(
        "syntax",
        "load",
        ORDERING,
        """        when: 'incident.level == "MAJOR"'\n""",
        """        when: 'incident.level === "MAJOR"'  # syntax\n""",
    ),
    Planted(
        "field",
        "load",
        ORDERING,
        """      - id: standby\n        when: 'report.fails == "server"'\n""",
        """      - id: standby\n        when: 'report.failing == "server"'  # field\n""",
    ),
    Planted(
        "clause",
        "load",
        VAN,
        f"        clause: E3.3.1\n{TAKE_CHARGE}",
        f"        clause: E9.9.9  # clause\n{TAKE_CHARGE}",
    ),
    Planted(
        "fulfilment",
        "load",
        "clauses/E3.3.2.md",
        "fulfilled_by: [procedure:vehicle-breakdown",
        "fulfilled_by:  # here\n  - procedure:vehicle-breakdwn  # fulfilment\n#",
    ),
    Planted("action", "load", VAN, "do: delivery.order_repair\n", "do: delivery.order_repairs  # action\n"),
    Planted(
        "parameter",
        "load",
        VAN,
        "do: delivery.find_substitute\n        with: {vehicle: 'report.vehicle'}\n",
        "do: delivery.find_substitute\n        with: {car: 'report.vehicle'}  # parameter\n",
    ),
    Planted("circle", "load", VAN, "    after: [restore]\n", "    after: [review]  # circle\n"),
    Planted(
        "output",
        "load",
        "tables/acting-commander.yaml",
        "    then: {post: info-center-head}\n",
        "    then: {pots: info-center-head}  # output\n",
    ),
    Planted(
        "duration",
        "load",
        VAN,
        "        acknowledge_within: 2m\n        within: 10m\n        overdue: drivers\n",
        "        acknowledge_within: 2min  # duration\n        within: 10m\n        overdue: drivers\n",
    ),
    Planted("stray", "load", "tables/notes.txt", "", "not a file of a pack  # stray\n"),
    # --- those that hide from loading
    Planted(
        "unfulfilled",
        "clause-unfulfilled",
        "clauses/E6.md",
        "",
        f"---\nid: E6  # unfulfilled\n{TITLE}\n---\n\n## zh-Hans\n\n空。\n\n## zh-Hant\n\n空。\n\n## en\n\nNothing.\n",
    ),
    Planted(
        "setting",
        "setting-unused",
        PLAN,
        "\nsettings:\n",
        f"\nsettings:\n  forgotten:  # setting\n    default: 3\n    clause: E5\n    {TITLE}\n",
    ),
    Planted(
        "nobodys-role",
        "role-unused",
        PLAN,
        "\nroles:\n",
        f"\nroles:\n  forgotten:  # nobodys-role\n    {TITLE}\n    post: finance-head\n"
        f"  twin:\n    {TITLE}\n    post: info-center-head\n    deputies: true\n",
    ),
    Planted(
        "audience",
        "audience-unused",
        PLAN,
        "\naudiences:\n",
        f"\naudiences:\n  forgotten:  # audience\n    {TITLE}\n    staff: {{job: driver}}\n",
    ),
    Planted(
        "empty",
        "audience-empty",
        PLAN,
        "  customer-managers:\n",
        "  customer-managers:  # empty\n",
    ),
    Planted(
        "contact",
        "contact-missing",
        PLAN,
        "  transport-authority:\n",
        "  transport-authority:  # contact\n",
    ),
    Planted(
        "post",
        "unknown-post",
        PLAN,
        "    post: finance-head\n    deputies: true\n",
        "    post: finance-boss  # post\n    deputies: true\n",
    ),
    Planted(
        "unsent",
        "message-unused",
        "messages/forgotten.yaml",
        "",
        f"id: forgotten  # unsent\n{TITLE}\nbody: {{zh-Hans: 空, zh-Hant: 空, en: Nothing}}\n",
    ),
    Planted(
        "unfilled", "placeholder-missing", "messages/command-post.yaml", "\nbody:\n", "\nbody:  # unfilled\n"
    ),
    Planted(
        "itself",
        "escalates-to-itself",
        ORDERING,
        "        acknowledge_within: 5m\n        within: 30m\n        overdue: command\n",
        "        acknowledge_within: 5m\n        within: 30m\n        overdue: [commander]  # itself\n",
    ),
    Planted(
        "twin-chain",
        "chain-to-same-person",
        ORDERING,
        "        within: setting.vendor_mends\n        overdue: [commander, deputy, office]\n",
        "        within: setting.vendor_mends\n        overdue: [twin]  # twin-chain\n",
    ),
    Planted(
        "own-work",
        "approves-own-work",
        DEMAND,
        "          limit: {table: approval-limit, with: {path: 'report.path', cartons: 'result.assess.cartons'}}\n"
        "          not_same_as: verify\n",
        "          not_same_as: verify  # own-work\n",
    ),
    Planted(
        "fact",
        "unknown-fact",
        WEATHER,
        "await: notify.call_list_finished\n",
        "await: notify.call_list_done  # fact\n",
    ),
    Planted(
        "result",
        "never-produced",
        VAN,
        "      - id: tell-customers\n        after: [choose]\n        when: 'has(result.choose)'\n",
        "      - id: tell-customers\n        after: [choose]\n        when: 'has(result.choose.casee)'  # result\n",
    ),
    Planted(
        "option",
        "unknown-option",
        VAN,
        """decision.times == "next-day"'\n        do: delivery.postpone\n""",
        """decision.times == "tomorrow"'  # option\n        do: delivery.postpone\n""",
    ),
    Planted(
        "choice",
        "unknown-choice",
        ORDERING,
        """      - id: spare\n        when: 'report.fails != "server"'\n""",
        """      - id: spare\n        when: 'report.fails != "sever"'  # choice\n""",
    ),
    Planted(
        "third-option",
        "option-unused",
        VAN,
        "            - id: next-day\n",
        f"            - id: whenever  # third-option\n              {TITLE}\n            - id: next-day\n",
    ),
    Planted(
        "own-end",
        "waits-for-itself",
        VAN,
        "      - id: tow-van\n",
        "      - id: tow-van\n        hold_until: 'has(result.tow_van)'  # own-end\n",
    ),
    Planted(
        "contradiction",
        "never-holds",
        VAN,
        "      - id: attend-site\n        when: 'report.injured'\n",
        "      - id: attend-site\n        when: 'report.injured && !report.injured'  # contradiction\n",
    ),
    Planted(
        "dead-end",
        "cannot-be-left",
        VAN,
        "      - id: hand-in-van\n",
        """      - id: hand-in-van\n        hold_until: 'has(report.note) && report.note == "done"'  # dead-end\n""",
    ),
    Planted(
        "check-kind",
        "unknown-check",
        CHECKS,
        "    kind: reachable_technician\n",
        "    kind: reachable_technicians  # check-kind\n",
    ),
    Planted(
        "check-with", "check-param", CHECKS, "      one_each: [", "      one_eech: # check-with\n        ["
    ),
    Planted(
        "type",
        "param-type",
        VAN,
        "          goods_aboard: 'report.goods_aboard'\n",
        "          goods_aboard: 'report.vehicle'  # type\n",
    ),
    Planted(
        "overlap",
        "table-overlap",
        "tables/approval-limit.yaml",
        f"{PLANNED}cartons > setting.limit_customer_service_head && cartons <= setting.limit_marketing_deputy'\n",
        f"{PLANNED}cartons <= setting.limit_marketing_deputy'  # overlap\n",
    ),
    Planted("hole", "table-hole", "tables/acting-commander.yaml", "\nrules:\n", "\nrules:  # hole\n"),
]
FURTHER_EDITS = {  # what belongs to a mistake above but stands on another line
    VAN: [
        (
            "        acknowledge_within: 5m\n        within: 10m\n        overdue: drivers\n",
            "        acknowledge_within: 5m\n        overdue: drivers\n",
        ),
        ("        within: 15m\n        overdue: drivers\n", "        within: 15m\n"),
    ],
    PLAN: [
        ("    staff: {job: customer_manager, scope: city}\n", "    staff: {job: pilot, scope: city}\n"),
        (
            "    contacts: {group: authority, serves: substitute-van}\n",
            "    contacts: {group: authority, serves: helicopter}\n",
        ),
    ],
    DEMAND: [
        (
            "        role: marketing-department-deputy\n        clause: E3.4.3b\n        acknowledge_within: 20m\n",
            "        role: market-manager\n        clause: E3.4.3b\n        acknowledge_within: 20m\n",
        ),
    ],
    "messages/command-post.yaml": [("{number}", "{number} {weather}")],
    "tables/acting-commander.yaml": [("""["vehicle", "weather"]""", """["vehicle"]""")],
}


def planted() -> dict[str, str]:
    """The files of the shipped plan with all mistakes in them."""
    files = read_folder(SHIPPED)
    for mistake in MISTAKES:
        text = files.get(mistake.file, "")
        assert mistake.old in text, f"{mistake.name}: {mistake.file} no longer contains what it replaces"
        files[mistake.file] = text.replace(mistake.old, mistake.new, 1) if mistake.old else text + mistake.new
    for file, edits in FURTHER_EDITS.items():
        for old, new in edits:
            assert old in files[file], f"{file} no longer contains {old!r}"
            files[file] = (
                files[file].replace(old, new) if old.startswith("{") else files[file].replace(old, new, 1)
            )
    return files


def line_of(mistake: Planted, files: dict[str, str]) -> int:
    """The line that carries the mistake's name."""
    lines = files[mistake.file].splitlines()
    found = [number for number, line in enumerate(lines, start=1) if line.endswith(f"# {mistake.name}")]
    assert len(found) == 1, (mistake.name, found)
    return found[0]


@pytest.mark.django_db
def test_forty_planted_mistakes_are_all_reported_at_once(small_city: City, clock: VirtualClock) -> None:
    files = planted()
    report = plan_check.check(files, at=clock.now())
    expected = {(one.name, one.kind, one.file, line_of(one, files)) for one in MISTAKES}
    assert len(expected) == 40
    said = {(one.kind, one.file, one.line): one for one in report.findings}
    assert {one for one in expected if one[1:] not in said} == set()
    for _, *where in expected:
        found = said[(where[0], where[1], where[2])]
        assert found.what and found.mend and found.column > 0, found
    assert not report.ok


@pytest.mark.django_db
def test_each_names_its_clause_where_there_is_one(small_city: City, clock: VirtualClock) -> None:
    files = planted()
    report = plan_check.check(files, at=clock.now())
    clauses = {(one.kind, one.file, one.line): one.clause for one in report.findings}
    by_name = {one.name: clauses[(one.kind, one.file, line_of(one, files))] for one in MISTAKES}
    wanted = {
        "contradiction": "E2.8",
        "check-kind": "E3.1.11",
        "overlap": "E3.4.3a",
        "setting": "E5",
        "role": "E3.3.4",
    }
    assert {name: by_name[name] for name in wanted} == wanted


def test_a_field_that_the_action_does_not_fill_is_found_before_anybody_reads_a_dash() -> None:
    files = read_folder(SHIPPED)
    planted_in = {"cash-allowed": "retailer", "public-suspended-tv": "next_page"}
    for name, placeholder in planted_in.items():
        head, body = files[f"messages/{name}.yaml"].split("\nbody:\n")
        body = re.sub(r'(?m)^(  [a-zA-Z-]+: )"', rf'\1"{{{placeholder}}} ', body)
        files[f"messages/{name}.yaml"] = f"{head}\nbody:\n{body}"
    found = check_files(files, declared(), walks=False).findings
    assert {
        (one.kind, one.file, one.values["placeholder"], one.values["by"])
        for one in found
        if one.kind == "placeholder-missing"
    } == {
        ("placeholder-missing", "messages/cash-allowed.yaml", "retailer", "supply.tell_cash_customers"),
        ("placeholder-missing", "messages/public-suspended-tv.yaml", "next_page", "incidents.public_notice"),
    }
