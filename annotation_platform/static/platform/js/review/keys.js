/** Listens to the keyboard: which command a key gives, and whether it is meant for us at all. */

const NUDGES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const LARGE_NUDGE = 10;
/** What a drawing tool may want for itself: to close a polygon, to take a point back, to give up. */
const FOR_TOOLS = new Set(["Enter", "NumpadEnter", "Backspace", "Delete", "Escape"]);
/** What a focused button does with these is its own affair. */
const FOR_BUTTONS = new Set(["Enter", "NumpadEnter", "Space"]);
const FOR_SLIDERS = /^(?:Arrow\w+|Home|End|PageUp|PageDown)$/;

/**
 * @param {{
 *   keymap: import("review/keymap").Keymap,
 *   run: (action: string) => void,
 *   nudge: (dx: number, dy: number) => void,           in pixels of the image
 *   hold: (action: "hide" | "pan", isDown: boolean) => void,
 *   toolKey?: (event: KeyboardEvent) => boolean,       whether the tool in hand has taken the key
 * }} options
 */
export function listenToKeys({ keymap, run, nudge, hold, toolKey = () => false }) {
  /** @type {Map<string, "hide" | "pan">} what is held, by the code of its key */
  const held = new Map();
  const letGo = (code) => {
    const action = held.get(code);
    if (held.delete(code)) hold(action, false);
  };

  /** @returns {boolean} whether the key was ours */
  const press = (event) => {
    if (FOR_TOOLS.has(event.code) && toolKey(event)) return true;
    const step = NUDGES[event.code];
    if (step && !hasCtrl(event)) {
      nudge(...step.map((pixels) => pixels * (event.shiftKey ? LARGE_NUDGE : 1)));
      return true;
    }
    const command = keymap.commandFor(event);
    if (!command) return false;
    if (!event.repeat || command.repeats) start(command, event.code);
    return true;
  };

  const start = ({ action, isHeld }, code) => {
    if (!isHeld) return run(action);
    held.set(code, action);
    return hold(action, true);
  };

  document.addEventListener("keydown", (event) => {
    if (isForUs(event) && press(event)) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => letGo(event.code));
  // A key that is let go while another window has the focus sends no keyup.
  addEventListener("blur", () => [...held.keys()].forEach(letGo));
}

const hasCtrl = (event) => event.ctrlKey || event.metaKey;

/** Not while a dialog is open or text is typed; and what a focused control does with a key stays its own. */
function isForUs(event) {
  if (event.defaultPrevented || event.altKey || event.isComposing) return false;
  if (document.querySelector("dialog[open]")) return false;
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.isContentEditable || target.closest("select, textarea, .menu")) return false;
  const input = target.closest("input");
  if (input) return !keepsKey(input.type, event.code);
  // A button of a dialog that has just closed keeps the focus until the next frame.
  return !(FOR_BUTTONS.has(event.code) && target.closest("button, a, summary")?.checkVisibility());
}

function keepsKey(type, code) {
  if (type === "range") return FOR_SLIDERS.test(code);
  return type === "checkbox" ? code === "Space" : true;
}
