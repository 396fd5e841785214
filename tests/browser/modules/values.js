/** Values of tests: compared by structure, and written so that a person sees where two of them differ. */

const LINE = 100;

/**
 * Whether two values have the same structure. Prototypes of plain objects and classes do not count.
 * @param {unknown} a
 * @param {unknown} b
 * @returns {boolean}
 */
export function isDeepEqual(a, b) {
  if (Object.is(a, b)) return true;
  if (!isStructure(a) || !isStructure(b) || kindOf(a) !== kindOf(b)) return false;
  switch (kindOf(a)) {
    case "Date":
      return a.getTime() === b.getTime();
    case "RegExp":
      return String(a) === String(b);
    case "Error":
      return a.name === b.name && a.message === b.message;
    case "Set":
      return a.size === b.size && [...a].every((value) => b.has(value) || [...b].some((other) => isDeepEqual(value, other)));
    case "Map":
      return a.size === b.size && [...a].every(([key, value]) => b.has(key) && isDeepEqual(value, b.get(key)));
    default:
      return hasEqualEntries(a, b);
  }
}

/** @param {unknown} value @returns {string} its text, over several lines where it is long */
export function show(value) {
  return write(value, "", []);
}

function isStructure(value) {
  return typeof value === "object" && value !== null && !(value instanceof Node);
}

function kindOf(value) {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function hasEqualEntries(a, b) {
  const keys = Object.keys(a);
  return (
    a.length === b.length &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isDeepEqual(a[key], b[key]))
  );
}

function write(value, indent, parents) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[function ${value.name || "without a name"}]`;
  if (value instanceof Element) return value.cloneNode(false).outerHTML;
  if (!isStructure(value)) return Object.is(value, -0) ? "-0" : String(value);
  if (parents.includes(value)) return "[itself, further out]";
  return writeStructure(value, indent, [...parents, value]);
}

function writeStructure(value, indent, parents) {
  const kind = kindOf(value);
  if (kind === "Date") return `Date ${value.getTime()}`;
  if (kind === "RegExp" || kind === "Error") return String(value);
  const inner = `${indent}  `;
  const part = (child) => write(child, inner, parents);
  if (kind === "Set") return wrap("Set {", [...value].map(part), "}", indent);
  if (kind === "Map") return wrap("Map {", [...value].map(([key, child]) => `${part(key)} → ${part(child)}`), "}", indent);
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return wrap("[", Array.from(value, part), "]", indent);
  const names = Object.keys(value).sort();
  return wrap(`${nameOfClass(value)}{`, names.map((name) => `${name}: ${part(value[name])}`), "}", indent);
}

function nameOfClass(value) {
  const name = Object.getPrototypeOf(value)?.constructor?.name ?? "Object";
  return name === "Object" ? "" : `${name} `;
}

function wrap(open, parts, close, indent) {
  const line = `${open}${parts.join(", ")}${close}`;
  if (indent.length + line.length <= LINE && !line.includes("\n")) return line;
  return `${open}\n${parts.map((part) => `${indent}  ${part}`).join(",\n")}\n${indent}${close}`;
}
