"""From a problem to a recovery: construct, improve, have it judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from changbei.compute.recovery.checker import check
from changbei.compute.recovery.construct import by_hand, undisturbed
from changbei.compute.recovery.draft import Draft
from changbei.compute.recovery.lines import Ground, Line
from changbei.compute.recovery.model import SHIFT_LIMIT_SECONDS, Problem
from changbei.compute.recovery.policy import (
    ALL_MEANS,
    CALM,
    NEAREST_RESERVE,
    NEIGHBOURING_LINES,
    OVERTIME,
    OWN_RESERVE,
    Policy,
    allowed_vans,
)
from changbei.compute.recovery.result import Call, Recovery, Stop, Token, VanPlan
from changbei.compute.recovery.search import Budget, improve
from changbei.compute.whole import whole_number


def recover(
    problem: Problem,
    *,
    seconds: float,
    seed: int,
    policy: Policy = ALL_MEANS,
    iterations: int | None = None,
    start: Recovery | None = None,
    cores: int = 1,
) -> Recovery:
    """The best recovery found in about `seconds` of wall time on one core (E3.3.1–5), or on several side by side.

    With `iterations` the clock is not looked at: the same problem, policy, seed, iterations and cores give the same
    plan; every core makes so many. The first valid plan is at least what a dispatcher does by hand with the vans the
    policy permits; everything after is an improvement of: fewest unserved (by priority, then value), then extra driving
    plus the policy's price of calm. Hard limits always hold; what cannot be served within them is `unserved`. `start`:
    an earlier recovery of the same problem to go on from; disregarded where the policy does not permit it.
    """
    began, work_since = time.perf_counter(), time.thread_time()
    seed, cores = whole_number("seed", seed), whole_number("cores", cores, least=1)
    if iterations is not None:
        iterations = whole_number("iterations", iterations, least=0)
    ground = Ground(problem, policy)
    best = by_hand(ground, undisturbed(ground))
    warm = None if start is None else _draft(ground, start)
    if warm is not None and warm.rank < best.rank:
        best = warm
    first = time.perf_counter() - began

    best, done = improve(ground, best, seed, Budget(began, work_since, seconds, iterations), cores)
    return _recovery(ground, best.tidied(), done, first, began)


def _always() -> bool:
    return True


def alternatives(
    problem: Problem,
    *,
    seconds: float,
    seed: int,
    iterations: int | None = None,
    cores: int = 1,
    wanted: Callable[[], bool] = _always,
) -> list[Recovery]:
    """Up to four different recoveries to choose from, fewest unserved first, then least extra driving.

    Reserve van of the site, else also the nearest other site's, neighbouring lines, all means, calm; with an hour of
    overtime when otherwise somebody stays unserved. What is worse than another option in every figure is left out.
    `seconds` and `iterations` are the whole budget, shared among the options; each may use all `cores`. `wanted` is
    asked before each of them: once it says no, the rest is not computed.
    """
    if iterations is not None:
        iterations = whole_number("iterations", iterations, least=0)
    policies = _different(problem, (OWN_RESERVE, NEAREST_RESERVE, NEIGHBOURING_LINES, ALL_MEANS, CALM))
    until = time.perf_counter() + seconds
    queue = [*policies, OVERTIME]
    found: list[Recovery] = []
    for at, policy in enumerate(queue):
        if policy is OVERTIME and not all(recovery.unserved for recovery in found):
            continue
        if not wanted():
            break
        part = _effort(policy) / sum(_effort(ahead) for ahead in queue[at:])
        found.append(
            recover(
                problem,
                seconds=max(until - time.perf_counter(), 0.0) * part,
                seed=seed,
                policy=policy,
                iterations=None if iterations is None else max(iterations // len(queue), 1),
                start=_begin(policy, found),
                cores=cores,
            )
        )
    kept: list[Recovery] = []
    for recovery in sorted(map(_as_it_is, found), key=_urgency):
        if not any(_as_good(o, recovery) or o.policy.name == recovery.policy.name for o in kept):
            kept = [other for other in kept if not _as_good(recovery, other)] + [recovery]
    return kept[:4]


def _as_it_is(recovery: Recovery) -> Recovery:
    """Overtime that nobody works is none."""
    idle = recovery.policy is OVERTIME and not recovery.overtime_seconds
    return replace(recovery, policy=ALL_MEANS) if idle else recovery


def _effort(policy: Policy) -> int:
    """Share of the search: choosing among many vans takes longer than filling one reserve van."""
    return 1 if policy.lines == "none" else 3


def _begin(policy: Policy, found: Sequence[Recovery]) -> Recovery | None:
    """More means begin with what served best under fewer."""
    widest = (policy.reserves, policy.lines) == ("any", "any")
    return min(found, key=_urgency, default=None) if widest else None


def _different(problem: Problem, policies: Sequence[Policy]) -> list[Policy]:
    """Without policies under which nobody may help, or which permit the same vans on the same terms as one before."""
    kept: dict[tuple[object, ...], Policy] = {}
    for policy in policies:
        allowed = allowed_vans(problem, policy)
        if any(allowed) or not len(problem.places):
            kept.setdefault((allowed, replace(policy, name="", reserves="any", lines="any")), policy)
    return list(kept.values()) or [ALL_MEANS]


def _urgency(recovery: Recovery) -> tuple[int, int, int]:
    return recovery.unserved_priority, recovery.unserved_value, recovery.extra_driving_seconds


def _as_good(one: Recovery, other: Recovery) -> bool:
    """`one` is at least as good in everything a dispatcher looks at."""
    return all(mine <= theirs for mine, theirs in zip(_figures(one), _figures(other), strict=True))


def _figures(recovery: Recovery) -> tuple[int, ...]:
    return (
        recovery.unserved_priority,
        recovery.unserved_value,
        recovery.extra_driving_seconds,
        len(recovery.touched_vans),
        len(recovery.reserve_vans),
        len(recovery.shifted),
        len(recovery.shifted_aboard),
        recovery.overtime_seconds,
    )


def _draft(ground: Ground, recovery: Recovery) -> Draft | None:
    """An earlier recovery as a draft; None when the policy or a limit does not permit it."""
    lines: dict[int, Line] = {}
    for van in (*recovery.touched_vans, *recovery.reserve_vans):
        plan = recovery.vans[van]
        if any(van not in ground.allowed[call.place] for call in plan.calls):
            return None
        lines[van] = ground.line(van, [_node(ground, token) for token in plan.tokens])
    if not all(line.feasible for line in lines.values()):
        return None
    return Draft(ground, lines, recovery.unserved)


def _node(ground: Ground, token: Token) -> int:
    return token.order if isinstance(token, Stop) else ground.count + token.place


def _recovery(ground: Ground, draft: Draft, iterations: int, first: float, began: float) -> Recovery:
    """The draft with its figures, judged by the checker."""
    problem = ground.problem
    plans = tuple(_van_plan(ground, draft, van) for van in range(len(problem.vans)))
    begin = {
        token.order: at
        for plan in plans
        for token, at in zip(plan.tokens, plan.begin_seconds, strict=True)
        if isinstance(token, Stop)
    }
    eta, source = problem.eta_seconds, problem.orders.source
    shifted = tuple(
        order
        for order in sorted(begin)
        if eta[order] >= 0 and abs(begin[order] - int(eta[order])) > SHIFT_LIMIT_SECONDS
    )
    driving = sum(plan.driving_seconds for plan in plans)
    unserved = sorted(set(range(len(problem.orders))) - begin.keys())
    shift_end = problem.vans.shift_end_seconds.tolist()
    recovery = Recovery(
        policy=ground.policy,
        vans=plans,
        driving_seconds=driving,
        extra_driving_seconds=driving - problem.undisturbed_driving_seconds,
        unserved=tuple(unserved),
        unserved_priority=int(problem.orders.priority[unserved].sum()),
        unserved_value=int(problem.orders.value[unserved].sum()),
        moved=tuple(order for order in sorted(begin) if source[order] >= 0),
        touched_vans=tuple(sorted(van for van in draft.lines if not problem.vans.reserve[van])),
        reserve_vans=tuple(sorted(van for van in draft.lines if problem.vans.reserve[van])),
        shifted=shifted,
        shifted_aboard=tuple(order for order in shifted if source[order] < 0),
        overtime_seconds=max(
            (
                max(plan.return_seconds - end, 0)
                for plan, end in zip(plans, shift_end, strict=True)
                if plan.tokens
            ),
            default=0,
        ),
        feasible=True,
        iterations=iterations,
        first_seconds=first,
        wall_seconds=time.perf_counter() - began,
    )
    return replace(recovery, feasible=not check(problem, recovery))


def _van_plan(ground: Ground, draft: Draft, van: int) -> VanPlan:
    line = draft.line(van)
    stays = bool(ground.problem.vans.reserve[van]) and not line.nodes
    return VanPlan(
        tokens=tuple(_token(ground, line.nodes, at) for at in range(len(line.nodes))),
        begin_seconds=tuple(line.begins),
        return_seconds=int(ground.problem.vans.ready_seconds[van]) if stays else int(line.returns),
        driving_seconds=line.driving,
    )


def _token(ground: Ground, nodes: list[int], at: int) -> Token:
    if nodes[at] < ground.count:
        return Stop(nodes[at])
    place = nodes[at] - ground.count
    return Call(place, tuple(n for n in nodes[at:] if n < ground.count and ground.source[n] == place))
