/** Asks what is unclear about an image, so that whoever comes next knows. */

const byId = (id) => document.getElementById(id);

/**
 * @param {{isFlagged: boolean, comment: string}} now
 * @returns {Promise<{verdict: "flag" | "unflag" | "", comment: string}>} "" where the person changed their mind
 */
export async function askFlag({ isFlagged, comment }) {
  const dialog = byId("flag-dialog");
  const field = byId("flag-comment");
  if (dialog.open) return { verdict: "", comment };
  byId("flag-title").textContent = isFlagged ? "This image is flagged" : "Flag this image";
  byId("flag-confirm").textContent = isFlagged ? "Change comment" : "Flag";
  byId("flag-off").hidden = !isFlagged;
  field.value = comment;
  dialog.returnValue = "";
  field.addEventListener("keydown", confirmByEnter);
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  field.removeEventListener("keydown", confirmByEnter);
  return { verdict: dialog.returnValue, comment: field.value.trim() };
}

/** The key F, then Enter: no hand leaves the keyboard, and most have nothing to add. */
function confirmByEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("flag-confirm").click();
}
