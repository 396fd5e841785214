// What jobs and errors are in words. Pure: nothing here touches the page.

/** What the reasons of skipped and failed items mean to a person, behind their number. */
const REASONS = {
  nothing_found: "with nothing found",
  below_threshold: "below the threshold",
  filtered_label: "with labels that you left out",
  unmapped_label: "with labels that the project does not have",
  labeled_meanwhile: "labeled by a person meanwhile",
  existing_drafts: "with drafts already",
  low_quality: "with nothing but specks and the like",
  unreadable: "unreadable",
  prediction_failed: "that the model failed on",
  out_of_memory: "too large for the memory",
  crashed_the_worker: "that crashed the worker",
};

export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : many}`;

/** Seconds as "40 s", "3 min", "2 h 5 min". */
export function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** {"washer": 3, "nut": 1} as "3 washer, 1 nut"; `names` maps keys to what a person calls them. */
function counted(counts, names = {}) {
  return Object.entries(counts ?? {}).map(([name, count]) => `${count.toLocaleString()} ${names[name] ?? name}`).join(", ");
}

/** Speed as "2.5 images a second" or, where that would be a fraction, "12 images a minute". */
export function rateText(perSecond) {
  return perSecond >= 1 ? `${perSecond.toFixed(1)} images a second` : `${(60 * perSecond).toFixed(perSecond < 0.1 ? 1 : 0)} images a minute`;
}

/** The messages of an API error in one string. */
export function errorText(body, status) {
  if (!body || typeof body !== "object") return `The server failed without a reason (${status}).`;
  if (body.detail) return body.detail;
  return Object.entries(body)
    .map(([field, messages]) => `${field}: ${[].concat(messages).join(" ")}`)
    .join("\n");
}

export const isActive = (job) => job.status === "pending" || job.status === "running";

export function titleOf(job) {
  const isAt = job.status === "running" ? ` at ${job.progress_pct ?? 0} %` : "";
  if (isActive(job) && job.paused_at) return `${whatOf(job)} paused${isAt}`;
  if (isAt && job.stalled) return `${whatOf(job)} stalled${isAt}`;
  const how = { pending: "waiting to start", completed: "finished", failed: "failed", cancelled: "cancelled" };
  return isAt ? `${whatOf(job)}: ${job.progress_pct ?? 0} %` : `${whatOf(job)} ${how[job.status]}`;
}

function whatOf(job) {
  const isRetry = Boolean(job.retry_of);
  if (job.dry_run) return isRetry ? "Dry run of failed images" : "Dry run";
  if (job.boxes_to_masks) return isRetry ? "Masks of failed images" : "Masks from boxes";
  return isRetry ? "Retry of failed images" : "Auto-labeling";
}

/** What can be done with a job now; the server's `autolabel.jobs.choices` says the same for lists of jobs. */
export function choicesOf(job) {
  const active = isActive(job);
  const hasDrafts = !active && !job.dry_run && job.successful_items > 0;
  return {
    cancel: active,
    pause: active && !job.paused_at,
    resume: active && Boolean(job.paused_at),
    retry: !active && job.failed_items > 0,
    review: hasDrafts && !job.drafts_discarded_at,
    discard: hasDrafts && !job.drafts_discarded_at,
    restore: !active && Boolean(job.drafts_discarded_at),
    dismiss: !active,
  };
}

export function countsOf(job) {
  if (job.progress_pct === null) return "";
  const parts = [
    `${job.processed_items.toLocaleString()} of ${plural(job.total_items, "image")}`,
    `${job.successful_items.toLocaleString()} ${job.dry_run ? "would get drafts" : "with drafts"}`,
    `${job.skipped_items.toLocaleString()} ${job.dry_run ? "would not" : "without"}`,
  ];
  if (job.failed_items) parts.push(`${job.failed_items.toLocaleString()} failed`);
  return parts.join(" · ");
}

export function resultOf(job) {
  const { drafts, skipped, failed } = job.summary ?? {};
  const parts = [];
  if (counted(drafts)) parts.push(`${job.dry_run ? "Would draft" : "Drafts"}: ${counted(drafts)}.`);
  if (counted(skipped, REASONS)) parts.push(`Images without drafts: ${counted(skipped, REASONS)}.`);
  if (counted(failed, REASONS)) parts.push(`Failed: ${counted(failed, REASONS)}.`);
  return parts.join(" ");
}

/**
 * By which model a job was done, and what was out of the ordinary, one sentence each.
 * @param {object} job @param {Record<string, [string, string]>} words how the server calls what is counted: one, many
 * @returns {string[]}
 */
export function remarksOf(job, words = {}) {
  const { model, dropped, incidents } = job.summary ?? {};
  const named = (counts) =>
    Object.entries(counts ?? {}).map(([name, count]) => plural(count, ...(words[name] ?? [name, name]))).join(", ");
  const on = [model?.engine, model?.device].filter((one) => one && one !== "none").join(", ");
  return [
    model?.name ? `Model: ${model.name}${on ? ` (${on})` : ""}.` : "",
    named(dropped) ? `${named(dropped)} dropped.` : "",
    named(incidents) ? `${named(incidents)}.` : "",
    ...(model?.notes ?? []),
  ].filter(Boolean);
}
