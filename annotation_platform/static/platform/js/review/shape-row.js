/** One row of the list of shapes. Rows are copies of a model, which is several times faster than making each part. */

import { element, icon, svg } from "platform/dom";
import { isDraft, scoreText } from "review/shapes";

const STATUS = {
  draft: { icon: null, text: "Draft" },
  accepted: { icon: "check-circle", text: "Accepted" },
  discarded: { icon: "x-circle", text: "Discarded" },
};
/** A box and its mask, while that waits for a verdict. */
const BOX_OF_MASK = { text: "mask waits", title: "Accepting its mask discards this box" };
const MASK_OF_BOX = { text: "from a box", title: "Accepting it discards the box that it was made from" };
const NEITHER = { text: "", title: "" };
const UNKNOWN_COLOR = "#888888";

const MODEL = element(
  "li",
  { class: "shape-row" },
  element(
    "button",
    { type: "button", class: "pick", "data-part": "pick", "aria-pressed": "false", tabindex: "-1" },
    svg("svg", { class: "swatch", "aria-hidden": "true" }, svg("rect", { width: "100%", height: "100%" })),
    element("span", { class: "name truncate" }),
    element("span", { class: "mark edited", title: "Edited" }, icon("pencil"), words("edited")),
    element("span", { class: "mark by-hand" }, "by hand"),
    element("span", { class: "mark mask" }),
    element("span", { class: "kind" }, icon("box")),
    element("span", { class: "score number" }),
    element("span", { class: "status" }, icon("check-circle"), words("")),
  ),
  decision("accept"),
  decision("discard"),
);

/** @param {string} id of the shape @returns {HTMLElement} a row that shows nothing yet */
export function newRow(id) {
  const row = /** @type {HTMLElement} */ (MODEL.cloneNode(true));
  row.dataset.shape = id;
  return row;
}

/**
 * @param {HTMLElement} row
 * @param {import("review/shapes").Shape} shape
 * @param {{color?: string, isReplaced?: boolean}} look  color: the label's; isReplaced: a mask waits to replace it
 */
export function drawRow(row, shape, { color = UNKNOWN_COLOR, isReplaced = false }) {
  const [pick, accept, discard] = row.children;
  const [swatch, name, edited, byHand, mask, kind, score, status] = pick.children;
  const isSelected = row.classList.contains("selected");
  row.className = `shape-row ${shape.status}${isSelected ? " selected" : ""}${isReplaced ? " replaced" : ""}`;
  swatch.firstElementChild.setAttribute("fill", color);
  name.textContent = shape.label;
  name.title = shape.label;
  edited.hidden = !shape.edited;
  byHand.hidden = shape.source !== "manual" || isReplaced;
  showMask(mask, isReplaced ? BOX_OF_MASK : isDraft(shape) && shape.replaces ? MASK_OF_BOX : NEITHER);
  showIcon(kind, shape.kind);
  score.className = `score number ${band(shape)}`;
  score.textContent = scoreText(shape);
  showStatus(status, STATUS[shape.status]);

  const isManual = shape.source === "manual";
  const of = `${shape.label} ${scoreText(shape)}`.trim();
  showDecision(accept, "Accept", of, "check", shape.status === "accepted");
  showDecision(discard, isManual ? "Delete" : "Discard", of, isManual ? "trash" : "x", shape.status === "discarded");
}

function showMask(node, { text, title }) {
  node.hidden = !text;
  node.textContent = text;
  node.title = title;
}

/** Drafts are the rule and need no symbol: only screen readers are told. */
function showStatus(node, { icon: symbol, text }) {
  if (symbol) showIcon(node, symbol);
  node.firstElementChild.toggleAttribute("hidden", !symbol);
  node.title = symbol ? text : "";
  node.lastElementChild.textContent = text;
}

function showDecision(button, text, of, symbol, isDone) {
  button.title = text;
  button.setAttribute("aria-label", `${text}: ${of}`);
  button.disabled = isDone;
  showIcon(button, symbol);
}

function showIcon(node, name) {
  node.querySelector("use").setAttribute("href", `#i-${name}`);
}

/** How sure the model was, as a colour beside the figure. */
function band(shape) {
  if (shape.score === null || !isDraft(shape)) return "";
  if (shape.score >= 0.8) return "high";
  return shape.score >= 0.5 ? "medium" : "low";
}

function decision(name) {
  const attributes = { type: "button", class: `button quiet small square ${name}`, "data-part": name, tabindex: "-1" };
  return element("button", attributes, icon("check"));
}

function words(text) {
  return element("span", { class: "visually-hidden" }, text);
}
