/**
 * Pure geometry, in absolute pixels of the upright image: origin top left, x to the right, y down.
 *
 * @typedef {[number, number]} Point
 * @typedef {[number, number, number, number]} Box  x_min, y_min, x_max, y_max
 * @typedef {Point[]} Ring
 * @typedef {Ring[]} Polygon  the exterior ring first, then the holes
 * @typedef {{width: number, height: number}} Size
 * @typedef {{bbox_xyxy: Box, polygons: Polygon[] | null}} Geometry
 * @typedef {{name: string, x: number, y: number}} Handle  where it sits on a box, as shares of its sides
 */

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

/**
 * The box between two corners in any order, kept inside the image.
 * @param {Point} a @param {Point} b @param {Size} size @returns {Box}
 */
export function boxBetween(a, b, size) {
  const [x0, x1] = [a[0], b[0]].map((x) => clamp(x, 0, size.width)).sort((p, q) => p - q);
  const [y0, y1] = [a[1], b[1]].map((y) => clamp(y, 0, size.height)).sort((p, q) => p - q);
  return [round(x0), round(y0), round(x1), round(y1)];
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
 * The geometry moved by (dx, dy), stopped at the image's edges.
 * @param {Geometry} shape @param {number} dx @param {number} dy @param {Size} size @returns {Geometry}
 */
export function moveGeometry({ bbox_xyxy: [x0, y0, x1, y1], polygons }, dx, dy, size) {
  const mx = clamp(dx, -x0, size.width - x1);
  const my = clamp(dy, -y0, size.height - y1);
  const move = ([x, y]) => [round(x + mx), round(y + my)];
  return {
    bbox_xyxy: [...move([x0, y0]), ...move([x1, y1])],
    polygons: polygons && polygons.map((polygon) => polygon.map((ring) => ring.map(move))),
  };
}

/** @param {Box} box @param {Point} point @param {number} margin @returns {boolean} */
export function boxContains([x0, y0, x1, y1], [x, y], margin = 0) {
  return x >= x0 - margin && x <= x1 + margin && y >= y0 - margin && y <= y1 + margin;
}

/**
 * Whether a point is inside by the even-odd rule, so that holes are outside.
 * @param {Polygon[]} polygons @param {Point} point @returns {boolean}
 */
export function polygonsContain(polygons, [x, y]) {
  let inside = false;
  for (const ring of polygons.flat()) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [xi, yi] = ring[i];
      const [xj, yj] = ring[j];
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
    }
  }
  return inside;
}

/** @param {Polygon[]} polygons @param {Point} point @returns {number} pixels to the nearest edge of any ring */
export function distanceToEdges(polygons, point) {
  let nearest = Infinity;
  for (const ring of polygons.flat()) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      nearest = Math.min(nearest, distanceToSegment(point, ring[j], ring[i]));
    }
  }
  return nearest;
}

/** @param {Geometry} shape @param {Point} point @param {number} margin in image pixels @returns {boolean} */
export function shapeContains({ bbox_xyxy, polygons }, point, margin) {
  if (!boxContains(bbox_xyxy, point, margin)) return false;
  return !polygons || polygonsContain(polygons, point) || distanceToEdges(polygons, point) <= margin;
}

/** @param {Geometry} shape @returns {number} square pixels, holes taken off */
export function areaOf({ bbox_xyxy: [x0, y0, x1, y1], polygons }) {
  if (!polygons) return (x1 - x0) * (y1 - y0);
  let area = 0;
  for (const [exterior, ...holes] of polygons) {
    area += ringArea(exterior) - holes.reduce((sum, hole) => sum + ringArea(hole), 0);
  }
  return area;
}

/** @param {Geometry} shape @returns {string} path data; fill it with the even-odd rule */
export function pathOf({ bbox_xyxy: [x0, y0, x1, y1], polygons }) {
  if (!polygons) return `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;
  return polygons.flat().map((ring) => `M${ring.map((point) => point.join(" ")).join("L")}Z`).join("");
}

function distanceToSegment([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const along = clamp(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1), 0, 1);
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

function ringArea(ring) {
  let twice = 0;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    twice += (ring[j][0] - ring[i][0]) * (ring[j][1] + ring[i][1]);
  }
  return Math.abs(twice) / 2;
}
