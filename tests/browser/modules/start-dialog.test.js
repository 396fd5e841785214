import { StartDialog } from "/static/autolabel/start-dialog.js";
import { assert, test } from "tests/harness";
import { drawn, put } from "./editing.js";

const LABELS = ["washer", "nut", "bracket"];
const YOLO = {
  model_type: "yolo", ready: true, startable: true, allowed: true, reason: "", labels: ["Washer", "nut", "spring"],
  output_kinds: ["box"], engine: "openvino", device: "cpu", takes_boxes: false, notes: [], workers: 1,
};
const WORDS = { ...YOLO, model_type: "sam3", labels: null, output_kinds: ["polygon"] };
const SAM = { ...YOLO, model_type: "sam", output_kinds: ["polygon"], takes_boxes: true };
const off = (model, reason) => ({ ...model, ready: false, startable: false, reason });

const FIELD = (name, inner) => `<fieldset data-field="${name}">${inner}<p data-error="${name}" hidden></p></fieldset>`;
const MODEL = (type) => `<label data-model="${type}"><input type="radio" name="model_type" value="${type}"><small data-gives></small><small data-model-state></small></label>`;
const ROW = `<template data-map-row><li><input data-class><select data-target>${LABELS.map((one) => `<option>${one}</option>`).join("")}</select><button type="button" data-remove-row></button></li></template>`;
const markup = (types) => `<div data-unlabeled="7" data-boxed="2"><dialog><form data-form novalidate>
  ${FIELD("model_type", types.map(MODEL).join("") + "<p data-chosen-state></p>")}
  ${FIELD("confidence_threshold", '<output data-threshold-value></output><input type="range" name="confidence_threshold" min="0.05" max="0.95" step="0.05" value="0.5"><button type="button" data-preset="0.9"></button>')}
  ${FIELD("labels", `${LABELS.map((one) => `<input type="checkbox" name="labels" value="${one}" checked>`).join("")}<small id="unknown" data-unknown-labels></small>`)}
  <details data-advanced><summary><small data-advanced-state></small></summary>
    ${FIELD("boxes_to_masks", '<input type="checkbox" name="boxes_to_masks">')}
    ${FIELD("thresholds", LABELS.map((one) => `<input type="number" min="0" max="1" data-threshold="${one}">`).join(""))}
    ${FIELD("existing_drafts", ["replace", "keep", "skip"].map((one, n) => `<input type="radio" name="existing_drafts" value="${one}"${n ? "" : " checked"}>`).join(""))}
    <div data-limits>${["max_items", "max_seconds", "max_failed_pct"].map((one) => FIELD(one, `<input type="number" data-limit="${one}">`)).join("")}</div>
    ${FIELD("label_map", `<small data-map-hint></small><ul data-map-rows></ul><button type="button" data-add-row></button><datalist></datalist>${ROW}`)}
  </details>
  <input type="checkbox" name="dry_run"><p data-error="" hidden></p><button type="button" data-close></button><button data-start></button></form></dialog></div>`;

/** The dialog, open, over a server that knows these models and answers every start alike. */
async function opened(models, answer = { status: 202, body: { uid: "job" } }, types = models.map(({ model_type }) => model_type)) {
  const root = put(markup(types));
  const sent = [];
  const started = [];
  const client = {
    models: [],
    fetchModels: async () => (client.models = models),
    model: (type) => client.models.find((one) => one.model_type === type),
    start: async (body) => {
      sent.push(body);
      return { status: answer.status, json: async () => answer.body };
    },
  };
  const dialog = new StartDialog(root, client, { onJob: async (...job) => started.push(job), onClosed: () => {} });
  dialog.open();
  await drawn();
  const find = (selector) => root.querySelector(selector);
  const type = (selector, value) => {
    Object.assign(find(selector), { value }).dispatchEvent(new Event("input", { bubbles: true }));
  };
  const map = (word, label) => {
    find("[data-add-row]").click();
    const row = find("[data-map-rows]").lastElementChild;
    row.querySelector("[data-target]").value = label;
    row.querySelector("[data-class]").value = word;
    row.querySelector("[data-class]").dispatchEvent(new Event("input", { bubbles: true }));
  };
  const start = async () => {
    find("[data-form]").requestSubmit();
    await drawn();
    return sent.at(-1);
  };
  return { find, type, map, start, sent, started, stop: () => dialog.stop(), choose: (one) => find(`[value=${one}]`).click(), error: (name) => find(`[data-error="${name}"]`).textContent };
}

test("the first model that is ready is chosen, and one that cannot run says why in plain sight", async () => {
  const { find, start, stop } = await opened([off(WORDS, "Its weights are gated."), SAM, YOLO]);
  assert.ok(find("[value=sam3]").disabled && !find("[value=sam3]").checked);
  assert.equal(find("[data-model=sam3] [data-model-state]").textContent, "Its weights are gated.");
  assert.ok(find("[value=sam]").checked);
  assert.equal((await start()).model_type, "sam");
  stop();
});

test("one that waits for a worker can be started, but one that is ready goes first", async () => {
  const waiting = { ...YOLO, ready: false, reason: "Waiting for a worker.", workers: 0, labels: null };
  const { find, stop } = await opened([waiting, SAM]);
  assert.ok(!find("[value=yolo]").disabled && find("[value=sam]").checked);
  assert.equal(find("[data-model=yolo] [data-model-state]").dataset.ready, "waiting");
  stop();
});

test("where none can run, the start is refused at the models", async () => {
  const { start, sent, error, stop } = await opened([off(YOLO, "You may not use it.")]);
  await start();
  assert.equal(sent.length, 0);
  assert.ok(error("model_type").startsWith("None of the models can run"));
  stop();
});

test("it says what a model gives", async () => {
  const { find, stop } = await opened([YOLO, SAM, WORDS]);
  const gives = (type) => find(`[data-model=${type}] [data-gives]`).textContent;
  assert.equal(gives("yolo"), "Boxes · 3 classes");
  assert.equal(gives("sam"), "Polygons · 3 classes · masks of your boxes");
  assert.equal(gives("sam3"), "Polygons · any words");
  assert.equal(find("[data-model=yolo] [data-model-state]").textContent, "Ready on 1 worker (openvino, cpu).");
  stop();
});

test("what nobody has set is not sent", async () => {
  const { start, stop } = await opened([YOLO]);
  assert.deepEqual(await start(), { model_type: "yolo", confidence_threshold: 0.5, labels: [], dry_run: false });
  stop();
});

test("thresholds of chosen labels are sent, and the closed section says that they are set", async () => {
  const { find, type, start, stop } = await opened([YOLO]);
  type("[data-threshold=nut]", "0.7");
  type("[data-threshold=washer]", "0");
  assert.equal(find("[data-advanced-state]").textContent, "2 thresholds");
  assert.deepEqual((await start()).thresholds, { nut: 0.7, washer: 0 });
  find("[name=labels][value=washer]").click();
  assert.deepEqual((await start()).thresholds, { nut: 0.7 });
  stop();
});

test("a threshold out of range is refused at its field, with the section open", async () => {
  const { find, type, start, sent, error, stop } = await opened([YOLO]);
  type("[data-threshold=nut]", "1.5");
  await start();
  assert.equal(sent.length, 0);
  assert.equal(error("thresholds"), "nut: a threshold is a number from 0 to 1.");
  assert.ok(find("[data-advanced]").open);
  stop();
});

test("a label that the model does not know is left out, until a class is mapped to it", async () => {
  const { find, map, start, stop } = await opened([YOLO]);
  assert.ok(find("[value=bracket]").disabled);
  assert.ok(find("[data-map-hint]").textContent.includes("does not know: bracket"));
  assert.ok(find("[data-map-hint]").textContent.includes("without a label here: spring"));
  map(" Spring", "bracket");
  assert.ok(!find("[value=bracket]").disabled && find("[value=bracket]").checked);
  assert.equal(find("[data-map-hint]").textContent, "The model knows every label of the project.");
  assert.deepEqual((await start()).label_map, { Spring: "bracket" });
  find("[data-remove-row]").click();
  assert.ok(find("[value=bracket]").disabled);
  assert.equal((await start()).label_map, undefined);
  stop();
});

test("a new row of the map is for the label that the model does not know", async () => {
  const { find, stop } = await opened([YOLO]);
  find("[data-add-row]").click();
  assert.equal(find("[data-map-rows] [data-target]").value, "bracket");
  stop();
});

test("a class that is mapped twice is refused", async () => {
  const { map, start, sent, error, stop } = await opened([YOLO]);
  map("spring", "nut");
  map("Spring", "washer");
  await start();
  assert.equal(sent.length, 0);
  assert.ok(error("label_map").includes("twice"));
  stop();
});

test("a model of any words is said to look for the labels' names", async () => {
  const { find, stop } = await opened([WORDS]);
  assert.ok(find("[data-map-hint]").textContent.startsWith("This model looks for the names of the labels."));
  assert.ok(!find("[value=bracket]").disabled);
  stop();
});

test("masks of boxes are offered where a model takes boxes; the button then counts the images that have some", async () => {
  const { find, map, choose, start, stop } = await opened([YOLO, SAM]);
  const field = () => find('[data-field="boxes_to_masks"]');
  assert.ok(field().hidden);
  assert.equal(find("[data-start]").textContent, "Auto-label 7 images");
  choose("sam");
  assert.ok(!field().hidden);
  map("spring", "bracket");
  find("[name=boxes_to_masks]").click();
  assert.equal(find("[data-start]").textContent, "Make masks on 2 images");
  assert.ok(!find("[value=bracket]").disabled, "the boxes have their labels");
  const body = await start();
  assert.deepEqual([body.boxes_to_masks, body.label_map], [true, undefined]);
  choose("yolo");
  assert.equal((await start()).boxes_to_masks, undefined);
  stop();
});

test("what becomes of drafts that are there already is sent where it is not the usual, and the closed section says it", async () => {
  const { find, start, stop } = await opened([YOLO]);
  find("[value=keep]").click();
  assert.equal(find("[data-advanced-state]").textContent, "drafts are kept");
  assert.equal((await start()).existing_drafts, "keep");
  find("[value=replace]").click();
  assert.equal((await start()).existing_drafts, undefined);
  stop();
});

test("limits are sent in the server's units, and the button counts no more images than they let through", async () => {
  const { find, type, start, stop } = await opened([YOLO]);
  type("[data-limit=max_items]", "3");
  type("[data-limit=max_seconds]", "90");
  type("[data-limit=max_failed_pct]", "10");
  assert.equal(find("[data-start]").textContent, "Auto-label 3 images");
  assert.equal(find("[data-advanced-state]").textContent, "3 limits");
  const { max_items, max_seconds, max_failed_pct } = await start();
  assert.deepEqual([max_items, max_seconds, max_failed_pct], [3, 5400, 10]);
  type("[data-limit=max_items]", "70");
  assert.equal(find("[data-start]").textContent, "Auto-label 7 images");
  type("[data-limit=max_items]", "");
  assert.equal((await start()).max_items, undefined);
  stop();
});

test("a limit that is none is refused at its field", async () => {
  const { type, start, sent, error, stop } = await opened([YOLO]);
  for (const [name, value] of [["max_items", "0"], ["max_items", "1.5"], ["max_seconds", "-1"], ["max_failed_pct", "101"]]) {
    type(`[data-limit=${name}]`, value);
    await start();
    assert.ok(error(name).includes("a whole number from 1"), `${name}: ${value}`);
    type(`[data-limit=${name}]`, "");
  }
  assert.equal(sent.length, 0);
  await start();
  assert.equal(sent.length, 1);
  stop();
});

test("the server's errors are shown at the fields that they name, the rest below", async () => {
  const body = { thresholds: ["“gear” is no label."], model_type: ["It gives boxes."], sample: ["Too few."] };
  const { find, start, error, stop } = await opened([YOLO], { status: 400, body });
  await start();
  assert.equal(error("thresholds"), "“gear” is no label.");
  assert.equal(error("model_type"), "It gives boxes.");
  assert.equal(error(""), "sample: Too few.");
  assert.ok(find("[data-advanced]").open);
  stop();
});
