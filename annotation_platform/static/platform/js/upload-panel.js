/** Shows an upload queue: the total, what is being sent, and what failed with its reason until it is dismissed. */

import { element, icon, plural } from "platform/dom";

export class UploadPanel {
  #root;
  #queue;
  /** @type {Map<import("platform/upload-queue").Upload, HTMLElement>} */
  #rows = new Map();

  /** @param {HTMLElement} root @param {import("platform/upload-queue").UploadQueue} queue */
  constructor(root, queue) {
    this.#root = root;
    this.#queue = queue;
    queue.addEventListener("change", ({ detail }) => this.#show(detail.upload));
    queue.addEventListener("idle", () => this.#showTotal());
    this.#part("retry-all").addEventListener("click", () => {
      for (const upload of queue.inState("failed")) queue.retry(upload);
    });
    this.#part("dismiss-uploads").addEventListener("click", () => this.#dismiss());
  }

  #show(upload) {
    const isListed = ["sending", "partly", "failed"].includes(upload.state);
    const row = this.#rows.get(upload);
    if (row?.dataset.state === upload.state) {
      row.querySelector("progress")?.setAttribute("value", upload.sent);
    } else if (isListed) {
      const made = uploadRow(upload, () => this.#queue.retry(upload));
      if (row) row.replaceWith(made);
      else this.#part("upload-list").append(made);
      this.#rows.set(upload, made);
    } else {
      row?.remove();
      this.#rows.delete(upload);
    }
    this.#showTotal();
  }

  #showTotal() {
    const { uploads, isBusy } = this.#queue;
    const done = uploads.filter(({ state }) => state === "done" || state === "partly");
    const added = done.reduce((sum, upload) => sum + upload.added, 0);
    const failed = this.#queue.inState("failed").length;
    this.#root.hidden = uploads.length === 0;
    const problems = failed ? `, ${failed} failed` : "";
    this.#part("upload-status").textContent = isBusy
      ? `Uploading: ${done.length} of ${plural(uploads.length, uploads.some(({ added }) => added > 1) ? "file" : "image")}${problems}`
      : `${plural(added, "image")} uploaded${problems}`;
    const total = this.#part("upload-total");
    total.hidden = !isBusy;
    total.value = uploads.reduce((sum, { state, sent }) => sum + (state === "failed" ? 1 : sent), 0) / (uploads.length || 1);
    this.#part("retry-all").hidden = isBusy || !failed;
    this.#part("dismiss-uploads").hidden = isBusy;
  }

  #dismiss() {
    this.#queue.clear();
    this.#rows.clear();
    this.#part("upload-list").replaceChildren();
    this.#showTotal();
  }

  #part(name) {
    return this.#root.querySelector(`[data-${name}]`);
  }
}

function uploadRow({ name, state, sent, reason }, onRetry) {
  const row = element(
    "li",
    { class: "upload", "data-state": state },
    icon(state === "sending" ? "image" : "alert"),
    element("span", { class: "truncate", title: name }, name),
  );
  if (state === "sending") {
    row.append(element("progress", { max: "1", value: String(sent), "aria-label": `Sending ${name}` }));
  } else if (state === "partly") {
    row.append(element("span"), element("span"), element("p", { class: "reason" }, reason));
  } else {
    const retry = element("button", { type: "button", class: "button small", "aria-label": `Retry ${name}` }, "Retry");
    retry.addEventListener("click", onRetry);
    row.append(element("span"), retry, element("p", { class: "reason" }, reason));
  }
  return row;
}
