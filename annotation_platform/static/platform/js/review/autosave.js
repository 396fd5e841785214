/** Sends every change as it is made: one request at a time, retried until the server has answered. */

import { fromAnnotation, requestFor } from "review/shapes";

const BULK_LIMIT = 1000;
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000, 30_000];

/**
 * It sends differences rather than a log of edits: whatever happened meanwhile, the next request is what turns the
 * server's copy into ours.
 *
 * Events: "state" (detail: {state: "saving" | "saved" | "retrying", reason}), "refused" (detail: {reason}),
 * "conflict" (detail: {shape}), "closed" (the item takes no changes any more).
 */
export class Autosave extends EventTarget {
  #store;
  #api;
  /** @type {Map<string, object>} the server's copies by shape id */
  #saved = new Map();
  /** @type {Set<string>} */
  #waiting = new Set();
  #running = false;
  #wake = () => {};
  #settled = [];

  /** @param {import("review/store").Store} store @param {import("review/api").Api} api */
  constructor(store, api) {
    super();
    this.#store = store;
    this.#api = api;
    store.addEventListener("change", ({ detail }) => {
      if (!detail.byServer) this.#add(detail.ids);
    });
    addEventListener("online", () => this.#wake());
  }

  /** @param {import("review/shapes").Shape[]} shapes as the server has them, before they go to the store */
  load(shapes) {
    this.#waiting.clear();
    this.#saved = new Map(shapes.map((shape) => [shape.id, shape]));
  }

  get isUnsaved() {
    return this.#running;
  }

  /** @returns {Promise<void>} when nothing is left to send */
  settled() {
    return this.#running ? new Promise((resolve) => this.#settled.push(resolve)) : Promise.resolve();
  }

  /** Try again now instead of at the end of the pause. */
  retry() {
    this.#wake();
  }

  #add(ids) {
    for (const id of ids) this.#waiting.add(id);
    if (!this.#running) this.#run();
  }

  async #run() {
    this.#running = true;
    let failures = 0;
    for (let batch = this.#nextBatch(); batch.length; batch = this.#nextBatch()) {
      if (!failures) this.#emit("state", { state: "saving" });
      try {
        await this.#send(batch, { isRetry: failures > 0 });
        failures = 0;
      } catch (error) {
        if (error.isPassing) await this.#pause(batch, error, failures++);
        else this.#handleRefusal(batch, error);
      }
    }
    this.#running = false;
    this.#emit("state", { state: "saved" });
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  /** The changes to send next: many patches together, or one creation or deletion. */
  #nextBatch() {
    const requests = [];
    for (const id of this.#waiting) {
      const request = requestFor(this.#store.get(id), this.#saved.get(id) ?? null);
      if (request) requests.push({ id, ...request });
      else this.#waiting.delete(id);
    }
    const patches = requests.filter(({ method }) => method === "PATCH").slice(0, BULK_LIMIT);
    const batch = patches.length ? patches : requests.slice(0, 1);
    for (const { id } of batch) this.#waiting.delete(id);
    return batch;
  }

  async #send(batch, { isRetry }) {
    const [{ id, method, body }] = batch;
    const { uid } = this.#store.get(id);
    if (batch.length > 1) {
      const changes = batch.map((request) => ({ uid: this.#store.get(request.id).uid, ...request.body }));
      const results = new Map((await this.#api.changeMany(changes)).map((result) => [result.uid, result]));
      this.#adopt(batch.map((request) => [request.id, results.get(this.#store.get(request.id).uid)]));
    } else if (method === "POST") {
      const arrived = isRetry ? await this.#findArrived(body) : undefined;
      this.#adopt([[id, arrived ?? (await this.#api.create(body))]]);
    } else if (method === "PATCH") {
      this.#adopt([[id, await this.#api.change(uid, body)]]);
    } else {
      await this.#remove(uid, body.version);
      this.#saved.delete(id);
      this.#store.acceptFromServer([{ id, uid: null, version: 0 }]);
    }
  }

  /** A creation whose answer was lost must not be made twice: it is there already, under a uid we do not know. */
  async #findArrived(body) {
    const known = new Set([...this.#saved.values()].map(({ uid }) => uid));
    const isSame = (annotation) => Object.keys(body).every((field) => isEqual(annotation[field], body[field]));
    return (await this.#api.annotations()).find((annotation) => !known.has(annotation.uid) && isSame(annotation));
  }

  async #remove(uid, version) {
    try {
      await this.#api.remove(uid, version);
    } catch (error) {
      // Gone already: what we wanted, whoever did it.
      if (error.status !== 404) throw error;
    }
  }

  /** Takes over the server's copies; where the person has gone on editing meanwhile, only the identity. */
  #adopt(answers) {
    const patches = answers.map(([id, annotation]) => {
      const copy = fromAnnotation(annotation);
      this.#saved.set(id, copy);
      return this.#waiting.has(id) ? { id, uid: copy.uid, version: copy.version } : { id, ...copy };
    });
    this.#store.acceptFromServer(patches);
  }

  async #pause(batch, error, failures) {
    for (const { id } of batch) this.#waiting.add(id);
    const reason = error.status === 401 ? "You are signed out. Sign in again in another tab." : error.message;
    this.#emit("state", { state: "retrying", reason });
    await new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
    });
  }

  #handleRefusal(batch, error) {
    const current = [error.body?.current ?? []].flat();
    if (error.status === 409 && current.length) return this.#resolveConflicts(batch, current);
    if (error.status === 409) return this.#emit("closed");
    for (const { id } of batch) this.#revert(id, error.status === 404);
    return this.#emit("refused", { reason: error.message });
  }

  /** Theirs wins for the shapes that differ; the rest of the batch goes out again. */
  #resolveConflicts(batch, current) {
    const theirs = new Map(current.map((annotation) => [annotation.uid, fromAnnotation(annotation)]));
    for (const { id } of batch) {
      const shape = this.#store.get(id);
      const copy = theirs.get(shape.uid);
      this.#waiting.add(id);
      if (!copy) continue;
      this.#saved.set(id, copy);
      // Equal to ours: our own request had arrived, only its answer was lost.
      if (!requestFor(shape, copy)) continue;
      this.#revert(id, false);
      this.#emit("conflict", { shape: this.#store.get(id) });
    }
  }

  /** Back to the server's copy; a shape it does not have is taken off. */
  #revert(id, isGone) {
    if (isGone) this.#saved.delete(id);
    const copy = this.#saved.get(id);
    this.#waiting.delete(id);
    this.#store.acceptFromServer([copy ? { id, ...copy } : { id, uid: null, removed: true }]);
    this.#store.forgetHistory(id);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function isEqual(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}
