/** Carries one batch to the server, and its answer to the store and to what the server is known to have. */

import { fromServer } from "review/items";
import { fromAnnotation } from "review/shapes";

export class Sender {
  #store;
  #api;
  #copy;
  #outbox;

  /** @param {{store: object, api: object, copy: object, outbox: object}} parts of the autosave */
  constructor({ store, api, copy, outbox }) {
    this.#store = store;
    this.#api = api;
    this.#copy = copy;
    this.#outbox = outbox;
  }

  /** @param {import("review/outbox").Batch} batch @returns {Promise<void>} rejected with an ApiError */
  send(batch) {
    if (batch.action) return this.#sendAction(batch);
    if (batch.requests.length > 1) return this.#sendMany(batch);
    const [request] = batch.requests;
    if (request.method === "POST") return this.#create(batch.item, request);
    return request.method === "PATCH" ? this.#change(batch.item, request) : this.#remove(batch.item, request);
  }

  async #sendAction({ item, action, body }) {
    const wish = this.#store.itemOf(item);
    const answer = fromServer(await this.#api.moveItem(item, action, body));
    this.#copy.setItem(item, answer);
    // Where the person wants something else by now, their word stands and is sent next.
    const { state, flagComment } = this.#store.itemOf(item);
    if (state === wish.state && flagComment === wish.flagComment && answer.state === state) this.#copy.revertItem(item);
  }

  async #sendMany({ item, requests }) {
    const changes = requests.map(({ uid, body }) => ({ uid, ...body }));
    const results = new Map((await this.#api.changeMany(item, changes)).map((result) => [result.uid, result]));
    this.#adopt(item, requests.map(({ id, uid }) => [id, results.get(uid)]));
  }

  async #change(item, { id, uid, body }) {
    this.#adopt(item, [[id, await this.#api.change(uid, body)]]);
  }

  async #create(item, { id, body }) {
    this.#adopt(item, [[id, await this.#api.create(item, body)]]);
  }

  /**
   * A creation whose answer was lost must not be made twice: it may be there already, under a uid we do not know.
   * @param {import("review/outbox").Batch} batch
   */
  async lookFor({ item, ids: [id], requests: [{ body }] }) {
    const arrived = await this.#findArrived(item, body);
    // Changed meanwhile, as far as we know: what differs from it is sent next.
    this.#outbox.add(item, [id]);
    if (arrived) this.#adopt(item, [[id, arrived]]);
  }

  async #findArrived(item, body) {
    const known = this.#copy.uids();
    const isEqual = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    const isSame = (annotation) => Object.keys(body).every((field) => isEqual(annotation[field], body[field]));
    return (await this.#api.annotations(item)).find((annotation) => !known.has(annotation.uid) && isSame(annotation));
  }

  async #remove(item, { id, uid, body }) {
    try {
      await this.#api.remove(uid, body.version);
    } catch (error) {
      // Gone already: what we wanted, whoever did it.
      if (error.status !== 404) throw error;
    }
    this.#copy.setShape(id, null);
    this.#store.acceptFromServer(item, [{ id, uid: null, version: 0 }]);
  }

  /** Takes over the server's copies; where the person has gone on editing, or more has to be sent, only the identity. */
  #adopt(item, answers) {
    const patches = answers.map(([id, annotation]) => {
      const copy = fromAnnotation(annotation);
      this.#copy.setShape(id, copy);
      // Back to the draft was only the first half of taking an edit back to a plain verdict.
      if (copy.status === "draft" && this.#store.get(id, item).status !== "draft") this.#outbox.add(item, [id]);
      const isChanged = this.#outbox.hasShape(item, id);
      return isChanged ? { id, uid: copy.uid, version: copy.version } : { ...copy, id };
    });
    this.#store.acceptFromServer(item, patches);
  }
}
