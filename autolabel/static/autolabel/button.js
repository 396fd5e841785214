// The "Auto-label project" button: a dialog that starts a job, and a card that shows how it goes.
// It speaks the JSON API alone, so that it works on any page of any host. It tells the page what happens by two
// bubbling events whose detail is the job: "autolabel:progress" and "autolabel:finished".

const POLL_MS = 1000;
const MODELS_MS = 3000;
const MAX_RETRY_MS = 15000;
// A job that nobody has begun after this time is probably waiting for a worker to be started.
const WAITING_AFTER_MS = 4000;

const plural = (count, one, many = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : many}`;
const words = (reason) => reason.replaceAll("_", " ");
const isActive = (job) => job.status === "pending" || job.status === "running";

/** Seconds as "40 s", "3 min", "2 h 5 min". */
function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** {"washer": 3, "nut": 1} as "3 washer, 1 nut". */
const counted = (counts) => Object.entries(counts ?? {}).map(([name, count]) => `${count} ${words(name)}`).join(", ");

/** The messages of an API error in one string; `fields` maps field names to what the dialog calls them. */
function errorText(body, fields = {}) {
  if (!body || typeof body !== "object") return "The server gave no reason.";
  if (body.detail) return body.detail;
  return Object.entries(body)
    .map(([field, messages]) => `${fields[field] ?? field}: ${[].concat(messages).join(" ")}`)
    .join("\n");
}

class AutolabelButton extends HTMLElement {
  #models = [];
  #timer = 0;
  #modelsTimer = 0;
  #retryMs = POLL_MS;

  connectedCallback() {
    this.#find("open").addEventListener("click", () => this.#open());
    this.#find("close").addEventListener("click", () => this.#dialog.close());
    this.#find("dismiss").addEventListener("click", () => this.#dismiss());
    this.#find("cancel").addEventListener("click", () => this.#cancel());
    this.#find("model").addEventListener("change", () => this.#showModel());
    this.#find("threshold").addEventListener("input", () => this.#showThreshold());
    for (const preset of this.querySelectorAll("[data-preset]")) {
      preset.addEventListener("click", () => this.#setThreshold(preset.dataset.preset));
    }
    this.#find("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    this.#showThreshold();
    // Rendered disabled, so that no press is lost before this script has come.
    this.#find("open").disabled = false;
    this.#resume();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    clearTimeout(this.#modelsTimer);
  }

  get #dialog() {
    return this.querySelector("dialog");
  }

  #find(name) {
    return this.querySelector(`[data-${name}]`);
  }

  async #request(url, options = {}) {
    const token = this.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
    const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token };
    return fetch(url, { credentials: "same-origin", ...options, headers: { ...headers, ...options.headers } });
  }

  // ---- The dialog

  #open() {
    this.#showError("");
    this.#dialog.showModal();
    this.#askModels();
  }

  /** Ask what the workers can run, again and again while the dialog is open: one may be starting right now. */
  async #askModels() {
    if (!this.#dialog.open) return;
    try {
      const answer = await this.#request(this.dataset.modelsUrl);
      if (answer.ok) this.#models = await answer.json();
    } catch {
      // The state of the models is a courtesy; the job can be started without it.
    }
    this.#showModels();
    clearTimeout(this.#modelsTimer);
    this.#modelsTimer = setTimeout(() => this.#askModels(), MODELS_MS);
  }

  #showModels() {
    for (const option of this.#find("model").options) {
      const model = this.#models.find((one) => one.model_type === option.value);
      // Without a live worker the job waits for one; with one that cannot run the model it would fail.
      option.disabled = Boolean(model && !model.ready && model.workers > 0);
    }
    const chosen = this.#find("model").selectedOptions[0];
    const usable = [...this.#find("model").options].find((option) => !option.disabled);
    if (chosen?.disabled && usable) usable.selected = true;
    this.#showModel();
  }

  #showModel() {
    const model = this.#models.find((one) => one.model_type === this.#find("model").value);
    const state = this.#find("model-state");
    state.dataset.ready = model?.ready ?? "";
    if (!model) state.textContent = "";
    else if (model.ready) state.textContent = `Ready on ${plural(model.workers, "worker")} (${model.name}, ${model.device}).`;
    else state.textContent = model.reason;
    const known = model?.labels && new Set(model.labels.map((label) => label.trim().toLowerCase()));
    for (const box of this.querySelectorAll("[name=labels]")) {
      const unknown = Boolean(known && !known.has(box.value.trim().toLowerCase()));
      if (unknown !== box.disabled) box.checked = !unknown;
      box.disabled = unknown;
      box.parentElement.title = unknown ? "This model does not know this label." : "";
    }
  }

  #setThreshold(value) {
    this.#find("threshold").value = value;
    this.#showThreshold();
  }

  #showThreshold() {
    const value = Number(this.#find("threshold").value);
    this.#find("threshold-value").textContent = value.toFixed(2);
    for (const preset of this.querySelectorAll("[data-preset]")) {
      preset.setAttribute("aria-pressed", String(Number(preset.dataset.preset) === value));
    }
  }

  #showError(text) {
    this.#find("error").textContent = text;
    this.#find("error").hidden = !text;
  }

  /** The request's body, or null after saying what is missing. */
  #body() {
    const boxes = [...this.querySelectorAll("[name=labels]")];
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    if (!chosen.length) {
      this.#showError("Choose at least one label.");
      return null;
    }
    return {
      model_type: this.#find("model").value,
      confidence_threshold: Number(this.#find("threshold").value),
      // All of them is the API's empty list: labels that the model does not know are no error then.
      labels: boxes.every((box) => box.checked || box.disabled) ? [] : chosen,
      dry_run: this.querySelector("[name=dry_run]").checked,
    };
  }

  async #start() {
    const body = this.#body();
    if (!body) return;
    const submit = this.#find("start");
    submit.disabled = true;
    try {
      const answer = await this.#request(this.dataset.startUrl, { method: "POST", body: JSON.stringify(body) });
      const result = await answer.json().catch(() => null);
      if (answer.status === 202) this.#follow(result);
      else if (answer.status === 409 && result?.job) this.#poll(result.job);
      else return this.#showError(errorText(result, { labels: "Labels", model_type: "Model" }));
      this.#dialog.close();
      this.#find("cancel").focus();
    } catch {
      this.#showError("The server cannot be reached. Nothing was started.");
    } finally {
      submit.disabled = false;
    }
  }

  // ---- The card

  /** Show a job that is active already when the page opens. */
  async #resume() {
    try {
      const query = new URLSearchParams({ project: this.dataset.project, limit: "1" });
      const answer = await this.#request(`${this.dataset.jobsUrl}?${query}`);
      const job = answer.ok ? (await answer.json()).results[0] : null;
      if (job && isActive(job)) this.#follow(job);
    } catch {
      // Nothing to show; the next page view tries again.
    }
  }

  #follow(job) {
    this.#show(job);
    if (isActive(job)) {
      this.#timer = setTimeout(() => this.#poll(job.uid), POLL_MS);
      this.dispatchEvent(new CustomEvent("autolabel:progress", { bubbles: true, detail: job }));
    } else {
      this.dispatchEvent(new CustomEvent("autolabel:finished", { bubbles: true, detail: job }));
    }
  }

  async #poll(uid) {
    clearTimeout(this.#timer);
    try {
      const answer = await this.#request(`${this.dataset.jobsUrl}${uid}/`);
      if (!answer.ok) throw new Error(answer.statusText);
      this.#retryMs = POLL_MS;
      this.#follow(await answer.json());
    } catch {
      this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
      this.#find("card-message").textContent = "Connection lost; trying again. The job goes on without this page.";
      this.#timer = setTimeout(() => this.#poll(uid), this.#retryMs);
    }
  }

  async #cancel() {
    this.#find("cancel").disabled = true;
    const uid = this.#find("card").dataset.job;
    // 409 means that it has ended by itself meanwhile; the poll shows how.
    await this.#request(`${this.dataset.jobsUrl}${uid}/`, { method: "DELETE" }).catch(() => null);
    this.#find("cancel").disabled = false;
    this.#poll(uid);
  }

  #dismiss() {
    this.#find("card").hidden = true;
    this.#find("open").focus();
  }

  #show(job) {
    const active = isActive(job);
    const card = this.#find("card");
    card.hidden = false;
    card.dataset.job = job.uid;
    card.dataset.status = job.status;
    this.#find("open").disabled = active;
    this.#find("cancel").hidden = !active;
    this.#find("dismiss").hidden = active;
    this.#find("review").hidden = active || job.dry_run || !job.successful_items;
    this.#find("card-title").textContent = this.#title(job);
    this.#showBar(job, active);
    this.#find("counts").textContent = this.#counts(job);
    this.#find("pace").textContent = active ? this.#pace(job) : this.#result(job);
    const message = this.#message(job);
    if (this.#find("card-message").textContent !== message) this.#find("card-message").textContent = message;
  }

  #showBar(job, active) {
    const bar = this.#find("bar");
    bar.hidden = !active;
    if (job.progress_pct === null) bar.removeAttribute("value");
    else bar.value = job.progress_pct;
  }

  #title(job) {
    const what = job.dry_run ? "Dry run" : "Auto-labeling";
    const how = { pending: "waiting to start", completed: "finished", failed: "failed", cancelled: "cancelled" };
    return job.status === "running" ? `${what}: ${job.progress_pct ?? 0} %` : `${what} ${how[job.status]}`;
  }

  #counts(job) {
    if (job.progress_pct === null) return "";
    const parts = [
      `${job.processed_items.toLocaleString()} of ${plural(job.total_items, "image")}`,
      `${job.successful_items.toLocaleString()} with drafts`,
      `${job.skipped_items.toLocaleString()} without`,
    ];
    if (job.failed_items) parts.push(`${job.failed_items.toLocaleString()} failed`);
    return parts.join(" · ");
  }

  #pace(job) {
    const seconds = (Date.now() - Date.parse(job.started_at)) / 1000;
    if (!job.processed_items || !(seconds > 0)) return "";
    const rate = job.processed_items / seconds;
    const left = (job.total_items - job.processed_items) / rate;
    return `${rate.toFixed(1)} images a second · about ${duration(left)} left`;
  }

  #result(job) {
    const { drafts, skipped, failed } = job.summary ?? {};
    const parts = [];
    if (counted(drafts)) parts.push(`${job.dry_run ? "Would draft" : "Drafts"}: ${counted(drafts)}.`);
    if (counted(skipped)) parts.push(`Without drafts: ${counted(skipped)}.`);
    if (counted(failed)) parts.push(`Failed: ${counted(failed)}.`);
    return parts.join(" ");
  }

  #message(job) {
    if (job.status === "failed") return job.error_message;
    if (job.status === "cancelled") return "Drafts made before the cancellation stay.";
    if (job.status === "completed") return job.total_items ? "" : "There was no unlabeled image.";
    const waited = Date.now() - Date.parse(job.created_at);
    return job.status === "pending" && waited > WAITING_AFTER_MS ? "Waiting for a worker." : "";
  }
}

customElements.define("autolabel-button", AutolabelButton);
