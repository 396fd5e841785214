/** The tools that draw new shapes. While Shift is held at the end of a shape, the tool stays for the next one. */

import { boxBetween, distance, isLargeEnough, lineThrough, pathOf, pointInside } from "review/geometry";
import { reachOf } from "review/handles";
import { MIN_POINTS, combine, isLargeRing, polygonGeometry } from "review/polygons";

/** A drag leaves a point each time it has gone so far, in screen pixels. */
const FREEHAND_STEP = 8;
/** Points nearer than this are one point, as those of a double click are. */
const SAME_POINT = 3;

/** Draws a box from corner to corner. @implements {import("review/tools").Tool} */
export class BoxTool {
  #drawing;
  #actions;
  #viewport;
  #onDrawn;

  /**
   * @param {{drawing: import("review/drawing").Drawing, actions: import("review/actions").Actions,
   *   viewport: import("review/viewport").Viewport, onDrawn: () => void}} editor  onDrawn: the tool has done its work
   */
  constructor({ drawing, actions, viewport, onDrawn }) {
    this.#drawing = drawing;
    this.#actions = actions;
    this.#viewport = viewport;
    this.#onDrawn = onDrawn;
  }

  hover() {
    showCrosshair(this.#drawing);
  }

  press({ point, shiftKey }) {
    let box = null;
    return {
      move: (to) => {
        box = boxBetween(point, to, this.#viewport.size);
        this.#drawing.showSketch({ d: pathOf({ bbox_xyxy: box, polygons: null }) }, this.#actions.currentLabel);
      },
      drop: () => {
        this.#drawing.showSketch(null);
        if (!isLargeEnough(box)) return;
        this.#actions.addShape({ kind: "box", bbox_xyxy: box, polygons: null });
        if (!shiftKey) this.#onDrawn();
      },
      cancel: () => this.#drawing.showSketch(null),
      click: () => {},
    };
  }
}

/**
 * Draws a polygon: a click places a point, a drag places them as it goes. A click on the first point, a double click
 * or Enter closes it.
 *
 * With Alt held as it is closed, the outline joins the polygon that is selected (selected alone, and open to changes):
 * inside that polygon it is cut out as a hole, outside it becomes a further part. One that crosses the polygon's own
 * outline can do neither and stays open. The selection must therefore outlive the choice of this tool.
 * @implements {import("review/tools").Tool}
 */
export class PolygonTool {
  #drawing;
  #selection;
  #actions;
  #viewport;
  #onDrawn;
  /** @type {import("review/geometry").Point[]} */
  #points = [];
  #isDragging = false;

  /**
   * @param {{drawing: import("review/drawing").Drawing, selection: import("review/selection").Selection,
   *   actions: import("review/actions").Actions, viewport: import("review/viewport").Viewport,
   *   onDrawn: () => void}} editor  onDrawn: the tool has done its work
   */
  constructor({ drawing, selection, actions, viewport, onDrawn }) {
    this.#drawing = drawing;
    this.#selection = selection;
    this.#actions = actions;
    this.#viewport = viewport;
    this.#onDrawn = onDrawn;
  }

  hover(press) {
    showCrosshair(this.#drawing);
    this.#show(press);
  }

  press(press) {
    const before = this.#points;
    const isClosing = this.#isAtStart(press);
    return {
      move: (point) => {
        this.#isDragging = true;
        if (isClosing) return;
        if (this.#points === before) this.#place(press.point, SAME_POINT);
        this.#place(point, FREEHAND_STEP);
        this.#show({ ...press, point });
      },
      drop: () => {
        this.#isDragging = false;
        if (isClosing) return this.#close(press);
        if (!this.#hasComeRound(press)) return this.#show();
        // The line ends where it began: one point there is enough.
        this.#points = this.#points.slice(0, -1);
        return this.#close(press);
      },
      click: () => {
        if (isClosing) return this.#close(press);
        this.#place(press.point, SAME_POINT);
        return this.#show(press);
      },
      cancel: () => {
        this.#isDragging = false;
        this.#points = before;
        this.#show();
      },
    };
  }

  doubleClick(press) {
    this.#close(press);
  }

  key(name) {
    // Escape gives up the drag, which is the pointer's; the other keys wait for its end.
    if (this.#isDragging) return name !== "Escape";
    if (!this.#points.length) return false;
    if (name === "Escape") return this.cancel();
    if (name === "Enter") this.#close({ shiftKey: false, altKey: false });
    if (name === "Backspace") {
      this.#points = this.#points.slice(0, -1);
      this.#show();
    }
    return name === "Enter" || name === "Backspace";
  }

  cancel() {
    const hadPoints = this.#points.length > 0;
    this.#points = [];
    this.#show();
    return hadPoints;
  }

  #place(point, leastStep) {
    const last = this.#points.at(-1);
    if (last && this.#away(last, point) < leastStep) return;
    this.#points = [...this.#points, pointInside(point, this.#viewport.size)];
  }

  /** @param {import("review/tools").Press} press its point is the last one of the outline, for the time being */
  #close({ shiftKey, altKey }) {
    if (!isLargeRing(this.#points)) return;
    const target = altKey ? this.#target() : null;
    if (target) {
      const polygons = combine(target.polygons, this.#points);
      if (!polygons) return;
      this.#actions.reshape([{ id: target.id, ...polygonGeometry(polygons) }]);
    } else {
      this.#actions.addShape({ kind: "polygon", ...polygonGeometry([[this.#points]]) });
    }
    this.cancel();
    if (!shiftKey) this.#onDrawn();
  }

  /** @returns {import("review/shapes").Shape | null} the polygon that an outline can join */
  #target() {
    const shape = this.#selection.size === 1 ? this.#selection.primary : null;
    return shape?.polygons && this.#actions.canEdit(shape) ? shape : null;
  }

  /** @param {import("review/tools").Press} [press] where the pointer is; without it, the outline ends at its last point */
  #show(press) {
    if (!this.#points.length) return this.#drawing.showSketch(null);
    const isAtStart = press && this.#isAtStart(press);
    const outline = press && !isAtStart ? [...this.#points, pointInside(press.point, this.#viewport.size)] : this.#points;
    const target = press?.altKey ? this.#target() : null;
    const tone = !target ? "new" : combine(target.polygons, outline) ? "combined" : "refused";
    const sketch = { d: lineThrough(outline), points: this.#points, start: isAtStart ? this.#points[0] : null, tone };
    return this.#drawing.showSketch(sketch, target?.label ?? this.#actions.currentLabel);
  }

  #isAtStart({ point, pointerType }) {
    return this.#points.length >= MIN_POINTS && this.#away(this.#points[0], point) <= reachOf(pointerType);
  }

  /** Whether a line drawn by hand is back where it began, after it had really left. */
  #hasComeRound({ pointerType }) {
    const [start] = this.#points;
    const hasLeft = this.#points.some((point) => this.#away(start, point) > 2 * reachOf(pointerType));
    return hasLeft && this.#isAtStart({ point: this.#points.at(-1), pointerType });
  }

  #away(a, b) {
    return distance(a, b) * this.#viewport.scale;
  }
}

function showCrosshair(drawing) {
  drawing.setHovered(null);
  drawing.showGrip(null);
  drawing.setCursor("crosshair");
}
