/** Somebody else has changed what we have changed: shows both versions, and lets the person choose. */

import { element, plural, svg } from "platform/dom";
import { pathOf } from "review/geometry";
import { scoreText } from "review/shapes";

const byId = (id) => document.getElementById(id);
/** How much of the image is shown around the shapes, as a share of their size. */
const SURROUNDINGS = 0.35;

export class ConflictDialog {
  #store;
  #autosave;
  #colors;
  #dialog = byId("conflict");

  /** @param {{store: import("review/store").Store, autosave: import("review/autosave").Autosave, colors: Map<string, string>}} editor */
  constructor({ store, autosave, colors }) {
    this.#store = store;
    this.#autosave = autosave;
    this.#colors = colors;
  }

  /** Shows what is to be chosen on an item, if anything is. @param {string} item its uid */
  show(item) {
    const { conflicts } = this.#autosave;
    const [first, ...others] = conflicts.of(item);
    if (conflicts.isClosed(item)) this.#askAboutItem(item);
    else if (first) this.#askAboutShape(first, others);
    else this.#dialog.close();
  }

  #askAboutItem(item) {
    const { name } = this.#store.itemOf(item);
    const mine = choice("Yours", [element("p", {}, "The image is reopened and your changes are saved.")], "Reopen and keep mine");
    const theirs = choice("Theirs", [element("p", {}, "The image stays finished; your unsaved changes are dropped.")], "Leave it finished");
    this.#open(`Somebody has finished ${name} meanwhile`, mine, theirs, (version) => {
      this.#autosave.resolveClosed(item, version);
      this.show(item);
    });
  }

  #askAboutShape(conflict, others) {
    const { item, id, theirs } = conflict;
    const ours = this.#store.get(id, item);
    const frame = frameAround([ours, theirs], this.#store.itemOf(item));
    const card = (title, shape, button) => choice(title, shape ? [this.#crop(shape, item, frame), facts(shape)] : [gone()], button);
    const forAll = element("input", { type: "checkbox" });
    const text = ` The same for ${plural(others.length, "other shape")} that somebody else has changed`;
    this.#open(
      `Somebody else has changed this ${ours.label}`,
      card("Yours", ours.removed ? null : ours, "Keep mine"),
      card("Theirs", theirs, "Take theirs"),
      (version) => {
        for (const one of forAll.checked ? [conflict, ...others] : [conflict]) this.#autosave.resolve(one, version);
        this.show(item);
      },
      others.length ? [element("label", { class: "check" }, forAll, text)] : [],
    );
  }

  /** The part of the image around the shape, with the shape on it. */
  #crop(shape, item, [x, y, width, height]) {
    const { previewUrl, ...size } = this.#store.itemOf(item);
    const d = pathOf(shape);
    const node = svg("g", { class: `shape ${shape.status}` }, svg("path", { class: "halo", d }), svg("path", { class: "line", d }));
    node.style.setProperty("--c", this.#colors.get(shape.label) ?? "#888888");
    const photo = svg("image", { href: previewUrl, width: size.width, height: size.height });
    return svg("svg", { viewBox: `${x} ${y} ${width} ${height}`, role: "img", "aria-label": `${shape.label}, ${shape.status}` }, photo, node);
  }

  #open(title, mine, theirs, onChoice, more = []) {
    byId("conflict-title").textContent = title;
    mine.button.addEventListener("click", () => onChoice("mine"));
    theirs.button.addEventListener("click", () => onChoice("theirs"));
    byId("conflict-body").replaceChildren(element("div", { class: "conflict-pair" }, mine.card, theirs.card), ...more);
    if (!this.#dialog.open) this.#dialog.showModal();
  }
}

function choice(title, content, action) {
  const button = element("button", { type: "button", class: "button" }, action);
  const card = element("section", { class: "conflict-card", "aria-label": title }, element("h3", {}, title), ...content, button);
  return { card, button };
}

function facts(shape) {
  const words = [shape.label, shape.edited ? "edited" : shape.status, scoreText(shape)].filter(Boolean);
  const [x0, y0, x1, y1] = shape.bbox_xyxy.map(Math.round);
  const size = `${x1 - x0} × ${y1 - y0} pixels at ${x0}, ${y0}`;
  return element("p", { class: "muted" }, element("strong", {}, words.join(" · ")), element("br"), size);
}

const gone = () => element("p", { class: "muted" }, "Deleted.");

/** @returns {number[]} x, y, width, height that hold all shapes, with some of the image around them */
function frameAround(shapes, { width, height }) {
  const boxes = shapes.filter(Boolean).map(({ bbox_xyxy }) => bbox_xyxy);
  const [x0, y0] = [0, 1].map((at) => Math.min(...boxes.map((box) => box[at])));
  const [x1, y1] = [2, 3].map((at) => Math.max(...boxes.map((box) => box[at])));
  const margin = Math.max(x1 - x0, y1 - y0) * SURROUNDINGS;
  const [left, top] = [Math.max(0, x0 - margin), Math.max(0, y0 - margin)];
  return [left, top, Math.min(width, x1 + margin) - left, Math.min(height, y1 + margin) - top];
}
