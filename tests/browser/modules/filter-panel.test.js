import { assert, test } from "tests/harness";
import { FilterPanel } from "review/filter-panel";
import { drawn, editing, put, shape } from "./editing.js";

const STATUSES = ["draft", "accepted", "edited", "discarded"];
const MARKUP = `<main id="main"><aside id="filter-panel"><button data-reset-filter hidden></button><button id="filter-toggle"></button>
  <div id="histogram"></div><output id="min-score-text"></output><input type="range" id="min-score" min="0" max="1" step="0.01" value="0">
  ${STATUSES.map((status) => `<button data-status="${status}"><span data-count></span></button>`).join("")}</aside></main>`;

function panel(shapes = []) {
  put(MARKUP);
  const { store } = editing(shapes);
  new FilterPanel(store);
  return { store, get: (selector) => document.querySelector(selector) };
}

test("the statuses are counted, and discarded ones are hidden at first", () => {
  const { get } = panel([shape("a"), shape("b", { status: "accepted" }), shape("c", { status: "accepted", edited: true }), shape("d", { status: "discarded" })]);
  for (const status of STATUSES) {
    assert.equal(get(`[data-status=${status}] [data-count]`).textContent, "1");
    assert.equal(get(`[data-status=${status}]`).getAttribute("aria-pressed"), String(status !== "discarded"));
  }
});

test("the slider hides drafts below it, and the histogram greys them", async () => {
  const { store, get } = panel([shape("a", { score: 0.2 }), shape("b", { score: 0.8 })]);
  assert.equal(get("#histogram .below").getAttribute("d"), "");
  get("#min-score").value = 0.5;
  get("#min-score").dispatchEvent(new Event("input"));
  await drawn();
  assert.deepEqual(store.visible().map(({ id }) => id), ["b"]);
  assert.equal(get("#min-score-text").textContent, "0.50");
  assert.ok(get("#histogram .below").getAttribute("d").startsWith("M4."));
  assert.ok(get("#histogram .above").getAttribute("d").startsWith("M16."));
});

test("a status is switched off and on", async () => {
  const { store, get } = panel([shape("a"), shape("b", { status: "accepted" })]);
  get("[data-status=draft]").click();
  await drawn();
  assert.deepEqual(store.visible().map(({ id }) => id), ["b"]);
  get("[data-status=draft]").click();
  assert.equal(store.visible().length, 2);
});

test("what is filtered can be reset, slider included; without a filter there is no such button", async () => {
  const { store, get } = panel([shape("a")]);
  const reset = get("[data-reset-filter]");
  assert.ok(reset.hidden);
  store.setFilter({ minScore: 0.7, labels: new Set(["gear"]) });
  await drawn();
  assert.ok(!reset.hidden);
  assert.equal(get("#min-score").value, "0.7");
  reset.focus();
  reset.click();
  await drawn();
  assert.ok(reset.hidden);
  assert.equal(get("#min-score").value, "0");
  assert.equal(store.visible().length, 1);
  assert.equal(document.activeElement, get("#min-score"));
});

test("folded away, it stays so on the next visit, and says whether it filters", async () => {
  const first = panel();
  assert.equal(first.get("#filter-toggle").getAttribute("aria-expanded"), "true");
  first.get("#filter-toggle").click();
  assert.ok(first.get("#main").classList.contains("filter-folded"));
  first.store.setFilter({ minScore: 0.5 });
  await drawn();
  assert.ok(first.get("#filter-panel").classList.contains("filtering"));
  first.get("#main").remove();
  assert.equal(panel().get("#filter-toggle").getAttribute("aria-expanded"), "false");
});
