/** The REST client of the review page. */

import { csrfToken, reasonOf } from "platform/http";

const TIMEOUT_MS = 20_000;

/** An answer that says no. `status` is 0 where no answer came at all. */
export class ApiError extends Error {
  /** @param {number} status @param {any} body */
  constructor(status, body) {
    super(status ? reasonOf(body, status) : "The server cannot be reached.");
    this.status = status;
    this.body = body;
  }

  /** Whether the same request may succeed later: no network, an overloaded server, a session that has ended. */
  get isPassing() {
    return this.status === 0 || this.status === 401 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export class Api {
  #urls;

  /** @param {Record<string, string>} urls as the page's configuration names them; `{uid}` stands for a uid */
  constructor(urls) {
    this.#urls = urls;
  }

  /** @param {string} item @returns {Promise<{item: object, position: object, annotations: object[]}>} */
  workspace(item) {
    return send("GET", this.#url("workspace", item));
  }

  /** @param {string} item @returns {Promise<object[]>} all annotations of the item */
  async annotations(item) {
    return (await send("GET", this.#url("annotations", item))).results;
  }

  create(item, body) {
    return send("POST", this.#url("annotations", item), body);
  }

  change(uid, body) {
    return send("PATCH", this.#url("annotation", uid), body);
  }

  /** All or nothing. @param {string} item @param {object[]} changes @returns {Promise<object[]>} */
  async changeMany(item, changes) {
    return (await send("PATCH", this.#url("annotations", item), { changes })).results;
  }

  remove(uid, version) {
    return send("DELETE", `${this.#url("annotation", uid)}?version=${version}`);
  }

  /** @param {string} item @param {"finish" | "reopen" | "flag"} action @param {object} [body] @returns {Promise<object>} the item */
  moveItem(item, action, body) {
    return send("POST", this.#url(action, item), body);
  }

  /**
   * The next items to decide, which nobody else is given for some minutes.
   * @param {{order: string, count: number, after: string, skip: string[], hold: string[]}} wish
   * @returns {Promise<{items: {uid: string, reason: string}[], taken: {uid: string, by: string}[], counts: object}>}
   */
  claim(wish) {
    return send("POST", this.#urls.queue, wish);
  }

  #url(name, uid) {
    return this.#urls[name].replace("{uid}", uid);
  }
}

async function send(method, url, body) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new ApiError(0, null);
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  // Cut off on its way, or a proxy's page: no answer of ours, whatever its status says.
  if (response.ok && answer === null) throw new ApiError(0, null);
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer;
}
