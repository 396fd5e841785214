/** Which part of the image is seen and how large: screen = image × scale + offset, in pixels of the stage. */

import { clamp } from "review/geometry";

const MAX_SCALE = 40;
const FIT_MARGIN = 16;
/** How much of the stage a shape fills after "zoom to shape". */
const SHAPE_SHARE = 0.4;
const MAX_SHAPE_SCALE = 12;

/** Event: "change". */
export class Viewport extends EventTarget {
  scale = 1;
  x = 0;
  y = 0;
  #isFitted = true;

  /** @param {HTMLElement} stage @param {import("review/geometry").Size} size of the image */
  constructor(stage, size) {
    super();
    this.stage = stage;
    this.size = size;
    new ResizeObserver(() => (this.#isFitted ? this.fit() : this.#changed())).observe(stage);
  }

  /** The whole image; stays so when the window changes, until the person zooms or pans. */
  fit() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    const margin = Math.min(FIT_MARGIN, width / 20);
    this.#setScale(Math.min((width - 2 * margin) / this.size.width, (height - 2 * margin) / this.size.height));
    this.#centreOn([0, 0, this.size.width, this.size.height]);
    this.#isFitted = true;
    this.#changed();
  }

  /** @param {number} factor @param {import("review/geometry").Point} [at] what stays in place, in stage pixels */
  zoom(factor, at = [this.stage.clientWidth / 2, this.stage.clientHeight / 2]) {
    const before = this.scale;
    this.#setScale(before * factor);
    const ratio = this.scale / before;
    this.x = at[0] - (at[0] - this.x) * ratio;
    this.y = at[1] - (at[1] - this.y) * ratio;
    this.#moved();
  }

  panBy(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.#moved();
  }

  /** @param {import("review/geometry").Box} box */
  zoomTo(box) {
    const { clientWidth: width, clientHeight: height } = this.stage;
    const wanted = Math.min((width * SHAPE_SHARE) / (box[2] - box[0]), (height * SHAPE_SHARE) / (box[3] - box[1]));
    this.#setScale(Math.min(wanted, MAX_SHAPE_SCALE));
    this.#centreOn(box);
    this.#moved();
  }

  /** Pans only where the box is not in sight already. @param {import("review/geometry").Box} box */
  reveal(box) {
    const [x0, y0] = this.toStage([box[0], box[1]]);
    const [x1, y1] = this.toStage([box[2], box[3]]);
    if (x0 >= 0 && y0 >= 0 && x1 <= this.stage.clientWidth && y1 <= this.stage.clientHeight) return;
    this.#centreOn(box);
    this.#moved();
  }

  /** @param {import("review/geometry").Point} point in stage pixels */
  toImage([x, y]) {
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  /** @param {import("review/geometry").Point} point in image pixels */
  toStage([x, y]) {
    return [x * this.scale + this.x, y * this.scale + this.y];
  }

  /** @param {MouseEvent} event @returns {import("review/geometry").Point} in stage pixels */
  stagePoint(event) {
    const { left, top } = this.stage.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  #setScale(scale) {
    // An image far larger than the screen must still fit, so the lower bound depends on it.
    const smallest = Math.min(0.1, 40 / Math.max(this.size.width, this.size.height));
    this.scale = clamp(scale, smallest, MAX_SCALE);
  }

  #centreOn([x0, y0, x1, y1]) {
    this.x = this.stage.clientWidth / 2 - ((x0 + x1) / 2) * this.scale;
    this.y = this.stage.clientHeight / 2 - ((y0 + y1) / 2) * this.scale;
  }

  #moved() {
    this.#isFitted = false;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
