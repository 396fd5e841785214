/** Decisions about the item as a whole: finish, flag, reopen; each a step that undo takes back. */

import { plural, toast } from "platform/dom";
import { accepted, discarded } from "review/actions";
import { askFlag } from "review/flag-dialog";

const byId = (id) => document.getElementById(id);

export class ItemFlow {
  #store;
  #actions;
  #session;
  #mayReview;
  // A dialog tells of its end a moment after it has closed. A key pressed in between would open it anew, and both who
  // ask would take the first end for theirs.
  #asking = Promise.resolve();

  /** @param {{store: object, actions: object, session: object, mayReview: boolean}} editor */
  constructor({ store, actions, session, mayReview }) {
    this.#store = store;
    this.#actions = actions;
    this.#session = session;
    this.#mayReview = mayReview;
  }

  /** Nobody changes a finished item; it has to be reopened first. */
  get isOpen() {
    const item = this.#store.item;
    return this.#mayReview && !this.#session.isOpening && item !== null && item.state !== "done" && !item.isGone;
  }

  /** Finish and go on; with drafts left, the person says first what becomes of them. */
  async finish() {
    await this.#asking;
    if (this.#session.isOpening) return;
    if (!this.isOpen) await (this.#mayReview ? this.#session.advance() : this.#session.next());
    else await this.#finishWith([], this.#store.drafts());
  }

  /** Accept the drafts in sight, finish and go on. What the filter hides nobody has looked at: that is asked. */
  async acceptAndFinish() {
    await this.#asking;
    if (!this.isOpen) return;
    const shown = this.#actions.shownDrafts();
    const hidden = this.#store.drafts().filter((shape) => !shown.includes(shape));
    await this.#finishWith(shown.map(accepted), hidden);
  }

  /** Flag with a comment and go on; on a flagged item, change the comment or take the flag off. */
  async flag() {
    await this.#asking;
    if (!this.isOpen) return;
    const { uid, state, flagComment } = this.#store.item;
    this.#asking = askFlag({ isFlagged: state === "flagged", comment: flagComment });
    const { verdict, comment } = await this.#asking;
    if (this.#store.item.uid !== uid) return;
    if (verdict === "unflag") this.reopen();
    if (verdict !== "flag") return;
    this.#store.update([], { item: { state: "flagged", flagComment: comment, flaggedBy: null } });
    if (state === "flagged") return;
    toast(`${this.#store.itemOf(uid).name} is flagged.`);
    await this.#session.advance();
  }

  reopen() {
    if (!this.#mayReview || this.#session.isOpening || this.#store.item.state === "open") return;
    this.#store.update([], { item: { state: "open", flagComment: "", flaggedBy: null, finishedBy: null, finishedAt: null } });
    this.#session.reconsider(this.#store.item.uid);
  }

  /**
   * Undo or redo; where the next step was on another item, that item is opened for it.
   * @param {"undo" | "redo"} way @returns {Promise<string[]>} the ids of the shapes that it touched
   */
  async travel(way) {
    const step = this.#store.peek(way);
    if (!this.#mayReview || this.#session.isOpening || !step) return [];
    if (step.item !== this.#store.item.uid && !(await this.#session.open(step.item))) return [];
    const { state, isGone } = this.#store.item;
    if (isGone || (state === "done" && !step.itemAfter)) {
      toast(isGone ? "This image has been deleted." : "This image is finished. Reopen it first.", "warning");
      return [];
    }
    this.#store.travel(way);
    this.#session.reconsider(step.item);
    if (way === "undo" || !step.itemAfter || this.#store.item.state === "open") return step.after.map(({ id }) => id);
    await this.#session.advance();
    return [];
  }

  async #finishWith(patches, undecided) {
    const { uid } = this.#store.item;
    if (undecided.length) this.#asking = askUndecided(undecided.length, patches.length);
    const verdict = undecided.length ? await this.#asking : "accept";
    if (verdict === "keep" || this.#store.item.uid !== uid) return;
    const rest = undecided.map(verdict === "accept" ? accepted : discarded);
    this.#store.update([...patches, ...rest], { item: { state: "done", flagComment: "", flaggedBy: null } });
    await this.#session.advance();
  }
}

/** @param {number} count of drafts @param {number} decided how many others are being accepted @returns {Promise<"keep" | "accept" | "discard">} */
async function askUndecided(count, decided) {
  const dialog = byId("undecided");
  const drafts = decided ? `${plural(count, "draft")} that the filter hides` : plural(count, "draft");
  byId("undecided-title").textContent = `${drafts} ${count === 1 ? "is" : "are"} undecided`;
  dialog.returnValue = "keep";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return ["accept", "discard"].includes(dialog.returnValue) ? dialog.returnValue : "keep";
}
