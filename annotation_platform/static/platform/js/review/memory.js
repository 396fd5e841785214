/** What this browser remembers of a person's habits. Where storage is forbidden, it lasts as long as the page. */

/** @type {Map<string, unknown>} */
const onPage = new Map();

/** @param {string} name @returns {unknown} what was remembered, undefined without it */
export function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null") ?? undefined;
  } catch {
    return onPage.get(name);
  }
}

/** @param {string} name @param {unknown} value undefined forgets it */
export function remember(name, value) {
  onPage.set(name, value);
  try {
    if (value === undefined) localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // It is remembered on the page.
  }
}
