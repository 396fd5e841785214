/** The plate with label and score that sits on a shape and keeps its size at any zoom. */

import { svg } from "platform/dom";
import { scoreText } from "review/shapes";

const HEIGHT = 17;
const PADDING = 5;
const FONT = '600 11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';

// Measured on a canvas: asking the SVG text itself would force a layout for every shape.
const ruler = document.createElement("canvas").getContext("2d");
const widths = new Map();

/**
 * @param {import("review/shapes").Shape} shape
 * @param {string} color the label's, as #rrggbb
 * @returns {SVGElement} placed with its lower left corner at the shape's upper left
 */
export function badge(shape, color) {
  const text = [shape.label, scoreText(shape), shape.edited ? "edited" : ""].filter(Boolean).join(" · ");
  const [x, y] = shape.bbox_xyxy;
  // Where there is no room above the shape, the plate goes inside.
  const top = y < 1 ? 0 : -HEIGHT - 1;
  const plate = svg("rect", { class: "badge-plate", x: -1, y: top, width: textWidth(text) + 2 * PADDING, height: HEIGHT, rx: 3 });
  const words = svg("text", { class: "badge-text", x: PADDING - 1, y: top + 12.5, fill: inkOn(color) });
  words.textContent = text;
  const node = svg("g", { class: `badge ${shape.status}`, transform: `translate(${x} ${y})` });
  node.style.setProperty("--c", color);
  node.append(svg("g", { class: "fixed-size" }, plate, words));
  return node;
}

/** Black or white, whichever can be read on `color`. @param {string} color as #rrggbb */
export function inkOn(color) {
  const [r, g, b] = [1, 3, 5].map((at) => linear(Number.parseInt(color.slice(at, at + 2), 16) / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff";
}

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
