/** The dialog in which people change the keys. */

import { element, icon } from "platform/dom";
import { commandsFor, keyNodes } from "review/key-help";
import { keyOf, refusalOf } from "review/key-names";

/** @typedef {import("review/key-table").Command} Command */

export class KeySettings {
  #dialog;
  #groups;
  #keymap;
  #mayReview;
  /** What waits for a key, and the key that it would have to take from another. */
  #asking = /** @type {{command: Command, key: string | null, problem: string} | null} */ (null);

  /**
   * @param {HTMLDialogElement} dialog
   * @param {import("review/keymap").Keymap} keymap
   * @param {{mayReview: boolean}} options
   */
  constructor(dialog, keymap, { mayReview }) {
    this.#dialog = dialog;
    this.#groups = dialog.querySelector("[data-groups]");
    this.#keymap = keymap;
    this.#mayReview = mayReview;
    dialog.addEventListener("click", (event) => this.#click(event));
    dialog.addEventListener("keydown", (event) => this.#press(event));
    // Escape gives up the question first, the dialog only then.
    dialog.addEventListener("cancel", (event) => this.#asking && event.preventDefault());
    dialog.addEventListener("close", () => (this.#asking = null));
    keymap.addEventListener("change", () => dialog.open && this.#show());
  }

  open() {
    this.#asking = null;
    this.#show();
    this.#dialog.showModal();
  }

  #show() {
    const focused = this.#dialog.contains(document.activeElement) ? document.activeElement.dataset : {};
    const groups = commandsFor(this.#mayReview).map(({ name, commands }) => {
      const rows = commands.filter(({ isFixed }) => !isFixed).map((command) => this.#row(command));
      return element("section", {}, element("h3", {}, name), element("ul", {}, ...rows));
    });
    this.#groups.replaceChildren(...groups);
    this.#dialog.querySelector("[data-do=reset-all]").disabled = !this.#keymap.hasCustom;
    this.#focus(focused.of, focused.do);
  }

  #row(command) {
    const asking = this.#asking?.command === command ? this.#asking : null;
    const row = element("li", { class: asking ? "asking" : "" }, element("span", { class: "what" }, command.text));
    row.append(...(asking ? this.#question(asking) : this.#answer(command)));
    return row;
  }

  #answer({ action, text }) {
    const keys = element("span", { class: "keys" }, ...keyNodes(this.#keymap.textsFor(action)));
    const isCustom = this.#keymap.isCustom(action);
    const change = doButton("change", action, ["Change"], { "aria-label": `Change the key of: ${text}` });
    const reset = doButton("reset", action, [icon("undo")], { title: "Reset", "aria-label": `Reset the key of: ${text}` });
    reset.classList.add("square");
    reset.classList.toggle("unneeded", !isCustom);
    reset.disabled = !isCustom;
    return [keys, change, reset];
  }

  #question({ command, key, problem }) {
    const owner = key && this.#keymap.ownerOf(key);
    const text = owner ? `${this.#keymap.textOfKey(key)} is taken by “${owner.text}”.` : problem || "Press a key…";
    const swap = owner ? [doButton("swap", command.action, ["Swap"])] : [];
    const cancel = doButton("cancel", command.action, ["Cancel"]);
    return [element("span", { class: "asked", role: "status" }, text), ...swap, cancel];
  }

  #click(event) {
    const button = event.target.closest("[data-do]");
    if (!button) return;
    const { do: what, of } = button.dataset;
    if (what === "change") this.#ask(of);
    else if (what === "cancel") this.#stopAsking();
    else if (what === "swap") this.#remap(this.#asking.key);
    else if (what === "reset") this.#keymap.reset(of);
    else if (what === "reset-all") this.#keymap.reset();
  }

  #press(event) {
    // Only while a key is waited for; when the question is "swap?", keys work its buttons.
    if (!this.#asking) return;
    if (event.code === "Escape") {
      event.preventDefault();
      this.#stopAsking();
      return;
    }
    if (this.#asking.key || event.key === "Tab") return;
    const key = keyOf(event);
    if (!key || event.altKey || event.isComposing) return;
    event.preventDefault();
    this.#take(key);
  }

  #ask(action) {
    const command = commandsFor(true).flatMap(({ commands }) => commands).find((one) => one.action === action);
    this.#asking = { command, key: null, problem: "" };
    this.#show();
    this.#focus(action, "cancel");
  }

  #take(key) {
    const { command } = this.#asking;
    const problem = refusalOf(key, { isHeld: Boolean(command.isHeld) });
    const owner = this.#keymap.ownerOf(key);
    if (!problem && (!owner || owner === command)) return this.#remap(key);
    this.#asking = { command, key: problem ? null : key, problem: problem ? `${problem} Press another key…` : "" };
    this.#show();
    return this.#focus(command.action, problem ? "cancel" : "swap");
  }

  #remap(key) {
    const { action } = this.#asking.command;
    this.#asking = null;
    this.#keymap.remap(action, key);
    this.#focus(action, "change");
  }

  #stopAsking() {
    const { action } = this.#asking.command;
    this.#asking = null;
    this.#show();
    this.#focus(action, "change");
  }

  #focus(of, what) {
    if (!of) return;
    const button = this.#groups.querySelector(`[data-of="${of}"][data-do="${what}"]:not(:disabled)`);
    (button ?? this.#groups.querySelector(`[data-of="${of}"]`))?.focus();
  }
}

function doButton(what, of, children, attributes = {}) {
  const button = { type: "button", class: "button small", "data-do": what, "data-of": of, ...attributes };
  return element("button", button, ...children);
}
