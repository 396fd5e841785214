/** The items that come next, as the server gives them out: ours alone for some minutes, and fetched ahead. */

/** How many items to have ready. */
const AHEAD = 3;
/** Others may get our items when we have not been heard of for five minutes. */
const HEARTBEAT_MS = 120_000;
const LONGEST_SKIP = 1000;

/** Events: "progress" (detail: {counts}), "taken" (detail: {by}: who else is at the open item, or null). */
export class Queue extends EventTarget {
  #api;
  #store;
  #autosave;
  #fetchAhead;
  #mayReview;
  /** @type {string[]} uids */
  #upcoming = [];
  /** @type {Set<string>} what was decided or passed over on this page, and is not to be offered again */
  #decided = new Set();
  #skipped = new Set();
  /** Whether to ask for items as soon as all is saved, so that the server counts what was just decided. */
  #isClaimDue = false;
  /** @type {Promise<boolean>} the latest question for items: whether it was answered */
  #claim = Promise.resolve(true);
  /** @type {Promise<boolean> | null} one that waits for that */
  #nextClaim = null;

  /** @type {"score" | "random" | "upload"} */
  order;

  /**
   * @param {{api: object, store: object, autosave: object, fetchAhead: (uid: string) => void, mayReview: boolean,
   *   order: string}} options
   */
  constructor({ api, store, autosave, fetchAhead, mayReview, order }) {
    super();
    this.#api = api;
    this.#store = store;
    this.#autosave = autosave;
    this.#fetchAhead = fetchAhead;
    this.#mayReview = mayReview;
    this.order = order;
    setInterval(() => document.hidden || this.#replenish(), HEARTBEAT_MS);
    autosave.addEventListener("state", ({ detail }) => detail.state === "saved" && this.#isClaimDue && this.#replenish());
  }

  /** @param {string} uid of an item that was decided */
  decide(uid) {
    this.#decided.add(uid);
  }

  /** @param {string} uid of an item that was passed over */
  skip(uid) {
    this.#skipped.add(uid);
  }

  /** @param {string} uid of an item that waits for a decision again */
  reconsider(uid) {
    this.#decided.delete(uid);
    this.#skipped.delete(uid);
  }

  /** @param {string} uid of an item that is open by now, or was deleted */
  leaveOut(uid) {
    this.#upcoming = this.#upcoming.filter((one) => one !== uid);
  }

  /** @param {"score" | "random" | "upload"} order */
  setOrder(order) {
    this.order = order;
    this.#upcoming = [];
    this.#replenish();
  }

  /** Time to get the next items; where something is being saved, right after that. */
  lookAhead() {
    this.#isClaimDue = this.#autosave.isSaving;
    if (!this.#isClaimDue) this.#replenish();
  }

  /** @returns {Promise<{uid: string | undefined, isAnswered: boolean}>} isAnswered: whether the server was heard */
  async next() {
    let isAnswered = this.#peek() ? true : await this.#replenish();
    if (!this.#peek() && this.#skipped.size) {
      // Only what was passed over is left: round again.
      this.#skipped.clear();
      isAnswered = await this.#replenish();
    }
    // The answer did not know of what is still being saved: asked again for the counts.
    this.#isClaimDue ||= this.#autosave.isSaving;
    return { uid: this.#peek(), isAnswered };
  }

  #peek() {
    const open = this.#store.item.uid;
    return this.#upcoming.find((uid) => uid !== open && !this.#decided.has(uid) && !this.#skipped.has(uid));
  }

  /** Asks for the items to come; also tells the server that we are still here. One question at a time. */
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
    let answer;
    try {
      answer = await this.#api.claim({ order: this.order, count: AHEAD, after: uid, skip, hold: [uid] });
    } catch {
      // Without the server we go on with what we have; the next step asks again.
      return false;
    }
    this.#upcoming = answer.items.map((one) => one.uid);
    this.#emit("progress", { counts: answer.counts });
    const by = answer.taken.find((one) => one.uid === uid)?.by ?? null;
    if (this.#store.item.uid === uid) this.#emit("taken", { by });
    this.#upcoming.forEach((one) => this.#fetchAhead(one));
    return true;
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
