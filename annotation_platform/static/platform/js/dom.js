/** Small helpers for building DOM without markup in strings. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element.
 * @param {string} tag
 * @param {Record<string, string | boolean | null>} [attributes] null and false leave the attribute out
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * An SVG element.
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...Node} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * One of the icons of templates/partials/icons.html.
 * @param {string} name
 */
export function icon(name) {
  return svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));
}

/**
 * Tells the person something in a floating notice that goes away by itself.
 * @param {string} text
 * @param {"info" | "success" | "warning" | "error"} [level]
 */
export function toast(text, level = "info") {
  const symbol = { info: "info", success: "check-circle" }[level] ?? "alert";
  const notice = element("p", { class: `notice ${level}` }, icon(symbol), element("span", { class: "text" }, text));
  const toasts = document.getElementById("toasts");
  // Said again, a text takes the place of its older self.
  for (const older of [...toasts.children]) if (older.textContent === text) older.remove();
  toasts.append(notice);
  setTimeout(() => notice.remove(), level === "error" || level === "warning" ? 9000 : 4500);
}

/** @param {number} count @param {string} noun @returns {string} such as "1 draft" or "3 drafts" */
export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}
