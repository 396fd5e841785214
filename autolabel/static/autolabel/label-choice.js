// The check boxes of the project's labels: which to look for. Those that the model cannot find are struck out.

/** The form in which names are compared, here as on the server: without case and surrounding space. */
export const fold = (name) => name.trim().toLowerCase();

export class LabelChoice {
  #root;
  #hint;

  /** @param {HTMLElement} root @param {() => void} onPressed one of the buttons that check all or none */
  constructor(root, onPressed) {
    this.#root = root;
    this.#hint = root.querySelector("[data-unknown-labels]");
    for (const button of root.querySelectorAll("[data-check]")) {
      button.addEventListener("click", () => {
        for (const box of this.#boxes.filter(({ disabled }) => !disabled)) box.checked = button.dataset.check === "all";
        onPressed();
      });
    }
  }

  get #boxes() {
    return [...this.#root.querySelectorAll("[name=labels]")];
  }

  /** @returns {string[]} every label of the project */
  get all() {
    return this.#boxes.map(({ value }) => value);
  }

  /** @returns {string[]} */
  get chosen() {
    return this.#boxes.filter(({ checked }) => checked).map(({ value }) => value);
  }

  /** Whether nothing is left out but what the model does not know anyway. */
  get isAll() {
    return this.#boxes.every((box) => box.checked || box.disabled);
  }

  /** @returns {string} what has to be chosen first, or nothing */
  get problem() {
    if (this.chosen.length) return "";
    const isUnknown = this.#boxes.length > 0 && this.#boxes.every(({ disabled }) => disabled);
    if (isUnknown) return "This model knows none of the project's labels. Map its classes to labels, under “Advanced”.";
    return "Choose at least one label.";
  }

  /** @param {Set<string> | null} known the labels, folded, that the model can find; null where it can find any */
  show(known) {
    for (const box of this.#boxes) {
      const isUnknown = known !== null && !known.has(fold(box.value));
      if (isUnknown !== box.disabled) box.checked = !isUnknown;
      box.disabled = isUnknown;
      if (isUnknown) box.setAttribute("aria-describedby", this.#hint.id);
      else box.removeAttribute("aria-describedby");
    }
    this.#hint.hidden = !this.#boxes.some(({ disabled }) => disabled);
  }
}
