/** Uploads files and archives, and names URLs to be fetched: one request each, a few side by side. It knows nothing of the page. */

import { plural } from "platform/dom";
import { csrfToken, reasonOf } from "platform/http";

const SIDE_BY_SIDE = 3;
/** Of an archive: why single files of it were not taken. */
const REASONS_SHOWN = 5;

/**
 * @typedef {{name: string, file: File | null, added: number, sent: number, reason: string,
 *   state: "waiting" | "sending" | "done" | "partly" | "failed"}} Upload
 *   file: null where `name` is a URL; added: how many images came of it; sent: the share that has left, 0 to 1
 *   partly: of an archive some images were taken, so that sending it again would double them
 *
 * Events: "change" (detail: {upload}), "idle" when nothing is waiting or being sent any more.
 */
export class UploadQueue extends EventTarget {
  #urls;
  /** @type {Upload[]} */
  uploads = [];
  #sending = 0;

  /** @param {{items: string, archives: string}} urls take a POST of one image or URL, and of one archive */
  constructor(urls) {
    super();
    this.#urls = urls;
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) this.#push(file.name, file);
    this.#pump();
  }

  /** @param {Iterable<string>} addresses of images */
  addUrls(addresses) {
    for (const address of addresses) this.#push(address, null);
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

  #push(name, file) {
    this.uploads.push({ name, file, state: "waiting", added: 0, sent: 0, reason: "" });
  }

  #pump() {
    const waiting = this.uploads.filter(({ state }) => state === "waiting");
    for (const upload of waiting.slice(0, SIDE_BY_SIDE - this.#sending)) this.#send(upload);
  }

  async #send(upload) {
    this.#sending += 1;
    upload.state = "sending";
    this.#changed(upload);
    const answer = await post(this.#urls, upload, (share) => {
      upload.sent = share;
      this.#changed(upload);
    });
    Object.assign(upload, outcomeOf(answer));
    this.#sending -= 1;
    this.#changed(upload);
    this.#pump();
    if (!this.#sending) this.dispatchEvent(new Event("idle"));
  }

  #changed(upload) {
    this.dispatchEvent(new CustomEvent("change", { detail: { upload } }));
  }
}

/** What became of an upload, from the answer to it. */
function outcomeOf({ reason, body }) {
  if (reason) return { state: "failed", reason };
  if (!body?.created) return { state: "done", sent: 1, added: 1 };
  const added = body.created.length;
  if (!body.refused.length) return { state: "done", sent: 1, added };
  const reasons = body.refused.slice(0, REASONS_SHOWN).map((one) => `${one.name}: ${one.reason}`);
  const more = body.refused.length > REASONS_SHOWN ? ` And ${body.refused.length - REASONS_SHOWN} more.` : "";
  return { state: "partly", sent: 1, added, reason: `${plural(added, "image")} added, ${body.refused.length} not. ${reasons.join(" ")}${more}` };
}

function isArchive(file) {
  return file.name.toLowerCase().endsWith(".zip");
}

/**
 * XMLHttpRequest, because fetch does not tell how much of a body has left.
 * @returns {Promise<{reason: string, body: any}>} the reason of a failure, or what was answered
 */
function post(urls, { name, file }, onProgress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", file && isArchive(file) ? urls.archives : urls.items);
    request.responseType = "json";
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
    request.addEventListener("error", () => resolve({ reason: "The server cannot be reached." }));
    request.addEventListener("abort", () => resolve({ reason: "Stopped." }));
    request.addEventListener("load", () => {
      const { status, response } = request;
      resolve(status >= 200 && status < 300 ? { reason: "", body: response } : { reason: reasonOf(response, status) });
    });
    if (file) {
      const body = new FormData();
      body.append(isArchive(file) ? "archive" : "image", file);
      request.send(body);
    } else {
      request.setRequestHeader("Content-Type", "application/json");
      request.send(JSON.stringify({ url: name }));
    }
  });
}
