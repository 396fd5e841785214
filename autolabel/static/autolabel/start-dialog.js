// The dialog that starts a job: which model, above which score, for which labels.

import { Advanced } from "./advanced.js";
import { FieldErrors } from "./field-errors.js";
import { plural } from "./job-text.js";
import { LabelChoice } from "./label-choice.js";
import { ModelChoice } from "./model-choice.js";
import { write } from "./page.js";

const MODELS_MS = 3000;

export class StartDialog {
  #root;
  #client;
  #onJob;
  #onClosed;
  #models;
  #labels;
  #advanced;
  #errors;
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
    const form = this.#find("form");
    this.#errors = new FieldErrors(form);
    this.#labels = new LabelChoice(this.#field("labels"), () => this.#errors.clear());
    this.#advanced = new Advanced(this.#find("advanced"), { labels: this.#labels.all, onChange: () => this.#show() });
    this.#models = new ModelChoice(this.#field("model_type"), client, () => this.#show());
    this.#find("close").addEventListener("click", () => this.#dialog.close());
    this.#range.addEventListener("input", () => this.#show());
    for (const preset of root.querySelectorAll("[data-preset]")) {
      preset.addEventListener("click", () => this.#setThreshold(preset.dataset.preset));
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    // What an error complains of may be mended now.
    form.addEventListener("input", () => this.#errors.clear());
    this.#show();
  }

  get #dialog() {
    return this.#root.querySelector("dialog");
  }

  get #range() {
    return this.#root.querySelector("[name=confidence_threshold]");
  }

  get #threshold() {
    return Number(this.#range.value);
  }

  #find(name) {
    return this.#root.querySelector(`[data-${name}]`);
  }

  #field(name) {
    return this.#root.querySelector(`[data-field=${name}]`);
  }

  open() {
    this.#errors.clear();
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
    this.#models.show();
    clearTimeout(this.#modelsTimer);
    this.#modelsTimer = setTimeout(() => this.#askModels(), MODELS_MS);
  }

  /** All that follows from the choices made so far. */
  #show() {
    // The parts are made one after the other; the last of them is there when all are.
    if (!this.#models) return;
    const { model } = this.#models;
    this.#advanced.show(model, this.#threshold);
    this.#labels.show(this.#advanced.labelsFor(model?.labels ?? null));
    this.#showThreshold();
    this.#showStart();
  }

  #showThreshold() {
    this.#find("threshold-value").textContent = this.#threshold.toFixed(2);
    for (const preset of this.#root.querySelectorAll("[data-preset]")) {
      preset.setAttribute("aria-pressed", String(Number(preset.dataset.preset) === this.#threshold));
    }
  }

  /** The button says on how many images the job would work. */
  #showStart() {
    const { unlabeled, boxed } = this.#root.dataset;
    const { isMasks, mostItems } = this.#advanced;
    const count = Math.min(Number(isMasks ? boxed : unlabeled), mostItems);
    const start = this.#find("start");
    write(start, `${isMasks ? "Make masks on" : "Auto-label"} ${plural(count, "image")}`);
    start.disabled = !count || !this.#labels.all.length;
  }

  #setThreshold(value) {
    this.#range.value = value;
    this.#errors.clear();
    this.#show();
  }

  /** @returns {Record<string, string>} by field, what has to be mended before anything can be sent */
  get #problems() {
    const problems = { ...this.#advanced.problems };
    if (!this.#models.value) problems.model_type = "None of the models can run; each says why.";
    if (this.#labels.problem) problems.labels = this.#labels.problem;
    return problems;
  }

  get #body() {
    return {
      model_type: this.#models.value,
      confidence_threshold: this.#threshold,
      // All of them is the API's empty list: labels that the model does not know are no error then.
      labels: this.#labels.isAll ? [] : this.#labels.chosen,
      dry_run: this.#root.querySelector("[name=dry_run]").checked,
      ...this.#advanced.body(this.#labels.chosen),
    };
  }

  async #start() {
    // A flag, because disabling the button would take the focus away from it.
    if (this.#isStarting) return;
    if (Object.keys(this.#problems).length) return this.#errors.show(this.#problems);
    this.#isStarting = true;
    try {
      const answer = await this.#client.start(this.#body);
      const result = await answer.json().catch(() => null);
      const isStarted = answer.status === 202;
      if (isStarted || (answer.status === 409 && result?.job)) {
        await this.#onJob(isStarted ? result : null, isStarted ? result.uid : result.job);
        this.#dialog.close();
        this.#onClosed();
      } else {
        this.#errors.showAnswer(result, answer.status);
      }
    } catch {
      this.#errors.show({ "": "The server cannot be reached. Try again: a job that has begun all the same will show up." });
    } finally {
      this.#isStarting = false;
    }
  }
}
