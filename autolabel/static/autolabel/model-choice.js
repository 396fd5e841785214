// The list of models: what each gives, whether it can run, and if not, why.

import { plural } from "./job-text.js";
import { write } from "./page.js";

const KINDS = { box: "boxes", polygon: "polygons" };

export class ModelChoice {
  #root;
  #client;
  #onChange;
  /** Whether the person has chosen; until then the best one is chosen for them. */
  #isTouched = false;

  /**
   * @param {HTMLElement} root holds one `[data-model]` a model, each with a radio button
   * @param {import("./job-client.js").JobClient} client
   * @param {() => void} onChange another model is chosen, or more is known of it
   */
  constructor(root, client, onChange) {
    this.#root = root;
    this.#client = client;
    this.#onChange = onChange;
    root.addEventListener("change", () => {
      this.#isTouched = true;
      this.#told();
    });
    this.show();
  }

  /** The chosen model's name, empty where none can be chosen. */
  get value() {
    return this.#root.querySelector("input:checked:enabled")?.value ?? "";
  }

  /** What is known of the chosen model, or undefined. */
  get model() {
    return this.#client.model(this.value);
  }

  /** After the client has asked for the models. */
  show() {
    for (const row of this.#root.querySelectorAll("[data-model]")) this.#showRow(row);
    this.#choose();
    this.#told();
  }

  #told() {
    const { model } = this;
    write(this.#root.querySelector("[data-chosen-state]"), model ? stateOf(model) : "");
    this.#onChange();
  }

  #showRow(row) {
    const model = this.#client.model(row.dataset.model);
    const input = row.querySelector("input");
    const state = row.querySelector("[data-model-state]");
    input.disabled = Boolean(model && !isStartable(model));
    row.classList.toggle("autolabel-off", input.disabled);
    write(row.querySelector("[data-gives]"), model ? givesOf(model) : "");
    write(state, model ? stateOf(model) : "Its state is not known right now.");
    state.dataset.ready = !model ? "" : model.ready && isStartable(model) ? "true" : isStartable(model) ? "waiting" : "false";
  }

  /** The first that can run now, else the first that may wait; what the person has chosen stays as long as it can. */
  #choose() {
    const inputs = [...this.#root.querySelectorAll("input")];
    const chosen = inputs.find((input) => input.checked && !input.disabled);
    const isReady = (input) => Boolean(this.#client.model(input.value)?.ready);
    if (chosen && (this.#isTouched || isReady(chosen))) return;
    const usable = inputs.filter((input) => !input.disabled);
    const best = usable.find(isReady) ?? chosen ?? usable[0];
    for (const input of inputs) input.checked = input === best;
  }
}

/** Without a live worker a job waits for one; with one that cannot run the model it would fail. */
function isStartable({ startable, ready, workers }) {
  return startable ?? (ready || workers === 0);
}

/** "Boxes and polygons · any words · masks of boxes". */
export function givesOf({ output_kinds, labels, ready, takes_boxes }) {
  const kinds = (output_kinds ?? []).map((kind) => KINDS[kind] ?? kind).join(" and ");
  const words = labels ? plural(labels.length, "class", "classes") : ready ? "any words" : "";
  const parts = [kinds, words, takes_boxes ? "masks of your boxes" : ""].filter(Boolean);
  const text = parts.join(" · ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Whether it can run, on what; or why it cannot. */
export function stateOf(model) {
  if (!model.ready || !isStartable(model)) return model.reason;
  const runs = [model.engine, model.device].filter((one) => one && one !== "none").join(", ");
  const ready = `Ready on ${plural(model.workers, "worker")}${runs ? ` (${runs})` : ""}.`;
  return [ready, ...(model.notes ?? [])].join(" ");
}
