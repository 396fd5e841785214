/** Asks before many drafts are decided: how many of which label it will be, as the server counts them, then does it. */

import { element, plural, toast } from "platform/dom";
import { request } from "platform/http";

/**
 * @typedef {{min: number, max: number}} Range scores, both ends inclusive
 * @typedef {{
 *   verdict: "accepted" | "discarded",
 *   items?: string[],                        without it, all of the project
 *   labels?: string[],                       without it, all
 *   choices: {text: string, range: Range}[]  the first one holds until the person takes another
 * }} Question
 */

const VERBS = { accepted: "Accept", discarded: "Discard" };

export class BulkDialog {
  #dialog;
  #url;
  /** @type {Question} */
  #question;
  /** @type {Range} */
  #range;
  /** @type {AbortController} the count that is under way; a newer one ends it */
  #counting = new AbortController();
  #isSending = false;
  /** @type {(made: object | null) => void} */
  #settle;

  /** @param {HTMLDialogElement} dialog @param {string} url of the project's bulk reviews */
  constructor(dialog, url) {
    this.#dialog = dialog;
    this.#url = url;
    this.#part("confirm").addEventListener("click", () => this.#send());
    this.#part("choices").addEventListener("change", (event) => {
      this.#range = this.#question.choices[Number(event.target.value)].range;
      this.#count();
    });
    // What has been sent is waited for, or nobody would know what became of it.
    dialog.addEventListener("cancel", (event) => {
      if (this.#isSending) event.preventDefault();
    });
    dialog.addEventListener("close", () => {
      this.#counting.abort();
      // Browsers let a second Escape close it even so: what was sent still answers.
      if (!this.#isSending) this.#settle(null);
    });
  }

  /** @param {Question} question @returns {Promise<object | null>} the bulk review that was made, null without one */
  ask(question) {
    this.#question = question;
    this.#range = question.choices[0].range;
    this.#showChoices();
    this.#dialog.showModal();
    this.#count();
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  async #count() {
    this.#counting.abort();
    this.#counting = new AbortController();
    this.#showCounting();
    try {
      // Asked with finish, so that the person reads how many images that would finish.
      const body = { ...this.#body(), finish: true, dry_run: true };
      this.#showCounts(await request("POST", this.#url, body, this.#counting.signal));
    } catch (error) {
      if (error.name !== "AbortError") this.#showError(error.message);
    }
  }

  async #send() {
    this.#setSending(true);
    try {
      const made = await request("POST", this.#url, { ...this.#body(), finish: this.#part("finish").checked });
      this.#settle(made);
      this.#dialog.close();
    } catch (error) {
      this.#fail(error.status ? error.message : `${error.message} Doing it twice does no harm.`);
    } finally {
      this.#setSending(false);
    }
  }

  #fail(reason) {
    if (this.#dialog.open) return this.#showError(reason);
    toast(reason, "error");
    return this.#settle(null);
  }

  #setSending(isSending) {
    this.#isSending = isSending;
    for (const name of ["confirm", "cancel"]) this.#part(name).disabled = isSending;
  }

  #body() {
    const { verdict, items, labels } = this.#question;
    // What is undefined is left out of the JSON.
    return { verdict, items, labels, min_score: this.#range.min, max_score: this.#range.max };
  }

  #showChoices() {
    const { choices } = this.#question;
    const rows = choices.map(({ text }, index) => {
      const radio = element("input", { type: "radio", name: "which", value: String(index), checked: index === 0 });
      return element("label", {}, radio, text);
    });
    const box = this.#part("choices");
    box.replaceChildren(box.querySelector("legend"), ...rows);
    box.hidden = choices.length < 2;
  }

  #showCounting() {
    const verb = VERBS[this.#question.verdict];
    this.#part("title").textContent = `${verb} drafts?`;
    this.#part("status").textContent = "Counting…";
    this.#part("by-label").replaceChildren();
    this.#part("finish-row").hidden = true;
    this.#part("error").hidden = true;
    const confirm = this.#part("confirm");
    confirm.disabled = true;
    confirm.textContent = verb;
    const isAccepting = this.#question.verdict === "accepted";
    confirm.classList.toggle("primary", isAccepting);
    confirm.classList.toggle("danger", !isAccepting);
  }

  /** @param {{drafts: number, items: number, finished: number, by_label: Record<string, number>}} counts */
  #showCounts({ drafts, items, finished, by_label: byLabel }) {
    const verb = VERBS[this.#question.verdict];
    const what = `${verb} ${plural(drafts, "draft")}`;
    this.#part("title").textContent = `${what} on ${plural(items, "image")}?`;
    this.#part("status").textContent = drafts ? "They can be put back with one Undo." : "No draft fits any more.";
    const mostFirst = Object.entries(byLabel).sort(([, a], [, b]) => b - a);
    this.#part("by-label").replaceChildren(
      ...mostFirst.map(([label, n]) => element("div", {}, element("dt", {}, label), element("dd", {}, String(n)))),
    );
    this.#part("finish-row").hidden = finished === 0;
    this.#part("finish-text").textContent = `Also finish ${finished === 1 ? "the image that has" : `the ${finished} images that have`} no draft left then`;
    const confirm = this.#part("confirm");
    confirm.textContent = what;
    confirm.disabled = drafts === 0;
    confirm.focus();
  }

  #showError(text) {
    this.#part("status").textContent = "";
    const error = this.#part("error");
    error.textContent = text;
    error.hidden = false;
  }

  #part(name) {
    return this.#dialog.querySelector(`[data-${name}]`);
  }
}
