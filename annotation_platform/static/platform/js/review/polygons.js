/**
 * Pure geometry of polygons: parts, each an exterior ring and its holes, each a list of points. Nothing is changed in
 * place; every edit answers with new polygons that share the rings it left alone.
 *
 * @typedef {import("review/geometry").Point} Point
 * @typedef {import("review/geometry").Ring} Ring
 * @typedef {import("review/geometry").Polygon} Polygon
 * @typedef {{part: number, ring: number, index: number}} VertexPath  which point of which ring of which part
 * @typedef {{path: VertexPath, point: Point, distance: number}} Nearest  for an edge, the path of its first vertex
 */

/** A ring with fewer points has no area. */
export const MIN_POINTS = 3;

/** The smallest area that a drawn ring may have, in square pixels of the image. */
const MIN_AREA = 2;

/** @param {Ring} ring @returns {boolean} whether it covers enough to stand as a shape */
export const isLargeRing = (ring) => ring.length >= MIN_POINTS && ringArea(ring) >= MIN_AREA;

/** @param {Polygon[]} polygons @returns {import("review/geometry").Geometry} with the bounds as the server reckons them */
export function polygonGeometry(polygons) {
  const points = polygons.flat(2);
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [least, most] = [(values) => values.reduce((a, b) => Math.min(a, b)), (values) => values.reduce((a, b) => Math.max(a, b))];
  return { bbox_xyxy: [least(xs), least(ys), most(xs), most(ys)], polygons };
}

/** @param {Polygon[]} polygons @returns {[Point, Point][]} each ring's edges, with the one that closes it */
export function edgesOf(polygons) {
  return polygons.flat().flatMap((ring) => ring.map((point, index) => [point, ring[(index + 1) % ring.length]]));
}

/** @param {Polygon[]} polygons @returns {number} square pixels, holes taken off */
export function areaOfPolygons(polygons) {
  let area = 0;
  for (const [exterior, ...holes] of polygons) {
    area += ringArea(exterior) - holes.reduce((sum, hole) => sum + ringArea(hole), 0);
  }
  return area;
}

/** @param {Polygon[]} polygons @param {Point} point @returns {boolean} inside a part and in none of that part's holes */
export function polygonsContain(polygons, point) {
  return polygons.some(([exterior, ...holes]) => {
    return ringContains(exterior, point) && !holes.some((hole) => ringContains(hole, point));
  });
}

/** @param {Polygon[]} polygons @param {Point} point @returns {number} pixels to the nearest edge of any ring */
export function distanceToEdges(polygons, point) {
  return nearestEdge(polygons, point)?.distance ?? Infinity;
}

/** @param {Polygon[]} polygons @param {Point} point @returns {Nearest | null} null where there are no points */
export function nearestVertex(polygons, point) {
  return nearest(polygons, (ring, index) => ring[index], point);
}

/** The nearest point of any edge. @param {Polygon[]} polygons @param {Point} point @returns {Nearest | null} */
export function nearestEdge(polygons, point) {
  return nearest(polygons, (ring, index) => footOn(ring[index], ring[(index + 1) % ring.length], point), point);
}

/** @param {Polygon[]} polygons @param {VertexPath} path @param {Point} point @returns {Polygon[]} */
export function moveVertex(polygons, path, point) {
  return changeRing(polygons, path, (ring) => ring.with(path.index, point));
}

/** Puts a vertex on the edge that begins at `path`. @param {Polygon[]} polygons @param {VertexPath} path @param {Point} point */
export function insertVertex(polygons, path, point) {
  return changeRing(polygons, path, (ring) => ring.toSpliced(path.index + 1, 0, point));
}

/**
 * Takes a vertex away; a triangle goes as a whole, be it a hole or, with its holes, one of several parts.
 * @param {Polygon[]} polygons @param {VertexPath} path
 * @returns {Polygon[] | null} null where nothing would be left of the shape
 */
export function removeVertex(polygons, path) {
  const polygon = polygons[path.part];
  if (polygon[path.ring].length > MIN_POINTS) return changeRing(polygons, path, (ring) => ring.toSpliced(path.index, 1));
  if (path.ring > 0) return polygons.with(path.part, polygon.toSpliced(path.ring, 1));
  return polygons.length > 1 ? polygons.toSpliced(path.part, 1) : null;
}

/**
 * Cuts a ring that lies inside out of the polygons as a hole, or adds one that lies outside as a further part.
 * @param {Polygon[]} polygons @param {Ring} ring
 * @returns {Polygon[] | null} null where the ring crosses an edge or goes round a whole part
 */
export function combine(polygons, ring) {
  const edges = edgesOf([[ring]]);
  if (edgesOf(polygons).some(([a, b]) => edges.some(([c, d]) => segmentsCross(a, b, c, d)))) return null;
  // By most of its points, for one that was drawn exactly on an edge counts as in or out by chance.
  const holds = (polygon) => ring.filter((point) => polygonsContain([polygon], point)).length > ring.length / 2;
  const part = polygons.findIndex(holds);
  if (part >= 0) return polygons.with(part, withHole(polygons[part], ring));
  return polygons.some(([exterior]) => ringContains(ring, exterior[0])) ? null : [...polygons, [ring]];
}

/** @param {Ring} ring @returns {number} square pixels */
export function ringArea(ring) {
  let twice = 0;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    twice += (ring[j][0] - ring[i][0]) * (ring[j][1] + ring[i][1]);
  }
  return Math.abs(twice) / 2;
}

/** @param {Ring} ring @param {Point} point @returns {boolean} by the even-odd rule */
export function ringContains(ring, [x, y]) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i];
    const [xj, yj] = ring[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** A hole swallows the smaller holes inside it. */
function withHole([exterior, ...holes], ring) {
  return [exterior, ...holes.filter((hole) => !ringContains(ring, hole[0])), ring];
}

function changeRing(polygons, { part, ring }, change) {
  return polygons.with(part, polygons[part].with(ring, change(polygons[part][ring])));
}

/** The nearest of the points that `candidate` finds for each vertex. */
function nearest(polygons, candidate, [x, y]) {
  let best = null;
  polygons.forEach((polygon, part) => {
    polygon.forEach((points, ring) => {
      for (let index = 0; index < points.length; index++) {
        const point = candidate(points, index);
        const distance = Math.hypot(point[0] - x, point[1] - y);
        if (!best || distance < best.distance) best = { path: { part, ring, index }, point, distance };
      }
    });
  });
  return best;
}

/** The point of the segment from a to b that is nearest to a point. */
function footOn([ax, ay], [bx, by], [x, y]) {
  const [dx, dy] = [bx - ax, by - ay];
  const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
  return [ax + along * dx, ay + along * dy];
}

/** On which side of the line from a to b a point lies: the sign says it, 0 is on the line. */
const sideOf = ([ax, ay], [bx, by], [x, y]) => (bx - ax) * (y - ay) - (by - ay) * (x - ax);

function segmentsCross(a, b, c, d) {
  return sideOf(a, b, c) * sideOf(a, b, d) < 0 && sideOf(c, d, a) * sideOf(c, d, b) < 0;
}
