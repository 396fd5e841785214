import { assert, test } from "tests/harness";
import { barsOf, binsOf } from "review/histogram";

test("every score is in one bin, those at the edges, too", () => {
  assert.deepEqual(binsOf([0, 0.24, 0.25, 0.5, 0.99, 1], 4), [2, 1, 1, 2]);
  assert.deepEqual(binsOf([], 3), [0, 0, 0]);
});

test("without a cut-off all bars are above it, the highest as high as the picture", () => {
  const { below, above } = barsOf([0, 4, 2], 0);
  assert.equal(below, "");
  assert.equal(above, "M1.075 36V0H1.925V36zM2.075 36V18H2.925V36z");
});

test("a bar that the cut-off divides is half here, half there", () => {
  const { below, above } = barsOf([1, 1], 0.25);
  assert.equal(below, "M0.075 36V0H0.5V36z");
  assert.equal(above, "M0.5 36V0H0.925V36zM1.075 36V0H1.925V36z");
});

test("at the highest cut-off all bars are below it", () => {
  assert.equal(barsOf([1, 1], 1).above, "");
});

test("one among hundreds can still be seen", () => {
  assert.ok(barsOf([500, 1], 0).above.includes("V34H"));
});

test("without drafts there is nothing to draw", () => {
  assert.deepEqual(barsOf([0, 0], 0.5), { below: "", above: "" });
});
