/** Mouse, pen and touch on the canvas: drags for the tool, panning, zooming with the wheel or two fingers. */

import { distance } from "review/geometry";

/** A press that moves less than this is a click, in screen pixels. */
const DRAG_FROM = 3;

export class Pointer {
  #canvas;
  #viewport;
  #tool;
  #drag = null;
  /** @type {Map<number, import("review/geometry").Point>} the fingers that are down, in stage pixels */
  #touches = new Map();

  /** Space is held: the primary button pans. */
  isPanKeyDown = false;

  /**
   * @param {import("review/canvas").Canvas} canvas
   * @param {import("review/viewport").Viewport} viewport
   * @param {() => import("review/tools").Tool} tool the one in use
   */
  constructor(canvas, viewport, tool) {
    this.#canvas = canvas;
    this.#viewport = viewport;
    this.#tool = tool;
    const { root } = canvas;
    root.addEventListener("pointerdown", (event) => this.#down(event));
    root.addEventListener("pointermove", (event) => this.#move(event));
    root.addEventListener("pointerup", (event) => this.#up(event));
    root.addEventListener("pointercancel", (event) => this.#up(event, { isCancelled: true }));
    root.addEventListener("pointerleave", () => this.#canvas.setHovered(null));
    root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    root.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** @returns {boolean} whether there was a drag to give up */
  cancel() {
    const drag = this.#drag;
    this.#drag = null;
    drag?.cancel();
    return Boolean(drag);
  }

  #down(event) {
    const at = this.#viewport.stagePoint(event);
    this.#canvas.root.focus({ preventScroll: true });
    this.#canvas.root.setPointerCapture(event.pointerId);
    // The middle button would start the browser's own scrolling.
    if (event.button === 1) event.preventDefault();
    if (event.pointerType === "touch") this.#touches.set(event.pointerId, at);
    if (this.#touches.size > 1) {
      this.cancel();
    } else if (event.button !== 0 || this.isPanKeyDown) {
      this.#drag = this.#started(this.#panning(), at, event.pointerId);
    } else {
      const press = { point: this.#viewport.toImage(at), pointerType: event.pointerType, keepTool: event.shiftKey };
      const drag = this.#tool().press(press) ?? this.#panning(() => this.#tool().clickNothing?.());
      this.#drag = this.#started(drag, at, event.pointerId);
    }
  }

  #move(event) {
    const at = this.#viewport.stagePoint(event);
    if (this.#touches.size > 1) {
      this.#pinch(event.pointerId, at);
      return;
    }
    if (this.#touches.has(event.pointerId)) this.#touches.set(event.pointerId, at);
    if (this.#drag) this.#drag.move(at, event.pointerId);
    else this.#tool().hover(this.#viewport.toImage(at), event.pointerType);
  }

  #up(event, { isCancelled = false } = {}) {
    this.#touches.delete(event.pointerId);
    const drag = this.#drag;
    this.#drag = null;
    if (isCancelled) drag?.cancel();
    else drag?.drop();
  }

  /** A drag in stage pixels that begins only once the pointer has really moved. */
  #started(drag, from, pointerId) {
    let hasMoved = false;
    return {
      move: (at, id) => {
        if (id !== pointerId) return;
        hasMoved ||= distance(from, at) >= DRAG_FROM;
        if (hasMoved) drag.move(this.#viewport.toImage(at), at);
      },
      drop: () => (hasMoved ? drag.drop() : drag.click?.()),
      cancel: () => drag.cancel(),
    };
  }

  #panning(click) {
    let last = null;
    return {
      move: (_, at) => {
        this.#canvas.setCursor("grabbing");
        if (last) this.#viewport.panBy(at[0] - last[0], at[1] - last[1]);
        last = at;
      },
      drop: () => this.#canvas.setCursor(""),
      cancel: () => this.#canvas.setCursor(""),
      click,
    };
  }

  #pinch(pointerId, at) {
    const before = [...this.#touches.values()];
    this.#touches.set(pointerId, at);
    const after = [...this.#touches.values()];
    const [from, to] = [middle(before), middle(after)];
    this.#viewport.panBy(to[0] - from[0], to[1] - from[1]);
    this.#viewport.zoom(distance(after[0], after[1]) / (distance(before[0], before[1]) || 1), to);
  }

  #wheel(event) {
    event.preventDefault();
    // A pinch on a touchpad arrives as a wheel with Ctrl and small steps; lines and pages count as many pixels.
    const unit = [1, 16, 100][event.deltaMode];
    const speed = event.ctrlKey ? 0.01 : 0.0015;
    this.#viewport.zoom(Math.exp(-event.deltaY * unit * speed), this.#viewport.stagePoint(event));
  }
}

function middle([a, b]) {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}
