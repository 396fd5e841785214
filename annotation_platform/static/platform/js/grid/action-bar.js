/** The bar below the grid: the threshold, what is selected, and the buttons that decide. */

import { plural } from "platform/dom";

export class ActionBar {
  #root;
  #slider;

  /**
   * @param {HTMLElement} root
   * @param {{threshold: () => void, settled: () => void, accept: () => void, discard: () => void, clear: () => void}} on
   */
  constructor(root, on) {
    this.#root = root;
    this.#slider = root.querySelector("[type=range]");
    this.#slider.addEventListener("input", on.threshold);
    this.#slider.addEventListener("change", on.settled);
    for (const name of ["accept", "discard", "clear"]) this.#part(name).addEventListener("click", on[name]);
  }

  /** @returns {number} from this score on drafts are accepted */
  get threshold() {
    return Number(this.#slider.value);
  }

  /**
   * @param {{
   *   selected: number,                                    images
   *   isAll: boolean,                                      those of all pages
   *   accepts: {drafts: number, items: number | null},     items is null where only the server can count them
   *   drafts: number,                                      of any score
   * }} state
   */
  show({ selected, isAll, accepts, drafts }) {
    this.#part("selected").textContent = selectedText(selected, isAll);
    this.#part("clear").hidden = selected === 0;
    this.#part("discard").disabled = drafts === 0;
    const accept = this.#part("accept");
    accept.disabled = accepts.drafts === 0;
    accept.textContent = selected ? acceptText(accepts) : "Accept";
  }

  #part(name) {
    return this.#root.querySelector(`[data-${name}]`);
  }
}

function selectedText(selected, isAll) {
  if (selected === 0) return "No image selected";
  return isAll ? `All ${plural(selected, "image")} selected` : `${plural(selected, "image")} selected`;
}

function acceptText({ drafts, items }) {
  const what = `Accept ${plural(drafts, "draft")}`;
  return items === null ? what : `${what} on ${plural(items, "image")}`;
}
