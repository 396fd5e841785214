// The "Auto-label project" button: a dialog that starts a job, and a card that shows how it goes.
// It speaks the JSON API alone, so that it works on any page of any host. It tells the page what happens by two
// bubbling events whose detail is the job: "autolabel:progress" and "autolabel:finished".

const POLL_MS = 1000;
const MODELS_MS = 3000;
const MAX_RETRY_MS = 15000;
// After this time without news the card asks whether there is a worker at all.
const WAITING_AFTER_MS = 4000;
const STALLED_AFTER_MS = 10000;

/** What the reasons of skipped and failed items mean to a person, behind their number. */
const REASONS = {
  nothing_found: "with nothing found",
  below_threshold: "below the threshold",
  filtered_label: "with labels that you left out",
  unmapped_label: "with labels that the project does not have",
  labeled_meanwhile: "labeled by a person meanwhile",
  unreadable: "unreadable",
  prediction_failed: "that the model failed on",
  crashed_the_worker: "that crashed the worker",
};

const plural = (count, one, many = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : many}`;
const isActive = (job) => job.status === "pending" || job.status === "running";

/** Seconds as "40 s", "3 min", "2 h 5 min". */
function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** {"washer": 3, "nut": 1} as "3 washer, 1 nut"; `names` maps keys to what a person calls them. */
function counted(counts, names = {}) {
  return Object.entries(counts ?? {}).map(([name, count]) => `${count.toLocaleString()} ${names[name] ?? name}`).join(", ");
}

/** Speed as "2.5 images a second" or, where that would be a fraction, "12 images a minute". */
function rateText(perSecond) {
  return perSecond >= 1 ? `${perSecond.toFixed(1)} images a second` : `${(60 * perSecond).toFixed(perSecond < 0.1 ? 1 : 0)} images a minute`;
}

/** Writes a text only where it is new, so that a screen reader does not say it again and a selection stays. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The messages of an API error in one string; `fields` maps field names to what the dialog calls them. */
function errorText(body, status, fields = {}) {
  if (!body || typeof body !== "object") return `The server failed without a reason (${status}).`;
  if (body.detail) return body.detail;
  return Object.entries(body)
    .map(([field, messages]) => `${fields[field] ?? field}: ${[].concat(messages).join(" ")}`)
    .join("\n");
}

function titleOf(job) {
  const what = job.dry_run ? "Dry run" : "Auto-labeling";
  const how = { pending: "waiting to start", completed: "finished", failed: "failed", cancelled: "cancelled" };
  return job.status === "running" ? `${what}: ${job.progress_pct ?? 0} %` : `${what} ${how[job.status]}`;
}

function countsOf(job) {
  if (job.progress_pct === null) return "";
  const parts = [
    `${job.processed_items.toLocaleString()} of ${plural(job.total_items, "image")}`,
    `${job.successful_items.toLocaleString()} ${job.dry_run ? "would get drafts" : "with drafts"}`,
    `${job.skipped_items.toLocaleString()} ${job.dry_run ? "would not" : "without"}`,
  ];
  if (job.failed_items) parts.push(`${job.failed_items.toLocaleString()} failed`);
  return parts.join(" · ");
}

function resultOf(job) {
  const { drafts, skipped, failed } = job.summary ?? {};
  const parts = [];
  if (counted(drafts)) parts.push(`${job.dry_run ? "Would draft" : "Drafts"}: ${counted(drafts)}.`);
  if (counted(skipped, REASONS)) parts.push(`Images without drafts: ${counted(skipped, REASONS)}.`);
  if (counted(failed, REASONS)) parts.push(`Failed: ${counted(failed, REASONS)}.`);
  return parts.join(" ");
}

class AutolabelButton extends HTMLElement {
  #models = [];
  #modelsAt = -MODELS_MS;
  #timer = 0;
  #modelsTimer = 0;
  #retryMs = POLL_MS;
  /** Counts the requests for a job: only the answer to the latest is shown. */
  #turn = 0;
  #isStarting = false;
  #isCancelling = false;
  /** How far the server's clock is ahead of ours; times in a job are the server's. */
  #aheadMs = 0;
  /** Where the job stood when it last moved, and when that was. */
  #mark = { key: "", at: 0 };
  /** What has to be said beside the job's state: that cancelling failed, or that the job is not the one asked for. */
  #note = "";

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
    for (const button of this.querySelectorAll("[data-check]")) {
      button.addEventListener("click", () => this.#checkLabels(button.dataset.check === "all"));
    }
    this.#find("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    // What an error complains of may be mended now.
    this.#find("form").addEventListener("input", () => this.#showError(""));
    this.#showThreshold();
    // Rendered disabled, so that no press is lost before this script has come.
    this.#find("open").disabled = false;
    this.#resume();
  }

  disconnectedCallback() {
    this.#turn += 1;
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
    const answer = await fetch(url, { credentials: "same-origin", ...options, headers: { ...headers, ...options.headers } });
    const serverTime = Date.parse(answer.headers.get("Date"));
    if (serverTime) this.#aheadMs = serverTime - Date.now();
    return answer;
  }

  async #fetchModels() {
    this.#modelsAt = performance.now();
    try {
      const answer = await this.#request(this.dataset.modelsUrl);
      if (answer.ok) this.#models = await answer.json();
    } catch {
      // The state of the models is a courtesy; jobs run without it.
    }
  }

  #model(type) {
    return this.#models.find((one) => one.model_type === type);
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
    await this.#fetchModels();
    this.#showModels();
    clearTimeout(this.#modelsTimer);
    this.#modelsTimer = setTimeout(() => this.#askModels(), MODELS_MS);
  }

  #showModels() {
    for (const option of this.#find("model").options) {
      const model = this.#model(option.value);
      // Without a live worker the job waits for one; with one that cannot run the model it would fail.
      option.disabled = Boolean(model && !model.ready && model.workers > 0);
    }
    const chosen = this.#find("model").selectedOptions[0];
    const usable = [...this.#find("model").options].find((option) => !option.disabled);
    if (chosen?.disabled && usable) usable.selected = true;
    this.#showModel();
  }

  #showModel() {
    const model = this.#model(this.#find("model").value);
    const state = this.#find("model-state");
    // Without a worker a job may still be started, and waits; that is no failure.
    state.dataset.ready = model && !model.ready && !model.workers ? "waiting" : (model?.ready ?? "");
    if (!model) write(state, this.#find("model").value ? "Its state is not known right now." : "");
    else if (model.ready) write(state, `Ready on ${plural(model.workers, "worker")} (${model.name}, ${model.device}).`);
    else write(state, model.reason);
    const known = model?.labels && new Set(model.labels.map((label) => label.trim().toLowerCase()));
    for (const box of this.querySelectorAll("[name=labels]")) {
      const unknown = Boolean(known && !known.has(box.value.trim().toLowerCase()));
      if (unknown !== box.disabled) box.checked = !unknown;
      box.disabled = unknown;
      if (unknown) box.setAttribute("aria-describedby", this.#find("unknown-labels").id);
      else box.removeAttribute("aria-describedby");
    }
    this.#find("unknown-labels").hidden = !this.querySelector("[name=labels]:disabled");
  }

  #checkLabels(isChecked) {
    for (const box of this.querySelectorAll("[name=labels]:enabled")) box.checked = isChecked;
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
    for (const preset of this.querySelectorAll("[data-preset]")) {
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
    const boxes = [...this.querySelectorAll("[name=labels]")];
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    const option = this.#find("model").selectedOptions[0];
    let problem = "";
    if (!option?.value) problem = "No model is registered.";
    else if (option.disabled) problem = `This model cannot run: ${this.#model(option.value)?.reason}`;
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
      dry_run: this.querySelector("[name=dry_run]").checked,
    };
  }

  async #start() {
    // A flag, because disabling the button would take the focus away from it.
    if (this.#isStarting) return;
    const body = this.#body();
    if (!body) return;
    this.#isStarting = true;
    try {
      const answer = await this.#request(this.dataset.startUrl, { method: "POST", body: JSON.stringify(body) });
      const result = await answer.json().catch(() => null);
      this.#note = "";
      if (answer.status === 202) {
        this.#follow(result);
      } else if (answer.status === 409 && result?.job) {
        this.#note = "This job was active already; yours was not started.";
        await this.#poll(result.job);
      } else {
        this.#showError(errorText(result, answer.status, { labels: "Labels", model_type: "Model" }));
        return;
      }
      this.#dialog.close();
      this.#focusCard();
    } catch {
      this.#showError("The server cannot be reached. Try again: a job that has begun all the same will show up.");
    } finally {
      this.#isStarting = false;
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
    clearTimeout(this.#timer);
    if (isActive(job)) this.#timer = setTimeout(() => this.#poll(job.uid), POLL_MS);
    const type = isActive(job) ? "autolabel:progress" : "autolabel:finished";
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, detail: job }));
  }

  async #poll(uid) {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    let problem = "Connection lost; trying again. The job goes on without this page.";
    try {
      const answer = await this.#request(`${this.dataset.jobsUrl}${uid}/`);
      if (answer.status === 401) problem = "You are signed out. Sign in again, in another tab for instance, to go on.";
      if (answer.status === 404) return this.#lose();
      if (!answer.ok) throw new Error(answer.statusText);
      const job = await answer.json();
      if (isActive(job) && this.#isQuiet(job) && performance.now() - this.#modelsAt > MODELS_MS) await this.#fetchModels();
      // Another request has gone out meanwhile, or the page has dropped this button: what came is old.
      if (turn !== this.#turn) return;
      this.#retryMs = POLL_MS;
      this.#follow(job);
    } catch {
      if (turn !== this.#turn) return;
      this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
      this.#showMessage(problem);
      this.#timer = setTimeout(() => this.#poll(uid), this.#retryMs);
    }
  }

  /** The job is not there any more, or not for this person. */
  #lose() {
    this.#showMessage("This job cannot be found any more.");
    this.#find("cancel").hidden = true;
    this.#find("dismiss").hidden = false;
    this.#find("open").disabled = false;
  }

  async #cancel() {
    if (this.#isCancelling) return;
    this.#isCancelling = true;
    write(this.#find("cancel"), "Cancelling…");
    const uid = this.#find("card").dataset.job;
    try {
      const answer = await this.#request(`${this.dataset.jobsUrl}${uid}/`, { method: "DELETE" });
      // 409 means that it has ended by itself meanwhile; the poll shows how.
      const isRefused = !answer.ok && answer.status !== 409;
      this.#note = isRefused ? `Not cancelled: ${errorText(await answer.json().catch(() => null), answer.status)}` : "";
    } catch {
      this.#note = "Not cancelled: the server could not be reached.";
    }
    await this.#poll(uid);
    write(this.#find("cancel"), "Cancel job");
    this.#isCancelling = false;
  }

  #dismiss() {
    this.#find("card").hidden = true;
    this.#find("open").focus();
  }

  /** To the first thing on the card that can be pressed. */
  #focusCard() {
    for (const name of ["cancel", "review", "dismiss"]) {
      if (!this.#find(name).hidden) return this.#find(name).focus();
    }
  }

  #show(job) {
    const active = isActive(job);
    const card = this.#find("card");
    const isNews = card.hidden || card.dataset.job !== job.uid || card.dataset.status !== job.status;
    const hadFocus = card.contains(document.activeElement);
    this.#noteMovement(job);
    card.hidden = false;
    card.dataset.job = job.uid;
    card.dataset.status = job.status;
    this.#find("open").disabled = active;
    this.#find("cancel").hidden = !active;
    this.#find("dismiss").hidden = active;
    this.#find("review").hidden = active || job.dry_run || !job.successful_items;
    // The button that had the focus may be gone with the job's end.
    if (hadFocus && !card.contains(document.activeElement)) this.#focusCard();
    this.#showBar(job, active);
    const title = titleOf(job);
    const details = active ? this.#pace(job) : resultOf(job);
    write(this.#find("card-title"), title);
    write(this.#find("counts"), countsOf(job));
    write(this.#find("pace"), details);
    if (!active) this.#note = "";
    const message = [this.#note, this.#message(job)].filter(Boolean).join(" ");
    // A change of status is told as a whole; the figures in between are there to be looked up.
    if (isNews) this.#announce([title.replace(/:.*/, " running"), active ? "" : countsOf(job), active ? "" : details, message]);
    this.#showMessage(message, !isNews);
  }

  #showMessage(text, isTold = true) {
    if (isTold && text && this.#find("card-message").textContent !== text) this.#announce([text]);
    write(this.#find("card-message"), text);
  }

  #announce(texts) {
    const sentences = texts.filter(Boolean).map((text) => text.replace(/\.$/, ""));
    this.#find("announce").textContent = `${sentences.join(". ")}.`;
  }

  #showBar(job, active) {
    const bar = this.#find("bar");
    bar.hidden = !active;
    if (job.progress_pct === null) bar.removeAttribute("value");
    else bar.value = job.progress_pct;
  }

  #noteMovement(job) {
    const key = [job.uid, job.status, job.total_items, job.processed_items].join();
    if (key !== this.#mark.key) this.#mark = { key, at: performance.now() };
  }

  /** Whether nothing has happened for so long that something may be missing. */
  #isQuiet(job) {
    if (job.status === "pending") return this.#now() - Date.parse(job.created_at) > WAITING_AFTER_MS;
    return performance.now() - this.#mark.at > STALLED_AFTER_MS;
  }

  /** The server's time, which is that of the job's fields, in milliseconds. */
  #now() {
    return Date.now() + this.#aheadMs;
  }

  #lacksWorker(job) {
    return this.#isQuiet(job) && this.#model(job.model_type)?.workers === 0;
  }

  #pace(job) {
    const seconds = (this.#now() - Date.parse(job.started_at)) / 1000;
    if (!job.processed_items || !(seconds > 0) || this.#lacksWorker(job)) return "";
    const rate = job.processed_items / seconds;
    const left = (job.total_items - job.processed_items) / rate;
    return `${rateText(rate)} · about ${duration(left)} left`;
  }

  #message(job) {
    if (job.status === "failed") return job.error_message;
    if (job.status === "cancelled") return job.dry_run ? "" : "Drafts made before the cancellation stay.";
    if (job.status === "completed") return job.total_items ? "" : "There was no unlabeled image.";
    if (this.#lacksWorker(job)) return this.#model(job.model_type).reason;
    if (job.status === "running" || !this.#isQuiet(job)) return "";
    return this.#model(job.model_type) ? "Waiting for a free worker." : "Waiting for a worker.";
  }
}

customElements.define("autolabel-button", AutolabelButton);
