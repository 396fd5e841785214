/** The photo: a canvas of the stage's size, painted anew whenever the viewport changes. */

import { element } from "platform/dom";

/** From this scale on, the photo shows its pixels as squares. */
const PIXELATED_FROM = 6;
/** After so long without a movement, a photo that is shown smaller than it is gets painted with more care. */
const REST_MS = 150;

/**
 * Only what is in sight is painted, so that a photo of 50 megapixels pans as fast as a small one. At first from the
 * reduced copy; the original is asked for when the zoom shows more than the copy holds.
 *
 * Events: "loaded", once the photo's first pixels are on the screen, and "failed".
 */
export class Photo extends EventTarget {
  #viewport;
  #canvas = element("canvas", { class: "photo", "aria-hidden": "true" });
  #context = this.#canvas.getContext("2d");
  /** @type {import("review/pictures").Picture | null} */
  #picture = null;
  /** @type {ImageBitmap | null} */
  #preview = null;
  /** @type {ImageBitmap | null} */
  #original = null;
  #hasAskedForOriginal = false;
  #isLoaded = false;
  #rest = 0;

  /** @param {HTMLElement} stage @param {import("review/viewport").Viewport} viewport */
  constructor(stage, viewport) {
    super();
    this.#viewport = viewport;
    stage.prepend(this.#canvas);
    viewport.addEventListener("frame", () => this.#paint());
  }

  /**
   * Takes the place of the photo before; where the new one is decoded already, no empty frame is seen between them.
   * @param {import("review/pictures").Picture} picture
   */
  async show(picture) {
    this.clear();
    this.#picture = picture;
    const preview = await picture.preview.catch(() => null);
    // Another photo may have been asked for while this one was on its way.
    if (this.#picture !== picture) return;
    this.#preview = preview;
    if (preview) requestAnimationFrame(() => this.#paint());
    else this.dispatchEvent(new Event("failed"));
  }

  clear() {
    this.#picture = null;
    this.#preview = null;
    this.#original = null;
    this.#hasAskedForOriginal = false;
    this.#isLoaded = false;
    requestAnimationFrame(() => this.#paint());
  }

  /** @param {"low" | "medium"} [quality] medium takes thrice the time and keeps fine lines when they get smaller */
  #paint(quality = "low") {
    const density = devicePixelRatio;
    clearTimeout(this.#rest);
    this.#fitToStage(density);
    this.#context.setTransform(1, 0, 0, 1, 0, 0);
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    if (!this.#preview) return;
    const isStretched = density * this.#viewport.scale > this.#preview.width / this.#viewport.size.width;
    const bitmap = isStretched ? (this.#original ?? this.#preview) : this.#preview;
    this.#paintSight(bitmap, density, quality);
    if (isStretched) this.#askForOriginal();
    if (quality === "low") this.#rest = setTimeout(() => this.#paint("medium"), REST_MS);
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    this.dispatchEvent(new Event("loaded"));
  }

  /** Setting a canvas's size empties it even where nothing changes. */
  #fitToStage(density) {
    const { width, height } = this.#viewport.stageSize;
    const [wide, high] = [Math.round(width * density), Math.round(height * density)];
    if (this.#canvas.width !== wide) this.#canvas.width = wide;
    if (this.#canvas.height !== high) this.#canvas.height = high;
  }

  #paintSight(bitmap, density, quality) {
    const { x, y, scale, size, sight } = this.#viewport;
    const [shareX, shareY] = [bitmap.width / size.width, bitmap.height / size.height];
    // Whole pixels of the bitmap and one more all around, or the edges of the stage would blend with nothing.
    const left = Math.max(0, Math.floor(sight[0] * shareX) - 1);
    const top = Math.max(0, Math.floor(sight[1] * shareY) - 1);
    const width = Math.min(bitmap.width, Math.ceil(sight[2] * shareX) + 1) - left;
    const height = Math.min(bitmap.height, Math.ceil(sight[3] * shareY) + 1) - top;
    if (width <= 0 || height <= 0) return;
    this.#context.setTransform((density * scale) / shareX, 0, 0, (density * scale) / shareY, density * x, density * y);
    this.#context.imageSmoothingEnabled = scale < PIXELATED_FROM;
    this.#context.imageSmoothingQuality = quality;
    this.#context.drawImage(bitmap, left, top, width, height, left, top, width, height);
  }

  async #askForOriginal() {
    const picture = this.#picture;
    if (!picture.isReduced || this.#hasAskedForOriginal) return;
    this.#hasAskedForOriginal = true;
    // Without it the reduced copy stays: coarse, but the work goes on.
    const original = await picture.original().catch(() => null);
    if (this.#picture !== picture) return;
    // Asked for again with the next movement.
    this.#hasAskedForOriginal = original !== null;
    if (!original) return;
    this.#original = original;
    requestAnimationFrame(() => this.#paint());
  }
}
