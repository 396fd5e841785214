/** What the page's buttons and headings say of the shapes: counts, the selection, and what can be done right now. */

import { plural } from "platform/dom";
import { batched, listen } from "review/batched";
import { statusOf } from "review/filter";
import { boxesWithMask } from "review/replacing";
import { isDraft, scoreText } from "review/shapes";

/** @typedef {import("review/shapes").Shape} Shape */

const byId = (id) => document.getElementById(id);

export class Panel {
  #store;
  #selection;
  #actions;

  /**
   * @param {{store: import("review/store").Store, selection: import("review/selection").Selection,
   *   actions: import("review/actions").Actions}} editor
   */
  constructor({ store, selection, actions }) {
    this.#store = store;
    this.#selection = selection;
    this.#actions = actions;
    const show = batched(() => this.show());
    listen(store, ["open", "change", "item", "filter", "history"], show);
    listen(selection, ["change"], show);
    this.show();
  }

  /** Only needed when something changed that sends no event, such as the label of new shapes. */
  show() {
    const shapes = this.#store.all();
    const visible = this.#store.visible();
    this.#showTally(shapes);
    this.#showListHead(shapes, visible);
    this.#showSelection();
    this.#showLabel();
    this.#showBulk(visible);
    this.#showItemButtons(visible.filter(isDraft).length);
    this.#enable("undo", this.#store.canUndo);
    this.#enable("redo", this.#store.canRedo);
    for (const button of document.querySelectorAll("[data-writes]")) button.disabled = this.#actions.isReadOnly;
    for (const button of document.querySelectorAll("[data-needs-shape]")) button.disabled = !this.#selection.size;
  }

  #showTally(shapes) {
    const counts = countByStatus(shapes);
    const parts = [
      counts.draft ? `${plural(counts.draft, "draft")} left` : "All decided",
      `${counts.accepted + counts.edited} accepted`,
      counts.discarded ? `${counts.discarded} discarded` : "",
    ];
    say(byId("tally"), shapes.length ? parts.filter(Boolean).join(" · ") : "No shapes yet");
    byId("tally-bar").value = shapes.length ? 1 - counts.draft / shapes.length : 0;
  }

  #showListHead(shapes, visible) {
    const isWhole = visible.length === shapes.length;
    say(byId("shape-count"), isWhole ? String(shapes.length) : `${visible.length} of ${shapes.length} shown`);
    byId("list-empty").hidden = visible.length > 0 || !this.#store.item;
    byId("list-hidden").hidden = !shapes.length;
    byId("list-nothing").hidden = shapes.length > 0;
    say(byId("list-hidden-text"), `The filter hides ${shapes.length === 1 ? "the only shape" : `all ${shapes.length} shapes`}.`);
    say(byId("list-nothing"), this.#emptyText());
    for (const way of ["previous-draft", "next-draft"]) this.#enable(way, visible.some(isDraft));
  }

  #emptyText() {
    if (this.#actions.isReadOnly) return "Nothing is on this image.";
    // A banner says already what it means that the model found nothing.
    if (this.#store.item?.isAutoLabeled) return "What you draw will be listed here.";
    return "Nothing is on this image yet. Draw what belongs here, or finish it as it is.";
  }

  #showSelection() {
    const shapes = this.#selection.shapes();
    const [shape] = shapes;
    const title = byId("selection-title");
    say(title, shapes.length > 1 ? `${shapes.length} shapes selected` : (shape?.label ?? "Nothing selected"));
    title.classList.toggle("muted", !shape);
    say(byId("selection-facts"), shapes.length > 1 ? severalFacts(shapes) : shape ? this.#oneFacts(shape) : "");
    const offer = (action, text, test) => {
      const count = shapes.filter(test).length;
      this.#offer(action, count, text, shapes.length > 1 ? `${text} ${count}` : text);
    };
    offer("accept", "Accept", ({ status }) => status !== "accepted");
    offer("discard", "Discard", ({ status }) => status !== "discarded");
    offer("reopen-shape", "Back to draft", ({ source, status }) => source === "auto" && status !== "draft");
    offer("remove", "Delete", ({ source }) => source === "manual");
  }

  /** Where a mask and its box lie upon each other, it is said what becomes of the box. */
  #oneFacts(shape) {
    const isReplaced = boxesWithMask(this.#store.visible()).has(shape.uid);
    const hint = isReplaced ? "its mask waits" : isDraft(shape) && shape.replaces ? "replaces its box" : "";
    return [oneFacts(shape), hint].filter(Boolean).join(" · ");
  }

  /** The label of what is selected, if it is one and the same, or of the shapes to come. */
  #showLabel() {
    if (!byId("label-caption")) return;
    const labels = new Set(this.#selection.shapes().map(({ label }) => label));
    const isForNew = labels.size === 0;
    const [label] = isForNew ? [this.#actions.currentLabel] : labels;
    say(byId("label-caption"), isForNew ? "Label of new shapes" : "Change label");
    say(byId("label-now"), isForNew ? (label ?? "") : labels.size > 1 ? plural(labels.size, "label") : "");
    for (const button of document.querySelectorAll("#label-keys [data-label]")) {
      button.setAttribute("aria-pressed", String(labels.size <= 1 && button.dataset.label === label));
    }
  }

  #showBulk(visible) {
    const drafts = visible.filter(isDraft).length;
    this.#offer("accept-shown", drafts, "Accept shown", `Accept ${drafts} shown`);
    this.#offer("discard-shown", drafts, "Discard shown", `Discard ${drafts} shown`);
    const editable = visible.filter((shape) => this.#actions.canEdit(shape)).length;
    this.#offer("relabel-shown", editable, "Relabel shown", `Relabel ${editable} shown…`);
  }

  #showItemButtons(drafts) {
    const { isReadOnly } = this.#actions;
    const { state } = this.#store.item ?? {};
    const finish = byId("finish");
    if (!finish) return;
    setText(finish, state === "done" ? "Next image" : "Finish");
    finish.disabled = !this.#store.item;
    const both = byId("accept-and-finish");
    both.hidden = isReadOnly || !drafts;
    setText(both, `Accept ${drafts} & finish`);
    const flag = byId("flag");
    flag.setAttribute("aria-pressed", String(state === "flagged"));
    setText(flag, state === "flagged" ? "Flagged" : "Flag");
    flag.disabled = state === "done" || !this.#store.item;
  }

  /** A button that acts on `count` shapes: it says so, and cannot be pressed when there are none. */
  #offer(action, count, text, textWithCount) {
    const button = document.querySelector(`.review-main [data-action=${action}]`);
    if (!button) return;
    const words = count ? textWithCount : text;
    // An icon's words are only heard; the number stands beside it.
    const isIcon = button.hasAttribute("aria-label");
    if (isIcon) button.setAttribute("aria-label", words);
    setText(button, !isIcon ? words : words === text ? "" : String(count));
    button.disabled = !count || this.#actions.isReadOnly;
  }

  #enable(action, isPossible) {
    const button = document.querySelector(`.review-main [data-action=${action}]`);
    if (button) button.disabled = !isPossible;
  }
}

function countByStatus(shapes) {
  const counts = { draft: 0, accepted: 0, edited: 0, discarded: 0 };
  for (const shape of shapes) counts[statusOf(shape)] += 1;
  return counts;
}

/** @param {Shape} shape */
function oneFacts(shape) {
  const [left, top, right, bottom] = shape.bbox_xyxy;
  const size = `${Math.round(right - left)} × ${Math.round(bottom - top)} px`;
  const byWhom = shape.source === "manual" ? "by hand" : scoreText(shape);
  return [byWhom, statusOf(shape), shape.kind, size].filter(Boolean).join(" · ");
}

/** @param {Shape[]} shapes */
function severalFacts(shapes) {
  const counts = countByStatus(shapes);
  const words = ([status, count]) => (status === "draft" ? plural(count, "draft") : `${count} ${status}`);
  return Object.entries(counts).filter(([, count]) => count).map(words).join(" · ");
}

const setText = (button, text) => say(button.querySelector("[data-text]"), text);

/** Only what is new is written, so that screen readers hear a change and nothing else. */
function say(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}
