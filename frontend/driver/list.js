// The list as it is now: what the server said last, with what the phone has said since laid over it. Pure.
const OVER = ["delivered", "refused", "absent", "postponed", "cancelled"];

/** `steps` ahead and `done`, each with `waiting` where the server does not know it yet. */
export function laidOver(tour, words) {
  const mine = words.filter((word) => word.tour === tour.uuid && word.state !== "refused");
  const latest = new Map();
  for (const word of mine) {
    const about = word.kind === "taken_over" ? `goods:${word.source}` : word.stop ? `stop:${word.stop}` : word.kind;
    if (!latest.has(about) || latest.get(about).at <= word.at) latest.set(about, word);
  }
  const ahead = [];
  const done = [];
  for (const step of tour.steps) {
    const word = latest.get(step.stop ? `stop:${step.stop}` : `goods:${step.source}`);
    if (!step.stop) {
      if (!word) ahead.push(step);
      continue;
    }
    if (word) done.push({ ...step, status: word.kind, reason: word.reason, at: word.wall, waiting: true });
    else if (OVER.includes(step.status)) done.push(step);
    else ahead.push(step);
  }
  const open = ahead.filter((step) => step.status !== "held");
  return {
    next: open[0] ?? null,
    rest: ahead.filter((step) => step !== open[0]),
    done: done.reverse(),
    total: tour.steps.filter((step) => step.stop).length,
    broken: tour.status === "broken_down" || Boolean(tour.reported) || latest.has("breakdown"),
    over: tour.status === "finished" || latest.has("returned"),
    breakdown: latest.get("breakdown") ?? null,
  };
}
