/** Mouse, pen and touch on the canvas: drags for the tool, panning, zooming with the wheel or two fingers. */

import { distance } from "review/geometry";

/** A press that moves less than this is a click, in screen pixels; fingers are less steady. */
const DRAG_FROM = { mouse: 3, pen: 4, touch: 8 };

export class Pointer {
  #drawing;
  #viewport;
  #tool;
  /** @type {{pointerId: number, move: (at: number[]) => void, drop: () => void, cancel: () => void} | null} */
  #drag = null;
  /** @type {Map<number, import("review/geometry").Point>} the fingers that are down, in stage pixels */
  #touches = new Map();
  #isPanKeyDown = false;

  /**
   * @param {import("review/drawing").Drawing} drawing
   * @param {import("review/viewport").Viewport} viewport
   * @param {() => import("review/tools").Tool} tool the one in use
   */
  constructor(drawing, viewport, tool) {
    this.#drawing = drawing;
    this.#viewport = viewport;
    this.#tool = tool;
    const { root } = drawing;
    root.addEventListener("pointerdown", (event) => this.#down(event));
    root.addEventListener("pointermove", (event) => this.#move(event));
    root.addEventListener("pointerup", (event) => this.#up(event));
    root.addEventListener("pointercancel", (event) => this.#up(event, { isCancelled: true }));
    root.addEventListener("pointerleave", () => this.#leave());
    root.addEventListener("dblclick", (event) => this.#tool().doubleClick?.(this.#pressOf(event)));
    root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    root.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** Space is held: the primary button pans. @param {boolean} isDown */
  set isPanKeyDown(isDown) {
    if (isDown === this.#isPanKeyDown) return;
    this.#isPanKeyDown = isDown;
    this.#drawing.setCursor(isDown ? "grab" : "");
  }

  /** @returns {boolean} whether there was a drag to give up */
  cancel() {
    const drag = this.#drag;
    this.#drag = null;
    drag?.cancel();
    return Boolean(drag);
  }

  #down(event) {
    // The middle button would start the browser's own scrolling.
    if (event.button === 1) event.preventDefault();
    const isTouch = event.pointerType === "touch";
    // One hand at a time: a palm that comes down beside the pen is not meant.
    if (this.#drag && !(isTouch && this.#touches.size)) return;
    this.#drawing.root.setPointerCapture(event.pointerId);
    if (isTouch) this.#touches.set(event.pointerId, this.#viewport.stagePoint(event));
    if (this.#touches.size > 1) this.cancel();
    else if (event.button !== 0 || this.#isPanKeyDown) this.#start(event, this.#panning());
    else this.#press(event);
  }

  #press(event) {
    const tool = this.#tool();
    const press = this.#pressOf(event);
    this.#start(event, tool.press(press) ?? this.#panning(() => tool.click?.(press)));
  }

  #move(event) {
    if (this.#touches.size > 1) this.#pinch(event);
    else if (this.#drag) this.#dragTo(event);
    else if (!this.#isPanKeyDown) this.#tool().hover(this.#pressOf(event));
  }

  #dragTo(event) {
    if (event.pointerId === this.#drag.pointerId) this.#drag.move(this.#viewport.stagePoint(event));
  }

  #up(event, { isCancelled = false } = {}) {
    this.#touches.delete(event.pointerId);
    if (event.pointerId !== this.#drag?.pointerId) return;
    const drag = this.#drag;
    this.#drag = null;
    if (isCancelled) drag.cancel();
    else drag.drop();
  }

  #leave() {
    if (this.#drag) return;
    this.#drawing.setHovered(null);
    this.#drawing.showGrip(null);
  }

  /** A drag in stage pixels that begins only once the pointer has really moved. */
  #start(event, drag) {
    const from = this.#viewport.stagePoint(event);
    const threshold = DRAG_FROM[event.pointerType] ?? DRAG_FROM.mouse;
    let hasMoved = false;
    this.#drag = {
      pointerId: event.pointerId,
      move: (at) => {
        hasMoved ||= distance(from, at) >= threshold;
        if (hasMoved) drag.move(this.#viewport.toImage(at), at);
      },
      drop: () => (hasMoved ? drag.drop() : drag.click?.()),
      cancel: () => drag.cancel(),
    };
  }

  #panning(click) {
    let last = null;
    const restCursor = () => this.#drawing.setCursor(this.#isPanKeyDown ? "grab" : "");
    return {
      move: (_, at) => {
        this.#drawing.setCursor("grabbing");
        if (last) this.#viewport.panBy(at[0] - last[0], at[1] - last[1]);
        last = at;
      },
      drop: restCursor,
      cancel: restCursor,
      click,
    };
  }

  /** The first two fingers count; when one is lifted, the other does nothing more. */
  #pinch(event) {
    const before = [...this.#touches.values()];
    if (!this.#touches.has(event.pointerId)) return;
    this.#touches.set(event.pointerId, this.#viewport.stagePoint(event));
    const after = [...this.#touches.values()];
    const factor = distance(after[0], after[1]) / (distance(before[0], before[1]) || 1);
    this.#viewport.zoom(factor, middle(before), middle(after));
  }

  #wheel(event) {
    event.preventDefault();
    // A pinch on a touchpad arrives as a wheel with Ctrl and small steps; lines and pages count as many pixels.
    const unit = [1, 16, 100][event.deltaMode];
    const speed = event.ctrlKey ? 0.01 : 0.0015;
    this.#viewport.zoom(Math.exp(-event.deltaY * unit * speed), this.#viewport.stagePoint(event));
  }

  /** @param {PointerEvent | MouseEvent} event @returns {import("review/tools").Press} */
  #pressOf(event) {
    const { pointerType = "mouse", shiftKey, altKey } = event;
    return { point: this.#viewport.toImage(this.#viewport.stagePoint(event)), pointerType, shiftKey, altKey };
  }
}

function middle([a, b]) {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}
