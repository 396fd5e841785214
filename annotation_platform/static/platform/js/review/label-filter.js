/** The labels on this image: how many shapes each has, which are shown, and deciding all drafts of one at once. */

import { element, icon, plural, svg } from "platform/dom";
import { batched, listen } from "review/batched";
import { passes } from "review/filter";
import { isDraft } from "review/shapes";

const UNKNOWN_COLOR = "#888888";

/**
 * @param {Set<string> | null} shown null is all
 * @param {string} label
 * @param {string[]} all
 * @returns {Set<string> | null} with the label shown if it was hidden, hidden if it was shown
 */
export function toggled(shown, label, all) {
  const labels = new Set(shown ?? all);
  if (!labels.delete(label)) labels.add(label);
  return all.every((one) => labels.has(one)) ? null : labels;
}

/** @returns {Set<string> | null} the label alone, or all again where it was alone already */
export function alone(shown, label) {
  return shown?.size === 1 && shown.has(label) ? null : new Set([label]);
}

export class LabelFilter {
  #list;
  #store;
  #actions;
  #palette;
  #colors;
  #labels;
  #showsAll = false;
  #more = element("button", { type: "button", class: "button quiet small more-labels" });
  /** @type {Map<string, {row: HTMLElement, sight: string}>} rows by label, and what each shows */
  #rows = new Map();

  /**
   * @param {HTMLElement} list
   * @param {{store: import("review/store").Store, actions: import("review/actions").Actions,
   *   palette: import("review/palette").Palette, labels: {name: string}[], colors: Map<string, string>}} options
   */
  constructor(list, { store, actions, palette, labels, colors }) {
    this.#list = list;
    this.#store = store;
    this.#actions = actions;
    this.#palette = palette;
    this.#colors = colors;
    this.#labels = labels.map(({ name }) => name);
    list.after(this.#more);
    list.addEventListener("click", (event) => this.#click(event));
    this.#more.addEventListener("click", () => {
      this.#showsAll = !this.#showsAll;
      this.#show();
    });
    listen(store, ["open", "change", "item", "filter"], batched(() => this.#show()));
    this.#show();
  }

  #show() {
    const counts = this.#counts();
    const all = [...new Set([...this.#labels, ...counts.keys()])];
    const present = all.filter((label) => counts.has(label));
    const shown = this.#showsAll ? all : present;
    const rows = shown.map((label) => this.#rowOf(label, counts.get(label) ?? NOTHING));
    const { children } = this.#list;
    this.#list.classList.toggle("read-only", this.#actions.isReadOnly);
    if (rows.length !== children.length || rows.some((row, at) => row !== children[at])) this.#list.replaceChildren(...rows);
    this.#more.hidden = present.length === all.length;
    this.#more.textContent = this.#showsAll ? "Only labels on this image" : `Show all ${plural(all.length, "label")}`;
    this.#more.setAttribute("aria-expanded", String(this.#showsAll));
  }

  /** @returns {Map<string, {total: number, shown: number, drafts: number}>} total: if the label is not hidden itself */
  #counts() {
    const { filter } = this.#store;
    const anyLabel = { ...filter, labels: null };
    const counts = new Map();
    for (const shape of this.#store.all()) {
      const count = counts.get(shape.label) ?? { ...NOTHING };
      counts.set(shape.label, count);
      if (!passes(shape, anyLabel)) continue;
      count.total += 1;
      if (!passes(shape, filter)) continue;
      if (shape.status !== "discarded") count.shown += 1;
      if (isDraft(shape)) count.drafts += 1;
    }
    return counts;
  }

  #rowOf(label, counts) {
    const { labels } = this.#store.filter;
    const isShown = !labels || labels.has(label);
    const isAlone = labels?.size === 1 && isShown;
    const sight = JSON.stringify([counts, isShown, isAlone]);
    const known = this.#rows.get(label);
    if (known?.sight === sight) return known.row;
    const row = known?.row ?? this.#newRow(label);
    this.#drawRow(row, label, { ...counts, isShown, isAlone });
    this.#rows.set(label, { row, sight });
    return row;
  }

  #newRow(label) {
    const swatch = svg("svg", { class: "swatch", "aria-hidden": "true" });
    swatch.append(svg("rect", { width: "100%", height: "100%", fill: this.#colors.get(label) ?? UNKNOWN_COLOR }));
    const name = element("span", { class: "name truncate" }, label);
    const count = element("span", { class: "number count" });
    const toggle = element("button", { type: "button", class: "toggle", "data-do": "toggle" }, swatch, name, count);
    const only = element("button", { type: "button", class: "only", "data-do": "only" }, "only");
    const decisions = [bulkButton("accept", "check"), bulkButton("discard", "x"), bulkButton("relabel", "tag")];
    return element("li", { "data-label": label }, toggle, only, ...decisions);
  }

  #drawRow(row, label, { total, shown, drafts, isShown, isAlone }) {
    const [toggle, only, accept, discard, relabel] = row.children;
    row.classList.toggle("off", !isShown);
    toggle.setAttribute("aria-pressed", String(isShown));
    toggle.title = `${isShown ? "Hide" : "Show"} ${label}; with Alt, show only this label`;
    toggle.querySelector(".count").textContent = total;
    only.textContent = isAlone ? "all" : "only";
    only.setAttribute("aria-label", isAlone ? "Show all labels" : `Show only ${label}`);
    const ofLabel = (count) => `${count} ${label} ${count === 1 ? "draft" : "drafts"}`;
    drawBulk(accept, drafts, `Accept ${ofLabel(drafts)}`);
    drawBulk(discard, drafts, `Discard ${ofLabel(drafts)}`);
    drawBulk(relabel, shown, `Relabel ${plural(shown, "shape")} of ${label}…`);
  }

  #click(event) {
    const label = event.target.closest("[data-label]")?.dataset.label;
    const what = event.target.closest("[data-do]")?.dataset.do;
    const { labels } = this.#store.filter;
    if (what === "only" || (what === "toggle" && event.altKey)) this.#store.setFilter({ labels: alone(labels, label) });
    else if (what === "toggle") this.#store.setFilter({ labels: toggled(labels, label, this.#allLabels()) });
    else if (what === "accept") this.#actions.decideLabel(label, "accepted");
    else if (what === "discard") this.#actions.decideLabel(label, "discarded");
    else if (what === "relabel") this.#relabel(label);
  }

  async #relabel(from) {
    const { uid } = this.#store.item;
    const to = await this.#palette.choose({ title: `New label for all shown “${from}”`, current: from });
    // Another image may have opened below the dialog.
    if (to && this.#store.item.uid === uid) this.#actions.relabelLabel(from, to);
  }

  #allLabels() {
    return [...new Set([...this.#labels, ...this.#store.all().map(({ label }) => label)])];
  }
}

const NOTHING = Object.freeze({ total: 0, shown: 0, drafts: 0 });

function bulkButton(name, symbol) {
  const attributes = { type: "button", class: `button quiet small bulk ${name}`, "data-do": name };
  return element("button", attributes, icon(symbol), element("span", { class: "number" }));
}

function drawBulk(button, count, text) {
  button.lastElementChild.textContent = count;
  button.title = text;
  button.setAttribute("aria-label", text);
  button.disabled = count === 0;
}
