/** The plates with label and score that sit on shapes and keep their size at any zoom. */

import { svg } from "platform/dom";
import { statusOf } from "review/filter";
import { scoreText } from "review/shapes";

const HEIGHT = 17;
const PADDING = 5;
const FONT = '600 11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
/** A pencil of ten pixels, the sign of what a person has edited. */
const PENCIL = "M7.4 0.8 9.2 2.6 3.4 8.4 0.9 9.1 1.6 6.6Z M6.2 2 8 3.8";
const PENCIL_WIDTH = 14;

// Measured on a canvas: asking the SVG text itself would force a layout for every shape.
const ruler = document.createElement("canvas").getContext("2d");
const widths = new Map();

export class Badges {
  layer = svg("g", { class: "badges" });
  /** @type {Map<string, {node: SVGElement, look: string}>} */
  #badges = new Map();
  #colorOf;

  /** @param {(label: string) => string} colorOf as #rrggbb */
  constructor(colorOf) {
    this.#colorOf = colorOf;
  }

  /** Shows these badges and no others. @param {import("review/shapes").Shape[]} shapes */
  show(shapes) {
    const wanted = new Set(shapes.map((shape) => shape.id));
    for (const id of this.#badges.keys()) if (!wanted.has(id)) this.#drop(id);
    for (const shape of shapes) this.#draw(shape);
  }

  /** On top of their neighbours. @param {Iterable<string>} ids of shapes */
  raise(ids) {
    for (const id of ids) {
      const node = this.#badges.get(id)?.node;
      if (node && node !== this.layer.lastChild) this.layer.append(node);
    }
  }

  /** Moves the badges that are there to where their shapes are dragged. @param {import("review/shapes").Shape[]} shapes */
  follow(shapes) {
    for (const shape of shapes) {
      const badge = this.#badges.get(shape.id);
      if (badge) place(badge.node, shape);
    }
  }

  #draw(shape) {
    const color = this.#colorOf(shape.label);
    const look = [textOf(shape), statusOf(shape), color].join("|");
    if (this.#badges.get(shape.id)?.look !== look) {
      this.#drop(shape.id);
      const node = badge(shape, color);
      this.#badges.set(shape.id, { node, look });
      this.layer.append(node);
    }
    place(this.#badges.get(shape.id).node, shape);
  }

  #drop(id) {
    this.#badges.get(id)?.node.remove();
    this.#badges.delete(id);
  }
}

/** Black or white, whichever can be read on `color`. @param {string} color as #rrggbb */
export function inkOn(color) {
  const [r, g, b] = [1, 3, 5].map((at) => linear(Number.parseInt(color.slice(at, at + 2), 16) / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff";
}

/** A plate that stands on the origin. */
function badge(shape, color) {
  const status = statusOf(shape);
  const text = textOf(shape);
  const indent = status === "edited" ? PENCIL_WIDTH : 0;
  const words = svg("text", { class: "badge-text", x: indent + PADDING - 1, y: -5.5 });
  words.textContent = text;
  const plate = svg("rect", {
    class: "badge-plate", x: -1, y: -HEIGHT - 1, width: indent + textWidth(text) + 2 * PADDING, height: HEIGHT, rx: 3,
  });
  const pencil = indent ? [svg("path", { class: "badge-mark", d: PENCIL, transform: `translate(${PADDING - 1} -14)` })] : [];
  const node = svg("g", { class: `badge ${status}` }, svg("g", { class: "fixed-size" }, plate, words, ...pencil));
  node.style.setProperty("--c", color);
  node.style.setProperty("--ink", inkOn(color));
  return node;
}

/** With its lower left corner at the shape's upper left; where there is no room above the shape, inside it. */
function place(node, { bbox_xyxy: [x, y] }) {
  const transform = `translate(${x} ${y})`;
  if (node.getAttribute("transform") !== transform) node.setAttribute("transform", transform);
  node.classList.toggle("below", y < 1);
}

const textOf = (shape) => [shape.label, scoreText(shape)].filter(Boolean).join(" · ");

/** A channel of sRGB as light, which is what the contrast formula of WCAG works on. */
function linear(channel) {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
}

function textWidth(text) {
  if (!widths.has(text)) {
    ruler.font = FONT;
    widths.set(text, Math.ceil(ruler.measureText(text).width));
  }
  return widths.get(text);
}
