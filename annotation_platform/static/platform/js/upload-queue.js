/** Uploads files one request each, a few side by side. It knows nothing of the page. */

import { csrfToken, reasonOf } from "platform/http";

const SIDE_BY_SIDE = 3;

/**
 * @typedef {{file: File, state: "waiting" | "sending" | "done" | "failed", sent: number, reason: string}} Upload
 *   sent: the share of the file that has left, 0 to 1
 *
 * Events: "change" (detail: {upload}), "idle" when nothing is waiting or being sent any more.
 */
export class UploadQueue extends EventTarget {
  #url;
  /** @type {Upload[]} */
  uploads = [];
  #sending = 0;

  /** @param {string} url takes a POST with the file in the field `image` */
  constructor(url) {
    super();
    this.#url = url;
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) this.uploads.push({ file, state: "waiting", sent: 0, reason: "" });
    this.#pump();
  }

  /** @param {Upload} upload a failed one */
  retry(upload) {
    Object.assign(upload, { state: "waiting", sent: 0, reason: "" });
    this.#changed(upload);
    this.#pump();
  }

  /** Forget everything that has ended. */
  clear() {
    this.uploads = this.uploads.filter(({ state }) => state === "waiting" || state === "sending");
  }

  /** @param {Upload["state"]} state @returns {Upload[]} */
  inState(state) {
    return this.uploads.filter((upload) => upload.state === state);
  }

  get isBusy() {
    return this.#sending > 0;
  }

  #pump() {
    const waiting = this.uploads.filter(({ state }) => state === "waiting");
    for (const upload of waiting.slice(0, SIDE_BY_SIDE - this.#sending)) this.#send(upload);
  }

  async #send(upload) {
    this.#sending += 1;
    upload.state = "sending";
    this.#changed(upload);
    const reason = await post(this.#url, upload.file, (share) => {
      upload.sent = share;
      this.#changed(upload);
    });
    Object.assign(upload, reason ? { state: "failed", reason } : { state: "done", sent: 1 });
    this.#sending -= 1;
    this.#changed(upload);
    this.#pump();
    if (!this.#sending) this.dispatchEvent(new Event("idle"));
  }

  #changed(upload) {
    this.dispatchEvent(new CustomEvent("change", { detail: { upload } }));
  }
}

/**
 * XMLHttpRequest, because fetch does not tell how much of a body has left.
 * @returns {Promise<string>} the reason of a failure, or nothing
 */
function post(url, file, onProgress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.responseType = "json";
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
    request.addEventListener("error", () => resolve("The server cannot be reached."));
    request.addEventListener("abort", () => resolve("Stopped."));
    request.addEventListener("load", () => {
      const { status, response } = request;
      resolve(status >= 200 && status < 300 ? "" : reasonOf(response, status));
    });
    const body = new FormData();
    body.append("image", file);
    request.send(body);
  });
}
