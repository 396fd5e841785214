// The dialog that discards a job's drafts, after it has said how many go and how many stay, and that brings them back.
// The server does so much a request and says what remains; the dialog asks again until nothing does, or it is stopped.

import { countedText, discardedText, restoredText } from "./drafts-text.js";
import { errorText, plural } from "./job-text.js";
import { write } from "./page.js";

const LOST = "The server cannot be reached. What it has done so far is done; try again for the rest.";

export class DraftsDialog {
  #root;
  #client;
  #onChanged;
  #onClosed;
  #uid = "";
  #opener = null;
  /** Counts what was opened and begun: an answer to something older is not shown. */
  #turn = 0;
  #isWorking = false;
  #isStopped = false;

  /**
   * @param {HTMLElement} root the button's element, which holds the dialog
   * @param {import("./job-client.js").JobClient} client
   * @param {{onChanged: (uid: string) => void, onClosed: (opener: HTMLElement) => void}} handlers
   */
  constructor(root, client, { onChanged, onClosed }) {
    this.#root = root;
    this.#client = client;
    this.#onChanged = onChanged;
    this.#onClosed = onClosed;
    this.#find("close").addEventListener("click", () => this.#stopOrClose());
    this.#find("discard").addEventListener("click", () => this.#discard());
    this.#find("restore").addEventListener("click", () => this.#restore());
    this.#find("again").addEventListener("click", () => this.#count());
    this.#dialog.addEventListener("cancel", (event) => {
      if (!this.#isWorking) return;
      event.preventDefault();
      this.#stopOrClose();
    });
    this.#dialog.addEventListener("close", () => {
      this.stop();
      this.#onClosed(this.#opener);
    });
  }

  get #dialog() {
    return this.#root.querySelector("[data-drafts-dialog]");
  }

  #find(name) {
    return this.#root.querySelector(`[data-drafts-${name}]`);
  }

  /** @param {string} uid a job that has ended @param {HTMLElement} opener what was pressed, and gets the focus back */
  open(uid, opener) {
    this.#uid = uid;
    this.#opener = opener;
    this.#dialog.showModal();
    this.#count();
  }

  /** Nothing more is asked of the server; the answer to what was asked is not shown. */
  stop() {
    this.#turn += 1;
    this.#isWorking = false;
    this.#isStopped = true;
  }

  #stopOrClose() {
    if (!this.#isWorking) return this.#dialog.close();
    this.#isStopped = true;
    write(this.#find("close"), "Stopping…");
  }

  /** What would go and what would stay, and whether something can come back. */
  async #count() {
    const turn = ++this.#turn;
    this.#show({ text: "Counting the drafts…" });
    try {
      const [counted, job] = await Promise.all([
        answerTo(this.#client.discardDrafts(this.#uid, { dry_run: true })),
        answerTo(this.#client.job(this.#uid)),
      ]);
      if (turn !== this.#turn) return;
      const { drafts } = counted;
      this.#show({ text: countedText(counted, job), discard: drafts, restore: job.drafts_discarded_at ? "Bring drafts back" : "" });
    } catch (error) {
      if (turn === this.#turn) this.#show({ error: error.message, again: true });
    }
  }

  #discard() {
    const sum = { drafts: 0, kept: 0 };
    return this.#repeat({
      send: () => this.#client.discardDrafts(this.#uid),
      // `kept` is of the whole job in each answer.
      add: ({ drafts, kept }) => Object.assign(sum, { drafts: sum.drafts + drafts, kept }),
      done: () => sum.drafts,
      doing: "Discarding drafts…",
      told: () => discardedText(sum),
      undo: () => (sum.drafts ? "Undo" : ""),
    });
  }

  #restore() {
    const sum = { restored: 0, left_out: 0, after: "" };
    return this.#repeat({
      send: () => this.#client.restoreDrafts(this.#uid, { after: sum.after }),
      add: ({ restored, left_out, after }) => {
        Object.assign(sum, { restored: sum.restored + restored, left_out: sum.left_out + left_out, after });
      },
      done: () => sum.restored + sum.left_out,
      doing: "Bringing drafts back…",
      told: () => restoredText(sum),
      undo: () => "",
    });
  }

  /**
   * Ask until nothing remains.
   * @param {{send: () => Promise<Response>, add: (answer: object) => void, done: () => number, doing: string, told: () => string, undo: () => string}} work
   */
  async #repeat({ send, add, done, doing, told, undo }) {
    const turn = ++this.#turn;
    this.#isWorking = true;
    this.#isStopped = false;
    this.#show({ text: doing, isWorking: true });
    let remaining = 0;
    let problem = "";
    do {
      try {
        const before = done();
        const answer = await answerTo(send());
        add(answer);
        ({ remaining } = answer);
        if (turn === this.#turn) this.#showProgress(done(), remaining);
        if (remaining && done() === before) problem = "The server makes no progress with the rest.";
      } catch (error) {
        problem = error.message;
      }
    } while (remaining && !problem && !this.#isStopped);
    this.#onChanged(this.#uid);
    if (turn !== this.#turn) return;
    this.#isWorking = false;
    const left = remaining ? ` ${plural(remaining, "draft")} still to do.` : "";
    this.#show({ text: done() || !problem ? told() + left : "", error: problem, again: Boolean(problem || remaining), restore: undo() });
  }

  /**
   * One state of the dialog. A button without a text is not there.
   * @param {{text?: string, error?: string, discard?: number, restore?: string, again?: boolean, isWorking?: boolean}} state
   */
  #show({ text = "", error = "", discard = 0, restore = "", again = false, isWorking = false }) {
    const hadFocus = this.#dialog.contains(document.activeElement);
    write(this.#find("text"), text);
    write(this.#find("error"), error);
    this.#find("error").hidden = !error;
    this.#find("bar").hidden = !isWorking;
    this.#find("bar").removeAttribute("value");
    this.#find("discard").hidden = !discard;
    write(this.#find("discard"), `Discard ${plural(discard, "draft")}`);
    this.#find("restore").hidden = !restore;
    write(this.#find("restore"), restore);
    this.#find("again").hidden = !again;
    write(this.#find("close"), isWorking ? "Stop" : "Close");
    if (hadFocus && !this.#dialog.contains(document.activeElement)) this.#find("close").focus();
  }

  #showProgress(done, remaining) {
    Object.assign(this.#find("bar"), { max: done + remaining, value: done });
    if (remaining) write(this.#find("text"), `${done.toLocaleString()} of ${plural(done + remaining, "draft")}…`);
  }
}

/** @param {Promise<Response>} sent @returns {Promise<object>} the answer's body; raises an Error with words for a person */
async function answerTo(sent) {
  const answer = await sent.catch(() => null);
  if (!answer) throw new Error(LOST);
  const body = await answer.json().catch(() => null);
  if (!answer.ok || !body) throw new Error(errorText(body, answer.status));
  return body;
}
