/** The handles of the one shape that is being edited, and which of them a press takes. */

import { svg } from "platform/dom";
import { HANDLES, boxContains, distance, dotsAt, handlePoint, shapeContains } from "review/geometry";
import { nearestEdge, nearestVertex } from "review/polygons";

/**
 * What a press takes hold of: a handle of a box, a vertex, or the point of an edge where a vertex can be put in.
 * @typedef {import("review/geometry").Point} Point
 * @typedef {{kind: "side", handle: import("review/geometry").Handle, point: Point}
 *   | {kind: "vertex" | "edge", path: import("review/polygons").VertexPath, point: Point}} Grip
 */

const SIZE = 9;
/** How far from a handle, and from an edge, a press still takes it, in screen pixels. */
const HANDLE_REACH = { mouse: 9, pen: 12, touch: 20 };
const EDGE_REACH = { mouse: 6, pen: 8, touch: 12 };
/** Within a small shape, handles leave the middle free, so that it can be moved. */
const INNER_SHARE = 0.3;
/** Vertices nearer to each other than this are not all drawn, in screen pixels; zooming in brings them out. */
const LEAST_GAP = matchMedia("(pointer: coarse)").matches ? 16 : 11;

/** What a press would do to a vertex, drawn in its handle. */
const SIGNS = { "": "", new: "M-3.5 0h7M0 -3.5v7", removal: "M-3 0h6" };

/** @param {string} pointerType @returns {number} how far from a point a press still takes it, in screen pixels */
export const reachOf = (pointerType) => HANDLE_REACH[pointerType] ?? HANDLE_REACH.mouse;

export class Handles {
  layer = svg("g", { class: "handles" });
  #viewport;
  /** @type {import("review/shapes").Shape | null} */
  #shape = null;
  #sides = HANDLES.map(() => svg("rect", { class: "handle fixed-size", x: -SIZE / 2, y: -SIZE / 2, width: SIZE, height: SIZE, rx: 2 }));
  #box = svg("g", {}, ...this.#sides.map((side) => svg("g", {}, side)));
  // However many vertices there are, two paths draw them.
  #rims = svg("path", { class: "vertex-rims" });
  #dots = svg("path", { class: "vertices" });
  #mark = svg("g", { class: "grip" }, svg("circle", { class: "fixed-size", r: 6 }), svg("path", { class: "fixed-size" }));

  /** @param {import("review/viewport").Viewport} viewport */
  constructor(viewport) {
    this.#viewport = viewport;
    this.showGrip(null);
  }

  /** @param {import("review/shapes").Shape | null} shape the one to edit */
  show(shape) {
    this.#shape = shape;
    this.showGrip(null);
    this.refresh();
  }

  /** After the viewport has changed: other vertices are in sight, and more of them have room. */
  refresh() {
    const parts = this.#parts();
    if (this.layer.firstChild !== (parts[0] ?? null)) this.layer.replaceChildren(...parts);
    if (this.#shape?.polygons) this.#drawVertices();
    else if (this.#shape) this.#drawSides();
  }

  /**
   * What is nearest to a point, whatever is painted on top: vertices before edges.
   * @param {Point} point in image pixels @param {string} pointerType @returns {Grip | null}
   */
  at(point, pointerType) {
    if (!this.#shape) return null;
    const { polygons, bbox_xyxy } = this.#shape;
    const longest = this.#longestReach(point);
    const within = (reach) => Math.min(reach / this.#viewport.scale, longest);
    const [reach, edgeReach] = [within(reachOf(pointerType)), within(EDGE_REACH[pointerType] ?? EDGE_REACH.mouse)];
    if (!boxContains(bbox_xyxy, point, Math.max(reach, edgeReach))) return null;
    if (!polygons) return sideAt(bbox_xyxy, point, reach);
    const vertex = nearestVertex(polygons, point);
    if (vertex.distance <= reach) return { kind: "vertex", path: vertex.path, point: vertex.point };
    const edge = nearestEdge(polygons, point);
    return edge.distance <= edgeReach ? { kind: "edge", path: edge.path, point: edge.point } : null;
  }

  /** Points out what a press would take. @param {Grip | null} grip @param {boolean} isRemoval a press would delete it */
  showGrip(grip, isRemoval = false) {
    this.#mark.setAttribute("class", "grip");
    if (!grip || grip.kind === "side") return;
    const sign = grip.kind === "edge" ? "new" : isRemoval ? "removal" : "";
    this.#mark.setAttribute("class", `grip shown ${sign}`);
    this.#mark.lastElementChild.setAttribute("d", SIGNS[sign]);
    this.#mark.setAttribute("transform", `translate(${grip.point.join(" ")})`);
  }

  #parts() {
    if (!this.#shape) return [];
    return this.#shape.polygons ? [this.#rims, this.#dots, this.#mark] : [this.#box];
  }

  #drawSides() {
    this.#sides.forEach((side, index) => {
      const [x, y] = handlePoint(this.#shape.bbox_xyxy, HANDLES[index]);
      side.parentNode.setAttribute("transform", `translate(${x} ${y})`);
    });
  }

  #drawVertices() {
    const { scale, sight } = this.#viewport;
    const gap = LEAST_GAP / scale;
    const roomy = this.#shape.polygons.flat().flatMap((ring) => thinned(ring, gap));
    const d = dotsAt(roomy.filter((point) => boxContains(sight, point, gap)));
    this.#rims.setAttribute("d", d);
    this.#dots.setAttribute("d", d);
  }

  /** In image pixels. Outside the shape there is nothing to leave free. */
  #longestReach(point) {
    const [x0, y0, x1, y1] = this.#shape.bbox_xyxy;
    return shapeContains(this.#shape, point) ? INNER_SHARE * Math.min(x1 - x0, y1 - y0) : Infinity;
  }
}

function sideAt(box, point, reach) {
  const away = (handle) => distance(handlePoint(box, handle), point);
  const handle = HANDLES.reduce((best, one) => (away(one) < away(best) ? one : best));
  return away(handle) <= reach ? { kind: "side", handle, point: handlePoint(box, handle) } : null;
}

/** The points of a ring, less those that would overlap the one before on the screen. */
function thinned(ring, gap) {
  let last = null;
  return ring.filter((point) => {
    if (last && distance(last, point) < gap) return false;
    last = point;
    return true;
  });
}
