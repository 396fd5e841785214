import { choicesOf, errorText, remarksOf, resultOf, titleOf } from "/static/autolabel/job-text.js";
import { assert, test } from "tests/harness";

const WORDS = { speck: ["speck", "specks"], batch: ["batch halved", "batches halved"] };

test("the result says how many drafts of which label, and why images have none", () => {
  const summary = { drafts: { nut: 3, washer: 1 }, skipped: { nothing_found: 2, low_quality: 1 }, failed: {} };
  assert.equal(
    resultOf({ summary }),
    "Drafts: 3 nut, 1 washer. Images without drafts: 2 with nothing found, 1 with nothing but specks and the like.",
  );
});

test("remarks name the model and its engine, what was dropped, and what people should know", () => {
  const model = { name: "hardware-yolo", engine: "openvino", device: "cpu", notes: ["ONNX Runtime was refused."] };
  const job = { summary: { model, dropped: { speck: 12 }, incidents: { batch: 1 } } };
  assert.deepEqual(remarksOf(job, WORDS), [
    "Model: hardware-yolo (openvino, cpu).", "12 specks dropped.", "1 batch halved.", "ONNX Runtime was refused.",
  ]);
});

test("without anything out of the ordinary there is nothing to remark, and a new reason shows by its own name", () => {
  assert.deepEqual(remarksOf({ summary: null }), []);
  assert.deepEqual(remarksOf({ summary: { dropped: {}, incidents: {}, model: {} } }, WORDS), []);
  assert.deepEqual(remarksOf({ summary: { dropped: { blob: 2 } } }, WORDS), ["2 blob dropped."]);
});

test("a job that makes masks is called so", () => {
  assert.equal(titleOf({ status: "completed", boxes_to_masks: true }), "Masks from boxes finished");
  assert.equal(titleOf({ status: "running", progress_pct: 5 }), "Auto-labeling: 5 %");
});

test("a job that stands still says how: paused, stalled, or still waiting", () => {
  assert.equal(titleOf({ status: "running", progress_pct: 40, paused_at: "2026-01-01T00:00:00Z" }), "Auto-labeling paused at 40 %");
  assert.equal(titleOf({ status: "pending", paused_at: "2026-01-01T00:00:00Z" }), "Auto-labeling paused");
  assert.equal(titleOf({ status: "running", progress_pct: 40, stalled: "The storage is away." }), "Auto-labeling stalled at 40 %");
  assert.equal(titleOf({ status: "pending", stalled: "No live worker." }), "Auto-labeling waiting to start");
  assert.equal(titleOf({ status: "cancelled", paused_at: "2026-01-01T00:00:00Z" }), "Auto-labeling cancelled");
});

test("a job over the failed items of another one is called so", () => {
  assert.equal(titleOf({ status: "running", progress_pct: 5, retry_of: "a" }), "Retry of failed images: 5 %");
});

/** What can be done with a job of these fields, but to cancel or dismiss it. */
function choices(fields) {
  const job = { status: "completed", failed_items: 0, successful_items: 0, dry_run: false, paused_at: null, drafts_discarded_at: null, ...fields };
  return Object.entries(choicesOf(job)).filter(([name, can]) => can && !["cancel", "dismiss"].includes(name)).map(([name]) => name).join(" ");
}

test("an active job can be paused, a paused one resumed, and neither retried nor undone", () => {
  const counts = { failed_items: 2, successful_items: 5 };
  assert.equal(choices({ status: "running", ...counts }), "pause");
  assert.equal(choices({ status: "pending", paused_at: "2026-01-01T00:00:00Z", ...counts }), "resume");
});

test("an ended job can be retried where items failed, and undone where it has drafts", () => {
  assert.equal(choices({}), "");
  assert.equal(choices({ status: "failed", failed_items: 2 }), "retry");
  assert.equal(choices({ status: "cancelled", successful_items: 5 }), "review discard");
  assert.equal(choices({ dry_run: true, successful_items: 5, failed_items: 1 }), "retry");
  assert.equal(choices({ successful_items: 5, drafts_discarded_at: "2026-01-01T00:00:00Z" }), "restore");
});

test("an error is the server's word, or its status", () => {
  assert.equal(errorText({ detail: "No." }, 403), "No.");
  assert.equal(errorText(null, 502), "The server failed without a reason (502).");
});
