/**
 * Masks that a model has made of accepted boxes. Such a draft names its box in `replaces`; once the mask is accepted,
 * the box goes, in the same step and the same request, so that undo brings both back.
 *
 * @typedef {import("review/shapes").Shape} Shape
 * @typedef {import("review/history").Patch} Patch
 */

import { isDraft } from "review/shapes";

/**
 * Adds to these patches what accepting a mask does to its box, which is what the server would do by itself: named in the
 * request, its answer brings the box's new version. What the patches would do to such a box themselves is dropped.
 * @param {Patch[]} patches of the shapes of one item @param {Shape[]} shapes all of that item @returns {Patch[]}
 */
export function withBoxes(patches, shapes) {
  const accepted = new Set(patches.filter(({ status }) => status === "accepted").map(({ id }) => id));
  const masks = shapes.filter(({ id, replaces, status }) => replaces && status !== "accepted" && accepted.has(id));
  if (!masks.length) return patches;
  const uids = new Set(masks.map(({ replaces }) => replaces));
  const boxes = shapes.filter(({ uid, status, removed }) => uids.has(uid) && status === "accepted" && !removed);
  const ids = new Set(boxes.map(({ id }) => id));
  return [...patches.filter(({ id }) => !ids.has(id)), ...boxes.map(({ id }) => ({ id, status: "discarded" }))];
}

/**
 * The other way: accepted masks that are made drafts again give their boxes back, or the object could be lost with them.
 * @param {Patch[]} patches @param {Shape[]} shapes @returns {Patch[]}
 */
export function withBoxesBack(patches, shapes) {
  const ids = new Set(patches.map(({ id }) => id));
  const masks = shapes.filter(({ id, replaces, status }) => replaces && status === "accepted" && ids.has(id));
  const uids = new Set(masks.map(({ replaces }) => replaces));
  const boxes = shapes.filter(({ id, uid, status, removed }) => uids.has(uid) && status === "discarded" && !removed && !ids.has(id));
  return [...patches, ...boxes.map(({ id }) => ({ id, status: "accepted" }))];
}

/** @param {Shape[]} shapes of one item @returns {Set<string>} the uids of boxes whose mask waits for a verdict */
export function boxesWithMask(shapes) {
  return new Set(shapes.filter((shape) => shape.replaces && isDraft(shape)).map(({ replaces }) => replaces));
}
