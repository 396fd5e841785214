/** Project page: uploads by button or drag and drop; and when the live part, which htmx swaps, is to be refreshed. */

import { UploadPanel } from "platform/upload-panel";
import { UploadQueue } from "platform/upload-queue";

/** While many files go up or a job runs, the thumbnails follow at this pace. */
const REFRESH_MS = 5000;

const panel = document.querySelector("[data-uploads]");
const picker = document.querySelector("[data-files]");
const hint = document.querySelector("[data-drop-hint]");
const queue = new UploadQueue({ items: panel.dataset.url, archives: panel.dataset.archivesUrl });
new UploadPanel(panel, queue);

let refreshed = 0;

function refresh() {
  refreshed = performance.now();
  document.dispatchEvent(new CustomEvent("platform:uploaded"));
}

/** The auto-label button counts anew; not under a person who has its dialog open. */
function refreshAutolabel() {
  const dialog = document.querySelector("#autolabel-slot dialog[open]");
  if (dialog) dialog.addEventListener("close", refreshAutolabel, { once: true });
  else document.dispatchEvent(new CustomEvent("platform:uploads-ended"));
}

queue.addEventListener("idle", () => {
  refresh();
  refreshAutolabel();
});
queue.addEventListener("change", ({ detail }) => {
  if (detail.upload.added && performance.now() - refreshed > REFRESH_MS) refresh();
});

// A running job is followed as far as it has moved; its end refreshes the live part by itself.
let seen = "";
document.addEventListener("autolabel:progress", ({ detail: job }) => {
  const now = [job.uid, job.status, job.processed_items].join();
  // A press that is under way would be lost with the link it was meant for.
  const isPressed = document.querySelector("#live :active");
  if (now === seen || isPressed || performance.now() - refreshed < REFRESH_MS) return;
  seen = now;
  refresh();
});

const pick = document.querySelector("[data-pick-files]");
pick.addEventListener("click", () => picker.click());
// Dismissed, the panel is gone, and with it the button that had the focus.
panel.querySelector("[data-dismiss-uploads]").addEventListener("click", () => pick.focus());
picker.addEventListener("change", () => {
  queue.add(picker.files);
  // Emptied, so that choosing the same file again is a change again.
  picker.value = "";
});

const urls = document.getElementById("urls");
const addresses = urls.querySelector("textarea");
document.querySelector("[data-add-urls]").addEventListener("click", () => {
  urls.returnValue = "cancel";
  urls.showModal();
});
urls.addEventListener("close", () => {
  if (urls.returnValue !== "add") return;
  queue.addUrls(new Set(addresses.value.split(/\s+/).filter(Boolean)));
  addresses.value = "";
});

addEventListener("beforeunload", (event) => {
  if (queue.isBusy) event.preventDefault();
});

// Entering a child fires before leaving its parent, hence the count.
let depth = 0;

function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

function setDepth(value) {
  depth = value;
  hint.hidden = depth === 0;
}

document.addEventListener("dragenter", (event) => {
  if (carriesFiles(event)) setDepth(depth + 1);
});
document.addEventListener("dragleave", (event) => {
  if (carriesFiles(event)) setDepth(Math.max(0, depth - 1));
});
document.addEventListener("dragover", (event) => {
  if (carriesFiles(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  setDepth(0);
  queue.add(event.dataTransfer.files);
});
