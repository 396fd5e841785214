/**
 * What a shape is to the editor, and how it compares with what the server has.
 *
 * @typedef {import("review/geometry").Geometry} Geometry
 * @typedef {Geometry & {
 *   id: string,             our own key, which stays when the server gives a uid
 *   item: string,           the uid of its item
 *   uid: string | null,     null until the server knows the shape
 *   version: number,
 *   label: string,
 *   kind: "box" | "polygon",
 *   status: "draft" | "accepted" | "discarded",
 *   edited: boolean,
 *   source: "auto" | "manual",
 *   score: number | null,
 *   replaces: string | null,  the uid of the accepted box that this is the mask of; that box may be gone by now
 *   removed: boolean,       deleted here; kept so that undo can bring it back
 * }} Shape
 */

let counter = 0;

/** @returns {string} a key for a shape, unique on this page */
export const newId = () => `shape-${++counter}`;

/** @param {object} annotation as the API shows it @returns {Omit<Shape, "id">} */
export function fromAnnotation(annotation) {
  const { item, uid, version, label, kind, bbox_xyxy, polygons, status, edited, source, score, replaces = null } = annotation;
  return { item, uid, version, label, kind, bbox_xyxy, polygons, status, edited, source, score, replaces, removed: false };
}

/**
 * A shape drawn by hand. It starts as removed, so that adding it is a change like any other.
 * @param {string} item @param {string} label @param {Geometry & {kind: "box" | "polygon"}} geometry @returns {Shape}
 */
export function manualShape(item, label, { kind, bbox_xyxy, polygons }) {
  return {
    id: newId(), item, uid: null, version: 0, label, kind, bbox_xyxy, polygons,
    status: "accepted", edited: false, source: "manual", score: null, replaces: null, removed: true,
  };
}

/** @param {Shape} shape */
export const isDraft = (shape) => shape.status === "draft" && !shape.removed;

/** Lowest score first: what the model is least sure of deserves fresh eyes. Shapes without a score come last. */
export function reviewOrder(shapes) {
  return [...shapes].sort((a, b) => (a.score ?? 2) - (b.score ?? 2));
}

/** @param {Shape} shape @returns {string} such as "0.42" */
export const scoreText = (shape) => (shape.score === null ? "" : shape.score.toFixed(2));

/**
 * The next request on the way to making the server's copy equal to ours.
 * @param {Shape} shape
 * @param {Omit<Shape, "id"> | null} saved the server's copy, null where it has none
 * @returns {{method: "POST" | "PATCH" | "DELETE", body: object} | null} null where they are equal
 */
export function requestFor(shape, saved) {
  if (!saved) return shape.removed ? null : { method: "POST", body: creation(shape) };
  if (shape.removed) return { method: "DELETE", body: { version: saved.version } };
  const changes = differences(shape, saved);
  return Object.keys(changes).length ? { method: "PATCH", body: { version: saved.version, ...changes } } : null;
}

function differences(shape, saved) {
  // A draft is the prediction as it was made: the server restores label and geometry from it.
  if (shape.status === "draft") return saved.status === "draft" ? {} : { status: "draft" };
  // What was never edited comes from the prediction, too: back to the draft first, the verdict follows.
  if (saved.edited && !shape.edited && shape.source === "auto") return { status: "draft" };
  const changes = {};
  if (shape.status !== saved.status) changes.status = shape.status;
  if (shape.label !== saved.label) changes.label = shape.label;
  const field = shape.kind === "polygon" ? "polygons" : "bbox_xyxy";
  if (JSON.stringify(shape[field]) !== JSON.stringify(saved[field])) changes[field] = shape[field];
  return changes;
}

function creation({ label, kind, bbox_xyxy, polygons }) {
  return kind === "polygon" ? { label, kind, polygons } : { label, kind, bbox_xyxy };
}
