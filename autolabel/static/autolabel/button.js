// The "Auto-label project" button: a dialog that starts a job, and a card that shows how it goes.
// It speaks the JSON API alone, so that it works on any page of any host. It tells the page what happens by bubbling
// events whose detail is the job: "autolabel:progress", "autolabel:finished", and "autolabel:drafts" when drafts have
// been discarded or brought back.
// A list of jobs on the same page may have buttons of its own, with what to do and with which job of which project:
// <button data-autolabel-do="retry" (or "drafts") data-job="uid" data-project="uid">.

import { DraftsDialog } from "./drafts-dialog.js";
import { JobCard } from "./job-card.js";
import { JobClient } from "./job-client.js";
import { errorText, isActive } from "./job-text.js";
import { write } from "./page.js";
import { StartDialog } from "./start-dialog.js";

const POLL_MS = 1000;
const MAX_RETRY_MS = 15000;
const MODELS_MS = 3000;
const CONFLICT = 409;

class AutolabelButton extends HTMLElement {
  #client = new JobClient(this);
  #dialog = null;
  #drafts = null;
  #card = null;
  #timer = 0;
  #retryMs = POLL_MS;
  /** Counts the requests for a job: only the answer to the latest is shown. */
  #turn = 0;
  /** Whether something that was pressed is under way. */
  #isBusy = false;
  /** The job on the card, as the server has last told it. */
  #job = null;
  /** What has to be said beside the job's state: what was refused, or that the job is not the one asked for. */
  #note = "";

  connectedCallback() {
    this.#dialog ??= this.#prepare();
    document.addEventListener("click", this.#hear);
    // Rendered disabled, so that no press is lost before this script has come.
    this.#find("open").disabled = false;
    this.#resume();
  }

  disconnectedCallback() {
    document.removeEventListener("click", this.#hear);
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#dialog?.stop();
    this.#drafts?.stop();
  }

  #prepare() {
    this.#card = new JobCard(this, this.#client);
    this.#find("open").addEventListener("click", () => this.#dialog.open());
    this.#find("cancel").addEventListener("click", () => this.#cancel());
    this.#find("pause").addEventListener("click", () => this.#pauseOrResume());
    this.#find("retry").addEventListener("click", ({ currentTarget }) => this.#retry(this.#card.uid, currentTarget));
    this.#find("discard").addEventListener("click", ({ currentTarget }) => this.#drafts.open(this.#card.uid, currentTarget));
    this.#drafts = new DraftsDialog(this, this.#client, {
      onChanged: (uid) => this.#showDrafts(uid),
      onClosed: (opener) => this.#focusAfter(opener),
    });
    return new StartDialog(this, this.#client, {
      onJob: (job, uid) => this.#take(job, uid),
      onClosed: () => this.#card.focus(),
    });
  }

  #find(name) {
    return this.querySelector(`[data-${name}]`);
  }

  /** The buttons of lists of jobs, which come and go with what the page shows. */
  #hear = ({ target }) => {
    const pressed = target.closest?.("[data-autolabel-do]");
    if (pressed?.dataset.project !== this.dataset.project) return;
    const { autolabelDo, job } = pressed.dataset;
    if (autolabelDo === "retry") this.#retry(job, pressed);
    if (autolabelDo === "drafts") this.#drafts.open(job, pressed);
  };

  /** Show the job that was started, or the one that was active already. */
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
    const active = isActive(job);
    // What was said of a job that ran is of no use once it has ended.
    if (!active && this.#job && isActive(this.#job)) this.#note = "";
    this.#show(job);
    clearTimeout(this.#timer);
    if (active) this.#timer = setTimeout(() => this.#poll(job.uid), POLL_MS);
    this.#tell(active ? "autolabel:progress" : "autolabel:finished", job);
  }

  #show(job) {
    this.#job = job;
    this.#find("open").disabled = isActive(job);
    this.#card.show(job, this.#note);
  }

  #tell(type, job) {
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
      if (this.#card.isQuiet(job)) await this.#client.fetchModels(MODELS_MS);
      // Another request has gone out meanwhile, or the page has dropped this button: what came is old.
      if (turn !== this.#turn) return;
      this.#retryMs = POLL_MS;
      this.#follow(job);
    } catch {
      if (turn !== this.#turn) return;
      this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
      this.#card.showMessage(problem);
      this.#timer = setTimeout(() => this.#poll(uid), this.#retryMs);
    }
  }

  #lose() {
    this.#card.lose();
    this.#find("open").disabled = false;
  }

  #cancel() {
    return this.#change("cancel", "Cancelling…", "Not cancelled");
  }

  #pauseOrResume() {
    if (this.#job.paused_at) return this.#change("resume", "Resuming…", "Not resumed");
    return this.#change("pause", "Pausing…", "Not paused");
  }

  /** Cancel, pause or resume the job on the card; then see what has become of it. */
  #change(action, doing, failed) {
    const button = this.#find(action === "resume" ? "pause" : action);
    return this.#during(button, doing, async () => {
      const { uid } = this.#card;
      try {
        const answer = await this.#client[action](uid);
        // A conflict means that it has ended by itself meanwhile; the poll shows how.
        const isRefused = !answer.ok && answer.status !== CONFLICT;
        this.#note = isRefused ? `${failed}: ${await reasonOf(answer)}` : "";
      } catch {
        this.#note = `${failed}: the server could not be reached.`;
      }
      await this.#poll(uid);
    });
  }

  /** Start a job over the failed items of this one; where that is refused, the card shows this one and why. */
  #retry(uid, button) {
    return this.#during(button, "Starting…", async () => {
      let refusal = "the server could not be reached. Try again: a job that has begun all the same will show up.";
      try {
        const answer = await this.#client.retry(uid);
        const result = await answer.json().catch(() => null);
        const isTaken = answer.status === CONFLICT && result?.job;
        if (answer.ok || isTaken) {
          await this.#take(isTaken ? null : result, isTaken ? result.job : result.uid);
          return this.#card.focus();
        }
        refusal = errorText(result, answer.status);
      } catch {
        // The refusal says so already.
      }
      this.#note = `Not started: ${refusal}`;
      await this.#poll(uid);
    });
  }

  /** One thing at a time. A flag, because disabling the button would take the focus away from it. */
  async #during(button, doing, action) {
    if (this.#isBusy) return;
    this.#isBusy = true;
    const text = button.textContent;
    button.setAttribute("aria-busy", "true");
    write(button, doing);
    try {
      await action();
    } finally {
      button.removeAttribute("aria-busy");
      if (button.textContent === doing) write(button, text);
      if (this.#job) this.#show(this.#job);
      this.#isBusy = false;
    }
  }

  /** After drafts have been discarded or brought back. */
  async #showDrafts(uid) {
    try {
      const answer = await this.#client.job(uid);
      if (!answer.ok) return;
      const job = await answer.json();
      if (this.#job?.uid === uid) this.#show(job);
      this.#tell("autolabel:drafts", job);
    } catch {
      // The drafts are what they are; the next view of the page shows them.
    }
  }

  /** Back to what has opened a dialog; a page that was refreshed under it may have that only by its id. */
  #focusAfter(opener) {
    const again = opener.isConnected ? opener : opener.id && document.getElementById(opener.id);
    (again || this.#find("open")).focus();
  }
}

async function reasonOf(answer) {
  return errorText(await answer.json().catch(() => null), answer.status);
}

customElements.define("autolabel-button", AutolabelButton);
