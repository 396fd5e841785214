/** Sends every change as it is made: one request at a time, retried until the server has answered. */

import { ApiError } from "platform/http";
import { Conflicts } from "review/conflicts";
import { Outbox } from "review/outbox";
import { Sender } from "review/sender";
import { ServerCopy } from "review/server-copy";
import { fromAnnotation, requestFor } from "review/shapes";

const RETRY_MS = [1000, 2000, 4000, 8000, 15_000, 30_000];
/** After so many failures of the server, what it fails at must not keep the changes of other items waiting. */
const OTHERS_FIRST_FROM = 2;

/**
 * It sends differences rather than a log of edits: whatever happened meanwhile, the next request is what turns the
 * server's copy into ours. That holds for the shapes of every item and for the items' own states.
 *
 * Events: "state" (detail: {state: "saving" | "saved" | "retrying", reason}), "refused" (detail: {item, reason}),
 * "unfinished" (detail: {item, reason}: it cannot be finished), "gone" (detail: {item}), "conflict" (detail: {item}).
 */
export class Autosave extends EventTarget {
  #store;
  #copy;
  #outbox;
  #sender;
  /** @type {Map<string, number>} how many edits each item has seen here */
  #revisions = new Map();
  /** @type {import("review/outbox").Batch | null} a creation whose answer was lost: it may be there already */
  #lost = null;
  #isRunning = false;
  #wake = () => {};

  /** What is held back until the person has chosen. */
  conflicts = new Conflicts();

  /** @param {import("review/store").Store} store @param {import("review/api").Api} api */
  constructor(store, api) {
    super();
    this.#store = store;
    this.#copy = new ServerCopy(store);
    this.#outbox = new Outbox(store, this.#copy, this.conflicts);
    this.#sender = new Sender({ store, api, copy: this.#copy, outbox: this.#outbox });
    store.addEventListener("edit", ({ detail }) => this.#add(detail.item, detail.ids));
    addEventListener("online", () => this.#wake());
  }

  /**
   * Gives the store what the server has of an item, unless there is something of ours that the server has not.
   * @param {import("review/items").Item} item @param {object[]} annotations as the API shows them
   */
  take(item, annotations) {
    if (!this.isBusyWith(item.uid)) this.#copy.take(item, annotations);
  }

  /** @param {string} item that is about to leave the store */
  forget(item) {
    this.#copy.forget(item);
    this.#revisions.delete(item);
  }

  /** @param {string} item @returns {number} grows with each edit, by which an older answer is told */
  revisionOf(item) {
    return this.#revisions.get(item) ?? 0;
  }

  /** @param {string} item whether it has changes that the server has not */
  isBusyWith(item) {
    return this.#outbox.has(item) || this.conflicts.has(item);
  }

  get isSaving() {
    return this.#isRunning;
  }

  get isUnsaved() {
    return this.#isRunning || this.conflicts.size > 0;
  }

  /** Try again now instead of at the end of the pause. */
  retry() {
    this.#wake();
  }

  /** @param {import("review/conflicts").Conflict} conflict @param {"mine" | "theirs"} choice */
  resolve({ item, id, theirs }, choice) {
    this.conflicts.settle(id);
    this.#copy.setShape(id, theirs);
    if (choice === "theirs") this.#copy.revert(item, id);
    else if (!theirs) this.#comeBack(item, id);
    this.#add(item, [id]);
  }

  /** What is gone comes back as new, hence as drawn by hand, for which steps back to a draft make no sense. */
  #comeBack(item, id) {
    this.#store.acceptFromServer(item, [{ id, uid: null, source: "manual", score: null, edited: false }]);
    this.#store.forgetSteps(id);
  }

  /** @param {string} item one that somebody has finished; to keep ours reopens it @param {"mine" | "theirs"} choice */
  resolveClosed(item, choice) {
    this.conflicts.open(item);
    this.#copy.setItem(item, { state: "done" });
    if (choice === "theirs") {
      for (const id of this.#outbox.shapesOf(item)) this.#copy.revert(item, id);
      this.#copy.revertItem(item);
    }
    this.#add(item, []);
  }

  #add(item, ids) {
    this.#revisions.set(item, this.revisionOf(item) + 1);
    this.#outbox.add(item, ids);
    if (!this.#isRunning) this.#run();
  }

  async #run() {
    this.#isRunning = true;
    let failures = 0;
    for (let batch = this.#next(); batch; batch = this.#next()) {
      if (!failures) this.#emit("state", { state: "saving" });
      try {
        if (batch === this.#lost) {
          await this.#lookFor(batch);
        } else {
          await this.#sender.send(batch);
          failures = 0;
        }
      } catch (error) {
        this.#outbox.add(batch.item, batch.ids);
        if (!(error instanceof ApiError)) {
          this.#isRunning = false;
          throw error;
        }
        this.#lost = error.isPassing && batch.requests[0]?.method === "POST" ? batch : null;
        if (error.status >= 500 && failures >= OTHERS_FIRST_FROM) this.#outbox.postpone(batch.item);
        if (error.isPassing) await this.#pause(error, failures++);
        else this.#handleRefusal(batch, error);
      }
    }
    this.#isRunning = false;
    this.#emit("state", { state: "saved" });
  }

  /** A lost creation is looked for before anything else, since it may have been undone or changed meanwhile. */
  #next() {
    return this.#lost ?? this.#outbox.next();
  }

  async #lookFor(batch) {
    await this.#sender.lookFor(batch);
    this.#lost = null;
  }

  async #pause(error, failures) {
    this.#emit("state", { state: "retrying", reason: error.message });
    await new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
    });
  }

  #handleRefusal({ item, ids, action, requests }, error) {
    const current = [error.body?.current ?? []].flat();
    if (action) this.#refuseAction(item, action, error);
    else if (error.status === 409 && current.length) this.#hold(item, requests, current);
    else if (error.status === 409) this.#holdItem(item);
    // A wrong shape among many is a 400.
    else if (error.status === 404 && ids.length > 1) this.#giveUp(item);
    // Which of them is wrong shows when each goes alone.
    else if (ids.length > 1) ids.forEach((id) => this.#outbox.sendAlone(id));
    else this.#refuseShape(item, requests[0], error);
  }

  #refuseAction(item, action, error) {
    if (error.status === 404) return this.#giveUp(item);
    this.#copy.revertItem(item);
    return this.#emit(action === "finish" ? "unfinished" : "refused", { item, reason: error.message });
  }

  #refuseShape(item, { id, method }, error) {
    if (error.status === 404 && method === "POST") return this.#giveUp(item);
    if (error.status !== 404) {
      this.#copy.revert(item, id);
      return this.#emit("refused", { item, reason: error.message });
    }
    // Gone: no matter if we wanted it discarded, a matter of choice if we wanted to keep it.
    if (this.#store.get(id, item).status === "accepted") return this.#hold(item, [{ id }], []);
    this.#copy.setShape(id, null);
    return this.#copy.revert(item, id);
  }

  /** Holds back the shapes that differ; the rest goes out again. */
  #hold(item, requests, current) {
    const theirs = new Map(current.map((annotation) => [annotation.uid, fromAnnotation(annotation)]));
    for (const { id } of requests) {
      const shape = this.#store.get(id, item);
      const copy = theirs.get(shape.uid) ?? null;
      if (!copy && current.length) continue;
      // Equal to ours: our own request had arrived, only its answer was lost.
      if (copy && !requestFor(shape, copy)) {
        this.#copy.setShape(id, copy);
        this.#store.acceptFromServer(item, [{ id, version: copy.version }]);
      } else this.conflicts.add({ item, id, theirs: copy });
    }
    if (this.conflicts.of(item).length) this.#emit("conflict", { item });
  }

  #holdItem(item) {
    this.conflicts.close(item);
    this.#emit("conflict", { item });
  }

  /** The item was deleted: nothing can be saved in it any more. */
  #giveUp(item) {
    this.#outbox.drop(item);
    this.#store.acceptFromServer(item, [], { isGone: true });
    this.#emit("gone", { item });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
