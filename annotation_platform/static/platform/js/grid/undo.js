/** Takes the last bulk action back: by its button, or with Ctrl+Z. */

import { plural, toast } from "platform/dom";
import { request } from "platform/http";

/**
 * @param {HTMLElement} region in which the button comes and goes
 * @param {() => void} refresh
 */
export function listenToUndo(region, refresh) {
  region.addEventListener("click", (event) => {
    const button = event.target.closest("[data-undo]");
    if (button) undo(button, refresh);
  });
  document.addEventListener("keydown", (event) => {
    const button = region.querySelector("[data-undo]");
    if (!button || !isUndoKey(event) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    button.click();
  });
}

async function undo(button, refresh) {
  if (button.disabled) return;
  button.disabled = true;
  try {
    const { restored, reopened, kept } = await request("POST", button.dataset.undo);
    const images = reopened ? `, ${plural(reopened, "image")} reopened` : "";
    const changed = kept ? ` ${plural(kept, "shape")} changed meanwhile and left as ${kept === 1 ? "it is" : "they are"}.` : "";
    toast(`${plural(restored, "draft")} put back${images}.${changed}`, kept ? "warning" : "success");
    refresh();
  } catch (error) {
    button.disabled = false;
    toast(error.message, "error");
    // Refused, because it is not as the page has it.
    if (error.status) refresh();
  }
}

function isUndoKey(event) {
  const isTyping = event.target.closest("textarea, input:not([type=range], [type=checkbox])");
  return (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.code === "KeyZ" && !isTyping;
}
