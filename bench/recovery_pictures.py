"""The pictures of docs/delivery.md, drawn anew: `python -m bench.recovery_pictures`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

from bench.recovery_days import Scenario, day, disrupted
from changbei.compute.recovery import Call, Recovery, recover

mpl.use("svg")
FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
SHOWN = Scenario(2000, 0, 7, 2, 1, 0.3)
SIZES = (500, 1000, 2000, 4000, 8000)
ROUNDS = (300, 1000, 3000, 10_000, 30_000)
mpl.rcParams |= {
    "svg.hashsalt": "changbei",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, draw in {"plan": plan, "progress": progress, "scale": scale}.items():
        if name in (sys.argv[1:] or name):
            figure = draw()
            figure.savefig(FOLDER / f"recovery-{name}.svg", bbox_inches="tight", metadata={"Date": None})


def plan() -> Any:
    """Today's lists of the vans that help, and what they drive instead."""
    problem, at = disrupted(SHOWN), day(SHOWN.stops, SHOWN.city)["at"]
    found = recover(problem, seconds=0.0, seed=1, iterations=20_000)
    figure, sides = plt.subplots(1, 2, figsize=(9, 4.4), sharex=True, sharey=True)
    changed = (*found.touched_vans, *found.reserve_vans)
    for side, title in zip(sides, ("planned", "after the recovery"), strict=True):
        side.plot(at[:, 0], at[:, 1], ".", color="0.88", markersize=1.5, rasterized=True)
        for number, van in enumerate(changed):
            stops = [problem.vans.start[van], *_stops(problem, found, van, after=side is sides[1])]
            side.plot(*at[[*stops, problem.vans.end[van]]].T, color=f"C{number}", linewidth=0.9)
        side.plot(*at[problem.places.location].T, "X", color="black", markersize=8, label="broken down")
        if side is sides[0]:
            for place, row in enumerate(problem.places.planned):
                stops = [problem.places.location[place], *problem.orders.location[list(row)]]
                side.plot(
                    *at[stops].T,
                    ":",
                    color="black",
                    linewidth=0.9,
                    label="their lists" if not place else None,
                )
        side.set_title(title)
        side.set_axis_off()
        side.set_aspect("equal")
    sides[0].legend(loc="lower left", frameon=False)
    return figure


def _stops(problem: Any, found: Recovery, van: int, *, after: bool) -> list[int]:
    if not after:
        return [int(problem.orders.location[i]) for i in problem.planned[van]]
    return [
        int(
            problem.places.location[token.place]
            if isinstance(token, Call)
            else problem.orders.location[token.order]
        )
        for token in found.vans[van].tokens
    ]


def progress() -> Any:
    """Unserved and extra driving after more and more rounds, some seeds."""
    figure, sides = plt.subplots(1, 2, figsize=(8, 2.8))
    problem = disrupted(SHOWN)
    for seed in (1, 2):
        found = [recover(problem, seconds=0.0, seed=seed, iterations=rounds) for rounds in ROUNDS]
        figures = (
            [one.unserved_priority for one in found],
            [one.extra_driving_seconds for one in found],
        )
        for side, values in zip(sides, figures, strict=True):
            side.plot(ROUNDS, values, "o-", markersize=3, label=f"seed {seed}")
    for side, label in zip(sides, ("unserved, by priority", "extra driving, s"), strict=True):
        side.set_xscale("log")
        side.set_xlabel("rounds")
        side.set_ylabel(label)
        side.set_ylim(bottom=0)
    sides[0].legend(frameon=False)
    return figure


def scale() -> Any:
    """Work and memory of the same disruption in growing days."""
    said = []
    for stops in SIZES:
        command = [sys.executable, "-m", "bench.bench_recovery", "scale", str(stops)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        said.append(json.loads(done.stdout.splitlines()[-1]))
        print(stops, said[-1], flush=True)
    figure, sides = plt.subplots(1, 2, figsize=(8, 2.8))
    for side, name, label in zip(
        sides, ("cpu", "memory"), ("CPU-s for 10,000 rounds", "MB, with the matrix"), strict=True
    ):
        side.plot(SIZES, [one[name] for one in said], "o-", markersize=4)
        side.set_ylim(bottom=0)
        side.set_xlabel("stops of the day; two vans broken")
        side.set_ylabel(label)
    return figure


if __name__ == "__main__":
    main()
