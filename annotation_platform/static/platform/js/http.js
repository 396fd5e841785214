/** What every request of ours to the API has in common. */

const TIMEOUT_MS = 20_000;

/** An answer that says no. `status` is 0 where no whole answer came. */
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

/**
 * Sends JSON and reads the JSON that is answered, null where the answer has no body.
 * @param {string} method @param {string} url
 * @param {object} [body]
 * @param {AbortSignal} [signal] a request that was given up by it raises its reason; otherwise an ApiError is raised
 */
export async function request(method, url, body = undefined, signal = undefined) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  if (body) headers["Content-Type"] = "application/json";
  const signals = [AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])];
  const options = { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.any(signals) };
  try {
    const response = await fetch(url, options);
    if (response.status === 204) return null;
    const answer = await response.json().catch(() => null);
    // Cut off on its way, or a proxy's page: no answer of ours, whatever its status says.
    if (response.ok && answer === null) throw new ApiError(0, null);
    if (!response.ok) throw new ApiError(response.status, answer);
    return answer;
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof ApiError ? error : new ApiError(0, null);
  }
}

/** @returns {string} the CSRF token of this session */
export function csrfToken() {
  return document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";
}

/**
 * The words for a person out of an API error: `{"detail": …}` or `{"field": ["…"]}`.
 * @param {unknown} body the parsed answer, or null where it was not JSON
 * @param {number} status the HTTP status
 */
export function reasonOf(body, status) {
  if (status === 401) return "You are signed out. Sign in again in another tab.";
  if (body && typeof body === "object") {
    if (typeof body.detail === "string") return body.detail;
    const texts = textsIn(body);
    if (texts.length) return texts.join(" ");
  }
  if (status === 413) return "The file is too large.";
  return status >= 500 ? `The server failed (${status}).` : `The server refused this (${status}).`;
}

/** Every text in a nested answer: the errors of a list are objects in an array. */
function textsIn(value) {
  if (typeof value === "string") return [value];
  return value && typeof value === "object" ? Object.values(value).flatMap(textsIn) : [];
}
