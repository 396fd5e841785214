// Small things done to a page.

/** Writes a text only where it is new, so that a screen reader does not say it again and a selection stays. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
