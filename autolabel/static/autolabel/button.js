// The "Auto-label project" button: a dialog that starts a job, and a card that shows how it goes.
// It speaks the JSON API alone, so that it works on any page of any host. It tells the page what happens by two
// bubbling events whose detail is the job: "autolabel:progress" and "autolabel:finished".

import { JobClient } from "./job-client.js";
import { countsOf, duration, errorText, rateText, remarksOf, resultOf, titleOf } from "./job-text.js";
import { write } from "./page.js";
import { StartDialog } from "./start-dialog.js";

const POLL_MS = 1000;
const MAX_RETRY_MS = 15000;
// After this time without news the card asks whether there is a worker at all.
const WAITING_AFTER_MS = 4000;
const STALLED_AFTER_MS = 10000;
const MODELS_MS = 3000;

const isActive = (job) => job.status === "pending" || job.status === "running";

class AutolabelButton extends HTMLElement {
  #client = new JobClient(this);
  #dialog = null;
  #timer = 0;
  #retryMs = POLL_MS;
  /** Counts the requests for a job: only the answer to the latest is shown. */
  #turn = 0;
  #isCancelling = false;
  /** Where the job stood when it last moved, and when that was. */
  #mark = { key: "", at: 0 };
  /** What has to be said beside the job's state: that cancelling failed, or that the job is not the one asked for. */
  #note = "";

  connectedCallback() {
    this.#dialog ??= this.#prepare();
    // Rendered disabled, so that no press is lost before this script has come.
    this.#find("open").disabled = false;
    this.#resume();
  }

  disconnectedCallback() {
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#dialog?.stop();
  }

  #prepare() {
    this.#find("open").addEventListener("click", () => this.#dialog.open());
    this.#find("dismiss").addEventListener("click", () => this.#dismiss());
    this.#find("cancel").addEventListener("click", () => this.#cancel());
    return new StartDialog(this, this.#client, {
      onJob: (job, uid) => this.#take(job, uid),
      onClosed: () => this.#focusCard(),
    });
  }

  #find(name) {
    return this.querySelector(`[data-${name}]`);
  }

  /** Show the job that the dialog has started, or the one that was active already. */
  async #take(job, uid) {
    this.#note = job ? "" : "This job was active already; yours was not started.";
    if (job) this.#follow(job);
    else await this.#poll(uid);
  }

  /** Show a job that is active already when the page opens. */
  async #resume() {
    try {
      const job = await this.#client.newestJob();
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
      const answer = await this.#client.job(uid);
      if (answer.status === 401) problem = "You are signed out. Sign in again, in another tab for instance, to go on.";
      if (answer.status === 404) return this.#lose();
      if (!answer.ok) throw new Error(answer.statusText);
      const job = await answer.json();
      if (isActive(job) && this.#isQuiet(job)) await this.#client.fetchModels(MODELS_MS);
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
      const answer = await this.#client.cancel(uid);
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
    write(this.#find("remarks"), active ? "" : remarksOf(job, JSON.parse(this.dataset.words)).join(" "));
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
    if (job.status === "pending") return this.#client.now() - Date.parse(job.created_at) > WAITING_AFTER_MS;
    return performance.now() - this.#mark.at > STALLED_AFTER_MS;
  }

  #lacksWorker(job) {
    return this.#isQuiet(job) && this.#client.model(job.model_type)?.workers === 0;
  }

  #pace(job) {
    const seconds = (this.#client.now() - Date.parse(job.started_at)) / 1000;
    if (!job.processed_items || !(seconds > 0) || this.#lacksWorker(job)) return "";
    const rate = job.processed_items / seconds;
    const left = (job.total_items - job.processed_items) / rate;
    return `${rateText(rate)} · about ${duration(left)} left`;
  }

  #message(job) {
    if (job.status === "failed") return job.error_message;
    if (job.status === "cancelled") return job.dry_run ? "" : "Drafts made before the cancellation stay.";
    if (job.status === "completed" && job.boxes_to_masks) return job.total_items ? "" : "No image had accepted boxes.";
    if (job.status === "completed") return job.total_items ? "" : "There was no unlabeled image.";
    if (this.#lacksWorker(job)) return this.#client.model(job.model_type).reason;
    if (job.status === "running" || !this.#isQuiet(job)) return "";
    return this.#client.model(job.model_type) ? "Waiting for a free worker." : "Waiting for a worker.";
  }
}

customElements.define("autolabel-button", AutolabelButton);
