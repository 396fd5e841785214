/** Choosing a label by typing: a dialog with a search field over the list of labels. */

import { element, icon, svg } from "platform/dom";
import { recall, remember } from "review/memory";

const STORED_AS = "review-recent-labels";
const REMEMBERED = 12;
const UNKNOWN_COLOR = "#888888";
/** Digits 1 to 9 stand for the first labels. */
const DIGITS = 9;

/** @param {string} text @returns {string} without case and accents, as people type when they search */
export function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/**
 * @param {string[]} labels in the project's order
 * @param {string} query
 * @param {string[]} [recent] the label used last comes first
 * @returns {string[]} matches: from the start of the label, then from the start of a word, then anywhere; without a
 *   query the recent labels, then the others
 */
export function search(labels, query, recent = []) {
  const wanted = folded(query.trim());
  if (!wanted) return [...new Set([...recent.filter((label) => labels.includes(label)), ...labels])];
  const rank = (label) => {
    const at = folded(label).indexOf(wanted);
    if (at <= 0) return at;
    return startsWord(folded(label), wanted) ? 1 : 2;
  };
  const ranked = labels.map((label) => ({ label, rank: rank(label) })).filter((one) => one.rank >= 0);
  return ranked.sort((a, b) => a.rank - b.rank).map(({ label }) => label);
}

function startsWord(text, wanted) {
  return text.split(/[\s\-_/.,()]+/).some((word) => word.startsWith(wanted));
}

export class Palette {
  #dialog;
  #input;
  #list;
  #empty;
  #labels;
  #colors;
  #keymap;
  #current = null;
  /** @type {string[]} the labels in the list, and which of them Enter takes */
  #matches = [];
  #active = 0;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {{labels: {name: string}[], colors: Map<string, string>, keymap: import("review/keymap").Keymap}} options
   */
  constructor(dialog, { labels, colors, keymap }) {
    this.#dialog = dialog;
    this.#input = dialog.querySelector("[role=combobox]");
    this.#list = dialog.querySelector("[role=listbox]");
    this.#empty = dialog.querySelector("[data-empty]");
    this.#labels = labels.map(({ name }) => name);
    this.#colors = colors;
    this.#keymap = keymap;
    this.#input.addEventListener("input", () => this.#search());
    this.#input.addEventListener("keydown", (event) => this.#press(event));
    this.#list.addEventListener("click", ({ target }) => {
      const option = target.closest("[role=option]");
      if (option) this.#close(option.dataset.label);
    });
    // A press beside the dialog means no, as Escape does.
    dialog.addEventListener("pointerdown", ({ target }) => target === dialog && this.#close(""));
  }

  /**
   * @param {{title: string, current?: string | null}} question
   * @returns {Promise<string | null>} null when the person chose none
   */
  async choose({ title, current = null }) {
    if (this.#dialog.open) return null;
    this.#dialog.querySelector("h2").textContent = title;
    this.#current = current;
    this.#input.value = "";
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    this.#search();
    await new Promise((resolve) => this.#dialog.addEventListener("close", resolve, { once: true }));
    const label = this.#dialog.returnValue || null;
    if (label) this.remember(label);
    return label;
  }

  /** @param {string} label that was used just now, here or by its digit */
  remember(label) {
    remember(STORED_AS, [label, ...recentLabels().filter((one) => one !== label)].slice(0, REMEMBERED));
  }

  #search() {
    this.#matches = search(this.#labels, this.#input.value, recentLabels());
    this.#list.replaceChildren(...this.#matches.map((label, at) => this.#option(label, at)));
    this.#list.scrollTop = 0;
    this.#empty.hidden = this.#matches.length > 0;
    this.#activate(0);
  }

  #option(label, at) {
    const fill = this.#colors.get(label) ?? UNKNOWN_COLOR;
    const swatch = svg("svg", { class: "swatch", "aria-hidden": "true" }, svg("rect", { width: "100%", height: "100%", fill }));
    const node = element("li", { role: "option", id: `palette-${at}`, "data-label": label, "aria-selected": "false" }, swatch);
    node.append(element("span", { class: "name truncate" }, label));
    if (label === this.#current) node.append(icon("check"), element("span", { class: "visually-hidden" }, "current"));
    const digit = this.#labels.indexOf(label) + 1;
    if (digit <= DIGITS) node.append(element("kbd", {}, this.#keymap.textFor(`label-${digit}`)));
    return node;
  }

  #press(event) {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) this.#activate(this.#active + step, Math.abs(step) === 1);
    else if (event.key === "Enter") this.#close(this.#matches[this.#active]);
    else return;
    event.preventDefault();
  }

  #activate(at, isRound = false) {
    const last = this.#matches.length - 1;
    this.#list.children[this.#active]?.setAttribute("aria-selected", "false");
    this.#active = isRound && at > last ? 0 : isRound && at < 0 ? last : Math.max(0, Math.min(at, last));
    const option = this.#list.children[this.#active];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.#input.setAttribute("aria-activedescendant", option.id);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  #close(label) {
    if (label !== undefined) this.#dialog.close(label);
  }
}

/** @returns {string[]} */
function recentLabels() {
  const stored = recall(STORED_AS);
  return Array.isArray(stored) ? stored.filter((label) => typeof label === "string") : [];
}
