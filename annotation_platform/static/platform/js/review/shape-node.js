/** One shape as SVG. What did not change is left alone, for each attribute that is set costs a part of a frame. */

import { svg } from "platform/dom";
import { statusOf } from "review/filter";
import { areaOf, pathOf } from "review/geometry";

export class ShapeNode {
  /** The shape as the store has it. @type {import("review/shapes").Shape} */
  shape;
  /** In square pixels of the image. */
  area;
  /** Whether the filter lets it through. */
  isShown = true;
  node = svg("g");
  #halo = svg("path", { class: "halo" });
  #line = svg("path", { class: "line" });
  /** A second line, dotted, that tells an edited shape from an accepted one. @type {SVGElement | null} */
  #mark = null;
  #color;
  /** @type {import("review/geometry").Geometry} */
  #drawn = { bbox_xyxy: null, polygons: null };
  /** @type {Set<"selected" | "hovered" | "replaced">} */
  #flags = new Set();

  /** @param {import("review/shapes").Shape} shape @param {string} color */
  constructor(shape, color) {
    this.node.append(this.#halo, this.#line);
    this.update(shape, color);
  }

  /** @param {import("review/shapes").Shape} shape @param {string} color */
  update(shape, color) {
    // Shapes are never mutated, so the same arrays are the same outline.
    if (this.shape?.bbox_xyxy !== shape.bbox_xyxy || this.shape?.polygons !== shape.polygons) this.area = areaOf(shape);
    this.shape = shape;
    this.#markEdited(statusOf(shape) === "edited");
    this.draw(shape);
    this.#restyle();
    if (color === this.#color) return;
    this.#color = color;
    this.node.style.setProperty("--c", color);
  }

  /** Shows an outline without taking it over. @param {import("review/geometry").Geometry} geometry */
  draw({ bbox_xyxy, polygons }) {
    if (this.#drawn.bbox_xyxy === bbox_xyxy && this.#drawn.polygons === polygons) return;
    this.#drawn = { bbox_xyxy, polygons };
    const d = pathOf(this.#drawn);
    for (const path of this.node.children) path.setAttribute("d", d);
  }

  /** @param {boolean} isShown */
  setShown(isShown) {
    if (isShown === this.isShown) return;
    this.isShown = isShown;
    this.#restyle();
  }

  /** @param {"selected" | "hovered" | "replaced"} flag a mask waits to replace it @param {boolean} isOn */
  setFlag(flag, isOn) {
    if (this.#flags.has(flag) === isOn) return;
    if (isOn) this.#flags.add(flag);
    else this.#flags.delete(flag);
    this.#restyle();
  }

  /** @param {"selected" | "hovered" | "replaced"} flag */
  hasFlag(flag) {
    return this.#flags.has(flag);
  }

  #restyle() {
    const words = ["shape", statusOf(this.shape), ...this.#flags];
    if (!this.isShown) words.push("filtered");
    const name = words.join(" ");
    if (this.node.getAttribute("class") !== name) this.node.setAttribute("class", name);
  }

  #markEdited(isEdited) {
    if (isEdited === Boolean(this.#mark)) return;
    this.#mark?.remove();
    this.#mark = isEdited ? svg("path", { class: "mark", d: this.#line.getAttribute("d") ?? "" }) : null;
    if (this.#mark) this.node.append(this.#mark);
  }
}
