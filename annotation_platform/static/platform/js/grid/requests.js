/** Requests to the API whose failure is a sentence for people. */

import { csrfToken, reasonOf } from "platform/http";

/** What went wrong, in words for the person; `status` is 0 where no answer came. */
export class RequestFailed extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * Sends JSON and returns the parsed answer. Raises RequestFailed.
 * @param {string} url
 * @param {object} [body]
 * @param {AbortSignal} [signal] a request that was given up raises what fetch raises
 */
export async function post(url, body = {}, signal = undefined) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal }).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new RequestFailed("The server cannot be reached. Check the connection and try again.", 0);
  });
  const answer = await response.json().catch(() => null);
  // Cut off on its way. A request that was given up meanwhile is no failure.
  if (response.ok && answer === null) {
    signal?.throwIfAborted();
    throw new RequestFailed("The server's answer was lost. Reload the page to see what became of it.", 0);
  }
  if (!response.ok) throw new RequestFailed(explained(answer, response.status), response.status);
  return answer;
}

function explained(answer, status) {
  if (status === 401) return "You are signed out. Reload the page to sign in again.";
  return reasonOf(answer, status);
}
