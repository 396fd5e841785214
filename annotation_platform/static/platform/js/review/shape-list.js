/** The list beside the image: one row a shape, in review order, in step with store and selection. */

import { batched, listen } from "review/batched";
import { boxesWithMask } from "review/replacing";
import { drawRow, newRow } from "review/shape-row";

/** Of another item, so many rows are drawn before its first frame; the rest when there is time, at the latest then. */
const FIRST_ROWS = 50;
const REST_MS = 300;
/** The buttons of a row, from left to right. */
const PARTS = ["pick", "accept", "discard"];

export class ShapeList {
  #list;
  #store;
  #selection;
  #actions;
  #colors;
  /** @type {Map<string, {row: HTMLElement, shape: import("review/shapes").Shape, isReplaced: boolean}>} what each row shows, by shape id */
  #rows = new Map();
  /** @type {HTMLElement | undefined} the one row that the Tab key stops at; the arrows lead to the others */
  #tabStop;
  /** Where a range begins that Shift ends. @type {string | null} */
  #anchor = null;
  /** Whether another item has been opened and only its first rows are drawn. */
  #isOpening = false;
  /** The place of a row that went away with the focus in it. @type {number | null} */
  #lostFocus = null;

  /**
   * @param {HTMLElement} list
   * @param {{store: import("review/store").Store, selection: import("review/selection").Selection,
   *   actions: import("review/actions").Actions, colors: Map<string, string>}} options  colors: by label
   */
  constructor(list, { store, selection, actions, colors }) {
    this.#list = list;
    this.#store = store;
    this.#selection = selection;
    this.#actions = actions;
    this.#colors = colors;
    listen(store, ["open", "change", "item", "filter"], batched(() => this.#refresh()));
    store.addEventListener("open", () => this.#startAnew());
    selection.addEventListener("change", ({ detail }) => this.#showSelection(detail.before));
    list.addEventListener("click", (event) => this.#click(event));
    list.addEventListener("keydown", (event) => this.#press(event));
    this.#refresh();
  }

  #startAnew() {
    this.#isOpening = this.#rows.size === 0 || !this.#store.get(this.#rows.keys().next().value);
    if (!this.#isOpening) return;
    this.#rows.clear();
    this.#list.replaceChildren();
    requestIdleCallback(() => {
      this.#isOpening = false;
      this.#refresh();
    }, { timeout: REST_MS });
  }

  /** Rows of changed shapes are drawn anew; the others only move, so that the list keeps its place and the focus. */
  #refresh() {
    const visible = this.#store.visible();
    const replaced = boxesWithMask(visible);
    const shapes = visible.slice(0, this.#isOpening ? FIRST_ROWS : Infinity);
    this.#removeOthers(new Set(shapes.map(({ id }) => id)));
    let next = this.#list.firstElementChild;
    for (const shape of shapes) {
      const row = this.#rowOf(shape, replaced.has(shape.uid));
      if (row === next) next = next.nextElementSibling;
      else this.#list.insertBefore(row, next);
    }
    this.#list.classList.toggle("read-only", this.#actions.isReadOnly);
    this.#setTabStop();
    this.#restoreFocus();
  }

  #rowOf(shape, isReplaced) {
    const known = this.#rows.get(shape.id);
    // Shapes are never mutated: the same object is the same sight.
    if (known?.shape === shape && known.isReplaced === isReplaced) return known.row;
    const row = known?.row ?? newRow(shape.id);
    drawRow(row, shape, { color: this.#colors.get(shape.label), isReplaced });
    if (!known) mark(row, this.#selection.has(shape.id));
    this.#rows.set(shape.id, { row, shape, isReplaced });
    return row;
  }

  #removeOthers(wanted) {
    for (const [id, { row }] of this.#rows) {
      if (wanted.has(id)) continue;
      if (row.contains(document.activeElement)) this.#lostFocus = [...this.#list.children].indexOf(row);
      row.remove();
      this.#rows.delete(id);
    }
  }

  /** A row that goes away hands the focus to the one that takes its place; a button that can no more be pressed, to its row. */
  #restoreFocus() {
    const { children } = this.#list;
    const heir = this.#lostFocus === null ? null : children[Math.min(this.#lostFocus, children.length - 1)];
    this.#lostFocus = null;
    if (heir) this.#focus(heir, "pick");
    const focused = document.activeElement;
    if (this.#list.contains(focused) && focused.matches(":disabled")) this.#focus(focused.closest(".shape-row"), "pick");
  }

  #showSelection(before) {
    for (const id of before) if (!this.#selection.has(id)) mark(this.#rows.get(id)?.row, false);
    for (const id of this.#selection.ids) if (!before.has(id)) mark(this.#rows.get(id)?.row, true);
    this.#setTabStop();
    const primary = this.#rows.get(this.#selection.primaryId)?.row;
    if (primary?.isConnected && !before.has(this.#selection.primaryId)) keepInSight(primary);
  }

  #setTabStop() {
    const row = this.#rows.get(this.#selection.primaryId)?.row ?? this.#list.firstElementChild;
    if (row === this.#tabStop) return;
    for (const button of this.#tabStop?.querySelectorAll("button") ?? []) button.tabIndex = -1;
    for (const button of row?.querySelectorAll("button") ?? []) button.tabIndex = 0;
    this.#tabStop = row;
  }

  #click(event) {
    const row = event.target.closest(".shape-row");
    const part = event.target.closest("[data-part]")?.dataset.part;
    if (!row) return;
    if (part === "accept" || part === "discard") this.#decide(row.dataset.shape, part, event.detail === 0);
    else this.#pick(row.dataset.shape, event);
  }

  #decide(id, decision, isByKey) {
    this.#selection.only(id);
    this.#actions[decision]();
    // Pressed again, the key decides the next one, as A and X do.
    const next = this.#rows.get(this.#selection.primaryId)?.row;
    if (isByKey && next) this.#focus(next, decision);
  }

  #pick(id, { shiftKey, ctrlKey, metaKey }) {
    if (shiftKey) return this.#selection.set(this.#range(id), { reveal: true });
    this.#anchor = id;
    if (ctrlKey || metaKey) return this.#selection.toggle(id);
    return this.#selection.only(id, { reveal: true });
  }

  /** From the anchor to `id`, which comes last and so becomes the primary one. */
  #range(id) {
    const ids = this.#store.visible().map((shape) => shape.id);
    const to = ids.indexOf(id);
    const from = [this.#anchor, this.#selection.primaryId, id].map((one) => ids.indexOf(one)).find((at) => at >= 0);
    return from <= to ? ids.slice(from, to + 1) : ids.slice(to, from + 1).reverse();
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const part = event.target.dataset.part;
    const row = event.target.closest(".shape-row");
    const aside = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const heir = {
      ArrowUp: row?.previousElementSibling, ArrowDown: row?.nextElementSibling,
      Home: this.#list.firstElementChild, End: this.#list.lastElementChild,
    }[event.key];
    if (!row || (!aside && heir === undefined)) return;
    event.preventDefault();
    if (aside) this.#focus(row, PARTS[PARTS.indexOf(part) + aside] ?? part);
    else if (heir) {
      this.#pick(heir.dataset.shape, event);
      this.#focus(heir, part);
    }
  }

  #focus(row, part) {
    const button = row.querySelector(`[data-part=${part}]:not(:disabled)`);
    (button?.checkVisibility() ? button : row.firstElementChild).focus({ preventScroll: true });
    keepInSight(row);
  }
}

function mark(row, isSelected) {
  row?.classList.toggle("selected", isSelected);
  row?.firstElementChild.setAttribute("aria-pressed", String(isSelected));
}

/** Scrolls the list only, never the page, as `scrollIntoView` would on a narrow screen. */
function keepInSight(row) {
  const list = row.parentElement;
  const top = row.offsetTop - list.offsetTop;
  if (top < list.scrollTop) list.scrollTop = top;
  const overhang = top + row.offsetHeight - list.clientHeight;
  if (overhang > list.scrollTop) list.scrollTop = overhang;
}
