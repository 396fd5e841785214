/** The list beside the canvas: one row a shape, in review order, in step with store and canvas. */

import { element, icon, svg } from "platform/dom";
import { isDraft, scoreText } from "review/shapes";

const STATUS = {
  draft: { icon: null, text: "Draft" },
  accepted: { icon: "check-circle", text: "Accepted" },
  discarded: { icon: null, text: "Discarded" },
};

export class ShapeList {
  #list;
  #store;
  #colors;
  #canDecide = false;
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  #marked = null;

  /**
   * @param {HTMLElement} list
   * @param {{store: import("review/store").Store, colors: Map<string, string>,
   *   onDecide: (id: string, action: "accept" | "discard") => void}} options
   */
  constructor(list, { store, colors, onDecide }) {
    this.#list = list;
    this.#store = store;
    this.#colors = colors;
    store.addEventListener("change", ({ detail }) => this.#refresh(detail.ids));
    store.addEventListener("filter", () => this.#refresh([]));
    store.addEventListener("select", ({ detail }) => this.#showSelection(detail.id));
    list.addEventListener("click", (event) => {
      const id = event.target.closest("[data-shape]")?.dataset.shape;
      const decision = event.target.closest("[data-decide]")?.dataset.decide;
      if (decision) onDecide(id, decision);
      else if (id) store.select(id, { reveal: true });
    });
  }

  /** @param {boolean} canDecide whether the rows have their buttons */
  setDecidable(canDecide) {
    this.#canDecide = canDecide;
    this.#rows.clear();
    this.#refresh([]);
  }

  /** Rows of changed shapes are made anew; the rest only move, so that the list keeps its place and focus. */
  #refresh(changed) {
    for (const id of changed) {
      const row = this.#rows.get(id);
      const shape = this.#store.get(id);
      if (row && shape && !shape.removed) this.#renew(row, shape);
      else this.#rows.delete(id);
    }
    const rows = this.#store.visible().map((shape) => this.#rowOf(shape));
    if (rows.length !== this.#list.children.length || rows.some((row, at) => row !== this.#list.children[at])) {
      this.#list.replaceChildren(...rows);
    }
    this.#showSelection(this.#store.selectedId);
  }

  #rowOf(shape) {
    if (!this.#rows.has(shape.id)) {
      const row = element("li", { "data-shape": shape.id });
      this.#renew(row, shape);
      this.#rows.set(shape.id, row);
    }
    return this.#rows.get(shape.id);
  }

  #renew(row, shape) {
    const focused = row.contains(document.activeElement) ? document.activeElement.dataset.part : null;
    row.className = `shape-row ${shape.status}`;
    if (shape.id === this.#marked) this.#marked = null;
    row.replaceChildren(this.#pick(shape), ...(this.#canDecide ? this.#decisions(shape) : []));
    if (focused) (row.querySelector(`[data-part=${focused}]:not(:disabled)`) ?? row.firstElementChild).focus();
  }

  #pick(shape) {
    const status = STATUS[shape.status];
    const kind = icon(shape.kind);
    const name = element("span", { class: "name truncate" }, shape.label);
    const parts = [swatch(this.#colors.get(shape.label)), name];
    if (shape.edited) parts.push(withText("pencil", "edited"));
    if (shape.source === "manual") parts.push(element("span", { class: "by-hand" }, "by hand"));
    parts.push(kind, element("span", { class: `score number ${band(shape)}` }, scoreText(shape)), withText(status.icon, status.text));
    return element("button", { type: "button", class: "pick", "data-part": "pick", "aria-pressed": "false" }, ...parts);
  }

  #decisions(shape) {
    const label = `${shape.label} ${scoreText(shape)}`.trim();
    const button = (decision, text, symbol, isDone) =>
      element(
        "button",
        {
          type: "button", class: `button quiet small square ${decision}`, title: text, "aria-label": `${text}: ${label}`,
          "data-decide": decision, "data-part": decision, disabled: isDone,
        },
        icon(symbol),
      );
    const isManual = shape.source === "manual";
    return [
      button("accept", "Accept", "check", shape.status === "accepted"),
      button("discard", isManual ? "Delete" : "Discard", isManual ? "trash" : "x", shape.status === "discarded"),
    ];
  }

  #showSelection(id) {
    if (id === this.#marked) return;
    mark(this.#rows.get(this.#marked), false);
    mark(this.#rows.get(id), true);
    this.#marked = id;
  }
}

function mark(row, isSelected) {
  if (!row) return;
  row.classList.toggle("selected", isSelected);
  row.querySelector(".pick").setAttribute("aria-pressed", String(isSelected));
  if (isSelected && row.isConnected) keepInSight(row);
}

/** Scrolls the list only, never the page, as `scrollIntoView` would on a narrow screen. */
function keepInSight(row) {
  const list = row.parentElement;
  const top = row.offsetTop - list.offsetTop;
  if (top < list.scrollTop) list.scrollTop = top;
  const overhang = top + row.offsetHeight - list.clientHeight;
  if (overhang > list.scrollTop) list.scrollTop = overhang;
}

/** How sure the model was, as a colour beside the figure. */
function band(shape) {
  if (shape.score === null || !isDraft(shape)) return "";
  if (shape.score >= 0.8) return "high";
  return shape.score >= 0.5 ? "medium" : "low";
}

function swatch(color) {
  return svg("svg", { class: "swatch", "aria-hidden": "true" }, svg("rect", { width: "100%", height: "100%", fill: color ?? "#888" }));
}

/** Drafts are the rule and discarded names are struck out: they need no symbol, and only screen readers are told. */
function withText(symbol, text) {
  const words = element("span", { class: "visually-hidden" }, text);
  return symbol ? element("span", { class: "status", title: text }, icon(symbol), words) : words;
}
