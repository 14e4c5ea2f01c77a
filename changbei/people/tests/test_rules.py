"""The resolution rule and the permission table, without a database."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changbei.people import rules
from changbei.people.rules import (
    NOBODY,
    Away,
    Choice,
    Offer,
    RoleSpec,
    Standing,
    UnitTree,
    choose,
    merge,
    units_granted,
)

HEAD = RoleSpec(post="delivery-center-head")
DUTY = RoleSpec(duty="dispatcher", scope="site")

HOLDER, FIRST_DEPUTY, SECOND_DEPUTY = (Offer(number, "post", rank=number) for number in (1, 2, 3))
ALL = [HOLDER, FIRST_DEPUTY, SECOND_DEPUTY]

OUT_OF_CITY = Away(out_of_city=True, reachable=True)
UNREACHABLE = Away(out_of_city=False, reachable=False)
AT_HOME = Away(out_of_city=False, reachable=True)


def test_the_holder_comes_first() -> None:
    assert choose(HEAD, ALL, {}) == Choice(1, "post")


@pytest.mark.parametrize("absence", [OUT_OF_CITY, UNREACHABLE])
def test_a_deputy_takes_over_in_order(absence: Away) -> None:
    assert choose(HEAD, ALL, {1: absence}) == Choice(2, "deputy")
    assert choose(HEAD, ALL, {1: absence, 2: absence}) == Choice(3, "deputy")


def test_a_day_at_home_within_reach_does_not_keep_a_holder_from_being_asked() -> None:
    assert choose(HEAD, ALL, {1: AT_HOME}) == Choice(1, "post")


def test_a_role_without_deputies_goes_to_the_substitute() -> None:
    alone = RoleSpec(post="delivery-center-head", deputies=False)
    assert choose(alone, ALL, {1: Away(True, True, substitute=9)}) == Choice(9, "substitute")


def test_a_substitute_who_is_away_does_not_count() -> None:
    away = {1: Away(True, False, substitute=9), 2: UNREACHABLE, 3: UNREACHABLE, 9: OUT_OF_CITY}
    assert choose(HEAD, ALL, away) == NOBODY


def test_somebody_away_but_reachable_is_better_than_nobody() -> None:
    away = {1: UNREACHABLE, 2: OUT_OF_CITY, 3: OUT_OF_CITY}
    assert choose(HEAD, ALL, away) == Choice(2, "deputy", away=True)


def test_whoever_is_on_duty_goes_before_the_holders() -> None:
    offers = [*ALL, Offer(7, "duty")]
    assert choose(DUTY, offers, {}) == Choice(7, "duty")


def test_any_absence_takes_one_off_duty() -> None:
    offers = [*ALL, Offer(7, "duty")]
    assert choose(DUTY, offers, {7: AT_HOME}) == Choice(1, "post")


def test_the_nearest_unit_goes_before_the_next() -> None:
    near, far = Offer(1, "post", (0, "a")), Offer(2, "duty", (1, "b"))
    assert choose(DUTY, [far, near], {}) == Choice(1, "post")
    assert choose(DUTY, [far, near], {1: OUT_OF_CITY}) == Choice(2, "duty")


def test_who_was_named_stays_named_even_when_away() -> None:
    assert choose(RoleSpec(scope="named"), [Offer(5, "named")], {5: UNREACHABLE}) == Choice(5, "named")


def test_a_vacant_post_is_held_by_nobody() -> None:
    assert choose(HEAD, [], {}) == Choice(None, "nobody")


people = st.integers(1, 8)
absences = st.dictionaries(
    people, st.builds(Away, out_of_city=st.booleans(), reachable=st.booleans(), substitute=st.none() | people)
)
offer_lists = st.lists(
    st.builds(
        Offer,
        person=people,
        basis=st.sampled_from(["duty", "post"]),
        group=st.tuples(st.integers(0, 2), st.sampled_from("ab")),
        rank=st.integers(1, 4),
    ),
    max_size=8,
)
specs = st.builds(RoleSpec, duty=st.just("dispatcher"), deputies=st.booleans())


@given(specs, offer_lists, absences, st.randoms())
def test_the_order_in_which_offers_come_does_not_matter(spec, offers, away, random) -> None:
    shuffled = list(offers)
    random.shuffle(shuffled)
    assert choose(spec, shuffled, away) == choose(spec, offers, away)


@given(specs, offer_lists, absences)
def test_nobody_away_is_chosen_while_somebody_offered_is_there(spec, offers, away) -> None:
    counted = [o for o in offers if spec.deputies or o.basis != "post" or o.rank == 1]
    present = [
        o
        for o in counted
        if o.person not in away or (o.basis == "post" and not away[o.person].keeps_from_post)
    ]
    choice = choose(spec, offers, away)
    if present:
        assert choice.person is not None
        assert not choice.away
        assert choice.person not in away or not away[choice.person].keeps_from_post


@given(specs, offer_lists, absences)
def test_the_chosen_one_was_offered_or_is_a_named_substitute(spec, offers, away) -> None:
    choice = choose(spec, offers, away)
    offered = {offer.person for offer in offers}
    substitutes = {away[person].substitute for person in offered if person in away}
    if choice.why == "substitute":
        assert choice.person in substitutes
    elif choice.person is not None:
        assert choice.person in offered


@given(specs, offer_lists, absences, people)
def test_an_absence_of_somebody_else_changes_nothing(spec, offers, away, other) -> None:
    choice = choose(spec, offers, away)
    if choice.person == other or other in away:
        return
    assert choose(spec, offers, {**away, other: Away(True, False)}) == choice


@given(specs, offer_lists, absences)
def test_nobody_holds_it_only_when_nobody_offered_can_be_reached(spec, offers, away) -> None:
    counted = [o for o in offers if spec.deputies or o.basis != "post" or o.rank == 1]
    if choose(spec, offers, away) == NOBODY:
        assert all(o.person in away and not away[o.person].reachable for o in counted)


def test_several_absences_count_at_their_strictest() -> None:
    assert merge([Away(False, True, 4), Away(True, False, 5)]) == Away(True, False, 4)


TREE = UnitTree({1: None, 2: 1, 3: 1, 4: 2, 5: 4, 9: None})


@pytest.mark.parametrize(
    ("a", "b", "steps"), [(4, 4, 0), (4, 2, 1), (2, 4, 1), (5, 3, 4), (3, 2, 2), (3, 9, 10_000)]
)
def test_distance_between_units(a: int, b: int, steps: int) -> None:
    assert TREE.distance(a, b) == steps


def test_units_in_line() -> None:
    assert TREE.in_line(5, 1)
    assert TREE.in_line(1, 5)
    assert not TREE.in_line(5, 3)


def test_a_permission_may_end_at_ones_own_unit() -> None:
    deputy = Standing("deputy", 10, frozenset({("marketing-department-deputy", 10)}))
    assert units_granted("supply.allow_cash", deputy) == frozenset({10})
    head = Standing("head", 2, frozenset({("customer-service-head", 2)}))
    assert units_granted("supply.allow_cash", head) is None
    driver = Standing("driver", 3, frozenset())
    assert units_granted("supply.allow_cash", driver) == frozenset()
    assert units_granted("incidents.report", driver) is None


def test_every_permission_is_asked_for_somewhere() -> None:
    package = Path(rules.__file__).parents[1]
    asked = "".join(
        file.read_text(encoding="utf-8")
        for file in package.rglob("*.py")
        if "tests" not in file.parts and file != Path(rules.__file__)
    )
    assert not [name for name in rules.PERMISSIONS if f'"{name}"' not in asked]


def test_a_permission_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(LookupError, match=r"'delivery\.acept' is no permission"):
        units_granted("delivery.acept", Standing("driver", 1, frozenset()))
