// What becomes of a job's drafts, in words. Pure: nothing here touches the page.

import { plural } from "./job-text.js";

const shown = (count) => count.toLocaleString();

/** What discarding would do. @param {{drafts: number, kept: number}} counted @param {object} job */
export function countedText({ drafts, kept }, job) {
  const none = job.drafts_discarded_at
    ? "Its drafts that nobody has touched are discarded already"
    : "This job has no draft that nobody has touched";
  const go = drafts ? `${plural(drafts, "draft")} that nobody has touched ${drafts === 1 ? "goes" : "go"}` : none;
  const stay = kept ? `${shown(kept)} that people have accepted, edited or discarded ${kept === 1 ? "stays" : "stay"}` : "";
  return `${[go, stay].filter(Boolean).join("; ")}.`;
}

/** @param {{drafts: number, kept: number}} done */
export function discardedText({ drafts, kept }) {
  const stay = kept ? ` ${shown(kept)} that people have touched ${kept === 1 ? "stays" : "stay"}.` : "";
  return `${plural(drafts, "draft")} discarded.${stay}`;
}

/** @param {{restored: number, left_out: number}} done */
export function restoredText({ restored, left_out }) {
  const away = left_out
    ? ` ${shown(left_out)} could not come back: the image is finished, flagged or gone, has other drafts by now, or the label is gone.`
    : "";
  return `${plural(restored, "draft")} ${restored === 1 ? "is" : "are"} back.${away}`;
}
