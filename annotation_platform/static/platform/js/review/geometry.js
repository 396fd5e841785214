/**
 * Pure geometry, in absolute pixels of the upright image: origin top left, x to the right, y down.
 *
 * @typedef {[number, number]} Point
 * @typedef {[number, number, number, number]} Box  x_min, y_min, x_max, y_max
 * @typedef {Point[]} Ring  not closed by repeating its first point
 * @typedef {Ring[]} Polygon  the exterior ring first, then the holes
 * @typedef {{width: number, height: number}} Size
 * @typedef {{bbox_xyxy: Box, polygons: Polygon[] | null}} Geometry
 * @typedef {{name: string, x: number, y: number}} Handle  where it sits on a box, as shares of its sides
 */

import { areaOfPolygons, distanceToEdges, edgesOf, polygonsContain } from "review/polygons";

/** The smallest side that a drawn or resized box may have, in image pixels. */
export const MIN_SIDE = 2;

/** @type {Handle[]} */
export const HANDLES = [
  { name: "nw", x: 0, y: 0 },
  { name: "n", x: 0.5, y: 0 },
  { name: "ne", x: 1, y: 0 },
  { name: "e", x: 1, y: 0.5 },
  { name: "se", x: 1, y: 1 },
  { name: "s", x: 0.5, y: 1 },
  { name: "sw", x: 0, y: 1 },
  { name: "w", x: 0, y: 0.5 },
];

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Hundredths of a pixel are finer than any model or hand, and keep requests and undo steps comparable. */
const round = (value) => Math.round(value * 100) / 100;

/** @param {Point} a @param {Point} b @returns {number} */
export const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** The nearest point inside the image, in hundredths of a pixel. @param {Point} point @param {Size} size @returns {Point} */
export const pointInside = ([x, y], size) => [round(clamp(x, 0, size.width)), round(clamp(y, 0, size.height))];

/**
 * The box between two corners in any order, kept inside the image.
 * @param {Point} a @param {Point} b @param {Size} size @returns {Box}
 */
export function boxBetween(a, b, size) {
  const [[ax, ay], [bx, by]] = [pointInside(a, size), pointInside(b, size)];
  return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
}

/** @param {Box} box */
export const isLargeEnough = ([x0, y0, x1, y1]) => x1 - x0 >= MIN_SIDE && y1 - y0 >= MIN_SIDE;

/** @param {Box} box @param {Handle} handle @returns {Point} */
export function handlePoint([x0, y0, x1, y1], handle) {
  return [x0 + (x1 - x0) * handle.x, y0 + (y1 - y0) * handle.y];
}

/**
 * The box after dragging one handle by (dx, dy). A side may pass its opposite; the box then turns over.
 * @param {Box} box @param {Handle} handle @param {number} dx @param {number} dy @param {Size} size @returns {Box}
 */
export function resizeBox([x0, y0, x1, y1], handle, dx, dy, size) {
  const left = handle.x === 0 ? x0 + dx : x0;
  const right = handle.x === 1 ? x1 + dx : x1;
  const top = handle.y === 0 ? y0 + dy : y0;
  const bottom = handle.y === 1 ? y1 + dy : y1;
  const [a, b, c, d] = boxBetween([left, top], [right, bottom], size);
  // Pinned so that a collapsed side stays inside the image when it is given its least length.
  const x = Math.min(a, size.width - MIN_SIDE);
  const y = Math.min(b, size.height - MIN_SIDE);
  return [x, y, Math.max(c, x + MIN_SIDE), Math.max(d, y + MIN_SIDE)];
}

/**
 * Geometries moved together by (dx, dy); the group stops as a whole where its first member meets an edge of the image.
 * @template {Geometry} G
 * @param {G[]} shapes @param {number} dx @param {number} dy @param {Size} size @returns {G[]}
 */
export function moveTogether(shapes, dx, dy, size) {
  const [x0, y0, x1, y1] = unionOf(shapes.map((shape) => shape.bbox_xyxy));
  const mx = clamp(dx, -x0, size.width - x1);
  const my = clamp(dy, -y0, size.height - y1);
  const move = ([x, y]) => [round(x + mx), round(y + my)];
  return shapes.map((shape) => {
    const [left, top, right, bottom] = shape.bbox_xyxy;
    return {
      ...shape,
      bbox_xyxy: [...move([left, top]), ...move([right, bottom])],
      polygons: shape.polygons && shape.polygons.map((polygon) => polygon.map((ring) => ring.map(move))),
    };
  });
}

/**
 * The geometry moved by (dx, dy), stopped at the image's edges.
 * @param {Geometry} shape @param {number} dx @param {number} dy @param {Size} size @returns {Geometry}
 */
export function moveGeometry({ bbox_xyxy, polygons }, dx, dy, size) {
  return moveTogether([{ bbox_xyxy, polygons }], dx, dy, size)[0];
}

/** The box around all of them. @param {Box[]} boxes at least one @returns {Box} */
export function unionOf(boxes) {
  return boxes.reduce((a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])]);
}

/** @param {Box} a @param {Box} b @returns {boolean} whether they have a point in common */
export function boxesOverlap(a, b) {
  return a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];
}

/** @param {Box} box @param {Point} point @param {number} margin @returns {boolean} */
export function boxContains([x0, y0, x1, y1], [x, y], margin = 0) {
  return x >= x0 - margin && x <= x1 + margin && y >= y0 - margin && y <= y1 + margin;
}

/** @param {Geometry} shape @param {Point} point @param {number} margin in image pixels @returns {boolean} */
export function shapeContains({ bbox_xyxy, polygons }, point, margin = 0) {
  if (!boxContains(bbox_xyxy, point, margin)) return false;
  return !polygons || polygonsContain(polygons, point) || distanceToEdges(polygons, point) <= margin;
}

/**
 * Whether a box meets the outline of a shape or has it inside. A box drawn wholly within a large shape does not touch
 * that one, so that what lies upon it can be gathered alone.
 * @param {Geometry} shape @param {Box} box @returns {boolean}
 */
export function shapeTouches({ bbox_xyxy, polygons }, box) {
  if (!boxesOverlap(bbox_xyxy, box)) return false;
  if (polygons) return edgesOf(polygons).some(([a, b]) => segmentMeets(a, b, box));
  const [x0, y0, x1, y1] = bbox_xyxy;
  return box[0] <= x0 || box[1] <= y0 || box[2] >= x1 || box[3] >= y1;
}

/** @param {Geometry} shape @returns {number} square pixels, holes taken off */
export function areaOf({ bbox_xyxy: [x0, y0, x1, y1], polygons }) {
  return polygons ? areaOfPolygons(polygons) : (x1 - x0) * (y1 - y0);
}

/** @param {Geometry} shape @returns {string} path data; fill it with the even-odd rule */
export function pathOf({ bbox_xyxy: [x0, y0, x1, y1], polygons }) {
  if (!polygons) return `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;
  return polygons.flat().map((ring) => `${lineThrough(ring)}Z`).join("");
}

/** @param {Point[]} points @returns {string} path data of an open line */
export const lineThrough = (points) => `M${points.map(([x, y]) => `${x} ${y}`).join("L")}`;

/** Path data of dots: lines of no length, which a round cap makes visible. @param {Point[]} points @returns {string} */
export const dotsAt = (points) => points.map(([x, y]) => `M${x} ${y}h0`).join("");

/** Whether any of the segment from a to b is inside the box: what Liang and Barsky's clipping leaves of it. */
function segmentMeets([ax, ay], [bx, by], [x0, y0, x1, y1]) {
  let [from, to] = [0, 1];
  for (const [start, delta, low, high] of [[ax, bx - ax, x0, x1], [ay, by - ay, y0, y1]]) {
    if (delta === 0) {
      if (start < low || start > high) return false;
    } else {
      const [enters, leaves] = [(low - start) / delta, (high - start) / delta].sort((p, q) => p - q);
      [from, to] = [Math.max(from, enters), Math.min(to, leaves)];
    }
  }
  return from <= to;
}
