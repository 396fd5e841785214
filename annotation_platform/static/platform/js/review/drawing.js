/** Draws the shapes as SVG, and says what lies under a point. It changes nothing. */

import { svg } from "platform/dom";
import { Badges } from "review/badge";
import { passes } from "review/filter";
import { boxesOverlap, shapeContains, shapeTouches, unionOf } from "review/geometry";
import { Handles } from "review/handles";
import { boxesWithMask } from "review/replacing";
import { ShapeNode } from "review/shape-node";
import { Sketch } from "review/sketch";

/** Above so many shapes in sight, only the selected ones and the one under the pointer show their badge. */
const CROWDED = 40;
/** How far from an outline a press still counts, in screen pixels. */
const OUTLINE_REACH = { mouse: 3, pen: 5, touch: 8 };
const UNKNOWN_COLOR = "#888888";

export class Drawing {
  #store;
  #selection;
  #viewport;
  #colors;
  /** @type {Map<string, ShapeNode>} */
  #nodes = new Map();
  /** @type {ShapeNode[]} the smallest first */
  #bySize = [];
  /** @type {string[]} the shapes that are shown with a geometry of their own, for a while */
  #previewed = [];
  #isEditable = false;
  #hovered = null;
  #drawnScale = 0;

  #shapes = svg("g", { class: "shapes" });
  /** Selected shapes lie on top of all others. */
  #selected = svg("g", { class: "shapes" });
  #badges = new Badges((label) => this.#colorOf(label));
  #handles;
  #sketch = new Sketch();
  #world;
  /** @type {SVGSVGElement} it has the focus while the keys are about the canvas */
  root;

  /**
   * @param {HTMLElement} stage
   * @param {{
   *   store: import("review/store").Store,
   *   selection: import("review/selection").Selection,
   *   viewport: import("review/viewport").Viewport,
   *   colors: Map<string, string>,
   * }} options  colors: #rrggbb by label
   */
  constructor(stage, { store, selection, viewport, colors }) {
    this.#store = store;
    this.#selection = selection;
    this.#viewport = viewport;
    this.#colors = colors;
    this.#handles = new Handles(viewport);
    this.#world = svg("g", {}, this.#shapes, this.#selected, this.#badges.layer, this.#handles.layer, this.#sketch.layer);
    this.root = svg("svg", { class: "canvas", tabindex: 0, role: "application", "aria-label": "Image with its shapes" }, this.#world);
    stage.append(this.root);

    viewport.addEventListener("frame", () => this.#place());
    store.addEventListener("open", () => this.#drawAll());
    store.addEventListener("change", ({ detail }) => this.#redraw(detail.ids));
    store.addEventListener("filter", () => this.#refilter());
    selection.addEventListener("change", ({ detail }) => this.#showSelection(detail));
  }

  /** @param {boolean} isEditable whether a shape that is selected alone shows its handles */
  setEditable(isEditable) {
    this.#isEditable = isEditable;
    this.#showHandles();
  }

  /** Shows shapes with another geometry while they are dragged. @param {import("review/shapes").Shape[]} shapes */
  preview(shapes) {
    this.#previewed = shapes.map(({ id }) => id);
    this.#drawAs(shapes);
  }

  /** Shows what was previewed as it is in the store. */
  clearPreview() {
    const shapes = this.#previewed.flatMap((id) => this.#nodes.get(id)?.shape ?? []);
    this.#previewed = [];
    this.#drawAs(shapes);
  }

  /** @param {Parameters<Sketch["show"]>[0]} sketch what is being drawn @param {string} [label] whose colour it has */
  showSketch(sketch, label) {
    this.#sketch.show(sketch, this.#colorOf(label));
  }

  /** @param {import("review/geometry").Box | null} box */
  showRubberBand(box) {
    this.#sketch.showRubberBand(box);
  }

  /** @param {boolean} isHidden the shapes, to see what is below them */
  hideShapes(isHidden) {
    this.root.classList.toggle("shapes-hidden", isHidden);
  }

  /** @param {string} cursor a value of CSS */
  setCursor(cursor) {
    this.root.style.setProperty("cursor", cursor);
  }

  /** @param {string | null} id the shape under the pointer */
  setHovered(id) {
    if (id === this.#hovered) return;
    this.#nodes.get(this.#hovered)?.setFlag("hovered", false);
    this.#nodes.get(id)?.setFlag("hovered", true);
    this.#hovered = id;
    this.#showBadges();
  }

  /**
   * The smallest visible shape under a point, so that what lies inside another can be picked; of equal ones, one that
   * is selected.
   * @param {import("review/geometry").Point} point in image pixels @param {string} [pointerType]
   * @returns {import("review/shapes").Shape | null}
   */
  shapeAt(point, pointerType = "mouse") {
    const margin = (OUTLINE_REACH[pointerType] ?? OUTLINE_REACH.mouse) / this.#viewport.scale;
    const isHit = (node) => node.isShown && shapeContains(node.shape, point, margin);
    const first = this.#bySize.find(isHit);
    if (!first) return null;
    const equals = this.#bySize.filter((node) => node.area === first.area && isHit(node));
    return (equals.find(({ shape }) => this.#selection.has(shape.id)) ?? first).shape;
  }

  /** @param {import("review/geometry").Box} box @returns {import("review/shapes").Shape[]} the visible ones it touches */
  shapesIn(box) {
    return this.#shown().filter((shape) => shapeTouches(shape, box));
  }

  /** @param {import("review/geometry").Point} point in image pixels @param {string} pointerType */
  gripAt(point, pointerType) {
    return this.#handles.at(point, pointerType);
  }

  /** @param {import("review/handles").Grip | null} grip what a press would take @param {boolean} [isRemoval] to delete it */
  showGrip(grip, isRemoval = false) {
    this.#handles.showGrip(grip, isRemoval);
  }

  #place() {
    const { x, y, scale } = this.#viewport;
    this.#world.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    // Inherited by all below, so it is set only when it changes, and only where something keeps its size.
    if (scale !== this.#drawnScale) {
      for (const { layer } of [this.#badges, this.#handles]) layer.style.setProperty("--inverse", 1 / scale);
      this.#drawnScale = scale;
    }
    this.#handles.refresh();
    this.#showBadges();
  }

  #drawAll() {
    this.#nodes.clear();
    this.#shapes.replaceChildren();
    this.#selected.replaceChildren();
    this.#hovered = null;
    this.#redraw(this.#store.all().map(({ id }) => id));
  }

  #redraw(ids) {
    for (const id of ids) this.#draw(id);
    this.#arrange();
    this.#markReplaced();
    this.#showBadges();
    this.#showHandles();
  }

  #draw(id) {
    const shape = this.#store.get(id);
    const node = this.#nodes.get(id);
    if (!shape || shape.removed) {
      node?.node.remove();
      this.#nodes.delete(id);
    } else {
      const color = this.#colorOf(shape.label);
      if (node) node.update(shape, color);
      else this.#nodes.set(id, this.#added(shape, color));
      this.#nodes.get(id).setShown(passes(shape, this.#store.filter));
    }
  }

  #added(shape, color) {
    const node = new ShapeNode(shape, color);
    if (this.#selection.has(shape.id)) node.setFlag("selected", true);
    return node;
  }

  #drawAs(shapes) {
    for (const shape of shapes) this.#nodes.get(shape.id)?.draw(shape);
    this.#badges.follow(shapes);
    this.#showHandles(shapes);
  }

  /** Puts the nodes in their order, larger ones below smaller ones. Those that lie right are not touched. */
  #arrange() {
    this.#bySize = [...this.#nodes.values()].sort((a, b) => a.area - b.area);
    const above = new Map();
    for (const { shape, node } of this.#bySize) {
      const layer = this.#selection.has(shape.id) ? this.#selected : this.#shapes;
      const next = above.get(layer) ?? null;
      if (node.parentNode !== layer || node.nextSibling !== next) layer.insertBefore(node, next);
      above.set(layer, node);
    }
  }

  #refilter() {
    for (const node of this.#nodes.values()) node.setShown(passes(node.shape, this.#store.filter));
    this.#markReplaced();
    this.#showBadges();
    this.#showHandles();
  }

  /** A box steps back behind its mask for as long as that waits for a verdict. */
  #markReplaced() {
    const uids = boxesWithMask(this.#shown());
    for (const node of this.#nodes.values()) node.setFlag("replaced", uids.has(node.shape.uid));
  }

  #showSelection({ before, reveal }) {
    const { ids } = this.#selection;
    for (const id of before) if (!ids.has(id)) this.#nodes.get(id)?.setFlag("selected", false);
    for (const id of ids) if (!before.has(id)) this.#nodes.get(id)?.setFlag("selected", true);
    this.#arrange();
    this.#showBadges();
    this.#showHandles();
    if (reveal && ids.size) this.#viewport.reveal(unionOf(this.#selection.shapes().map((shape) => shape.bbox_xyxy)));
  }

  #shown() {
    return this.#bySize.filter((node) => node.isShown).map((node) => node.shape);
  }

  #showBadges() {
    const { sight } = this.#viewport;
    const inSight = this.#shown().filter((shape) => boxesOverlap(shape.bbox_xyxy, sight));
    const isMarked = ({ id }) => id === this.#hovered || (this.#selection.size <= CROWDED && this.#selection.has(id));
    const hasPlace = ({ id }) => !this.#nodes.get(id).hasFlag("replaced") || isMarked({ id });
    this.#badges.show(inSight.filter(inSight.length > CROWDED ? isMarked : hasPlace));
    this.#badges.raise([...this.#selection.ids, this.#hovered]);
  }

  /** @param {import("review/shapes").Shape[]} [previewed] */
  #showHandles(previewed = []) {
    const shape = this.#selection.size === 1 ? this.#selection.primary : null;
    const isEditable = this.#isEditable && shape && shape.status !== "discarded";
    this.#handles.show(isEditable ? (previewed.find(({ id }) => id === shape.id) ?? shape) : null);
  }

  #colorOf(label) {
    return this.#colors.get(label) ?? UNKNOWN_COLOR;
  }
}
