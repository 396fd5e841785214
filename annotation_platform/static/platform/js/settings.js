/** Settings pages: a question before what cannot be undone, and copying what is shown once. */

import { toast } from "platform/dom";

const dialog = document.getElementById("confirm");

document.addEventListener("submit", (event) => {
  const { confirm, confirmText, confirmYes } = event.target.dataset;
  if (!confirm) return;
  event.preventDefault();
  document.getElementById("confirm-title").textContent = confirm;
  document.getElementById("confirm-text").textContent = confirmText;
  document.getElementById("confirm-yes").textContent = confirmYes;
  // Closed by Escape, a dialog keeps the answer that it had before.
  dialog.returnValue = "cancel";
  dialog.showModal();
  // Sent past this handler: submit() asks nobody.
  dialog.addEventListener("close", () => dialog.returnValue === "yes" && event.target.submit(), { once: true });
});

document.querySelector("[data-copy]")?.addEventListener("click", async ({ currentTarget }) => {
  const secret = document.querySelector("[data-secret]");
  try {
    await navigator.clipboard.writeText(secret.textContent);
    currentTarget.querySelector("[data-text]").textContent = "Copied";
  } catch {
    // Without TLS browsers give no access to the clipboard.
    getSelection().selectAllChildren(secret);
    toast("Press Ctrl+C to copy what is selected.");
  }
});

// Sent back by the server: to the first thing that is wrong.
document.querySelector("[aria-invalid=true]")?.focus();
