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

  /** @param {Record<string, string>} urls as the page's configuration names them */
  constructor(urls) {
    this.#urls = urls;
  }

  /** @returns {Promise<object[]>} all annotations of the item */
  async annotations() {
    return (await send("GET", this.#urls.annotations)).results;
  }

  create(body) {
    return send("POST", this.#urls.annotations, body);
  }

  change(uid, body) {
    return send("PATCH", this.#annotation(uid), body);
  }

  /** All or nothing. @param {object[]} changes @returns {Promise<object[]>} */
  async changeMany(changes) {
    return (await send("PATCH", this.#urls.annotations, { changes })).results;
  }

  remove(uid, version) {
    return send("DELETE", `${this.#annotation(uid)}?version=${version}`);
  }

  /** @param {"finish" | "reopen" | "flag"} action @returns {Promise<object>} the item */
  moveItem(action) {
    return send("POST", this.#urls[action]);
  }

  #annotation(uid) {
    return this.#urls.annotation.replace("{uid}", uid);
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
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer;
}
