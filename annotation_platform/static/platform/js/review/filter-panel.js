/** What to show: the slider over the scores, the statuses, the way back, and folding all of it away. */

import { batched, listen } from "review/batched";
import { DEFAULT_FILTER, STATUSES, isDefault, statusOf } from "review/filter";
import { Histogram } from "review/histogram";
import { recall, remember } from "review/memory";

const byId = (id) => document.getElementById(id);
const STORED_AS = "review-filter-open";
/** From this width on there is room for the filter beside the image. */
const WIDE = "(min-width: 1280px)";

export class FilterPanel {
  #store;
  #slider = byId("min-score");
  #statuses = [...document.querySelectorAll("[data-status]")];

  /** @param {import("review/store").Store} store */
  constructor(store) {
    this.#store = store;
    new Histogram(byId("histogram"), store);
    this.#slider.addEventListener("input", () => store.setFilter({ minScore: Number(this.#slider.value) }));
    for (const button of this.#statuses) button.addEventListener("click", () => this.#toggle(button.dataset.status));
    for (const button of document.querySelectorAll("[data-reset-filter]")) {
      button.addEventListener("click", () => this.#reset(button));
    }
    byId("filter-toggle").addEventListener("click", () => this.#fold());
    setOpen(recall(STORED_AS) ?? matchMedia(WIDE).matches);
    listen(store, ["open", "change", "filter"], batched(() => this.#show()));
    this.#show();
  }

  #reset(button) {
    // The button goes away, and the focus must not go with it.
    if (document.activeElement === button) this.#slider.focus({ preventScroll: true });
    this.#store.setFilter(DEFAULT_FILTER);
  }

  #toggle(status) {
    const statuses = new Set(this.#store.filter.statuses);
    if (!statuses.delete(status)) statuses.add(status);
    this.#store.setFilter({ statuses });
  }

  #fold() {
    const isOpen = byId("filter-toggle").getAttribute("aria-expanded") !== "true";
    setOpen(isOpen);
    remember(STORED_AS, isOpen);
  }

  #show() {
    const { filter } = this.#store;
    const counts = Object.fromEntries(STATUSES.map((status) => [status, 0]));
    for (const shape of this.#store.all()) counts[statusOf(shape)] += 1;
    for (const button of this.#statuses) {
      const { status } = button.dataset;
      button.setAttribute("aria-pressed", String(filter.statuses.has(status)));
      button.querySelector("[data-count]").textContent = counts[status];
    }
    this.#slider.value = filter.minScore;
    byId("min-score-text").textContent = filter.minScore.toFixed(2);
    for (const button of document.querySelectorAll("[data-reset-filter]")) button.hidden = isDefault(filter);
    byId("filter-panel").classList.toggle("filtering", !isDefault(filter));
  }
}

function setOpen(isOpen) {
  byId("filter-toggle").setAttribute("aria-expanded", String(isOpen));
  byId("filter-toggle").title = isOpen ? "Hide the filter" : "Show the filter";
  byId("main").classList.toggle("filter-folded", !isOpen);
}
