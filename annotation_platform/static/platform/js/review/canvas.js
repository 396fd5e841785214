/** Draws the image and its shapes as SVG, and says what lies under a point. It changes nothing. */

import { svg } from "platform/dom";
import { badge } from "review/badge";
import { HANDLES, areaOf, distance, handlePoint, pathOf, shapeContains } from "review/geometry";
import { passes } from "review/shapes";

/** Above so many shapes in sight, only the selected one and the one under the pointer show their badge. */
const CROWDED = 40;
const HANDLE_SIZE = 9;
/** How far from a handle or an edge a press still counts, in screen pixels. */
const HANDLE_REACH = { mouse: 9, pen: 12, touch: 20 };
const EDGE_REACH = 3;
const UNKNOWN_COLOR = "#888888";
/** From this scale on, the image shows its pixels as squares. */
const PIXELATED_FROM = 6;

/** Events: "loaded" and "failed", about the image. */
export class Canvas extends EventTarget {
  #store;
  #viewport;
  #colors;
  /** @type {Map<string, SVGElement>} */
  #nodes = new Map();
  /** @type {Map<string, SVGElement>} */
  #badges = new Map();
  #isEditable = false;
  #hovered = null;
  #selected = null;
  #isCrowded = false;
  #imageUrl;

  /** Whether the image itself is there. */
  isLoaded = false;

  /**
   * @param {HTMLElement} stage
   * @param {{imageUrl: string, store: import("review/store").Store,
   *   viewport: import("review/viewport").Viewport, colors: Map<string, string>}} options  colors: by label
   */
  constructor(stage, { imageUrl, store, viewport, colors }) {
    super();
    this.#store = store;
    this.#viewport = viewport;
    this.#colors = colors;
    this.image = svg("image", { width: viewport.size.width, height: viewport.size.height, class: "photo" });
    this.image.addEventListener("load", () => {
      this.isLoaded = true;
      this.dispatchEvent(new Event("loaded"));
    });
    this.image.addEventListener("error", () => this.dispatchEvent(new Event("failed")));
    this.shapes = svg("g", { class: "shapes" });
    this.badges = svg("g", { class: "badges" });
    this.handles = svg("g", { class: "handles" });
    this.sketch = svg("path", { class: "sketch" });
    this.world = svg("g", {}, this.image, this.shapes, this.badges, this.handles, this.sketch);
    this.root = svg("svg", { class: "canvas", tabindex: 0, role: "application", "aria-label": "Image with its shapes" }, this.world);
    stage.append(this.root);
    this.#imageUrl = imageUrl;

    viewport.addEventListener("change", () => this.#place());
    store.addEventListener("change", ({ detail }) => this.#redraw(detail.ids));
    store.addEventListener("filter", () => this.redrawAll());
    store.addEventListener("select", ({ detail }) => this.#showSelection(detail));
  }

  /** @param {boolean} isEditable whether the selected shape shows its handles */
  setEditable(isEditable) {
    this.#isEditable = isEditable;
    this.#drawHandles(this.#store.selected);
  }

  redrawAll() {
    this.#redraw(this.#store.all().map((shape) => shape.id));
  }

  loadImage() {
    this.image.removeAttribute("href");
    this.image.setAttribute("href", this.#imageUrl);
  }

  /**
   * Shows a shape with another geometry while it is dragged.
   * @param {import("review/shapes").Shape} shape
   */
  preview(shape) {
    this.#draw(shape);
    this.#drawBadge(shape);
    this.#drawHandles(shape);
  }

  /** @param {import("review/geometry").Box | null} box what is being drawn @param {string} [label] */
  showSketch(box, label) {
    this.sketch.setAttribute("d", box ? pathOf({ bbox_xyxy: box, polygons: null }) : "");
    if (label) this.sketch.style.setProperty("--c", this.#colors.get(label));
  }

  /** @param {boolean} isHidden the shapes, to see what is below them */
  hideShapes(isHidden) {
    this.root.classList.toggle("shapes-hidden", isHidden);
  }

  /** @param {string} cursor a value of CSS */
  setCursor(cursor) {
    this.root.style.cursor = cursor;
  }

  /** @param {string | null} id the shape under the pointer */
  setHovered(id) {
    if (id === this.#hovered) return;
    const old = this.#hovered;
    this.#nodes.get(old)?.classList.remove("hovered");
    this.#nodes.get(id)?.classList.add("hovered");
    this.#hovered = id;
    this.#drawBadges([old, id]);
  }

  /**
   * The smallest visible shape under a point, so that what lies inside another can be picked.
   * @param {import("review/geometry").Point} point in image pixels
   */
  shapeAt(point) {
    const margin = EDGE_REACH / this.#viewport.scale;
    const hits = this.#store.visible().filter((shape) => shapeContains(shape, point, margin));
    return hits.reduce((best, shape) => (best && areaOf(best) <= areaOf(shape) ? best : shape), null);
  }

  /**
   * The handle of the selected box that is nearest to a point, whatever is painted on top.
   * @param {import("review/geometry").Point} point in image pixels @param {string} pointerType
   */
  handleAt(point, pointerType) {
    const box = this.#resizableBox(this.#store.selected);
    if (!box) return null;
    const away = (handle) => distance(handlePoint(box, handle), point);
    const nearest = HANDLES.reduce((best, handle) => (away(handle) < away(best) ? handle : best));
    const reach = HANDLE_REACH[pointerType] ?? HANDLE_REACH.mouse;
    return away(nearest) * this.#viewport.scale <= reach ? nearest : null;
  }

  #resizableBox(shape) {
    return this.#isEditable && shape?.kind === "box" && shape.status !== "discarded" ? shape.bbox_xyxy : null;
  }

  #place() {
    const { x, y, scale } = this.#viewport;
    this.world.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    this.root.style.setProperty("--inverse", 1 / scale);
    this.image.classList.toggle("pixelated", scale >= PIXELATED_FROM);
  }

  #showSelection({ id, reveal }) {
    const old = this.#selected;
    this.#selected = id;
    this.#nodes.get(old)?.classList.remove("selected");
    const node = this.#nodes.get(id);
    const shape = this.#store.get(id);
    if (node) {
      node.classList.add("selected");
      // On top of its neighbours.
      this.shapes.append(node);
    }
    this.#drawBadges([old, id]);
    this.#drawHandles(shape);
    if (shape && reveal) this.#viewport.reveal(shape.bbox_xyxy);
  }

  #redraw(ids) {
    for (const id of ids) {
      const shape = this.#store.get(id);
      if (shape && passes(shape, this.#store.filter)) this.#draw(shape);
      else this.#erase(id);
    }
    for (const id of this.#nodes.keys()) if (!this.#store.get(id)) this.#erase(id);
    const wasCrowded = this.#isCrowded;
    this.#isCrowded = this.#nodes.size > CROWDED;
    this.#drawBadges(this.#isCrowded === wasCrowded ? ids : this.#nodes.keys());
    this.#drawHandles(this.#store.selected);
  }

  #draw(shape) {
    const d = pathOf(shape);
    const isSelected = shape.id === this.#store.selectedId;
    const node = svg(
      "g",
      { class: ["shape", shape.status, isSelected ? "selected" : "", shape.edited ? "edited" : ""].join(" ") },
      svg("path", { class: "halo", d }),
      svg("path", { class: "line", d }),
    );
    node.style.setProperty("--c", this.#colorOf(shape));
    const old = this.#nodes.get(shape.id);
    if (old) old.replaceWith(node);
    else this.shapes.append(node);
    this.#nodes.set(shape.id, node);
  }

  #erase(id) {
    this.#nodes.get(id)?.remove();
    this.#nodes.delete(id);
  }

  #drawBadges(ids) {
    for (const id of ids) {
      this.#badges.get(id)?.remove();
      this.#badges.delete(id);
      const isShown = !this.#isCrowded || id === this.#selected || id === this.#hovered;
      if (isShown && this.#nodes.has(id)) this.#drawBadge(this.#store.get(id));
    }
  }

  #drawBadge(shape) {
    const node = badge(shape, this.#colorOf(shape));
    this.#badges.get(shape.id)?.remove();
    this.#badges.set(shape.id, node);
    this.badges.append(node);
  }

  #colorOf(shape) {
    return this.#colors.get(shape.label) ?? UNKNOWN_COLOR;
  }

  #drawHandles(shape) {
    const box = this.#resizableBox(shape);
    this.handles.replaceChildren(...(box ? HANDLES.map((handle) => handleNode(handlePoint(box, handle))) : []));
  }
}

function handleNode([x, y]) {
  const at = -HANDLE_SIZE / 2;
  const square = svg("rect", { class: "handle fixed-size", x: at, y: at, width: HANDLE_SIZE, height: HANDLE_SIZE, rx: 2 });
  return svg("g", { transform: `translate(${x} ${y})` }, square);
}
