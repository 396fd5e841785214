import { assert, test } from "tests/harness";
import { Panel } from "review/panel";
import { drawn, editing, put, shape } from "./editing.js";

const TEXTS = ["tally", "shape-count", "list-nothing", "list-hidden-text", "selection-title", "selection-facts", "label-caption", "label-now"];
const WITH_TEXT = ["accept", "discard", "accept-shown", "discard-shown", "finish", "accept-and-finish", "flag"];
const ICONS = { "reopen-shape": "Back to draft", remove: "Delete", "relabel-shown": "Relabel shown" };
const MARKUP = `<main class="review-main">${TEXTS.map((id) => `<p id="${id}"></p>`).join("")}
  <progress id="tally-bar"></progress><div id="list-empty"></div><div id="list-hidden"></div>
  <button data-action="undo"></button><button data-action="redo"></button><button data-action="next-draft"></button>
  <button data-action="previous-draft"></button><button data-action="box-tool" data-writes></button>
  <button data-action="zoom-to-shape" data-needs-shape></button>
  ${WITH_TEXT.map((action) => `<button id="${action}" data-action="${action}"><span data-text></span></button>`).join("")}
  ${Object.entries(ICONS).map(([action, text]) => `<button data-action="${action}" aria-label="${text}"><span data-text></span></button>`).join("")}
  <ul id="label-keys"><li><button data-action="label-1" data-label="nut" data-writes></button></li>
  <li><button data-action="label-2" data-label="gear" data-writes></button></li></ul></main>`;

function panel(shapes, options) {
  put(MARKUP);
  const editor = editing(shapes, options);
  const made = new Panel(editor);
  const button = (action) => document.querySelector(`[data-action=${action}]`);
  return { ...editor, made, button, text: (id) => document.getElementById(id).textContent.trim(), words: (action) => button(action).textContent.trim() };
}

const mixed = () => [shape("a", { score: 0.1 }), shape("b", { score: 0.8 }), shape("c", { status: "accepted", score: 0.9 }), shape("d", { status: "discarded" })];

test("it counts what is left and what was decided", async () => {
  const { store, text } = panel(mixed());
  assert.equal(text("tally"), "2 drafts left · 1 accepted · 1 discarded");
  assert.equal(text("shape-count"), "3 of 4 shown");
  store.update([{ id: "a", status: "accepted" }, { id: "b", status: "accepted" }]);
  await drawn();
  assert.equal(text("tally"), "All decided · 3 accepted · 1 discarded");
});

test("buttons for all that is shown carry the count, and are off without one", async () => {
  const { store, button, words } = panel(mixed());
  assert.equal(words("accept-shown"), "Accept 2 shown");
  assert.equal(words("accept-and-finish"), "Accept 2 & finish");
  assert.equal(button("relabel-shown").getAttribute("aria-label"), "Relabel 3 shown…");
  store.setFilter({ minScore: 0.5 });
  await drawn();
  assert.equal(words("discard-shown"), "Discard 1 shown");
  store.setFilter({ minScore: 1 });
  await drawn();
  assert.ok(button("accept-shown").disabled);
  assert.ok(button("accept-and-finish").hidden);
});

test("the selection is told: nothing, one shape, several", async () => {
  const { selection, text, words, button } = panel(mixed());
  assert.equal(text("selection-title"), "Nothing selected");
  assert.equal(text("label-caption") + text("label-now"), "Label of new shapesnut");
  assert.ok(button("accept").disabled && button("zoom-to-shape").disabled);
  selection.only("a");
  await drawn();
  assert.equal(text("selection-title"), "nut");
  assert.equal(text("selection-facts"), "0.10 · draft · box · 30 × 40 px");
  assert.equal(words("accept"), "Accept");
  selection.set(["a", "b", "c"]);
  await drawn();
  assert.equal(text("selection-title"), "3 shapes selected");
  assert.equal(text("selection-facts"), "2 drafts · 1 accepted");
  assert.equal(words("accept"), "Accept 2");
  assert.equal(words("discard"), "Discard 3");
  assert.equal(button("reopen-shape").getAttribute("aria-label"), "Back to draft 1");
});

test("only what was drawn by hand can be deleted, and it cannot become a draft", async () => {
  const { selection, button } = panel([shape("a"), shape("m", { source: "manual", status: "accepted", score: null })]);
  selection.only("a");
  await drawn();
  assert.deepEqual([button("remove").disabled, button("reopen-shape").disabled], [true, true]);
  selection.only("m");
  await drawn();
  assert.deepEqual([button("remove").disabled, button("reopen-shape").disabled], [false, true]);
});

test("the label buttons show the label of the selection, of new shapes without one", async () => {
  const { selection, actions, made } = panel([shape("a", { label: "gear" }), shape("b")]);
  const pressed = () => [...document.querySelectorAll("#label-keys [aria-pressed=true]")].map(({ dataset }) => dataset.label);
  assert.deepEqual(pressed(), ["nut"]);
  selection.only("a");
  await drawn();
  assert.deepEqual(pressed(), ["gear"]);
  selection.set(["a", "b"]);
  await drawn();
  assert.deepEqual(pressed(), []);
  selection.clear();
  actions.relabel("gear");
  made.show();
  assert.deepEqual(pressed(), ["gear"]);
});

test("undo and redo can be pressed when there is something to take back or do again", async () => {
  const { store, button } = panel([shape("a")]);
  assert.ok(button("undo").disabled && button("redo").disabled);
  store.update([{ id: "a", status: "accepted" }]);
  await drawn();
  assert.deepEqual([button("undo").disabled, button("redo").disabled], [false, true]);
  store.travel("undo");
  await drawn();
  assert.deepEqual([button("undo").disabled, button("redo").disabled], [true, false]);
});

test("a finished image can only be left or reopened", () => {
  const { button, words } = panel(mixed(), { isReadOnly: true, item: { state: "done" } });
  assert.equal(words("finish"), "Next image");
  assert.ok(button("accept-and-finish").hidden);
  for (const action of ["accept-shown", "relabel-shown", "box-tool", "label-1", "flag"]) assert.ok(button(action).disabled, action);
  assert.ok(!button("finish").disabled);
});

test("a flagged image says so on its button", () => {
  const { button, words } = panel([], { item: { state: "flagged" } });
  assert.equal(words("flag"), "Flagged");
  assert.equal(button("flag").getAttribute("aria-pressed"), "true");
});

test("an empty list says why, and what can be done", async () => {
  const { store, text } = panel([shape("a")]);
  const empty = document.getElementById("list-empty");
  assert.ok(empty.hidden);
  store.setFilter({ minScore: 0.9 });
  await drawn();
  assert.ok(!empty.hidden && !document.getElementById("list-hidden").hidden);
  assert.equal(text("list-hidden-text"), "The filter hides the only shape.");
  document.querySelector("main").remove();
  assert.equal(panel([]).text("list-nothing"), "What you draw will be listed here.");
  document.querySelector("main").remove();
  assert.ok(panel([], { item: { isAutoLabeled: false } }).text("list-nothing").startsWith("Nothing is on this image yet"));
});

test("words that stay the same are not written again, which a screen reader would say again", async () => {
  const { store } = panel(mixed());
  const written = [];
  const watch = new MutationObserver((records) => written.push(...records.map(({ target }) => target.id)));
  watch.observe(document.getElementById("tally"), { childList: true });
  store.setFilter({ minScore: 0.05 });
  await drawn();
  assert.deepEqual(written, []);
  watch.disconnect();
});

test("where only looking is allowed, the page has no such buttons, and that is fine", () => {
  put(`<main class="review-main">${TEXTS.slice(0, 6).map((id) => `<p id="${id}"></p>`).join("")}<progress id="tally-bar"></progress>
    <div id="list-empty"></div><div id="list-hidden"></div></main>`);
  new Panel(editing(mixed(), { isReadOnly: true }));
  assert.equal(document.getElementById("tally").textContent, "2 drafts left · 1 accepted · 1 discarded");
});
