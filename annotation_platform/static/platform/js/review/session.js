/** Which item is open, and which come next: data and images of these are fetched ahead. */

import { fromServer } from "review/items";

/** How many items to have ready. */
const AHEAD = 3;
/** Others may get our items when we have not been heard of for five minutes. */
const HEARTBEAT_MS = 120_000;
/** Data older than this is looked at again when its item is opened. */
const FRESH_MS = 30_000;
const LONGEST_SKIP = 1000;
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
  #pictures;
  #mayReview;
  /** @type {Map<string, number>} when the data of each item came */
  #loadedAt = new Map();
  /** @type {Map<string, Promise<void>>} data on its way */
  #loading = new Map();
  /** @type {string[]} uids of the next items, ours for some minutes */
  #upcoming = [];
  /** @type {Set<string>} what was decided or passed over on this page, and is not to be offered again */
  #decided = new Set();
  #skipped = new Set();
  /** @type {string[]} the items in the order they were opened in, and where in it we are */
  #trail = [];
  #at = -1;
  #turn = 0;
  /** Whether to ask for items as soon as all is saved, so that the server counts what was just decided. */
  #isClaimDue = false;
  /** @type {Promise<boolean>} the latest question for items: whether it was answered */
  #claim = Promise.resolve(true);
  /** @type {Promise<boolean> | null} one that waits for that */
  #nextClaim = null;

  /** @type {"score" | "random" | "upload"} */
  order;

  /** @param {{api: object, store: object, autosave: object, pictures: object, mayReview: boolean, order: string}} editor */
  constructor({ api, store, autosave, pictures, mayReview, order }) {
    super();
    this.#api = api;
    this.#store = store;
    this.#autosave = autosave;
    this.#pictures = pictures;
    this.#mayReview = mayReview;
    this.order = order;
    setInterval(() => document.hidden || this.#replenish(), HEARTBEAT_MS);
    autosave.addEventListener("state", ({ detail }) => detail.state === "saved" && this.#isClaimDue && this.#replenish());
  }

  /** @param {{item: object, position: object, annotations: object[]}} workspace the first item, as the page brings it */
  start(workspace) {
    this.#take(workspace);
    return this.open(workspace.item.uid);
  }

  /** @param {string} uid @returns {Promise<boolean>} whether it is open now */
  async open(uid) {
    const turn = ++this.#turn;
    if (!this.#store.has(uid)) {
      this.#emit("opening");
      try {
        await this.#load(uid);
      } catch (error) {
        if (turn === this.#turn) this.#emit("failed", { reason: error.message });
        return false;
      }
    }
    // Meanwhile the person may have gone elsewhere.
    if (turn !== this.#turn) return false;
    this.#show(uid);
    return true;
  }

  /** On to the next item to decide. */
  async advance() {
    this.#decided.add(this.#store.item.uid);
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
      this.#skipped.add(uid);
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
    return this.order !== "upload" || Boolean(this.#store.item?.position.next);
  }

  get hasPrevious() {
    return this.order === "upload" || !this.#mayReview ? Boolean(this.#store.item?.position.previous) : this.#at > 0;
  }

  /** The open item is on the screen: time to get the next ones, which would only have slowed it down before. */
  lookAhead() {
    this.#isClaimDue = this.#autosave.isSaving;
    if (!this.#isClaimDue) this.#replenish();
  }

  /** The item waits for a decision again: its finish was undone, or it was reopened. @param {string} uid */
  reconsider(uid) {
    this.#decided.delete(uid);
    this.#skipped.delete(uid);
  }

  /** @param {"score" | "random" | "upload"} order */
  setOrder(order) {
    this.order = order;
    this.#upcoming = [];
    this.#replenish();
  }

  /** Look again at what the server has of the open item. */
  async refresh() {
    const { uid } = this.#store.item;
    const revision = this.#autosave.revisionOf(uid);
    const workspace = await this.#api.workspace(uid);
    // What was changed here since we asked is newer than the answer.
    if (this.#autosave.revisionOf(uid) === revision) this.#take(workspace);
  }

  async #openNext() {
    let isAnswered = this.#peek() ? true : await this.#replenish();
    if (!this.#peek() && this.#skipped.size) {
      // Only what was passed over is left: round again.
      this.#skipped.clear();
      isAnswered = await this.#replenish();
    }
    const next = this.#peek();
    if (next) await this.open(next);
    else if (isAnswered) this.#emit("empty");
    else this.#emit("failed", { reason: "The server cannot be reached." });
  }

  #peek() {
    const open = this.#store.item.uid;
    return this.#upcoming.find((uid) => uid !== open && !this.#decided.has(uid) && !this.#skipped.has(uid));
  }

  #show(uid) {
    if (this.#trail[this.#at] !== uid) {
      this.#trail.push(uid);
      this.#at = this.#trail.length - 1;
    }
    this.#upcoming = this.#upcoming.filter((one) => one !== uid);
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

  /** Asks for the items to come and fetches them; also tells the server that we are still here. One at a time. */
  #replenish() {
    if (!this.#mayReview) return Promise.resolve(true);
    this.#isClaimDue = false;
    // One that is under way does not know of the latest decision; one that waits its turn will.
    this.#nextClaim ??= this.#claim.then(() => {
      this.#nextClaim = null;
      this.#claim = this.#claimItems();
      return this.#claim;
    });
    return this.#nextClaim;
  }

  async #claimItems() {
    const { uid } = this.#store.item;
    const skip = [...this.#decided, ...this.#skipped].slice(-LONGEST_SKIP);
    try {
      const answer = await this.#api.claim({ order: this.order, count: AHEAD, after: uid, skip, hold: [uid] });
      this.#upcoming = answer.items.map((one) => one.uid);
      this.#emit("progress", { counts: answer.counts });
      this.#emit("taken", { by: answer.taken.find((one) => one.uid === uid)?.by ?? null });
      for (const one of this.#upcoming) this.#fetchAhead(one);
      return true;
    } catch {
      // Without the server we go on with what we have; the next step asks again.
      return false;
    }
  }

  async #fetchAhead(uid) {
    try {
      if (!this.#store.has(uid)) await this.#load(uid);
      this.#pictures.of(this.#store.itemOf(uid));
    } catch {
      // Asked for again, and told, when it is opened.
    }
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
