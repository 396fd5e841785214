/** The item as a whole: finished, flagged or open, and the way to the next one. */

import { plural, toast } from "platform/dom";

const byId = (id) => document.getElementById(id);
/** How long leaving the page waits for changes to be saved before the browser asks the person. */
const PATIENCE_MS = 8000;

/** Event: "change", when the item has become open or closed to changes. */
export class ItemState extends EventTarget {
  #config;
  #api;
  #store;
  #autosave;
  #actions;
  #isBusy = false;

  constructor({ config, api, store, autosave, actions }) {
    super();
    this.#config = config;
    this.#api = api;
    this.#store = store;
    this.#autosave = autosave;
    this.#actions = actions;
    this.state = config.item.state;
  }

  /** Nobody changes a finished item; it has to be reopened first. */
  get isOpen() {
    return this.#config.mayReview && this.state !== "done";
  }

  show() {
    const isDone = this.state === "done";
    byId("banner").hidden = !isDone;
    const flag = byId("flag");
    if (!flag) return;
    byId("finish").querySelector("[data-text]").textContent = isDone ? "Next" : "Finish";
    flag.setAttribute("aria-pressed", String(this.state === "flagged"));
    flag.querySelector("[data-flag-text]").textContent = this.state === "flagged" ? "Flagged" : "Flag";
    flag.disabled = isDone;
  }

  /** Finish and go on; with drafts left, the person says first what becomes of them. */
  async finish() {
    if (this.#isBusy || !this.#config.mayReview) return;
    if (this.isOpen) {
      const drafts = this.#store.drafts().length;
      if (drafts && !(await this.#settleDrafts(drafts))) return;
      if (!(await this.#move("finish"))) return;
    }
    this.go(this.#config.pages.finished);
  }

  async toggleFlag() {
    if (this.isOpen) await this.#move(this.state === "flagged" ? "reopen" : "flag");
  }

  async reopen() {
    if (this.#config.mayReview) await this.#move("reopen");
  }

  /** The item was finished elsewhere, for example in another tab. */
  closedElsewhere() {
    this.#set("done");
  }

  /** @param {string | null} url left for once everything is saved */
  async go(url) {
    if (!url) return;
    const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
    await Promise.race([this.#autosave.settled(), patience]);
    location.assign(url);
  }

  async #settleDrafts(count) {
    const dialog = byId("undecided");
    byId("undecided-title").textContent = `${plural(count, "draft")} ${count === 1 ? "is" : "are"} undecided`;
    dialog.returnValue = "keep";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue === "accept") this.#actions.acceptAll();
    else if (dialog.returnValue === "discard") this.#actions.discardAll();
    return this.#store.drafts().length === 0;
  }

  async #move(action) {
    this.#setBusy(true);
    try {
      // The server has to know every verdict before it can let the item be finished.
      await this.#autosave.settled();
      this.#set((await this.#api.moveItem(action)).state);
      return true;
    } catch (error) {
      toast(error.message, "error");
      return false;
    } finally {
      this.#setBusy(false);
    }
  }

  #set(state) {
    this.state = state;
    this.show();
    this.dispatchEvent(new Event("change"));
  }

  #setBusy(isBusy) {
    this.#isBusy = isBusy;
    const button = byId("finish");
    if (button) button.disabled = isBusy;
  }
}
