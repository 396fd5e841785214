import { assert, test } from "tests/harness";
import { LabelFilter, alone, toggled } from "review/label-filter";
import { drawn, editing, put, shape } from "./editing.js";

const LABELS = ["nut", "bolt", "gear"];

function filter(shapes, { chosen = null, ...options } = {}) {
  const editor = editing(shapes, options);
  const questions = [];
  const palette = { choose: async (question) => (questions.push(question), chosen) };
  const list = put("<div><ul></ul></div>").firstElementChild;
  const labels = LABELS.map((name) => ({ name }));
  new LabelFilter(list, { ...editor, palette, labels, colors: new Map() });
  const button = (label, what) => list.querySelector(`[data-label=${label}] [data-do=${what}]`);
  return { ...editor, list, questions, button, more: list.nextElementSibling, shown: () => [...list.children].map(({ dataset }) => dataset.label) };
}

test("a label that is hidden is shown, one that is shown is hidden, and all are no filter", () => {
  assert.deepEqual(toggled(null, "nut", LABELS), new Set(["bolt", "gear"]));
  assert.deepEqual(toggled(new Set(["bolt"]), "nut", LABELS), new Set(["bolt", "nut"]));
  assert.equal(toggled(new Set(["bolt", "gear"]), "nut", LABELS), null);
  assert.deepEqual(toggled(new Set(["nut"]), "nut", LABELS), new Set());
});

test("a label alone, asked for again, is all of them", () => {
  assert.deepEqual(alone(null, "nut"), new Set(["nut"]));
  assert.deepEqual(alone(new Set(["bolt"]), "nut"), new Set(["nut"]));
  assert.equal(alone(new Set(["nut"]), "nut"), null);
});

test("labels without a shape on the image wait behind a button", async () => {
  const { more, shown } = filter([shape("a"), shape("b", { label: "gear" })]);
  assert.deepEqual(shown(), ["nut", "gear"]);
  assert.equal(more.textContent, "Show all 3 labels");
  more.click();
  assert.deepEqual(shown(), ["nut", "bolt", "gear"]);
});

test("a label that the project no longer has is there as long as a shape has it", () => {
  assert.deepEqual(filter([shape("a", { label: "rivet" })]).shown(), ["rivet"]);
});

test("a press on a label hides its shapes; the next shows them again", async () => {
  const { button, store } = filter([shape("a"), shape("b", { label: "gear" })]);
  button("nut", "toggle").click();
  await drawn();
  assert.deepEqual(store.visible().map(({ id }) => id), ["b"]);
  assert.equal(button("nut", "toggle").getAttribute("aria-pressed"), "false");
  button("nut", "toggle").click();
  assert.equal(store.filter.labels, null);
});

test("only this label: by its button, or with Alt", async () => {
  const { button, store } = filter([shape("a"), shape("b", { label: "gear" })]);
  button("gear", "only").click();
  assert.deepEqual(store.filter.labels, new Set(["gear"]));
  button("gear", "toggle").dispatchEvent(new MouseEvent("click", { altKey: true, bubbles: true }));
  assert.equal(store.filter.labels, null);
});

test("the buttons count what they will decide: the drafts in sight", async () => {
  const { button, store } = filter([shape("a", { score: 0.2 }), shape("b", { score: 0.8 }), shape("c", { status: "accepted" })]);
  assert.equal(button("nut", "accept").getAttribute("aria-label"), "Accept 2 nut drafts");
  store.setFilter({ minScore: 0.5 });
  await drawn();
  assert.equal(button("nut", "accept").textContent, "1");
  button("nut", "accept").click();
  assert.deepEqual(store.all().map(({ id, status }) => id + status), ["adraft", "caccepted", "baccepted"]);
});

test("a hidden label keeps its count, but what is not in sight cannot be decided", async () => {
  const { button, store } = filter([shape("a"), shape("b", { label: "gear" })]);
  store.setFilter({ labels: new Set(["gear"]) });
  await drawn();
  assert.equal(button("nut", "toggle").querySelector(".count").textContent, "1");
  assert.ok(button("nut", "accept").disabled);
  assert.ok(!button("gear", "accept").disabled);
});

test("drafts of one label are discarded and the others are left", () => {
  const { button, store } = filter([shape("a"), shape("b", { label: "gear" })]);
  button("nut", "discard").click();
  assert.equal(store.get("a").status, "discarded");
  assert.equal(store.get("b").status, "draft");
});

test("all shapes of a label in sight get the label that the palette gives", async () => {
  const { button, store, questions } = filter([shape("a"), shape("b", { label: "gear" })], { chosen: "bolt" });
  button("nut", "relabel").click();
  await drawn();
  assert.equal(questions[0].current, "nut");
  assert.equal(store.get("a").label, "bolt");
  assert.equal(store.get("b").label, "gear");
});

test("no choice in the palette changes nothing", async () => {
  const { button, store } = filter([shape("a")]);
  button("nut", "relabel").click();
  await drawn();
  assert.equal(store.get("a").label, "nut");
  assert.ok(!store.canUndo);
});

test("where nothing can be decided there are no buttons to do it", () => {
  assert.ok(filter([shape("a")], { isReadOnly: true }).list.classList.contains("read-only"));
  assert.ok(!filter([shape("a")]).list.classList.contains("read-only"));
});
