/**
 * What the primary button does. A tool answers `press` with a drag, or null; the pointer module drives the drag with
 * image coordinates and ends it with `drop`, `cancel` or, where it never moved, `click`.
 *
 * @typedef {import("review/geometry").Point} Point
 * @typedef {{point: Point, pointerType: string, shiftKey: boolean, altKey: boolean}} Press
 * @typedef {{move: (point: Point) => void, drop: () => void, cancel: () => void, click?: () => void}} Drag
 * @typedef {{
 *   press: (press: Press) => Drag | null,      without a drag the press pans
 *   hover: (press: Press) => void,
 *   click?: (press: Press) => void,            a press without a drag that did not even pan
 *   doubleClick?: (press: Press) => void,
 *   key?: (name: string) => boolean,           "Enter", "Backspace" or "Escape"; whether the tool had a use for it
 *   cancel?: () => boolean,                    gives up what is begun; whether there was anything
 * }} Tool
 */

import { areaOf, boxBetween, moveTogether, pointInside, resizeBox } from "review/geometry";
import { insertVertex, moveVertex, polygonGeometry, removeVertex } from "review/polygons";

const patchOf = ({ id, bbox_xyxy, polygons }) => ({ id, bbox_xyxy, polygons });

/**
 * Picks shapes and moves them, resizes boxes, and edits the vertices of polygons: a drag moves a vertex, or puts a new
 * one into the edge it begins on; Alt and a click deletes one. Shift and a click adds to the selection or takes away
 * from it, Shift and a drag adds what a rubber band touches. A click on an edge changes nothing, because that is how
 * people pick shapes, and a change would accept a draft.
 * @implements {Tool}
 */
export class SelectTool {
  #drawing;
  #selection;
  #actions;
  #viewport;

  /**
   * @param {{
   *   drawing: import("review/drawing").Drawing,
   *   selection: import("review/selection").Selection,
   *   actions: import("review/actions").Actions,
   *   viewport: import("review/viewport").Viewport,
   * }} editor
   */
  constructor({ drawing, selection, actions, viewport }) {
    this.#drawing = drawing;
    this.#selection = selection;
    this.#actions = actions;
    this.#viewport = viewport;
  }

  hover({ point, pointerType, shiftKey, altKey }) {
    const grip = shiftKey ? null : this.#drawing.gripAt(point, pointerType);
    const shape = grip ? this.#selection.primary : this.#drawing.shapeAt(point, pointerType);
    this.#drawing.showGrip(grip, altKey);
    this.#drawing.setHovered(shape?.id ?? null);
    this.#drawing.setCursor(cursorFor(grip, shape, shiftKey));
  }

  press(press) {
    const { point, pointerType, shiftKey } = press;
    if (shiftKey) return this.#gathering(press);
    const grip = this.#drawing.gripAt(point, pointerType);
    if (grip) return this.#reshaping(grip, press);
    const shape = this.#drawing.shapeAt(point, pointerType);
    return shape && this.#actions.canEdit(shape) ? this.#moving(shape, point) : null;
  }

  /** What cannot be moved can still be picked. */
  click({ point, pointerType }) {
    const shape = this.#drawing.shapeAt(point, pointerType);
    if (shape) this.#selection.only(shape.id);
    else this.#selection.clear();
  }

  /** Moves the selection; a shape that was not in it becomes the selection first. */
  #moving(shape, from) {
    const before = [...this.#selection.ids];
    if (!this.#selection.has(shape.id)) this.#selection.only(shape.id);
    const starts = this.#selection.shapes().filter((one) => this.#actions.canEdit(one));
    const drag = this.#previewing(([x, y]) => moveTogether(starts, x - from[0], y - from[1], this.#viewport.size));
    return {
      ...drag,
      click: () => this.#selection.only(shape.id),
      cancel: () => {
        drag.cancel();
        this.#selection.set(before);
      },
    };
  }

  #gathering({ point, pointerType }) {
    let band = null;
    return {
      move: (to) => {
        band = boxBetween(point, to, this.#viewport.size);
        this.#drawing.showRubberBand(band);
      },
      drop: () => {
        this.#drawing.showRubberBand(null);
        this.#selection.set([...this.#selection.ids, ...this.#drawing.shapesIn(band).map(({ id }) => id)]);
      },
      cancel: () => this.#drawing.showRubberBand(null),
      click: () => {
        const shape = this.#drawing.shapeAt(point, pointerType);
        if (shape) this.#selection.toggle(shape.id);
      },
    };
  }

  #reshaping(grip, { point, altKey }) {
    const shape = this.#selection.primary;
    if (altKey && grip.kind === "vertex") return this.#deleting(shape, grip.path);
    const size = this.#viewport.size;
    return this.#previewing(([x, y]) => [{ ...shape, ...dragged(shape, grip, x - point[0], y - point[1], size) }]);
  }

  #deleting(shape, path) {
    const nothing = () => {};
    return {
      move: nothing,
      drop: nothing,
      cancel: nothing,
      click: () => {
        const polygons = removeVertex(shape.polygons, path);
        if (polygons) this.#actions.reshape([patchOf({ ...shape, ...polygonGeometry(polygons) })]);
      },
    };
  }

  /** A drag that shows `shapesAt` and takes them over when it ends. @returns {Drag} */
  #previewing(shapesAt) {
    let shapes = [];
    return {
      move: (to) => {
        shapes = shapesAt(to);
        this.#drawing.preview(shapes);
      },
      drop: () => {
        this.#drawing.clearPreview();
        // Nobody means to make a shape of no area, and no server would take it.
        if (shapes.every((shape) => areaOf(shape) > 0)) this.#actions.reshape(shapes.map(patchOf));
      },
      cancel: () => this.#drawing.clearPreview(),
    };
  }
}

/** The geometry of a shape after one of its grips was dragged by (dx, dy). */
function dragged({ bbox_xyxy, polygons }, { kind, handle, path, point }, dx, dy, size) {
  if (kind === "side") return { bbox_xyxy: resizeBox(bbox_xyxy, handle, dx, dy, size) };
  const to = pointInside([point[0] + dx, point[1] + dy], size);
  return polygonGeometry(kind === "vertex" ? moveVertex(polygons, path, to) : insertVertex(polygons, path, to));
}

function cursorFor(grip, shape, isGathering) {
  if (grip?.kind === "side") return `${grip.handle.name}-resize`;
  if (grip) return grip.kind === "edge" ? "copy" : "move";
  if (shape) return "pointer";
  return isGathering ? "crosshair" : "grab";
}
