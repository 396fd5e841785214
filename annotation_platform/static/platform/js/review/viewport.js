/** Which part of the image is seen and how large: screen = image × scale + offset, in pixels of the stage. */

import { clamp } from "review/geometry";

const MAX_SCALE = 40;
const FIT_MARGIN = 16;
/** How much of the stage a shape fills after "zoom to shape". */
const SHAPE_SHARE = 0.4;
const MAX_SHAPE_SCALE = 12;
/** How much room stays around what is brought into sight, and how much of the image cannot be panned away. */
const REVEAL_MARGIN = 24;
const KEPT_IN_SIGHT = 48;

/**
 * Events: "change", at once; and "frame", once before the next painting however many changes there were, for those who
 * draw, so that the photo and the shapes move together.
 */
export class Viewport extends EventTarget {
  scale = 1;
  x = 0;
  y = 0;
  /** @type {import("review/geometry").Size} of the image */
  size = { width: 1, height: 1 };
  /** @type {import("review/geometry").Size} of the stage */
  stageSize;
  #stage;
  #isFitted = true;
  #frame = 0;

  /** @param {HTMLElement} stage */
  constructor(stage) {
    super();
    this.#stage = stage;
    this.#measure();
    new ResizeObserver(() => this.#resized()).observe(stage);
  }

  /** Another image is shown now, as a whole. @param {import("review/geometry").Size} size */
  setSize({ width, height }) {
    this.size = { width, height };
    this.fit();
  }

  /** The whole image; stays so when the window changes, until the person zooms or pans. */
  fit() {
    const whole = [0, 0, this.size.width, this.size.height];
    this.#setScale(this.#scaleFor(whole, Math.min(FIT_MARGIN, this.stageSize.width / 20)));
    this.#centreOn(whole);
    this.#isFitted = true;
    this.#changed();
  }

  /**
   * @param {number} factor
   * @param {import("review/geometry").Point} [at] what the zoom is about, in stage pixels
   * @param {import("review/geometry").Point} [to] where that goes, which is elsewhere when two fingers also pan
   */
  zoom(factor, at = [this.stageSize.width / 2, this.stageSize.height / 2], to = at) {
    const before = this.scale;
    this.#setScale(before * factor);
    const ratio = this.scale / before;
    this.x = to[0] - (at[0] - this.x) * ratio;
    this.y = to[1] - (at[1] - this.y) * ratio;
    this.#moved();
  }

  panBy(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.#moved();
  }

  /** @param {import("review/geometry").Box} box */
  zoomTo(box) {
    const { width, height } = this.stageSize;
    const wanted = Math.min((width * SHAPE_SHARE) / (box[2] - box[0]), (height * SHAPE_SHARE) / (box[3] - box[1]));
    this.#setScale(Math.min(wanted, MAX_SHAPE_SCALE));
    this.#centreOn(box);
    this.#moved();
  }

  /**
   * Pans only where the box is not in sight already, and zooms out only where it has no room.
   * @param {import("review/geometry").Box} box
   */
  reveal(box) {
    const [x0, y0] = this.toStage([box[0], box[1]]);
    const [x1, y1] = this.toStage([box[2], box[3]]);
    if (x0 >= 0 && y0 >= 0 && x1 <= this.stageSize.width && y1 <= this.stageSize.height) return;
    this.#setScale(Math.min(this.scale, this.#scaleFor(box, REVEAL_MARGIN)));
    this.#centreOn(box);
    this.#moved();
  }

  /** @returns {import("review/geometry").Box} what the stage shows, in image pixels */
  get sight() {
    const { width, height } = this.stageSize;
    return [...this.toImage([0, 0]), ...this.toImage([width, height])];
  }

  /** @param {import("review/geometry").Point} point in stage pixels @returns {import("review/geometry").Point} */
  toImage([x, y]) {
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  /** @param {import("review/geometry").Point} point in image pixels @returns {import("review/geometry").Point} */
  toStage([x, y]) {
    return [x * this.scale + this.x, y * this.scale + this.y];
  }

  /** @param {MouseEvent} event @returns {import("review/geometry").Point} in stage pixels */
  stagePoint(event) {
    const { left, top } = this.#stage.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  #scaleFor([x0, y0, x1, y1], margin) {
    const { width, height } = this.stageSize;
    return Math.min((width - 2 * margin) / (x1 - x0), (height - 2 * margin) / (y1 - y0));
  }

  #setScale(scale) {
    // An image far larger than the screen must still fit, so the lower bound depends on it.
    const smallest = Math.min(0.1, 40 / Math.max(this.size.width, this.size.height));
    this.scale = clamp(scale, smallest, MAX_SCALE);
  }

  #centreOn([x0, y0, x1, y1]) {
    this.x = this.stageSize.width / 2 - ((x0 + x1) / 2) * this.scale;
    this.y = this.stageSize.height / 2 - ((y0 + y1) / 2) * this.scale;
  }

  /** Only when the stage has changed: asked in the middle of other changes, it would force a layout. */
  #measure() {
    this.stageSize = { width: this.#stage.clientWidth, height: this.#stage.clientHeight };
  }

  #resized() {
    this.#measure();
    if (this.#isFitted) this.fit();
    else this.#moved();
  }

  #moved() {
    const { width, height } = this.stageSize;
    this.x = clamp(this.x, KEPT_IN_SIGHT - this.size.width * this.scale, width - KEPT_IN_SIGHT);
    this.y = clamp(this.y, KEPT_IN_SIGHT - this.size.height * this.scale, height - KEPT_IN_SIGHT);
    this.#isFitted = false;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.dispatchEvent(new Event("frame"));
    });
  }
}
