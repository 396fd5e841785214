/** Which images of the grid are selected: some of the page that is shown, or all that fit the filter. */

export class GridSelection extends EventTarget {
  /** @type {string[]} the page's items in order */
  #page = [];
  /** @type {Set<string>} */
  #uids = new Set();
  #isAll = false;
  /** @type {string | null} where a range begins */
  #anchor = null;

  /** Another page, or the same one as it is now: what is still on it stays selected. @param {string[]} uids */
  setPage(uids) {
    this.#page = uids;
    this.#uids = new Set(this.#isAll ? uids : uids.filter((uid) => this.#uids.has(uid)));
    this.#changed();
  }

  /** Whether the images of all pages are selected, those of this page being only the ones in sight. */
  get isAll() {
    return this.#isAll;
  }

  /** @returns {string[]} of this page, in its order */
  get uids() {
    return this.#page.filter((uid) => this.#uids.has(uid));
  }

  /** @param {string} uid */
  has(uid) {
    return this.#uids.has(uid);
  }

  /**
   * Turns one image over, or gives all images from the last one turned over to this one the same state.
   * @param {string} uid
   * @param {{isRange?: boolean}} [options]
   */
  toggle(uid, { isRange = false } = {}) {
    const from = this.#page.indexOf(this.#anchor);
    const to = this.#page.indexOf(uid);
    if (isRange && from >= 0) {
      const isOn = this.#uids.has(this.#anchor);
      this.#set(this.#page.slice(Math.min(from, to), Math.max(from, to) + 1), isOn);
    } else {
      this.#set([uid], !this.#uids.has(uid));
      this.#anchor = uid;
    }
  }

  selectPage() {
    this.#set(this.#page, true);
  }

  selectAll() {
    this.#uids = new Set(this.#page);
    this.#isAll = true;
    this.#changed();
  }

  clear() {
    this.#uids.clear();
    this.#isAll = false;
    this.#anchor = null;
    this.#changed();
  }

  #set(uids, isOn) {
    for (const uid of uids) {
      if (isOn) this.#uids.add(uid);
      else this.#uids.delete(uid);
    }
    this.#isAll = false;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
