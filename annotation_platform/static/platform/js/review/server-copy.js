/** What the server is known to have: its copies of items and shapes, which ours are compared with. */

import { fromAnnotation, newId } from "review/shapes";

export class ServerCopy {
  #store;
  /** @type {Map<string, object>} by shape id */
  #shapes = new Map();
  /** @type {Map<string, import("review/items").Item>} by uid */
  #items = new Map();

  /** @param {import("review/store").Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** @param {string} id @returns {object | null} null where the server has none */
  shape(id) {
    return this.#shapes.get(id) ?? null;
  }

  /** @param {string} uid */
  item(uid) {
    return this.#items.get(uid);
  }

  /** Gives the store all that the server has of an item. @param {import("review/items").Item} item @param {object[]} annotations */
  take(item, annotations) {
    const known = new Map(this.#store.shapesOf(item.uid).map(({ uid, id }) => [uid, id]));
    const shapes = annotations.map((one) => ({ id: known.get(one.uid) ?? newId(), ...fromAnnotation(one) }));
    for (const shape of shapes) this.#shapes.set(shape.id, shape);
    this.#items.set(item.uid, item);
    this.#store.put(item, shapes);
  }

  /** The server's answer about a shape. @param {string} id @param {object | null} copy */
  setShape(id, copy) {
    if (copy) this.#shapes.set(id, copy);
    else this.#shapes.delete(id);
  }

  /** The server's answer about an item. @param {string} uid @param {object} fields */
  setItem(uid, fields) {
    this.#items.set(uid, { ...this.#items.get(uid), ...fields });
  }

  /** @param {string} uid of an item that the store is about to drop */
  forget(uid) {
    for (const { id } of this.#store.shapesOf(uid)) this.#shapes.delete(id);
    this.#items.delete(uid);
  }

  /** Ours becomes what the server has; what it has not is taken off. @param {string} item @param {string} id */
  revert(item, id) {
    const copy = this.shape(id);
    this.#store.acceptFromServer(item, [copy ? { ...copy, id } : { id, uid: null, removed: true }]);
    this.#store.forgetSteps(id);
  }

  /** @param {string} uid whose state becomes what the server says */
  revertItem(uid) {
    const { state, flagComment, flaggedBy, finishedBy, finishedAt } = this.item(uid);
    this.#store.acceptFromServer(uid, [], { state, flagComment, flaggedBy, finishedBy, finishedAt });
  }

  /** @returns {Set<string>} the uids of all shapes that are known */
  uids() {
    return new Set([...this.#shapes.values()].map(({ uid }) => uid));
  }
}
