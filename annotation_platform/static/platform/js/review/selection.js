/** Which shapes are selected. The one selected last is the primary one, which single-shape controls are about. */

import { passes } from "review/filter";

/** Event: "change" (detail: {before: Set of ids, reveal: whether to bring the primary shape into view}). */
export class Selection extends EventTarget {
  #store;
  /** @type {Set<string>} in the order of selection */
  ids = new Set();

  /** @param {import("review/store").Store} store */
  constructor(store) {
    super();
    this.#store = store;
    for (const event of ["open", "change", "filter"]) store.addEventListener(event, () => this.#dropHidden());
  }

  get size() {
    return this.ids.size;
  }

  get primaryId() {
    return [...this.ids].at(-1) ?? null;
  }

  /** @returns {import("review/shapes").Shape | undefined} */
  get primary() {
    return this.#store.get(this.primaryId);
  }

  /** @returns {import("review/shapes").Shape[]} */
  shapes() {
    return [...this.ids].map((id) => this.#store.get(id));
  }

  /** @param {string} id */
  has(id) {
    return this.ids.has(id);
  }

  /** @param {Iterable<string>} ids the last of them becomes the primary one @param {{reveal?: boolean}} [options] */
  set(ids, { reveal = false } = {}) {
    const before = this.ids;
    // A drag that was given up may speak of shapes of the item before.
    this.ids = new Set([...ids].filter((id) => this.#store.get(id)));
    this.dispatchEvent(new CustomEvent("change", { detail: { before, reveal } }));
  }

  /** @param {string | null} id @param {{reveal?: boolean}} [options] */
  only(id, options) {
    this.set(id === null ? [] : [id], options);
  }

  /** @param {string} id */
  toggle(id) {
    const ids = new Set(this.ids);
    if (!ids.delete(id)) ids.add(id);
    this.set(ids);
  }

  clear() {
    if (this.size) this.set([]);
  }

  /** What is no longer to be seen cannot be worked on. */
  #dropHidden() {
    const isShown = (id) => {
      const shape = this.#store.get(id);
      return shape && passes(shape, this.#store.filter);
    };
    const kept = [...this.ids].filter(isShown);
    if (kept.length < this.size) this.set(kept);
  }
}
