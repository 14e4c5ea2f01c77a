// Plain functions of the page scripts; run by changbei/web/tests/test_front_end.py, or `node --test frontend/tests/`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { clockFace, urgency } from "../clock.js";
import { laidOver } from "../driver/list.js";
import { closedRing, openRing } from "../map/geometry.js";
import { fill } from "../texts.js";

const days = ({ days, hours }) => `${days}d${hours}h`;

test("a count-down reads as minutes, hours or days", () => {
  assert.equal(clockFace(0), "00:00");
  assert.equal(clockFace(252), "04:12");
  assert.equal(clockFace(3600), "1:00:00");
  assert.equal(clockFace(22_767), "6:19:27");
  assert.equal(clockFace(86_399), "23:59:59");
  assert.equal(clockFace(190_800, days), "2d5h");
});

test("it gets urgent in the last quarter, or the last five minutes when the span is unknown", () => {
  assert.equal(urgency(1000, 4000), "ok");
  assert.equal(urgency(999, 4000), "soon");
  assert.equal(urgency(300, 0), "ok");
  assert.equal(urgency(299, 0), "soon");
  assert.equal(urgency(-1, 4000), "late");
});

test("texts take their values, and keep what they do not know", () => {
  assert.equal(fill("%(time)s left", { time: "04:12" }), "04:12 left");
  assert.equal(fill("%(corners)d of %(other)s", { corners: 3 }), "3 of %(other)s");
});

test("a drawn ring is closed and runs counter-clockwise whichever way it was tapped", () => {
  const ring = [[0, 0], [2, 0], [2, 1], [0, 0]];
  assert.deepEqual(closedRing([[0, 0], [2, 0], [2, 1]]), { type: "Polygon", coordinates: [ring] });
  assert.deepEqual(closedRing([[2, 1], [2, 0], [0, 0]]), { type: "Polygon", coordinates: [ring] });
  assert.equal(closedRing([[0, 0], [2, 0]]), null);
  assert.deepEqual(openRing(closedRing([[0, 0], [2, 0], [2, 1]])), [[0, 0], [2, 0], [2, 1]]);
});

test("a van that was reported stands, whoever reported it and whether or not that is written down already", () => {
  const tour = { uuid: "t", status: "driving", reported: "", steps: [{ stop: 1, status: "planned" }] };
  const word = { uuid: "w", tour: "t", kind: "breakdown", at: "2026-11-23T01:00:00Z" };
  assert.equal(laidOver(tour, []).broken, false);
  assert.equal(laidOver(tour, [word]).broken, true);
  assert.equal(laidOver(tour, [{ ...word, state: "refused" }]).broken, false);
  assert.equal(laidOver({ ...tour, reported: "INC-0001" }, []).broken, true);
  assert.equal(laidOver({ ...tour, status: "broken_down" }, []).broken, true);
});
