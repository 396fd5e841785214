/** The list of all keys, made from the same table that they work by. */

import { element } from "platform/dom";
import { COMMANDS } from "review/key-table";

const LAST_LABEL = "label-9";

export class KeyHelp {
  #dialog;
  #keymap;
  #mayReview;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {import("review/keymap").Keymap} keymap
   * @param {{mayReview: boolean}} options  people who may not review are told only what they can do
   */
  constructor(dialog, keymap, { mayReview }) {
    this.#dialog = dialog;
    this.#keymap = keymap;
    this.#mayReview = mayReview;
    // What a button in it leads to takes its place.
    dialog.addEventListener("click", ({ target }) => target.closest("[data-action]") && dialog.close());
  }

  open() {
    const groups = commandsFor(this.#mayReview).map(({ name, commands }) =>
      element("section", {}, element("h3", {}, name), element("dl", {}, ...commands.flatMap((command) => this.#line(command)))),
    );
    this.#dialog.querySelector("[data-groups]").replaceChildren(...groups);
    this.#dialog.showModal();
  }

  #line({ action, text }) {
    // Nine labels are one line: their keys tell them apart.
    const number = /^label-(\d)$/.exec(action)?.[1];
    if (number && number !== "1") return [];
    const keys = number ? this.#labelKeys() : keyNodes(this.#keymap.textsFor(action));
    if (!keys.length) return [];
    const words = number ? "Labels 1 to 9, for the selection or for new shapes" : text;
    return [element("div", {}, element("dt", {}, ...keys), element("dd", {}, words))];
  }

  #labelKeys() {
    const actions = Array.from({ length: 9 }, (_, at) => `label-${at + 1}`);
    if (actions.some((action) => this.#keymap.isCustom(action))) {
      return keyNodes(actions.flatMap((action) => this.#keymap.textsFor(action)));
    }
    return [element("kbd", {}, this.#keymap.textFor("label-1")), "–", element("kbd", {}, this.#keymap.textFor(LAST_LABEL))];
  }
}

/** @param {boolean} mayReview @returns {typeof COMMANDS} without the groups and commands that are not for this person */
export function commandsFor(mayReview) {
  const isFor = ({ writes }) => mayReview || !writes;
  const groups = COMMANDS.map(({ name, commands }) => ({ name, commands: commands.filter(isFor) }));
  return groups.filter(({ commands }) => commands.length);
}

/** @param {string[]} texts such as "Ctrl+Z" @returns {HTMLElement[]} */
export function keyNodes(texts) {
  return texts.map((text) => element("kbd", {}, text));
}
