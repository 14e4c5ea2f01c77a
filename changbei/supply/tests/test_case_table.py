"""Eligibility and approval over every combination that matters, against an oracle from the clauses (E3.4.2, E3.4.3).

The oracle knows nothing of the tables, the rules or the settings' names: it is the clauses in twenty lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import pytest

from changbei.plans import loading, tables
from changbei.plans.model import Pack
from changbei.supply import rules
from changbei.supply.rules import Customer, Wish
from changbei.testing.city import SHIPPED

CONDUCTS = ("law_abiding", "warned", "punished")
CLASSES = (("general",), ("scarce",), ("controlled",), ("general", "scarce"), ("general", "controlled"))
PATHS = ("planned", "special", "consumer")
CARTONS = (1, 29, 30, 31, 49, 50, 51, 99, 100, 101, 1000)  # around every limit
PEOPLE = ((), ("A",), ("A", "A"), ("A", "B"))  # who has approved


@dataclass(frozen=True)
class Case:
    licence: bool
    conduct: str
    marked_prices: bool
    classes: tuple[str, ...]
    path: str
    cartons: int

    def __str__(self) -> str:
        customer = f"{self.conduct}{'' if self.marked_prices else ' unmarked'}{'' if self.licence else ' no-licence'}"
        return f"{self.path} {self.cartons} {'+'.join(self.classes)} {customer}"

    @property
    def wishes(self) -> list[Wish]:
        """The cartons spread over the classes; the first product takes what is left over."""
        each, rest = divmod(self.cartons, len(self.classes))
        amounts = [each + (rest if number == 0 else 0) for number in range(len(self.classes))]
        return [
            Wish(f"P{number}", cartons, supply_class, 10_000, 11_500)
            for number, (supply_class, cartons) in enumerate(zip(self.classes, amounts, strict=True))
        ]


CASES = [
    case
    for values in product((True, False), CONDUCTS, (True, False), CLASSES, PATHS, CARTONS)
    if (case := Case(*values)).cartons >= len(case.classes)
]


# --- the oracle: the clauses, nothing else


def who_approves(case: Case) -> str:
    """E3.4.3: by rank and quantity; a consumer's request by the named person, and 50 cartons at once are wholesale."""
    if case.path == "consumer":
        return "consumer-handler" if case.cartons < 50 else ""
    if case.path == "planned" and case.cartons <= 30:
        return "customer-service-head"
    return "marketing-department-deputy" if case.cartons <= 100 else ""


def why_not(case: Case) -> set[str]:
    """E3.4.2: law-abiding customers with marked prices, ordinary goods, within somebody's limit."""
    found = set()
    if not case.licence:
        found.add("no-licence")
    if case.conduct != "law_abiding":
        found.add("conduct")
    if not case.marked_prices:
        found.add("marked-prices")
    found |= set(case.classes) - {"general"}
    if not who_approves(case):
        found.add("wholesale" if case.path == "consumer" else "above-limit")
    return found


def enough(path: str, people: tuple[str, ...]) -> bool:
    """E3.4.3b: a special case needs two different people, everything else one."""
    return len(set(people)) >= 2 if path == "special" else bool(people)


# --- every combination


@pytest.fixture(scope="module")
def shipped() -> Pack:
    return loading.load_pack(loading.read_folder(SHIPPED))


def test_the_table_is_the_whole_product() -> None:
    """Less the single carton of two classes, which there is not."""
    assert len(CASES) == len(set(CASES)) == 2 * 3 * 2 * (5 * 3 * 11 - 2 * 3)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_eligibility_and_approver(shipped: Pack, case: Case) -> None:
    limit = tables.evaluate(shipped.tables["approval-limit"], rules.limit_inputs(case.path, case.wishes))
    approver = str((limit.outputs or {}).get("role", ""))
    assert (approver, limit.notes) == (who_approves(case), ())

    customer = Customer(case.licence, case.conduct, case.marked_prices)
    asked = rules.eligibility_inputs(customer, case.path, case.wishes, approver)
    answer = tables.evaluate(shipped.tables["eligibility"], asked)
    assert answer.outputs is not None
    assert (set(answer.outputs["reason"]), answer.notes) == (why_not(case), ())
    assert len(answer.outputs["reason"]) == len(why_not(case))
    told = [shipped.tables["eligibility"].rows[row - 1].note for row in answer.rows]
    assert all(set(note) == {"zh-Hans", "zh-Hant", "en"} for note in told)


@pytest.mark.parametrize("path,people", list(product(PATHS, PEOPLE)), ids=str)
def test_two_different_people(path: str, people: tuple[str, ...]) -> None:
    assert rules.approved_enough(path, people) is enough(path, people)


def test_what_is_refused_for_one_reason_is_never_granted_for_more_of_the_same(shipped: Pack) -> None:
    """Whoever is refused stays refused with a larger quantity: no limit opens again further up."""
    for path in PATHS:
        approvers = [who_approves(Case(True, "law_abiding", True, ("general",), path, n)) for n in CARTONS]
        refused = [not one for one in approvers]
        assert refused == sorted(refused)


@pytest.mark.parametrize("path", PATHS)
def test_a_consumer_pays_the_retail_price_whatever_the_class(path: str) -> None:
    for supply_class in ("general", "scarce", "controlled"):
        wish = Wish("P", 1, supply_class, 10_000, 11_500)
        assert rules.price_fen(path, wish) == (11_500 if path == "consumer" else 10_000)
