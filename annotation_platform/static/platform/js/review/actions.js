/** What a reviewer can do to shapes, in terms of the store; buttons, keys and tools all call these. */

import { moveGeometry } from "review/geometry";
import { isDraft, manualBox } from "review/shapes";

export class Actions {
  #store;
  #viewport;

  /** Set for people who may not review, and while the item is finished. */
  isReadOnly = true;
  /** The label that new boxes get. */
  currentLabel;

  /**
   * @param {import("review/store").Store} store
   * @param {import("review/viewport").Viewport} viewport
   * @param {string} firstLabel
   */
  constructor(store, viewport, firstLabel) {
    this.#store = store;
    this.#viewport = viewport;
    this.currentLabel = firstLabel;
  }

  /** @param {import("review/shapes").Shape} shape whether its geometry and label may change */
  canEdit(shape) {
    return !this.isReadOnly && shape.status !== "discarded";
  }

  /** Accept the selected shape and go on to the next draft. */
  accept() {
    this.#decide("accepted");
  }

  /** Discard the selected shape and go on to the next draft; what was drawn by hand is deleted. */
  discard() {
    if (this.#store.selected?.source === "manual") this.remove();
    else this.#decide("discarded");
  }

  /** Delete a shape that was drawn by hand; those of a model are kept as discarded, for the statistics. */
  remove() {
    const shape = this.#store.selected;
    if (!shape || this.isReadOnly) return;
    if (shape.source === "manual") this.#store.update([{ id: shape.id, removed: true }]);
    else this.#decide("discarded");
  }

  acceptVisible() {
    this.#decideAll(this.visibleDrafts(), "accepted");
  }

  acceptAll() {
    this.#decideAll(this.#store.drafts(), "accepted");
  }

  discardAll() {
    this.#decideAll(this.#store.drafts(), "discarded");
  }

  visibleDrafts() {
    return this.#store.visible().filter(isDraft);
  }

  /** @param {string} label for the selected shape; without one, for the boxes to come */
  setLabel(label) {
    const shape = this.#store.selected;
    if (!shape) this.currentLabel = label;
    else if (this.canEdit(shape) && shape.label !== label) this.#edit(shape, { label });
  }

  /** @param {string} id @param {import("review/geometry").Geometry} geometry */
  reshape(id, geometry) {
    this.#edit(this.#store.get(id), geometry);
  }

  /** Move the selected shape by pixels of the image. */
  nudge(dx, dy) {
    const shape = this.#store.selected;
    if (shape && this.canEdit(shape)) this.#edit(shape, moveGeometry(shape, dx, dy, this.#viewport.size));
  }

  /** @param {import("review/geometry").Box} box */
  addBox(box) {
    const shape = manualBox(this.currentLabel, box);
    this.#store.add(shape);
    this.#store.select(shape.id);
  }

  /** Select the next (1) or previous (-1) draft that the filter shows. @param {1 | -1} direction */
  step(direction) {
    this.#store.select(this.#neighbour(direction) ?? this.#store.selectedId, { reveal: true });
  }

  zoomToShape() {
    if (this.#store.selected) this.#viewport.zoomTo(this.#store.selected.bbox_xyxy);
  }

  #edit(shape, changes) {
    // Editing a draft accepts it: nobody corrects what they do not mean to keep.
    this.#store.update([{ id: shape.id, ...changes, status: "accepted", edited: shape.source === "auto" }]);
  }

  #decide(status) {
    const shape = this.#store.selected;
    if (!shape || this.isReadOnly) return;
    // Looked up first, because a discarded shape leaves the list.
    const next = this.#neighbour(1);
    if (shape.status !== status) this.#store.update([{ id: shape.id, status }]);
    if (next) this.#store.select(next, { reveal: true });
  }

  #decideAll(shapes, status) {
    if (!this.isReadOnly) this.#store.update(shapes.map(({ id }) => ({ id, status })));
  }

  /** The id of the nearest draft in review order, going round at the end; null where no other is left. */
  #neighbour(direction) {
    const shapes = this.#store.visible();
    const at = shapes.findIndex((shape) => shape.id === this.#store.selectedId);
    const start = at < 0 && direction < 0 ? shapes.length : at;
    for (let step = 1; step <= shapes.length; step++) {
      const shape = shapes[(((start + direction * step) % shapes.length) + shapes.length) % shapes.length];
      if (isDraft(shape) && shape.id !== this.#store.selectedId) return shape.id;
    }
    return null;
  }
}
