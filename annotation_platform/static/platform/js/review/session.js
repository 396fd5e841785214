/** Which item is open, and the ways from one to another. */

import { fromServer } from "review/items";
import { Queue } from "review/queue";

/** Data older than this is looked at again when its item is opened. */
const FRESH_MS = 30_000;
/** So many items stay on the page with all steps to undo. */
const KEPT_ITEMS = 100;

/**
 * Events: "opening" (what is asked for is not here yet), "opened" (detail: {item}), "failed" (detail: {reason}), "empty" (nothing is left
 * to decide), "progress" (detail: {counts}), "taken" (detail: {by}: who else is at the open item, or null).
 */
export class Session extends EventTarget {
  #api;
  #store;
  #autosave;
  #mayReview;
  #queue;
  /** @type {Map<string, number>} when the data of each item came */
  #loadedAt = new Map();
  /** @type {Map<string, Promise<void>>} data on its way */
  #loading = new Map();
  /** @type {string[]} the items in the order they were opened in, and where in it we are */
  #trail = [];
  #at = -1;
  #turn = 0;
  /** Whether another item has been asked for and is not here yet: nobody means the one before any more. */
  isOpening = false;
  /** @type {object | null} the step to the next item that waits for the queue's answer; another one takes its place */
  #leaving = null;

  /** @param {{api: object, store: object, autosave: object, pictures: object, mayReview: boolean, order: string}} editor */
  constructor({ api, store, autosave, pictures, mayReview, order }) {
    super();
    this.#api = api;
    this.#store = store;
    this.#autosave = autosave;
    this.#mayReview = mayReview;
    const fetchAhead = (uid) => this.#fetchAhead(uid, pictures);
    this.#queue = new Queue({ api, store, autosave, fetchAhead, mayReview, order });
    for (const type of ["progress", "taken"]) this.#queue.addEventListener(type, ({ detail }) => this.#emit(type, detail));
  }

  get order() {
    return this.#queue.order;
  }

  /** @param {{item: object, position: object, annotations: object[]}} workspace the first item, as the page brings it */
  start(workspace) {
    this.#take(workspace);
    return this.open(workspace.item.uid);
  }

  /** @param {string} uid @returns {Promise<boolean>} whether it is open now */
  async open(uid) {
    const turn = ++this.#turn;
    this.#leaving = null;
    if (!this.#store.has(uid)) {
      this.isOpening = true;
      this.#emit("opening");
      try {
        await this.#load(uid);
      } catch (error) {
        if (error.status === 404) this.#leaveOut(uid);
        if (turn === this.#turn) {
          this.isOpening = false;
          this.#emit("failed", { reason: error.message });
        }
        return false;
      }
    }
    // Meanwhile the person may have gone elsewhere.
    if (turn !== this.#turn) return false;
    this.#show(uid);
    return true;
  }

  /** It was deleted: neither offered again, nor the neighbour of the open one. */
  #leaveOut(uid) {
    this.#queue.leaveOut(uid);
    this.refresh().catch(() => {});
  }

  /** On to the next item to decide. */
  async advance() {
    this.#queue.decide(this.#store.item.uid);
    await this.#openNext();
  }

  /** Forward without a decision: the neighbour, or where the queue has an order of its own, its next. */
  async next() {
    const { uid, position } = this.#store.item;
    if (this.order === "upload" || !this.#mayReview) {
      if (position.next) await this.open(position.next);
    } else if (this.#at < this.#trail.length - 1) {
      this.#at += 1;
      await this.open(this.#trail[this.#at]);
    } else {
      this.#queue.skip(uid);
      await this.#openNext();
    }
  }

  async previous() {
    const { position } = this.#store.item;
    if (this.order === "upload" || !this.#mayReview) {
      if (position.previous) await this.open(position.previous);
    } else if (this.#at > 0) {
      this.#at -= 1;
      await this.open(this.#trail[this.#at]);
    }
  }

  get hasNext() {
    return (this.order !== "upload" && this.#mayReview) || Boolean(this.#store.item?.position.next);
  }

  get hasPrevious() {
    return this.order === "upload" || !this.#mayReview ? Boolean(this.#store.item?.position.previous) : this.#at > 0;
  }

  /** The open item is on the screen: time to get the next ones, which would only have slowed it down before. */
  lookAhead() {
    this.#queue.lookAhead();
  }

  /** The item waits for a decision again: its finish was undone, or it was reopened. @param {string} uid */
  reconsider(uid) {
    this.#queue.reconsider(uid);
    this.#leaving = null;
  }

  /** @param {"score" | "random" | "upload"} order */
  setOrder(order) {
    this.#queue.setOrder(order);
  }

  /** What we have of an item is old: looked at again now, or when it is opened. @param {string} uid */
  outdate(uid) {
    this.#loadedAt.set(uid, -Infinity);
    if (this.#store.item.uid === uid) this.refresh().catch(() => {});
  }

  /** Look again at what the server has of the open item. */
  async refresh() {
    const { uid } = this.#store.item;
    // What is on its way may reach the server after this question and be answered before it.
    if (this.#autosave.isBusyWith(uid)) return;
    const revision = this.#autosave.revisionOf(uid);
    const workspace = await this.#api.workspace(uid);
    // What was changed here since we asked is newer than the answer.
    if (this.#autosave.revisionOf(uid) === revision) this.#take(workspace);
  }

  async #openNext() {
    const leaving = (this.#leaving = {});
    const { uid, isAnswered } = await this.#queue.next();
    // Meanwhile the person may have gone elsewhere, or taken the decision back.
    if (this.#leaving !== leaving) return;
    if (uid) await this.open(uid);
    else if (isAnswered) this.#emit("empty");
    else this.#emit("failed", { reason: "The server cannot be reached." });
  }

  #show(uid) {
    if (this.#trail[this.#at] !== uid) {
      this.#trail.push(uid);
      this.#at = this.#trail.length - 1;
    }
    this.#queue.leaveOut(uid);
    this.isOpening = false;
    this.#store.open(uid);
    this.#emit("opened", { item: this.#store.item });
    const isOld = performance.now() - this.#loadedAt.get(uid) > FRESH_MS;
    if (isOld) this.refresh().catch(() => {}); // what we have will do
    this.#forgetOldest(uid);
  }

  #forgetOldest(opened) {
    const loadedAt = this.#loadedAt.get(opened);
    // Put behind all others: the map is in the order of last use.
    this.#loadedAt.delete(opened);
    this.#loadedAt.set(opened, loadedAt);
    for (const uid of this.#loadedAt.keys()) {
      if (this.#loadedAt.size <= KEPT_ITEMS) break;
      if (this.#autosave.isBusyWith(uid)) continue;
      this.#loadedAt.delete(uid);
      this.#autosave.forget(uid);
      this.#store.drop(uid);
    }
  }

  #load(uid) {
    if (!this.#loading.has(uid)) {
      const loaded = this.#api.workspace(uid).then((workspace) => this.#take(workspace));
      this.#loading.set(uid, loaded.finally(() => this.#loading.delete(uid)));
    }
    return this.#loading.get(uid);
  }

  #take({ item, position, annotations }) {
    this.#loadedAt.set(item.uid, performance.now());
    this.#autosave.take({ ...fromServer(item), position }, annotations);
  }

  async #fetchAhead(uid, pictures) {
    try {
      if (!this.#store.has(uid)) await this.#load(uid);
      pictures.of(this.#store.itemOf(uid));
    } catch {
      // Asked for again, and told, when it is opened.
    }
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
