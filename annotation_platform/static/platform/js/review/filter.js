/** Which shapes a reviewer wants to see. */

/**
 * @typedef {import("review/shapes").Shape} Shape
 * @typedef {"draft" | "accepted" | "edited" | "discarded"} FilterStatus  "edited" is accepted after a change
 * @typedef {{minScore: number, labels: Set<string> | null, statuses: Set<FilterStatus>}} Filter  labels: null is all
 */

/** @type {FilterStatus[]} */
export const STATUSES = ["draft", "accepted", "edited", "discarded"];

/** @type {Filter} */
export const DEFAULT_FILTER = Object.freeze({
  minScore: 0,
  labels: null,
  statuses: new Set(["draft", "accepted", "edited"]),
});

/** @param {Shape} shape @returns {FilterStatus} */
export const statusOf = (shape) => (shape.status === "accepted" && shape.edited ? "edited" : shape.status);

/** @param {Shape} shape @param {Filter} filter @returns {boolean} */
export function passes(shape, filter) {
  if (shape.removed || !filter.statuses.has(statusOf(shape))) return false;
  if (filter.labels && !filter.labels.has(shape.label)) return false;
  // The cut-off is for drafts: what a person has accepted stays in sight.
  return shape.status !== "draft" || shape.score === null || shape.score >= filter.minScore;
}

/** @param {Filter} filter @returns {boolean} whether it hides more, or shows more, than it does at first */
export function isDefault({ minScore, labels, statuses }) {
  const isSame = statuses.size === DEFAULT_FILTER.statuses.size && [...statuses].every((one) => DEFAULT_FILTER.statuses.has(one));
  return minScore === DEFAULT_FILTER.minScore && labels === null && isSame;
}
