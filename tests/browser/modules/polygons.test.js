import {
  areaOfPolygons, combine, edgesOf, insertVertex, isLargeRing, moveVertex, nearestEdge, nearestVertex, polygonGeometry,
  polygonsContain, removeVertex, ringArea, ringContains,
} from "review/polygons";
import { assert, test } from "tests/harness";

const square = (x, y, side) => [[x, y], [x + side, y], [x + side, y + side], [x, y + side]];
const path = (part, ring, index) => ({ part, ring, index });
const HOLE = [[20, 20], [30, 20], [20, 30]];
/** A part with a triangular hole, and a second part that is a triangle. */
const POLYGONS = [[square(10, 10, 40), HOLE], [[[70, 10], [90, 10], [70, 30]]]];

/** The polygons stay as they are: undo and the store rely on it. */
function unchanged(edit) {
  const before = structuredClone(POLYGONS);
  const after = edit();
  assert.deepEqual(POLYGONS, before);
  return after;
}

test("a ring has its area whichever way round it goes", () => {
  assert.equal(ringArea(square(10, 10, 40)), 1600);
  assert.equal(ringArea(square(10, 10, 40).reverse()), 1600);
});

test("a ring of two points, or one that is hardly a line, is no shape", () => {
  assert.ok(isLargeRing(HOLE));
  assert.ok(!isLargeRing([[0, 0], [50, 50]]));
  assert.ok(!isLargeRing([[0, 0], [25, 25], [50, 50]]));
});

test("the area is that of all parts less their holes", () => {
  assert.equal(areaOfPolygons(POLYGONS), 1600 - 50 + 200);
});

test("the bounds are those of every point", () => {
  assert.deepEqual(polygonGeometry(POLYGONS), { bbox_xyxy: [10, 10, 90, 50], polygons: POLYGONS });
});

test("a point is inside in any part, and outside in a hole", () => {
  assert.ok(polygonsContain(POLYGONS, [45, 45]));
  assert.ok(polygonsContain(POLYGONS, [75, 15]));
  assert.ok(!polygonsContain(POLYGONS, [22, 22]));
  assert.ok(!polygonsContain(POLYGONS, [60, 20]));
});

test("where two parts overlap is inside, as it is for the server", () => {
  assert.ok(polygonsContain([[square(0, 0, 20)], [square(10, 10, 20)]], [15, 15]));
});

test("each ring has an edge that closes it", () => {
  const edges = edgesOf(POLYGONS);

  assert.equal(edges.length, 4 + 3 + 3);
  assert.deepEqual(edges[3], [[10, 50], [10, 10]]);
});

test("the nearest vertex is found in any ring", () => {
  assert.deepEqual(nearestVertex(POLYGONS, [28, 21]), { path: path(0, 1, 1), point: [30, 20], distance: Math.hypot(2, 1) });
  assert.deepEqual(nearestVertex(POLYGONS, [200, 10]).path, path(1, 0, 1));
});

test("of vertices that lie close together, the nearest is found", () => {
  const crowd = [[Array.from({ length: 300 }, (_, index) => [index / 10, index % 2])]];

  assert.deepEqual(nearestVertex(crowd, [12.31, 0.98]).path, path(0, 0, 123));
});

test("the nearest edge is told with the point on it", () => {
  assert.deepEqual(nearestEdge(POLYGONS, [35, 8]), { path: path(0, 0, 0), point: [35, 10], distance: 2 });
});

test("the edge that closes a ring begins at its last vertex", () => {
  assert.deepEqual(nearestEdge(POLYGONS, [9, 30]), { path: path(0, 0, 3), point: [10, 30], distance: 1 });
});

test("beyond the end of an edge, its end is what is nearest", () => {
  assert.deepEqual(nearestEdge(POLYGONS, [93, 6]).point, [90, 10]);
});

test("a moved vertex leaves all others where they are", () => {
  const moved = unchanged(() => moveVertex(POLYGONS, path(0, 1, 2), [21, 33]));

  assert.deepEqual(moved, [[square(10, 10, 40), [[20, 20], [30, 20], [21, 33]]], POLYGONS[1]]);
  assert.equal(moved[0][0], POLYGONS[0][0], "rings that did not change are shared");
});

test("a new vertex comes after the one its edge begins with", () => {
  const inserted = unchanged(() => insertVertex(POLYGONS, path(1, 0, 0), [80, 5]));

  assert.deepEqual(inserted[1][0], [[70, 10], [80, 5], [90, 10], [70, 30]]);
});

test("a new vertex on the closing edge becomes the last", () => {
  assert.deepEqual(insertVertex(POLYGONS, path(1, 0, 2), [65, 20])[1][0].at(-1), [65, 20]);
});

test("a vertex can be taken from a ring of four", () => {
  const removed = unchanged(() => removeVertex(POLYGONS, path(0, 0, 1)));

  assert.deepEqual(removed[0][0], [[10, 10], [50, 50], [10, 50]]);
});

test("a triangular hole goes with its first vertex", () => {
  assert.deepEqual(removeVertex(POLYGONS, path(0, 1, 0)), [[POLYGONS[0][0]], POLYGONS[1]]);
});

test("a triangular part goes with its first vertex while there are others", () => {
  assert.deepEqual(removeVertex(POLYGONS, path(1, 0, 2)), [POLYGONS[0]]);
});

test("the last part is never taken away, with or without a hole", () => {
  const triangle = [[0, 0], [50, 0], [0, 50]];

  assert.equal(removeVertex([[triangle]], path(0, 0, 0)), null);
  assert.equal(removeVertex([[triangle, [[10, 10], [15, 10], [10, 15]]]], path(0, 0, 0)), null);
});

test("a ring inside a part becomes its hole", () => {
  const ring = [[40, 40], [45, 40], [45, 45]];
  const combined = unchanged(() => combine(POLYGONS, ring));

  assert.deepEqual(combined, [[square(10, 10, 40), HOLE, ring], POLYGONS[1]]);
});

test("a hole swallows a smaller one inside it", () => {
  assert.deepEqual(combine(POLYGONS, square(15, 15, 30))[0], [square(10, 10, 40), square(15, 15, 30)]);
});

test("a ring outside becomes a further part, and one in a hole an island", () => {
  assert.deepEqual(combine(POLYGONS, square(60, 60, 10)).at(-1), [square(60, 60, 10)]);
  assert.deepEqual(combine(POLYGONS, [[21, 21], [24, 21], [21, 24]]).at(-1), [[[21, 21], [24, 21], [21, 24]]]);
});

test("a ring that crosses an edge can be neither", () => {
  assert.equal(combine(POLYGONS, square(40, 40, 20)), null);
  assert.equal(combine(POLYGONS, [[0, 35], [100, 35], [100, 36], [0, 36]]), null, "right through, with no point inside");
});

test("a ring around a part can be neither", () => {
  assert.equal(combine(POLYGONS, square(0, 0, 100)), null);
});

test("a ring that begins on an edge counts by most of its points", () => {
  assert.equal(combine(POLYGONS, [[10, 40], [18, 42], [18, 48]])[0].length, 3);
});

test("a point left of a ring is not inside, though its level meets two edges", () => {
  assert.ok(!ringContains(square(10, 10, 40), [5, 20]));
  assert.ok(ringContains(square(10, 10, 40), [30, 20]));
});
