/**
 * Keys as text, such as "Ctrl+Shift+KeyZ": the modifiers, then `event.code`, which is the key's place on the keyboard.
 * So the keys lie the same on every layout, and only what is shown to people follows their layout.
 */

const NAMES = {
  Space: "Space", Enter: "Enter", Delete: "Delete", Backspace: "Backspace", Escape: "Esc", Home: "Home", End: "End",
  PageUp: "Page Up", PageDown: "Page Down", Insert: "Insert",
  ArrowLeft: "←", ArrowUp: "↑", ArrowRight: "→", ArrowDown: "↓",
  Minus: "−", Equal: "=", BracketLeft: "[", BracketRight: "]", Backslash: "\\", IntlBackslash: "\\",
  Semicolon: ";", Quote: "'", Backquote: "`", Comma: ",", Period: ".", Slash: "/",
};
const IS_MAC = /Mac|iP(?:hone|ad)/.test(navigator.platform);
const MODIFIERS = { Ctrl: IS_MAC ? "⌘" : "Ctrl", Shift: "Shift" };
const ARIA_MODIFIERS = { Ctrl: IS_MAC ? "Meta" : "Control", Shift: "Shift" };
/** As the standard for `aria-keyshortcuts` spells them. */
const ARIA_NAMES = { "+": "Plus", "−": "-", Esc: "Escape" };

const IS_MODIFIER = /^(?:Shift|Control|Alt|Meta|OS)(?:Left|Right)$|^(?:CapsLock|Fn|NumLock)$/;
const IS_FOR_MOVING = /^(?:Tab|Escape|Arrow\w+)$/;
const IS_OF_THE_BROWSER = /^F\d+$|^Ctrl\+(?:Shift\+)?Key[CFLNPQRTVW]$/;

/**
 * @param {KeyboardEvent} event
 * @returns {string | null} null where only a modifier went down
 */
export function keyOf(event) {
  if (IS_MODIFIER.test(event.code) || !event.code) return null;
  const ctrl = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  return `${ctrl}${event.shiftKey ? "Shift+" : ""}${codeOf(event)}`;
}

/** The keys of the number pad stand for their twins, as long as they write digits. */
function codeOf({ code, key }) {
  if (code === "NumpadEnter") return "Enter";
  const digit = /^Numpad(\d)$/.exec(code)?.[1];
  return digit && digit === key ? `Digit${digit}` : code;
}

/** @param {unknown} key @returns {key is string} whether it looks like what `keyOf` makes */
export const isKey = (key) => typeof key === "string" && /^(?:Ctrl\+)?(?:Shift\+)?[A-Z]\w*$/.test(key);

/**
 * @param {string} key
 * @param {Map<string, string> | null} [layout] what is printed on the keys, by code; without it a US keyboard
 * @returns {string} such as "Ctrl+Shift+Z"
 */
export function textOf(key, layout = null) {
  const parts = key.split("+");
  const code = parts.pop();
  return [...parts.map((modifier) => MODIFIERS[modifier]), nameOf(code, layout)].join("+");
}

/** @param {string} key @param {Map<string, string> | null} [layout] @returns {string} for the attribute `aria-keyshortcuts` */
export function ariaOf(key, layout = null) {
  const parts = key.split("+");
  const name = nameOf(parts.pop(), layout);
  return [...parts.map((modifier) => ARIA_MODIFIERS[modifier]), ariaSign(name)].join("+");
}

/** @param {string} sign a printed sign, such as "+" */
export const ariaSign = (sign) => ARIA_NAMES[sign] ?? sign;

function nameOf(code, layout) {
  const digit = /^Digit(\d)$/.exec(code)?.[1];
  // Digits are printed on the key even where a layout writes them with Shift.
  if (digit) return digit;
  return NAMES[code]?.length > 1 ? NAMES[code] : (layout?.get(code)?.toUpperCase() ?? NAMES[code] ?? code.replace(/^Key/, ""));
}

/**
 * @param {string} key
 * @param {{isHeld: boolean}} use
 * @returns {string | null} why nobody can have this key, or null
 */
export function refusalOf(key, { isHeld }) {
  const text = textOf(key);
  if (IS_FOR_MOVING.test(key.split("+").at(-1))) return `${text} is needed to move about.`;
  if (IS_OF_THE_BROWSER.test(key)) return `${text} belongs to the browser.`;
  return isHeld && key.includes("+") ? "This is held down while you look, so it must be a key without Ctrl or Shift." : null;
}
