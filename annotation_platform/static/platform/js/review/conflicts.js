/** Changes that are held back because somebody else has changed the same thing, until the person has chosen. */

/**
 * @typedef {{item: string, id: string, theirs: object | null}} Conflict  theirs: the server's copy, null where it is gone
 */
export class Conflicts {
  /** @type {Map<string, Conflict>} by shape id */
  #shapes = new Map();
  /** @type {Set<string>} items that somebody has finished while we changed them */
  #closed = new Set();

  /** @param {Conflict} conflict */
  add(conflict) {
    this.#shapes.set(conflict.id, conflict);
  }

  /** @param {string} item that somebody has finished */
  close(item) {
    this.#closed.add(item);
  }

  /** @param {string} id of a shape that is settled */
  settle(id) {
    this.#shapes.delete(id);
  }

  /** @param {string} item that is settled */
  open(item) {
    this.#closed.delete(item);
  }

  get size() {
    return this.#shapes.size + this.#closed.size;
  }

  /** @param {string} item */
  has(item) {
    return this.isClosed(item) || this.of(item).length > 0;
  }

  /** @param {string} id */
  hasShape(id) {
    return this.#shapes.has(id);
  }

  /** @param {string} item whether somebody has finished it while we changed it */
  isClosed(item) {
    return this.#closed.has(item);
  }

  /** @param {string} item @returns {Conflict[]} */
  of(item) {
    return [...this.#shapes.values()].filter((conflict) => conflict.item === item);
  }
}
