import {
  HANDLES, areaOf, boxBetween, boxesOverlap, dotsAt, handlePoint, isLargeEnough, lineThrough, moveGeometry, moveTogether,
  pathOf, pointInside, resizeBox, shapeContains, shapeTouches, unionOf,
} from "review/geometry";
import { assert, test } from "tests/harness";

const SIZE = { width: 100, height: 80 };
const handle = (name) => HANDLES.find((one) => one.name === name);
const box = (...bbox_xyxy) => ({ bbox_xyxy, polygons: null });
const square = (x, y, side) => [[x, y], [x + side, y], [x + side, y + side], [x, y + side]];
/** A square of 40 with a hole of 20 in it. */
const FRAME = { bbox_xyxy: [10, 10, 50, 50], polygons: [[square(10, 10, 40), square(20, 20, 20)]] };

test("a box between two corners is the same whichever comes first", () => {
  assert.deepEqual(boxBetween([50, 40], [10, 60], SIZE), [10, 40, 50, 60]);
  assert.deepEqual(boxBetween([10, 60], [50, 40], SIZE), [10, 40, 50, 60]);
});

test("a box that is drawn beyond the image ends at its edges", () => {
  assert.deepEqual(boxBetween([-5, 40], [500, 900], SIZE), [0, 40, 100, 80]);
});

test("points and boxes are kept in hundredths of a pixel", () => {
  assert.deepEqual(pointInside([1.23456, 79.9999], SIZE), [1.23, 80]);
  assert.deepEqual(boxBetween([1.004, 2.006], [3.333, 4.666], SIZE), [1, 2.01, 3.33, 4.67]);
});

test("a box needs two pixels on each side", () => {
  assert.ok(isLargeEnough([0, 0, 2, 2]));
  assert.ok(!isLargeEnough([0, 0, 1.99, 50]));
  assert.ok(!isLargeEnough([0, 0, 50, 1.99]));
});

test("the eight handles sit on the corners and in the middle of the sides", () => {
  const points = HANDLES.map((one) => handlePoint([10, 20, 30, 60], one));

  assert.deepEqual(points, [[10, 20], [20, 20], [30, 20], [30, 40], [30, 60], [20, 60], [10, 60], [10, 40]]);
});

test("a corner moves two sides of a box, the middle of a side only that one", () => {
  assert.deepEqual(resizeBox([10, 10, 50, 50], handle("nw"), 5, 7, SIZE), [15, 17, 50, 50]);
  assert.deepEqual(resizeBox([10, 10, 50, 50], handle("e"), 5, 7, SIZE), [10, 10, 55, 50]);
});

test("a side that passes its opposite turns the box over", () => {
  assert.deepEqual(resizeBox([10, 10, 50, 50], handle("e"), -60, 0, SIZE), [0, 10, 10, 50]);
  assert.deepEqual(resizeBox([40, 10, 50, 50], handle("w"), 30, 0, SIZE), [50, 10, 70, 50]);
});

test("a box that collapses keeps two pixels, and stays inside the image", () => {
  assert.deepEqual(resizeBox([10, 10, 50, 50], handle("w"), 40, 0, SIZE), [50, 10, 52, 50]);
  assert.deepEqual(resizeBox([60, 10, 100, 50], handle("w"), 90, 0, SIZE), [98, 10, 100, 50]);
});

test("a moved polygon takes its holes and its bounds along", () => {
  const { bbox_xyxy, polygons } = moveGeometry(FRAME, 5, -3, SIZE);

  assert.deepEqual(bbox_xyxy, [15, 7, 55, 47]);
  assert.deepEqual(polygons, [[square(15, 7, 40), square(25, 17, 20)]]);
});

test("a shape stops at the edges of the image and keeps its form", () => {
  assert.deepEqual(moveGeometry(box(10, 10, 50, 50), -30, 200, SIZE).bbox_xyxy, [0, 40, 40, 80]);
});

test("shapes that move together keep their distances where one of them meets an edge", () => {
  const moved = moveTogether([{ id: "a", ...box(10, 10, 20, 20) }, { id: "b", ...box(60, 40, 90, 70) }], 50, 5, SIZE);

  assert.deepEqual(moved.map(({ id, bbox_xyxy }) => [id, ...bbox_xyxy]), [["a", 20, 15, 30, 25], ["b", 70, 45, 100, 75]]);
});

test("a move changes nothing of the shape it began with", () => {
  const before = structuredClone(FRAME);
  moveGeometry(FRAME, 5, 5, SIZE);

  assert.deepEqual(FRAME, before);
});

test("the union of boxes is the box around them", () => {
  assert.deepEqual(unionOf([[10, 10, 20, 20], [5, 15, 8, 40]]), [5, 10, 20, 40]);
});

test("boxes overlap where they share a point, be it on an edge", () => {
  assert.ok(boxesOverlap([0, 0, 10, 10], [10, 10, 20, 20]));
  assert.ok(!boxesOverlap([0, 0, 10, 10], [10.1, 0, 20, 10]));
});

test("a point in a hole is outside, one within reach of an outline is not", () => {
  assert.ok(shapeContains(FRAME, [15, 15]));
  assert.ok(!shapeContains(FRAME, [30, 30]));
  assert.ok(shapeContains(FRAME, [22, 30], 3), "near the edge of the hole");
  assert.ok(shapeContains(FRAME, [52, 30], 3), "near the outer edge");
  assert.ok(!shapeContains(FRAME, [54, 30], 3));
  assert.ok(shapeContains(box(0, 0, 10, 10), [12, 12], 2));
});

test("a rubber band touches what it crosses and what it encloses", () => {
  for (const shape of [box(10, 10, 50, 50), FRAME]) {
    assert.ok(shapeTouches(shape, [0, 0, 12, 12]), "over a corner");
    assert.ok(shapeTouches(shape, [5, 5, 60, 60]), "around it");
    assert.ok(shapeTouches(shape, [0, 25, 90, 26]), "right through it");
    assert.ok(!shapeTouches(shape, [60, 0, 90, 80]), "beside it");
  }
});

test("a rubber band drawn wholly inside a shape does not touch it", () => {
  assert.ok(!shapeTouches(box(10, 10, 50, 50), [20, 20, 30, 30]));
  assert.ok(!shapeTouches(FRAME, [12, 12, 16, 16]));
  assert.ok(!shapeTouches(FRAME, [25, 25, 35, 35]), "inside the hole");
  assert.ok(shapeTouches(FRAME, [25, 25, 45, 35]), "over the edge of the hole");
});

test("a rubber band in the corner of a slanted polygon's bounds does not touch it", () => {
  const triangle = { bbox_xyxy: [0, 0, 50, 50], polygons: [[[[0, 0], [50, 0], [0, 50]]]] };

  assert.ok(!shapeTouches(triangle, [40, 40, 50, 50]));
  assert.ok(shapeTouches(triangle, [20, 20, 30, 30]));
});

test("the area of a polygon is without its holes", () => {
  assert.equal(areaOf(FRAME), 1600 - 400);
  assert.equal(areaOf(box(10, 10, 30, 20)), 200);
});

test("path data has one closed part for each ring", () => {
  assert.equal(pathOf(box(1, 2, 30, 40)), "M1 2H30V40H1Z");
  assert.equal(pathOf({ bbox_xyxy: [0, 0, 4, 4], polygons: [[[[0, 0], [4, 0], [4, 4]], [[1, 1], [2, 1], [2, 2]]]] }), "M0 0L4 0L4 4ZM1 1L2 1L2 2Z");
});

test("an open line is not closed, and dots are lines of no length", () => {
  assert.equal(lineThrough([[0, 0], [4, 0.5]]), "M0 0L4 0.5");
  assert.equal(dotsAt([[0, 0], [4, 0.5]]), "M0 0h0M4 0.5h0");
});
