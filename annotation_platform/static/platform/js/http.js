/** What every request of ours to the API has in common. */

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
