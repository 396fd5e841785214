/** What a reviewer can do to shapes, in terms of store and selection; buttons, keys and tools all call these. */

import { moveTogether } from "review/geometry";
import { withBoxesBack } from "review/replacing";
import { isDraft, manualShape } from "review/shapes";

/** @typedef {import("review/shapes").Shape} Shape */

export class Actions {
  #store;
  #selection;
  #viewport;

  /** Set for people who may not review, and while the item is finished. */
  isReadOnly = true;
  /** The label that new shapes get. */
  currentLabel;

  /**
   * @param {import("review/store").Store} store
   * @param {import("review/selection").Selection} selection
   * @param {import("review/viewport").Viewport} viewport
   * @param {string} firstLabel
   */
  constructor(store, selection, viewport, firstLabel) {
    this.#store = store;
    this.#selection = selection;
    this.#viewport = viewport;
    this.currentLabel = firstLabel;
  }

  /** @param {Shape} shape whether its geometry and label may change */
  canEdit(shape) {
    return !this.isReadOnly && shape.status !== "discarded";
  }

  /** Accept what is selected; after a single shape, on to the next draft. */
  accept() {
    this.#decideSelection((shape) => accepted(shape));
  }

  /** Discard what is selected; what was drawn by hand is deleted, a model's work kept for the statistics. */
  discard() {
    this.#decideSelection((shape) => discarded(shape));
  }

  /** Back to drafts, as the model made them. */
  reopenShapes() {
    const shapes = this.#selection.shapes().filter((shape) => shape.source === "auto" && !isDraft(shape));
    if (this.isReadOnly || !shapes.length) return;
    const patches = shapes.map(({ id, label, bbox_xyxy, polygons }) => (
      // The server restores label and geometry; named here, so that undo brings the edit back.
      { id, status: "draft", edited: false, label, bbox_xyxy, polygons }
    ));
    this.#store.update(withBoxesBack(patches, this.#store.all()));
  }

  acceptShown() {
    this.#update(this.shownDrafts(), accepted);
  }

  discardShown() {
    this.#update(this.shownDrafts(), discarded);
  }

  /** All drafts of a label that the filter shows. @param {string} label @param {"accepted" | "discarded"} status */
  decideLabel(label, status) {
    const drafts = this.shownDrafts().filter((shape) => shape.label === label);
    this.#update(drafts, status === "accepted" ? accepted : discarded);
  }

  /** @returns {Shape[]} the drafts that the filter shows */
  shownDrafts() {
    return this.#store.visible().filter(isDraft);
  }

  /** @param {string} label of what is selected; without a selection, of the shapes to come */
  relabel(label) {
    if (this.#selection.size) this.#relabelAll(this.#selection.shapes(), label);
    else this.currentLabel = label;
  }

  /** @param {string} label of every shape that the filter shows */
  relabelShown(label) {
    this.#relabelAll(this.#store.visible(), label);
  }

  /** @param {string} from @param {string} to of every shape of the label `from` that the filter shows */
  relabelLabel(from, to) {
    this.#relabelAll(this.#store.visible().filter((shape) => shape.label === from), to);
  }

  /** One step, whatever the number of shapes. @param {({id: string} & import("review/geometry").Geometry)[]} geometries */
  reshape(geometries) {
    if (this.isReadOnly) return;
    this.#store.update(geometries.map(({ id, bbox_xyxy, polygons }) => ({ id, bbox_xyxy, polygons, ...edited(this.#store.get(id)) })));
  }

  /** Move what is selected by pixels of the image. */
  nudge(dx, dy) {
    const shapes = this.#selection.shapes().filter((shape) => this.canEdit(shape));
    if (shapes.length) this.reshape(moveTogether(shapes, dx, dy, this.#viewport.size));
  }

  /** @param {import("review/geometry").Geometry & {kind: "box" | "polygon"}} geometry */
  addShape(geometry) {
    if (this.isReadOnly) return;
    const shape = manualShape(this.#store.item.uid, this.currentLabel, geometry);
    this.#store.add(shape);
    this.#selection.only(shape.id);
  }

  /** Select the next (1) or previous (-1) draft that the filter shows. @param {1 | -1} direction */
  step(direction) {
    this.#selection.only(this.#neighbour(direction) ?? this.#selection.primaryId, { reveal: true });
  }

  selectAll() {
    this.#selection.set(this.#store.visible().map(({ id }) => id));
  }

  zoomToShape() {
    const shape = this.#selection.primary;
    if (shape) this.#viewport.zoomTo(shape.bbox_xyxy);
  }

  #decideSelection(patchOf) {
    const shapes = this.#selection.shapes();
    if (!shapes.length || this.isReadOnly) return;
    // Looked up first, because a discarded shape leaves the list.
    const next = this.#neighbour(1);
    this.#update(shapes, patchOf);
    if (next) this.#selection.only(next, { reveal: true });
  }

  #relabelAll(shapes, label) {
    const others = shapes.filter((shape) => this.canEdit(shape) && shape.label !== label);
    this.#update(others, (shape) => ({ id: shape.id, label, ...edited(shape) }));
  }

  /** One step with the patches that change anything. */
  #update(shapes, patchOf) {
    if (this.isReadOnly) return;
    const differs = (patch, shape) => Object.entries(patch).some(([field, value]) => shape[field] !== value);
    const patches = shapes.map((shape) => [patchOf(shape), shape]).filter(([patch, shape]) => differs(patch, shape));
    this.#store.update(patches.map(([patch]) => patch));
  }

  /** The id of the nearest draft in review order that is not selected, going round at the end; null where none is left. */
  #neighbour(direction) {
    const shapes = this.#store.visible();
    const at = shapes.findIndex((shape) => shape.id === this.#selection.primaryId);
    const start = at < 0 && direction < 0 ? shapes.length : at;
    for (let step = 1; step <= shapes.length; step++) {
      const shape = shapes[(((start + direction * step) % shapes.length) + shapes.length) % shapes.length];
      if (isDraft(shape) && !this.#selection.has(shape.id)) return shape.id;
    }
    return null;
  }
}

/** The patch that accepts a shape. @param {Shape} shape @returns {import("review/history").Patch} */
export const accepted = ({ id }) => ({ id, status: "accepted" });

/** The patch that discards a shape; what was drawn by hand is deleted. @param {Shape} shape */
export const discarded = ({ id, source }) => (source === "manual" ? { id, removed: true } : { id, status: "discarded" });

/** Editing a draft accepts it: nobody corrects what they do not mean to keep. Only a model's work counts as edited. */
const edited = (shape) => ({ status: "accepted", edited: shape.source === "auto" });
