// The dialog that starts a job: which model, above which score, for which labels.

import { errorText, plural } from "./job-text.js";
import { write } from "./page.js";

const MODELS_MS = 3000;

export class StartDialog {
  #root;
  #client;
  #onJob;
  #onClosed;
  #modelsTimer = 0;
  #isStarting = false;

  /**
   * @param {HTMLElement} root the button's element, which holds the dialog
   * @param {import("./job-client.js").JobClient} client
   * @param {{onJob: (job: object | null, uid: string) => Promise<void>, onClosed: () => void}} handlers
   *   onJob gets the job that was started, or null and the uid of the one that was active already
   */
  constructor(root, client, { onJob, onClosed }) {
    this.#root = root;
    this.#client = client;
    this.#onJob = onJob;
    this.#onClosed = onClosed;
    this.#find("close").addEventListener("click", () => this.#dialog.close());
    this.#find("model").addEventListener("change", () => this.#showModel());
    this.#find("threshold").addEventListener("input", () => this.#showThreshold());
    for (const preset of root.querySelectorAll("[data-preset]")) {
      preset.addEventListener("click", () => this.#setThreshold(preset.dataset.preset));
    }
    for (const button of root.querySelectorAll("[data-check]")) {
      button.addEventListener("click", () => this.#checkLabels(button.dataset.check === "all"));
    }
    this.#find("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    // What an error complains of may be mended now.
    this.#find("form").addEventListener("input", () => this.#showError(""));
    this.#showThreshold();
  }

  get #dialog() {
    return this.#root.querySelector("dialog");
  }

  #find(name) {
    return this.#root.querySelector(`[data-${name}]`);
  }

  open() {
    this.#showError("");
    this.#dialog.showModal();
    this.#askModels();
  }

  /** The page has dropped the button. */
  stop() {
    clearTimeout(this.#modelsTimer);
  }

  /** Ask what the workers can run, again and again while the dialog is open: one may be starting right now. */
  async #askModels() {
    if (!this.#dialog.open) return;
    await this.#client.fetchModels();
    this.#showModels();
    clearTimeout(this.#modelsTimer);
    this.#modelsTimer = setTimeout(() => this.#askModels(), MODELS_MS);
  }

  #showModels() {
    for (const option of this.#find("model").options) {
      const model = this.#client.model(option.value);
      // Without a live worker the job waits for one; with one that cannot run the model it would fail.
      option.disabled = Boolean(model && !model.ready && model.workers > 0);
    }
    const chosen = this.#find("model").selectedOptions[0];
    const usable = [...this.#find("model").options].find((option) => !option.disabled);
    if (chosen?.disabled && usable) usable.selected = true;
    this.#showModel();
  }

  #showModel() {
    const model = this.#client.model(this.#find("model").value);
    const state = this.#find("model-state");
    // Without a worker a job may still be started, and waits; that is no failure.
    state.dataset.ready = model && !model.ready && !model.workers ? "waiting" : (model?.ready ?? "");
    if (!model) write(state, this.#find("model").value ? "Its state is not known right now." : "");
    else if (model.ready) write(state, `Ready on ${plural(model.workers, "worker")} (${model.name}, ${model.device}).`);
    else write(state, model.reason);
    const known = model?.labels && new Set(model.labels.map((label) => label.trim().toLowerCase()));
    for (const box of this.#root.querySelectorAll("[name=labels]")) {
      const unknown = Boolean(known && !known.has(box.value.trim().toLowerCase()));
      if (unknown !== box.disabled) box.checked = !unknown;
      box.disabled = unknown;
      if (unknown) box.setAttribute("aria-describedby", this.#find("unknown-labels").id);
      else box.removeAttribute("aria-describedby");
    }
    this.#find("unknown-labels").hidden = !this.#root.querySelector("[name=labels]:disabled");
  }

  #checkLabels(isChecked) {
    for (const box of this.#root.querySelectorAll("[name=labels]:enabled")) box.checked = isChecked;
    this.#showError("");
  }

  #setThreshold(value) {
    this.#find("threshold").value = value;
    this.#showThreshold();
    this.#showError("");
  }

  #showThreshold() {
    const value = Number(this.#find("threshold").value);
    this.#find("threshold-value").textContent = value.toFixed(2);
    for (const preset of this.#root.querySelectorAll("[data-preset]")) {
      preset.setAttribute("aria-pressed", String(Number(preset.dataset.preset) === value));
    }
  }

  #showError(text) {
    const error = this.#find("error");
    // Emptied first, so that the same error after another try is said again.
    error.textContent = "";
    error.hidden = !text;
    if (!text) return;
    error.textContent = text;
    error.scrollIntoView({ block: "nearest" });
  }

  /** The request's body, or null after saying what is missing. */
  #body() {
    const boxes = [...this.#root.querySelectorAll("[name=labels]")];
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    const option = this.#find("model").selectedOptions[0];
    let problem = "";
    if (!option?.value) problem = "No model is registered.";
    else if (option.disabled) problem = `This model cannot run: ${this.#client.model(option.value)?.reason}`;
    else if (!chosen.length && boxes.every((box) => box.disabled)) problem = "This model knows none of the project's labels.";
    else if (!chosen.length) problem = "Choose at least one label.";
    if (problem) {
      this.#showError(problem);
      return null;
    }
    return {
      model_type: this.#find("model").value,
      confidence_threshold: Number(this.#find("threshold").value),
      // All of them is the API's empty list: labels that the model does not know are no error then.
      labels: boxes.every((box) => box.checked || box.disabled) ? [] : chosen,
      dry_run: this.#root.querySelector("[name=dry_run]").checked,
    };
  }

  async #start() {
    // A flag, because disabling the button would take the focus away from it.
    if (this.#isStarting) return;
    const body = this.#body();
    if (!body) return;
    this.#isStarting = true;
    try {
      const answer = await this.#client.start(body);
      const result = await answer.json().catch(() => null);
      const isStarted = answer.status === 202;
      if (isStarted || (answer.status === 409 && result?.job)) {
        await this.#onJob(isStarted ? result : null, isStarted ? result.uid : result.job);
        this.#dialog.close();
        this.#onClosed();
      } else {
        this.#showError(errorText(result, answer.status, { labels: "Labels", model_type: "Model" }));
      }
    } catch {
      this.#showError("The server cannot be reached. Try again: a job that has begun all the same will show up.");
    } finally {
      this.#isStarting = false;
    }
  }
}
