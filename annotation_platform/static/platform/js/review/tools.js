/**
 * What the primary button does. A tool answers `press` with a drag, or null; the pointer module drives the drag with
 * image coordinates and ends it with `drop` or `cancel`.
 *
 * @typedef {import("review/geometry").Point} Point
 * @typedef {{point: Point, pointerType: string, keepTool: boolean}} Press
 * @typedef {{move: (point: Point) => void, drop: () => void, cancel: () => void}} Drag
 * @typedef {{press: (press: Press) => Drag | null, hover: (point: Point, pointerType: string) => void,
 *   clickNothing?: () => void}} Tool  without a drag the press pans; `clickNothing` is a press that did not even pan
 */

import { boxBetween, isLargeEnough, moveGeometry, resizeBox } from "review/geometry";

/** For shapes that may be picked but not moved. @type {Drag} */
const NO_DRAG = { move: () => {}, drop: () => {}, cancel: () => {} };

/** Picks shapes, moves them and resizes boxes. @implements {Tool} */
export class SelectTool {
  #canvas;
  #store;
  #actions;
  #size;

  /** @param {{canvas: object, store: object, actions: object, size: import("review/geometry").Size}} editor */
  constructor({ canvas, store, actions, size }) {
    this.#canvas = canvas;
    this.#store = store;
    this.#actions = actions;
    this.#size = size;
  }

  hover(point, pointerType) {
    const handle = this.#canvas.handleAt(point, pointerType);
    const shape = handle ? this.#store.selected : this.#canvas.shapeAt(point);
    this.#canvas.setHovered(shape?.id ?? null);
    this.#canvas.setCursor(handle ? `${handle.name}-resize` : shape ? "pointer" : "grab");
  }

  press({ point, pointerType }) {
    const handle = this.#canvas.handleAt(point, pointerType);
    if (handle) return this.#drag(point, (shape, dx, dy) => ({ bbox_xyxy: resizeBox(shape.bbox_xyxy, handle, dx, dy, this.#size) }));
    const shape = this.#canvas.shapeAt(point);
    if (!shape) return null;
    this.#store.select(shape.id);
    if (!this.#actions.canEdit(shape)) return NO_DRAG;
    return this.#drag(point, (start, dx, dy) => moveGeometry(start, dx, dy, this.#size));
  }

  clickNothing() {
    this.#store.select(null);
  }

  #drag(from, geometryAfter) {
    const start = this.#store.selected;
    let geometry = null;
    return {
      move: ([x, y]) => {
        geometry = geometryAfter(start, x - from[0], y - from[1]);
        this.#canvas.preview({ ...start, ...geometry });
      },
      drop: () => this.#actions.reshape(start.id, geometry),
      cancel: () => this.#canvas.preview(this.#store.get(start.id)),
    };
  }
}

/** Draws a new box from corner to corner. @implements {Tool} */
export class BoxTool {
  #canvas;
  #actions;
  #size;
  #onDrawn;

  /** @param {{canvas: object, actions: object, size: object, onDrawn: () => void}} editor */
  constructor({ canvas, actions, size, onDrawn }) {
    this.#canvas = canvas;
    this.#actions = actions;
    this.#size = size;
    this.#onDrawn = onDrawn;
  }

  hover() {
    this.#canvas.setHovered(null);
    this.#canvas.setCursor("crosshair");
  }

  press({ point, keepTool }) {
    let box = null;
    return {
      move: (to) => {
        box = boxBetween(point, to, this.#size);
        this.#canvas.showSketch(box, this.#actions.currentLabel);
      },
      drop: () => {
        this.#canvas.showSketch(null);
        if (!isLargeEnough(box)) return;
        this.#actions.addBox(box);
        if (!keepTool) this.#onDrawn();
      },
      cancel: () => this.#canvas.showSketch(null),
    };
  }
}
