// How fast a job goes, as far as this page has seen it: what lay before, pauses above all, would make it look slow.

// What is remembered spans at least this time and so many images, so that one slow batch does not upset it.
const SPAN_MS = 60000;
const SPAN_ITEMS = 10;
// Before that much has been seen, the job's whole time has to do.
const ENOUGH_MS = 5000;
const ENOUGH_ITEMS = 3;

export class Pace {
  #uid = "";
  /** @type {{at: number, done: number}[]} */
  #seen = [];

  /** @param {object} job as the server has just told it @param {number} at the server's time, in milliseconds */
  note(job, at) {
    if (job.uid !== this.#uid || job.paused_at) this.#seen = [];
    this.#uid = job.uid;
    if (job.paused_at || !job.started_at) return;
    this.#seen.push({ at, done: job.processed_items });
    while (this.#seen.length > 2 && this.#spans(this.#seen[1])) this.#seen.shift();
  }

  /** @returns {number} images a second; 0 where that cannot be told */
  perSecond(job) {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (!last) return 0;
    const isEnough = last.at - first.at >= ENOUGH_MS && last.done - first.done >= ENOUGH_ITEMS;
    const from = isEnough ? first : { at: Date.parse(job.started_at), done: 0 };
    const seconds = (last.at - from.at) / 1000;
    return seconds > 0 ? (last.done - from.done) / seconds : 0;
  }

  #spans(from) {
    const last = this.#seen.at(-1);
    return last.at - from.at >= SPAN_MS && last.done - from.done >= SPAN_ITEMS;
  }
}
