/** What is being drawn and is no shape yet: the outline that follows the pointer, and the rubber band. */

import { svg } from "platform/dom";
import { dotsAt, pathOf } from "review/geometry";

export class Sketch {
  #halo = svg("path", { class: "sketch-halo" });
  #line = svg("path", { class: "sketch" });
  #rims = svg("path", { class: "vertex-rims" });
  #dots = svg("path", { class: "vertices" });
  #start = svg("path", { class: "sketch-start" });
  #band = svg("path", { class: "rubber-band" });
  layer = svg("g", { class: "sketches" }, this.#band, this.#halo, this.#line, this.#start, this.#rims, this.#dots);

  /**
   * @param {{
   *   d: string,
   *   points?: import("review/geometry").Point[],
   *   start?: import("review/geometry").Point | null,
   *   tone?: "new" | "combined" | "refused",
   * } | null} sketch  start: the point that a press would close the outline at; tone: what closing it would do
   * @param {string} color
   */
  show(sketch, color) {
    const { d = "", points = [], start = null, tone = "new" } = sketch ?? {};
    const paths = [[this.#halo, d], [this.#line, d], [this.#start, start ? dotsAt([start]) : ""]];
    for (const [path, data] of paths) path.setAttribute("d", data);
    for (const path of [this.#rims, this.#dots]) path.setAttribute("d", dotsAt(points));
    this.#line.setAttribute("class", `sketch ${tone}`);
    this.layer.style.setProperty("--c", color);
  }

  /** @param {import("review/geometry").Box | null} box */
  showRubberBand(box) {
    this.#band.setAttribute("d", box ? pathOf({ bbox_xyxy: box, polygons: null }) : "");
  }
}
