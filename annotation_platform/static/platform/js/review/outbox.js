/** What has to be sent, cut into requests in the order that the server can take them. */

import { itemRequest } from "review/items";
import { requestFor } from "review/shapes";

const BULK_LIMIT = 1000;

/**
 * @typedef {{id: string, uid: string | null, method: "POST" | "PATCH" | "DELETE", body: object}} ShapeRequest
 * @typedef {{item: string, ids: string[], requests: ShapeRequest[], action?: "finish" | "flag" | "reopen", body?: object}} Batch
 *   one request to the server: either about the item itself (`action`) or about its shapes
 */
export class Outbox {
  #store;
  #copy;
  #conflicts;
  /** @type {Map<string, Set<string>>} items to look at, with the shapes that have changed */
  #waiting = new Map();
  /** @type {Set<string>} shapes to send one by one, since a request for many was refused */
  #alone = new Set();

  /**
   * @param {import("review/store").Store} store
   * @param {import("review/server-copy").ServerCopy} copy
   * @param {import("review/conflicts").Conflicts} conflicts  shapes and items that are held back
   */
  constructor(store, copy, conflicts) {
    this.#store = store;
    this.#copy = copy;
    this.#conflicts = conflicts;
  }

  /** @param {string} item @param {Iterable<string>} ids of its shapes that have changed, maybe none */
  add(item, ids) {
    if (!this.#waiting.has(item)) this.#waiting.set(item, new Set());
    for (const id of ids) this.#waiting.get(item).add(id);
  }

  /** @param {string} item */
  has(item) {
    return this.#waiting.has(item);
  }

  /** @param {string} item @param {string} id whether the shape has changed since it was sent */
  hasShape(item, id) {
    return this.#waiting.get(item)?.has(id) ?? false;
  }

  /** @param {string} item @returns {string[]} */
  shapesOf(item) {
    return [...(this.#waiting.get(item) ?? [])];
  }

  /** @param {string} item that takes nothing any more */
  drop(item) {
    this.#waiting.delete(item);
  }

  /** @param {string} item that all others go before */
  postpone(item) {
    const ids = this.#waiting.get(item);
    this.#waiting.delete(item);
    this.#waiting.set(item, ids);
  }

  /** @param {string} id */
  sendAlone(id) {
    this.#alone.add(id);
  }

  /** @returns {Batch | null} what to send next; its shapes are taken off, so that later edits count as new */
  next() {
    for (const item of this.#waiting.keys()) {
      if (this.#conflicts.isClosed(item)) continue;
      const batch = this.#batchOf(item);
      if (batch) return batch;
      this.#waiting.delete(item);
    }
    return null;
  }

  /** Shapes first, because a finished item takes no changes: many patches together, or one other request. */
  #batchOf(item) {
    const saved = this.#copy.item(item);
    const requests = this.#requestsOf(item);
    if (requests.length && saved.state === "done") return { item, ids: [], requests: [], action: "reopen" };
    if (!requests.length) {
      const request = this.#conflicts.has(item) ? null : itemRequest(this.#store.itemOf(item), saved);
      return request && { item, ids: [], requests: [], ...request };
    }
    const patches = requests.filter(({ id, method }) => method === "PATCH" && !this.#alone.has(id));
    const chosen = patches.length ? patches.slice(0, BULK_LIMIT) : requests.slice(0, 1);
    const ids = chosen.map(({ id }) => id);
    for (const id of ids) {
      this.#waiting.get(item).delete(id);
      this.#alone.delete(id);
    }
    return { item, ids, requests: chosen };
  }

  #requestsOf(item) {
    const requests = [];
    const changed = this.#waiting.get(item);
    for (const id of changed) {
      if (this.#conflicts.hasShape(id)) continue;
      const shape = this.#store.get(id, item);
      const request = shape && requestFor(shape, this.#copy.shape(id));
      if (request) requests.push({ id, uid: shape.uid, ...request });
      else changed.delete(id);
    }
    return requests;
  }
}
