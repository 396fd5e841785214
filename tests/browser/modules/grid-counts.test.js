import { Outlines } from "grid/outlines";
import { WaitingDrafts } from "grid/waiting";
import { svg } from "platform/dom";
import { assert, test } from "tests/harness";

/** @param {Record<string, number[]>} scores of each card's drafts */
function gridOf(scores) {
  for (const [uid, drafts] of Object.entries(scores)) {
    const card = document.createElement("div");
    card.dataset.card = uid;
    card.append(...drafts.map((score) => svg("path", { "data-score": score })), svg("path", { class: "aside" }));
    document.body.append(card);
  }
  return new Outlines(document.body);
}

const everywhere = () => true;

test("waiting drafts are counted by label and score, with both ends", () => {
  const waiting = new WaitingDrafts({ bolt: [[30, 1], [70, 2], [100, 4]], nut: [[70, 8]] });

  assert.equal(waiting.count({ min: 0, max: 1 }), 15);
  assert.equal(waiting.count({ min: 0.7, max: 1 }), 14);
  assert.equal(waiting.count({ label: "bolt", min: 0.7, max: 1 }), 6);
  assert.equal(waiting.count({ label: "bolt", min: 0.71, max: 0.99 }), 0);
  assert.equal(waiting.count({ label: "washer", min: 0, max: 1 }), 0);
});

test("every threshold of the slider counts its own bin, and what lies below it does not", () => {
  for (let bin = 0; bin <= 100; bin++) {
    const waiting = new WaitingDrafts({ bolt: [[bin, 1]] });
    const threshold = Number((bin / 100).toFixed(2));
    assert.equal(waiting.count({ min: threshold, max: 1 }), 1, `At or above ${threshold}`);
    assert.equal(waiting.count({ min: 0, max: threshold - Number.EPSILON }), 0, `Below ${threshold}`);
  }
});

test("drafts of the images that are meant are counted, and the images that have one", () => {
  const outlines = gridOf({ a: [0.2, 0.7], b: [0.9], c: [0.7] });

  assert.deepEqual(outlines.count(everywhere, { min: 0.7, max: 1 }), { drafts: 3, items: 3 });
  assert.deepEqual(outlines.count((uid) => uid === "a", { min: 0, max: 1 }), { drafts: 2, items: 1 });
  assert.deepEqual(outlines.count(everywhere, { min: 0.95, max: 1 }), { drafts: 0, items: 0 });
});

test("drafts below the threshold are marked, and no longer when it comes down", () => {
  const outlines = gridOf({ a: [0.2, 0.7], b: [0.9] });
  const below = () => [...document.querySelectorAll(".below")].map((path) => Number(path.dataset.score));

  outlines.show(0.7);
  assert.deepEqual(below(), [0.2]);
  outlines.show(0.95);
  assert.deepEqual(below(), [0.2, 0.7, 0.9]);
  outlines.show(0);
  assert.deepEqual(below(), []);
});
