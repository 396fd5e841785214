// Errors, each shown at the field that it names; what names no field of the dialog is shown at its end.

import { errorText } from "./job-text.js";

export class FieldErrors {
  #form;

  /** @param {HTMLFormElement} form its fields are `[data-field=name]`, their places for errors `[data-error=name]` */
  constructor(form) {
    this.#form = form;
  }

  clear() {
    for (const place of this.#form.querySelectorAll("[data-error]")) {
      place.textContent = "";
      place.hidden = true;
    }
  }

  /** @param {Record<string, string | string[]>} errors messages by field; the empty name is for the dialog as a whole */
  show(errors) {
    this.clear();
    const general = [];
    let first = null;
    for (const [name, messages] of Object.entries(errors)) {
      const field = name && this.#form.querySelector(`[data-field="${CSS.escape(name)}"]`);
      const place = field && !field.hidden && field.querySelector("[data-error]");
      const text = [].concat(messages).join(" ");
      if (!place) {
        general.push(name ? `${name}: ${text}` : text);
        continue;
      }
      tell(place, text);
      field.closest("details")?.setAttribute("open", "");
      first ??= field;
    }
    if (general.length) tell(this.#form.querySelector('[data-error=""]'), general.join("\n"));
    const place = first?.querySelector("[data-error]") ?? this.#form.querySelector('[data-error=""]');
    place.scrollIntoView({ block: "nearest" });
    first?.querySelector("input:enabled, select:enabled, button:enabled")?.focus({ preventScroll: true });
  }

  /** An answer of the API that is no success. @param {object | null} body @param {number} status */
  showAnswer(body, status) {
    const isByField = body && typeof body === "object" && !body.detail;
    this.show(isByField ? body : { "": errorText(body, status) });
  }
}

function tell(place, text) {
  place.textContent = text;
  place.hidden = false;
}
