/** The shapes of one item. Every change goes through `update`, which is what undo, autosave and drawing hang on. */

import { isDraft, passes, reviewOrder } from "review/shapes";

/**
 * @typedef {import("review/shapes").Shape} Shape
 * @typedef {{id: string} & Partial<Shape>} Patch  fields to set on the shape `id`
 *
 * Events: "change" (detail: {ids, byServer}), "select" (detail: {id, reveal}), "filter", "history".
 */
export class Store extends EventTarget {
  /** @type {Map<string, Shape>} */
  #shapes = new Map();
  /** @type {{before: Patch[], after: Patch[]}[]} */
  #undo = [];
  #redo = [];

  /** @type {string | null} */
  selectedId = null;
  /** @type {import("review/shapes").Filter} */
  filter = { minScore: 0, showDiscarded: false };

  /** @param {Shape[]} shapes */
  load(shapes) {
    this.#shapes = new Map(shapes.map((shape) => [shape.id, shape]));
    this.#undo = [];
    this.#redo = [];
    this.selectedId = null;
    this.#emit("change", { ids: [...this.#shapes.keys()], byServer: true });
    this.#emit("select", { id: null, reveal: false });
    this.#emit("history");
  }

  /** @param {string | null} id */
  get(id) {
    return this.#shapes.get(id);
  }

  get selected() {
    return this.#shapes.get(this.selectedId);
  }

  /** @returns {Shape[]} all shapes that were not deleted, lowest score first */
  all() {
    return reviewOrder([...this.#shapes.values()].filter((shape) => !shape.removed));
  }

  /** @returns {Shape[]} what the filter lets through, lowest score first */
  visible() {
    return this.all().filter((shape) => passes(shape, this.filter));
  }

  drafts() {
    return this.all().filter(isDraft);
  }

  /** @param {Shape} shape one that starts as removed, so that adding it is a change like any other */
  add(shape) {
    this.#shapes.set(shape.id, shape);
    this.update([{ id: shape.id, removed: false }]);
  }

  /**
   * One step that undo takes back as a whole.
   * @param {Patch[]} patches
   */
  update(patches) {
    if (!patches.length) return;
    const before = patches.map((patch) => previous(this.#shapes.get(patch.id), patch));
    this.#undo.push({ before, after: patches });
    this.#redo = [];
    this.#apply(patches, false);
    this.#emit("history");
  }

  /**
   * What the server says of shapes; no step of the person's, hence not undoable.
   * @param {Patch[]} patches
   */
  acceptFromServer(patches) {
    this.#apply(patches, true);
  }

  /**
   * Forget the steps that touch a shape, because somebody else has changed it since.
   * @param {string} id
   */
  forgetHistory(id) {
    const without = (steps) => steps.filter(({ after }) => after.every((patch) => patch.id !== id));
    this.#undo = without(this.#undo);
    this.#redo = without(this.#redo);
    this.#emit("history");
  }

  get canUndo() {
    return this.#undo.length > 0;
  }

  get canRedo() {
    return this.#redo.length > 0;
  }

  undo() {
    this.#travel(this.#undo, this.#redo, "before");
  }

  redo() {
    this.#travel(this.#redo, this.#undo, "after");
  }

  /** @param {string | null} id @param {{reveal?: boolean}} [options] reveal: bring it into view */
  select(id, { reveal = false } = {}) {
    this.selectedId = id;
    this.#emit("select", { id, reveal });
  }

  /** @param {Partial<import("review/shapes").Filter>} changes */
  setFilter(changes) {
    this.filter = { ...this.filter, ...changes };
    this.#emit("filter");
    this.#dropHiddenSelection();
  }

  #travel(from, to, side) {
    const step = from.pop();
    if (!step) return;
    to.push(step);
    this.#apply(step[side], false);
    const [{ id }] = step[side];
    if (passes(this.#shapes.get(id), this.filter)) this.select(id, { reveal: true });
    this.#emit("history");
  }

  #apply(patches, byServer) {
    for (const patch of patches) this.#shapes.set(patch.id, { ...this.#shapes.get(patch.id), ...patch });
    this.#emit("change", { ids: patches.map((patch) => patch.id), byServer });
    this.#dropHiddenSelection();
  }

  #dropHiddenSelection() {
    if (this.selected && !passes(this.selected, this.filter)) this.select(null);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** The fields of `patch` as the shape has them now. Shapes are never mutated, so references are safe to keep. */
function previous(shape, patch) {
  return Object.fromEntries(Object.keys(patch).map((field) => [field, shape[field]]));
}
