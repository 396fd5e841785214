/** A server in memory with one open item on the page, and the autosave between them: for the tests of saving. */

import { ApiError } from "platform/http";
import { Autosave } from "review/autosave";
import { Store } from "review/store";

export const ITEM = {
  uid: "one", name: "one.jpg", width: 100, height: 80, state: "open", flagComment: "", flaggedBy: null,
  finishedBy: null, finishedAt: null,
};

/** @param {string} uid @param {object} [fields] @returns {object} as the API shows it */
export function apiItem(uid, fields = {}) {
  return {
    uid, name: `${uid}.jpg`, width: 100, height: 80, state: "drafted", flag_comment: "", flagged_by: null,
    finished_by: null, finished_at: null, auto_labeled_at: null, image_url: "", preview_url: "", has_preview: false,
    ...fields,
  };
}

/** @param {string} uid @param {object} [fields] @returns {object} as the API shows it */
export function annotation(uid, fields = {}) {
  return {
    item: "one", uid, version: 1, label: "nut", kind: "box", bbox_xyxy: [1, 2, 30, 40], polygons: null, status: "draft",
    edited: false, source: "auto", score: 0.5, ...fields,
  };
}

/** With versions, as the real one; `script` says how the next requests fail. */
export class Server {
  /** @type {[string, unknown][]} what was asked, and with which body */
  requests = [];
  /** @type {({before: ApiError} | {after: ApiError})[]} whether the error comes instead of the change or after it */
  script = [];
  state = "unlabeled";
  /** Whether somebody has deleted the item. */
  isGone = false;
  #count = 0;

  /** @param {object[]} annotations */
  constructor(annotations) {
    this.rows = new Map(annotations.map((one) => [one.uid, one]));
  }

  get requestNames() {
    return this.requests.map(([name]) => name);
  }

  async annotations() {
    return [...this.rows.values()];
  }

  async create(item, body) {
    this.#enter("create", body);
    const uid = `new-${++this.#count}`;
    this.rows.set(uid, annotation(uid, { item, ...body, source: "manual", status: "accepted", score: null }));
    this.#leave();
    return this.rows.get(uid);
  }

  async change(uid, { version, ...fields }) {
    this.#enter("change", { uid, ...fields });
    if (!this.rows.has(uid)) throw new ApiError(404, { detail: "Not found." });
    if (this.state === "done") throw new ApiError(409, { detail: "The item is finished; reopen it first." });
    const row = this.rows.get(uid);
    if (row.version !== version) throw new ApiError(409, { detail: "Changed.", current: row });
    const edited = fields.status === "draft" ? false : row.edited || "label" in fields || "bbox_xyxy" in fields;
    const restored = fields.status === "draft" ? { label: "nut", bbox_xyxy: [1, 2, 30, 40] } : {};
    this.rows.set(uid, { ...row, status: "accepted", ...restored, ...fields, edited, version: version + 1 });
    this.#leave();
    return this.rows.get(uid);
  }

  async changeMany(item, changes) {
    const uids = changes.map(({ uid }) => uid);
    this.#enter("changeMany", uids);
    const stale = changes.filter(({ uid, version }) => this.rows.get(uid).version !== version);
    if (stale.length) {
      throw new ApiError(409, { detail: "Changed.", current: stale.map(({ uid }) => this.rows.get(uid)) });
    }
    for (const { uid, version, ...fields } of changes) {
      this.rows.set(uid, { ...this.rows.get(uid), ...fields, version: version + 1 });
    }
    this.#leave();
    return uids.map((uid) => this.rows.get(uid));
  }

  async remove(uid) {
    this.#enter("remove", uid);
    if (!this.rows.delete(uid)) throw new ApiError(404, { detail: "Not found." });
    this.#leave();
  }

  async moveItem(item, action, body) {
    this.#enter(action, body);
    if (action === "finish" && [...this.rows.values()].some(({ status }) => status === "draft")) {
      throw new ApiError(409, { detail: "1 draft waits for a verdict." });
    }
    this.state = { finish: "done", reopen: "drafted", flag: "flagged" }[action];
    const finished = { finished_by: "ada", finished_at: "2026-01-01T00:00:00Z" };
    return apiItem(item, { state: this.state, flag_comment: body?.comment ?? "", ...finished });
  }

  #enter(name, body) {
    this.requests.push([name, body]);
    if (this.script[0]?.before) throw this.script.shift().before;
    if (this.isGone) throw new ApiError(404, { detail: "Not found." });
  }

  #leave() {
    if (this.script[0]?.after) throw this.script.shift().after;
  }
}

/** The item is open, and nothing is unsaved. @param {...object} annotations that the server has of it */
export function setUp(...annotations) {
  const server = new Server(annotations);
  const store = new Store();
  const autosave = new Autosave(store, server);
  autosave.take(ITEM, annotations);
  store.open("one");
  const events = [];
  for (const type of ["conflict", "refused", "unfinished", "gone"]) {
    autosave.addEventListener(type, ({ detail }) => events.push([type, detail]));
  }
  const idOf = (uid) => store.shapesOf("one").find((shape) => shape.uid === uid).id;
  return { server, store, autosave, events, idOf };
}

/** @param {Autosave} autosave @returns {Promise<void>} until all that can be saved is saved */
export function settled(autosave) {
  return new Promise((resolve) => {
    autosave.addEventListener("state", ({ detail }) => detail.state === "saved" && resolve());
  });
}

/**
 * Lets the pause before each new try be over at once.
 * @param {Autosave} autosave @param {() => void} [inThePause] what the person does in the first one
 * @returns {Promise<void>} until the first one is over
 */
export function retried(autosave, inThePause = () => {}) {
  return new Promise((resolve) => {
    let pauses = 0;
    autosave.addEventListener("state", ({ detail }) => {
      if (detail.state !== "retrying") return;
      const isFirst = !pauses++;
      setTimeout(() => {
        if (isFirst) inThePause();
        autosave.retry();
        resolve();
      });
    });
  });
}
