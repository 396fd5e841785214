// The card of a job: how far it is, what is in its way, what came of it, and what can be done with it.

import { choicesOf, countsOf, duration, isActive, rateText, remarksOf, resultOf, titleOf } from "./job-text.js";
import { Pace } from "./pace.js";
import { write } from "./page.js";

// After this time without news the card asks whether there is a worker at all.
const WAITING_AFTER_MS = 4000;
const QUIET_AFTER_MS = 10000;
// In the order in which the focus looks for a place.
const BUTTONS = ["pause", "cancel", "review", "retry", "discard", "dismiss"];

export class JobCard {
  #root;
  #client;
  #pace = new Pace();
  /** Where the job stood when it last moved, and when that was. */
  #mark = { key: "", at: 0 };

  /** @param {HTMLElement} root the button's element, which holds the card @param {import("./job-client.js").JobClient} client */
  constructor(root, client) {
    this.#root = root;
    this.#client = client;
    this.find("dismiss").addEventListener("click", () => this.#hide());
  }

  /** One of the card's parts by its name. @returns {HTMLElement} */
  find(name) {
    return this.#root.querySelector(`[data-${name}]`);
  }

  /** @returns {string} the uid of the job that it shows, or of the one that it showed last */
  get uid() {
    return this.#card.dataset.job ?? "";
  }

  get #card() {
    return this.find("card");
  }

  /** Whether nothing has happened for so long that a worker may be missing. */
  isQuiet(job) {
    if (!isActive(job) || job.paused_at) return false;
    if (job.status === "pending") return this.#client.now() - Date.parse(job.created_at) > WAITING_AFTER_MS;
    return performance.now() - this.#mark.at > QUIET_AFTER_MS;
  }

  /** @param {object} job @param {string} note what has to be said beside the job's own state */
  show(job, note = "") {
    const card = this.#card;
    const state = [job.uid, job.status, Boolean(job.paused_at)].join();
    const isNews = card.hidden || card.dataset.state !== state;
    const hadFocus = card.contains(document.activeElement);
    this.#noteMovement(job);
    card.hidden = false;
    Object.assign(card.dataset, { job: job.uid, status: job.status, state });
    card.toggleAttribute("data-paused", isActive(job) && Boolean(job.paused_at));
    card.toggleAttribute("data-stalled", Boolean(job.stalled));
    this.#showButtons(job);
    // The button that had the focus may be gone with the job's end.
    if (hadFocus && !card.contains(document.activeElement)) this.focus();
    this.#showBar(job);
    this.#showTexts(job, note, isNews);
  }

  /** What is said below everything else. A screen reader is told of it unless `isTold` says that it was already. */
  showMessage(text, isTold = false) {
    if (!isTold && text && this.find("card-message").textContent !== text) this.#announce([text]);
    write(this.find("card-message"), text);
  }

  /** The job is not there any more, or not for this person. */
  lose() {
    this.showMessage("This job cannot be found any more.");
    for (const name of BUTTONS) this.find(name).hidden = name !== "dismiss";
  }

  /** To the first thing on the card that can be pressed. */
  focus() {
    const first = BUTTONS.find((name) => !this.find(name).hidden);
    if (first) this.find(first).focus();
  }

  #hide() {
    this.#card.hidden = true;
    this.find("open").focus();
  }

  #showButtons(job) {
    const can = choicesOf(job);
    for (const name of ["cancel", "retry", "review", "dismiss"]) this.find(name).hidden = !can[name];
    // One button for both ways, so that it keeps the focus.
    this.find("pause").hidden = !can.pause && !can.resume;
    if (!this.find("pause").matches("[aria-busy]")) write(this.find("pause"), can.resume ? "Resume" : "Pause");
    this.find("discard").hidden = !can.discard && !can.restore;
    write(this.find("discard"), can.restore ? "Undo discard…" : "Discard drafts…");
    if (!this.find("retry").matches("[aria-busy]")) write(this.find("retry"), `Retry ${job.failed_items.toLocaleString()} failed`);
  }

  #showBar(job) {
    const bar = this.find("bar");
    bar.hidden = !isActive(job);
    if (job.progress_pct === null && !job.paused_at) bar.removeAttribute("value");
    else bar.value = job.progress_pct ?? 0;
  }

  #showTexts(job, note, isNews) {
    const active = isActive(job);
    const title = titleOf(job);
    const details = active ? this.#paceOf(job) : resultOf(job);
    const counts = countsOf(job);
    write(this.find("card-title"), title);
    write(this.find("counts"), counts);
    write(this.find("pace"), details);
    write(this.find("remarks"), active ? "" : remarksOf(job, JSON.parse(this.#root.dataset.words)).join(" "));
    const message = [note, this.#message(job)].filter(Boolean).join(" ");
    // A change of status is told as a whole; the figures in between are there to be looked up.
    if (isNews) this.#announce([title.replace(/:.*/, " running"), active ? "" : counts, active ? "" : details, message]);
    this.showMessage(message, isNews);
  }

  #announce(texts) {
    const sentences = texts.filter(Boolean).map((text) => text.replace(/\.$/, ""));
    this.find("announce").textContent = `${sentences.join(". ")}.`;
  }

  #noteMovement(job) {
    this.#pace.note(job, this.#client.now());
    const key = [job.uid, job.status, job.paused_at, job.total_items, job.processed_items].join();
    if (key !== this.#mark.key) this.#mark = { key, at: performance.now() };
  }

  #lacksWorker(job) {
    return this.isQuiet(job) && this.#client.model(job.model_type)?.workers === 0;
  }

  #paceOf(job) {
    const rate = this.#pace.perSecond(job);
    if (!job.processed_items || !(rate > 0) || job.paused_at || job.stalled || this.#lacksWorker(job)) return "";
    const left = job.total_items - job.processed_items;
    return `${rateText(rate)} · about ${duration(left / rate)} left`;
  }

  #message(job) {
    if (job.status === "failed") return job.error_message;
    if (job.drafts_discarded_at) return "Its drafts that nobody has touched were discarded.";
    if (job.status === "cancelled") return job.dry_run ? "" : "Drafts made before the cancellation stay.";
    if (job.status === "completed") return job.total_items ? "" : emptyText(job);
    if (job.paused_at) return "No worker takes it up until somebody resumes it.";
    if (job.stalled) return job.stalled;
    if (this.#lacksWorker(job)) return this.#client.model(job.model_type).reason;
    if (job.status === "running" || !this.isQuiet(job)) return "";
    return this.#client.model(job.model_type) ? "Waiting for a free worker." : "Waiting for a worker.";
  }
}

function emptyText(job) {
  if (job.retry_of) return "None of the failed images waits for a model any more.";
  return job.boxes_to_masks ? "No image had accepted boxes." : "There was no unlabeled image.";
}
