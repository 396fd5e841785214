import { errorText, remarksOf, resultOf, titleOf } from "/static/autolabel/job-text.js";
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

test("an error is the server's word, or its status", () => {
  assert.equal(errorText({ detail: "No." }, 403), "No.");
  assert.equal(errorText(null, 502), "The server failed without a reason (502).");
});
