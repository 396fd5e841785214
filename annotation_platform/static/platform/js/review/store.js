/** The shapes of the items on this page, one of which is open. Every change goes through `update`. */

import { DEFAULT_FILTER, passes } from "review/filter";
import { History } from "review/history";
import { withBoxes } from "review/replacing";
import { isDraft, reviewOrder } from "review/shapes";

/**
 * @typedef {import("review/shapes").Shape} Shape
 * @typedef {import("review/history").Patch} Patch
 * @typedef {import("review/items").Item} Item
 *
 * Events for views, about the open item: "open" (another one, or its data came anew), "change" (detail: {ids,
 * byServer}), "item" (its state), "filter", "history". For autosave, about any item: "edit" (detail: {item, ids}).
 */
export class Store extends EventTarget {
  /** @type {Map<string, {item: Item, shapes: Map<string, Shape>}>} */
  #entries = new Map();
  /** @type {string | null} */
  #openUid = null;
  #history = new History();

  /** @type {import("review/filter").Filter} */
  filter = DEFAULT_FILTER;

  /**
   * Takes over what the server has of an item. Steps on shapes that somebody else has changed are forgotten.
   * @param {Item} item @param {Shape[]} shapes
   */
  put(item, shapes) {
    const known = this.#entries.get(item.uid)?.shapes ?? new Map();
    const entry = { item, shapes: new Map(shapes.map((shape) => [shape.id, shape])) };
    for (const [id, old] of known) {
      const isSame = old.removed || entry.shapes.get(id)?.version === old.version;
      // Deleted ones stay, because undo may want them back.
      if (old.removed && !entry.shapes.has(id)) entry.shapes.set(id, old);
      if (!isSame) this.#history.forgetShape(id);
    }
    this.#entries.set(item.uid, entry);
    if (item.uid === this.#openUid) this.#emit("open");
  }

  /** @param {string} uid of an item that was `put` */
  open(uid) {
    this.#openUid = uid;
    this.#emit("open");
    this.#emit("history");
  }

  /** @param {string} uid of an item that nobody needs any more, the open one excepted */
  drop(uid) {
    this.#entries.delete(uid);
    this.#history.forgetItem(uid);
    this.#emit("history");
  }

  /** @param {string} uid */
  has(uid) {
    return this.#entries.has(uid);
  }

  /** @returns {Item | null} the open one */
  get item() {
    return this.#entries.get(this.#openUid)?.item ?? null;
  }

  /** @param {string} uid @returns {Item | undefined} */
  itemOf(uid) {
    return this.#entries.get(uid)?.item;
  }

  /** @param {string} uid @returns {Shape[]} those of any item, deleted ones included */
  shapesOf(uid) {
    return [...(this.#entries.get(uid)?.shapes.values() ?? [])];
  }

  /** @param {string | null} id @param {string} [item] the open one without it @returns {Shape | undefined} */
  get(id, item = this.#openUid) {
    return this.#entries.get(item)?.shapes.get(id);
  }

  /** @returns {Shape[]} the open item's, lowest score first */
  all() {
    return reviewOrder(this.shapesOf(this.#openUid).filter((shape) => !shape.removed));
  }

  /** @returns {Shape[]} what the filter lets through, lowest score first */
  visible() {
    return this.all().filter((shape) => passes(shape, this.filter));
  }

  drafts() {
    return this.all().filter(isDraft);
  }

  /** @param {Partial<import("review/filter").Filter>} changes */
  setFilter(changes) {
    this.filter = { ...this.filter, ...changes };
    this.#emit("filter");
  }

  /** @param {Shape} shape a manual one, which starts as removed */
  add(shape) {
    this.#entries.get(shape.item).shapes.set(shape.id, shape);
    this.update([{ id: shape.id, removed: false }]);
  }

  /**
   * One step on the open item that undo takes back as a whole. A mask that it accepts takes its box's place.
   * @param {Patch[]} patches @param {{item?: Partial<Item> | null}} [options] item: fields of the item that change, too
   */
  update(patches, { item: itemAfter = null } = {}) {
    if (!patches.length && !itemAfter) return;
    const { item, shapes } = this.#entries.get(this.#openUid);
    const after = withBoxes(patches, [...shapes.values()]);
    const before = after.map((patch) => previous(shapes.get(patch.id), patch));
    const itemBefore = itemAfter && previous(item, itemAfter);
    this.#history.push({ item: item.uid, before, after, itemBefore, itemAfter });
    this.#edit(item.uid, after, itemAfter);
  }

  get canUndo() {
    return Boolean(this.#history.last);
  }

  get canRedo() {
    return Boolean(this.#history.next);
  }

  /** @param {"undo" | "redo"} way @returns {import("review/history").Step | undefined} the step that is next */
  peek(way) {
    return way === "undo" ? this.#history.last : this.#history.next;
  }

  /** Takes the next step back or does it again. @param {"undo" | "redo"} way */
  travel(way) {
    const step = way === "undo" ? this.#history.undo() : this.#history.redo();
    if (!step) return;
    const [patches, item] = way === "undo" ? [step.before, step.itemBefore] : [step.after, step.itemAfter];
    this.#edit(step.item, patches, item);
  }

  /**
   * What the server says of shapes; no step of the person's, hence not undoable.
   * @param {string} item its uid @param {Patch[]} patches @param {Partial<Item> | null} [fields] of the item itself
   */
  acceptFromServer(item, patches, fields = null) {
    if (this.#entries.has(item)) this.#apply(item, patches, fields, true);
  }

  /** @param {string} id of a shape whose steps no longer make sense */
  forgetSteps(id) {
    this.#history.forgetShape(id);
    this.#emit("history");
  }

  #edit(item, patches, fields) {
    this.#apply(item, patches, fields, false);
    this.#emit("edit", { item, ids: patches.map(({ id }) => id) });
    this.#emit("history");
  }

  #apply(uid, patches, fields, byServer) {
    const entry = this.#entries.get(uid);
    for (const patch of patches) entry.shapes.set(patch.id, { ...entry.shapes.get(patch.id), ...patch });
    if (fields) entry.item = { ...entry.item, ...fields };
    if (uid !== this.#openUid) return;
    if (patches.length) this.#emit("change", { ids: patches.map(({ id }) => id), byServer });
    if (fields) this.#emit("item");
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** The fields of `changes` as they are now. Nothing is ever mutated, so references are safe to keep. */
function previous(current, changes) {
  const fields = Object.keys(changes).map((field) => [field, current[field]]);
  return Object.fromEntries(fields);
}
