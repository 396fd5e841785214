/** Which key does what, by its physical position, so that the keys lie the same on every keyboard layout. */

/** @type {{code: string, action: string, shift?: boolean, ctrl?: boolean}[]} */
const BINDINGS = [
  { code: "KeyA", action: "accept" },
  { code: "KeyA", shift: true, action: "accept-visible" },
  { code: "KeyX", action: "discard" },
  { code: "Delete", action: "remove" },
  { code: "Backspace", action: "remove" },
  { code: "KeyJ", action: "next-draft" },
  { code: "KeyK", action: "previous-draft" },
  { code: "KeyV", action: "select-tool" },
  { code: "KeyB", action: "box-tool" },
  { code: "KeyZ", action: "zoom-to-shape" },
  { code: "KeyZ", ctrl: true, action: "undo" },
  { code: "KeyZ", ctrl: true, shift: true, action: "redo" },
  { code: "KeyY", ctrl: true, action: "redo" },
  { code: "Digit0", action: "fit" },
  { code: "Numpad0", action: "fit" },
  { code: "Equal", action: "zoom-in" },
  { code: "Equal", shift: true, action: "zoom-in" },
  { code: "NumpadAdd", action: "zoom-in" },
  { code: "Minus", action: "zoom-out" },
  { code: "NumpadSubtract", action: "zoom-out" },
  { code: "KeyN", action: "next-item" },
  { code: "KeyU", action: "previous-item" },
  { code: "KeyF", action: "flag" },
  { code: "Enter", action: "finish" },
  { code: "NumpadEnter", action: "finish" },
  { code: "Escape", action: "escape" },
  { code: "Slash", shift: true, action: "help" },
];

/** Signs that people look for by what is printed on the key, wherever their layout has it. */
const BY_SIGN = { "?": "help", "+": "zoom-in", "-": "zoom-out" };

const NUDGES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const LARGE_NUDGE = 10;

/**
 * @param {{
 *   run: (action: string) => void,
 *   label: (index: number) => void,      a digit, counted from 0
 *   nudge: (dx: number, dy: number) => void,
 *   hold: (key: "hide" | "pan", isDown: boolean) => void,
 * }} handlers
 */
export function listenToKeys(handlers) {
  document.addEventListener("keydown", (event) => {
    if (!isForUs(event)) return;
    if (handle(event, handlers)) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (event.code === "KeyH") handlers.hold("hide", false);
    if (event.code === "Space") handlers.hold("pan", false);
  });
  // A key that is let go while another window has the focus sends no keyup.
  addEventListener("blur", () => {
    handlers.hold("hide", false);
    handlers.hold("pan", false);
  });
}

function handle(event, handlers) {
  const ctrl = event.ctrlKey || event.metaKey;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
  const nudge = NUDGES[event.code];
  const isPlain = !ctrl && !event.shiftKey;
  if (isPlain && event.code === "KeyH") handlers.hold("hide", true);
  else if (isPlain && event.code === "Space") handlers.hold("pan", true);
  else if (isPlain && digit) handlers.label(Number(digit[1]) - 1);
  else if (!ctrl && nudge) handlers.nudge(...nudge.map((step) => step * (event.shiftKey ? LARGE_NUDGE : 1)));
  else {
    const action = actionFor(event, ctrl);
    if (!action) return false;
    handlers.run(action);
  }
  return true;
}

function actionFor(event, ctrl) {
  const binding = BINDINGS.find(
    (candidate) =>
      candidate.code === event.code &&
      Boolean(candidate.ctrl) === ctrl &&
      Boolean(candidate.shift) === event.shiftKey,
  );
  return binding?.action ?? (ctrl ? undefined : BY_SIGN[event.key]);
}

/** Not while a dialog is open or text is typed; and what a focused control does with a key stays its own. */
function isForUs(event) {
  if (event.altKey || event.isComposing || document.querySelector("dialog[open]")) return false;
  const target = /** @type {Element} */ (event.target);
  if (target.closest("select, textarea, input:not([type=range], [type=checkbox])")) return false;
  if (target.closest("input") && (event.code.startsWith("Arrow") || event.code === "Space")) return false;
  return !(target.closest("button, a, summary") && ["Enter", "NumpadEnter", "Space"].includes(event.code));
}
