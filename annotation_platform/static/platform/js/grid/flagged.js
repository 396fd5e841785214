/** The list of flagged images: takes flags off, and puts them on again with the same comment. */

import { toast } from "platform/dom";
import { request } from "platform/http";

const tabCount = document.querySelector("[data-flagged-count]");

/** @param {HTMLButtonElement} button its row stays in place, so that the same button takes the action back */
async function toggleFlag(button) {
  const row = button.closest("[data-item]");
  const isOff = row.classList.contains("is-off");
  const { url, undoUrl, comment } = button.dataset;
  button.disabled = true;
  try {
    if (isOff) await request("POST", undoUrl, { comment });
    else await request("POST", url);
    show(row, button, !isOff);
  } catch (error) {
    toast(error.message, "error");
  } finally {
    button.disabled = false;
    button.focus();
  }
}

function show(row, button, isOff) {
  row.classList.toggle("is-off", isOff);
  button.querySelector("[data-text]").textContent = isOff ? "Undo: flag again" : "Take the flag off";
  tabCount.textContent = String(Number(tabCount.textContent) + (isOff ? -1 : 1));
  toast(isOff ? "The flag is off: the image is open again." : "The image is flagged again.", "success");
}

document.querySelector("[data-flags]")?.addEventListener("click", (event) => {
  const button = event.target.closest("[data-take-off]");
  if (button) toggleFlag(button);
});
