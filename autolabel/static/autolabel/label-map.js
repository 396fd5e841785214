// Which class of the model, or which word, stands for which label of the project: rows that can be added and removed.

import { fold } from "./label-choice.js";
import { write } from "./page.js";

/** So many classes are named in the hint; the others are counted. */
const NAMED = 12;

export class LabelMap {
  #root;
  #rows;
  #labels;
  /** What is known of the chosen model. */
  #model;

  /** @param {HTMLElement} root @param {string[]} labels the project's @param {() => void} onChange */
  constructor(root, labels, onChange) {
    this.#root = root;
    this.#rows = root.querySelector("[data-map-rows]");
    this.#labels = labels;
    root.querySelector("[data-add-row]").addEventListener("click", () => this.#add());
    this.#rows.addEventListener("click", (event) => {
      const button = event.target.closest("[data-remove-row]");
      if (!button) return;
      this.#remove(button.closest("li"));
      onChange();
    });
    this.#rows.addEventListener("input", onChange);
    this.#rows.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !event.target.matches("[data-class]") || event.isComposing) return;
      // Not the form's start: a list is being written.
      event.preventDefault();
      if (event.target.value.trim()) this.#add();
    });
  }

  #add() {
    const row = this.#root.querySelector("[data-map-row]").content.firstElementChild.cloneNode(true);
    // Most often a class is wanted for a label that the model does not know.
    const [lost] = this.#lost(this.#model);
    if (lost) row.querySelector("[data-target]").value = lost;
    this.#rows.append(row);
    row.querySelector("[data-class]").focus();
  }

  #remove(row) {
    const heir = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (heir?.querySelector("[data-remove-row]") ?? this.#root.querySelector("[data-add-row]")).focus();
  }

  /** @returns {[string, string][]} class and label of each row that is filled in */
  get #pairs() {
    return [...this.#rows.children]
      .map((row) => [row.querySelector("[data-class]").value.trim(), row.querySelector("[data-target]").value])
      .filter(([word]) => word);
  }

  /** @returns {Record<string, string>} class to label */
  get value() {
    return Object.fromEntries(this.#pairs);
  }

  /** @returns {string} why it cannot be sent, or nothing */
  get problem() {
    const words = this.#pairs.map(([word]) => fold(word));
    const twice = this.#pairs.find(([word], at) => words.indexOf(fold(word)) !== at);
    return twice ? `“${twice[0]}” is in the list twice: each class leads to one label.` : "";
  }

  /** @param {string[] | null} classes the model's @returns {Set<string> | null} the labels it can find, folded; null for any */
  labelsFor(classes) {
    if (!classes) return null;
    const map = new Map(this.#pairs.map(([word, label]) => [fold(word), fold(label)]));
    return new Set(classes.map((one) => map.get(fold(one)) ?? fold(one)));
  }

  /** @param {{ready: boolean, labels: string[] | null} | undefined} model the chosen one */
  show(model) {
    this.#model = model;
    const classes = model?.labels ?? [];
    const list = this.#root.querySelector("datalist");
    if ([...list.options].map(({ value }) => value).join("\n") !== classes.join("\n")) {
      list.replaceChildren(...classes.map((one) => Object.assign(document.createElement("option"), { value: one })));
    }
    write(this.#root.querySelector("[data-map-hint]"), this.#hint(model));
  }

  /** @returns {string[]} the project's labels that the model never gives */
  #lost(model) {
    const found = this.labelsFor(model?.labels ?? null);
    return found ? this.#labels.filter((label) => !found.has(fold(label))) : [];
  }

  #hint(model) {
    if (!model?.labels) {
      return model?.ready
        ? "This model looks for the names of the labels. Add a row to look for another word instead; several words may stand for one label."
        : "Which classes the model has is known when a worker has loaded it.";
    }
    const lost = this.#lost(model);
    const names = new Set([...this.#labels.map(fold), ...this.#pairs.map(([word]) => fold(word))]);
    const spare = model.labels.filter((one) => !names.has(fold(one)));
    return [
      lost.length ? `The model does not know: ${listed(lost)}.` : "The model knows every label of the project.",
      spare.length ? `Its classes without a label here: ${listed(spare)}.` : "",
    ].filter(Boolean).join(" ");
  }
}

function listed(names) {
  const more = names.length - NAMED;
  return names.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
