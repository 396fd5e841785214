/** The side panel above the list: counts, filter, label picker, and which buttons can be pressed. */

import { plural } from "platform/dom";
import { isDraft } from "review/shapes";

const byId = (id) => document.getElementById(id);

export class Panel {
  #store;
  #actions;

  /** @param {import("review/store").Store} store @param {import("review/actions").Actions} actions */
  constructor(store, actions) {
    this.#store = store;
    this.#actions = actions;
    for (const event of ["change", "select", "filter", "history"]) store.addEventListener(event, () => this.show());
    byId("min-score").addEventListener("input", ({ target }) => store.setFilter({ minScore: Number(target.value) }));
    byId("show-discarded").addEventListener("change", ({ target }) => store.setFilter({ showDiscarded: target.checked }));
    byId("label-select")?.addEventListener("change", ({ target }) => this.setLabel(target.value));
    byId("label-keys")?.addEventListener("click", ({ target }) => {
      const label = target.closest("[data-label]")?.dataset.label;
      if (label) this.setLabel(label);
    });
  }

  /** @param {string} label */
  setLabel(label) {
    this.#actions.setLabel(label);
    this.#showLabel();
  }

  show() {
    this.#showCounts();
    this.#showLabel();
    this.#enableButtons();
  }

  #showCounts() {
    const shapes = this.#store.all();
    const count = (test) => shapes.filter(test).length;
    const drafts = count(isDraft);
    const discarded = count(({ status }) => status === "discarded");
    const accepted = shapes.length - drafts - discarded;
    const parts = [drafts ? `${plural(drafts, "draft")} left` : "All decided", `${accepted} accepted`, discarded ? `${discarded} discarded` : ""];
    byId("tally").textContent = shapes.length ? parts.filter(Boolean).join(" · ") : "No shapes yet";
    byId("tally-bar").value = shapes.length ? 1 - drafts / shapes.length : 0;
    byId("min-score-text").textContent = this.#store.filter.minScore.toFixed(2);

    const visible = this.#store.visible().length;
    byId("shape-count").textContent = visible === shapes.length ? visible : `${visible} of ${shapes.length}`;
    byId("list-empty").hidden = visible > 0;
    byId("list-empty").textContent = shapes.length
      ? "The filter hides all shapes."
      : "Nothing is on this image yet. If nothing belongs on it, finish it as it is.";

    const button = byId("accept-visible");
    if (!button) return;
    const waiting = this.#actions.visibleDrafts().length;
    button.querySelector("[data-text]").textContent = waiting ? `Accept ${plural(waiting, "visible draft")}` : "No visible drafts";
    button.disabled = !waiting || this.#actions.isReadOnly;
  }

  #showLabel() {
    const select = byId("label-select");
    if (!select) return;
    const shape = this.#store.selected;
    const label = shape?.label ?? this.#actions.currentLabel;
    byId("label-caption").textContent = shape ? "Label of the selected shape" : "Label of new boxes";
    select.value = label;
    for (const button of byId("label-keys").querySelectorAll("[data-label]")) {
      button.setAttribute("aria-pressed", String(button.dataset.label === label));
    }
  }

  #enableButtons() {
    const shape = this.#store.selected;
    for (const button of document.querySelectorAll("[data-writes], [data-needs-shape]")) {
      if (button.id === "accept-visible") continue;
      const lacksShape = "needsShape" in button.dataset && !shape;
      const lacksManual = "needsManual" in button.dataset && shape?.source !== "manual";
      button.disabled = lacksShape || lacksManual || ("writes" in button.dataset && this.#actions.isReadOnly);
    }
    for (const [action, isPossible] of [["undo", this.#store.canUndo], ["redo", this.#store.canRedo]]) {
      const button = document.querySelector(`[data-action=${action}]`);
      if (button) button.disabled = !isPossible || this.#actions.isReadOnly;
    }
  }
}
