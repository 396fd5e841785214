import { assert, test } from "tests/harness";
import { ShapeList } from "review/shape-list";
import { drawn, editing, put, shape } from "./editing.js";

function list(shapes, options) {
  const editor = editing(shapes, options);
  const node = put("<ol></ol>");
  new ShapeList(node, { ...editor, colors: new Map([["nut", "#ff0000"]]) });
  const rows = () => [...node.children];
  const part = (id, name) => node.querySelector(`[data-shape=${id}] [data-part=${name}]`);
  const click = (id, keys = {}) => part(id, "pick").dispatchEvent(new MouseEvent("click", { bubbles: true, ...keys }));
  return { ...editor, node, rows, part, click, ids: () => rows().map(({ dataset }) => dataset.shape) };
}

const three = () => [shape("a", { score: 0.1 }), shape("b", { score: 0.2 }), shape("c", { score: 0.3 })];
const press = (key, keys = {}) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...keys }));

test("it shows what the filter shows, lowest score first", async () => {
  const { ids, store } = list([shape("c", { score: 0.9 }), shape("a", { score: 0.1 }), shape("m", { score: null, source: "manual", status: "accepted" })]);
  assert.deepEqual(ids(), ["a", "c", "m"]);
  store.setFilter({ minScore: 0.5 });
  await drawn();
  assert.deepEqual(ids(), ["c", "m"]);
  store.setFilter({ minScore: 0 });
  await drawn();
  assert.deepEqual(ids(), ["a", "c", "m"]);
});

test("a change draws its own row and leaves the nodes of the others alone", async () => {
  const { node, rows, store } = list(three());
  const before = rows();
  const moved = [];
  const watch = new MutationObserver((records) => moved.push(...records));
  watch.observe(node, { childList: true, subtree: true, attributes: true });
  store.update([{ id: "b", status: "accepted" }]);
  await drawn();
  assert.deepEqual(rows(), before);
  assert.ok(moved.length > 0);
  assert.ok(moved.every(({ target }) => before[1].contains(target)));
  watch.disconnect();
});

test("one row that goes takes no other with it", async () => {
  const { node, rows, store } = list(three());
  const before = rows();
  const changes = [];
  const watch = new MutationObserver((records) => changes.push(...records));
  watch.observe(node, { childList: true });
  store.update([{ id: "a", status: "discarded" }]);
  await drawn();
  assert.deepEqual(rows(), before.slice(1));
  assert.equal(changes.flatMap(({ addedNodes }) => [...addedNodes]).length, 0);
  store.travel("undo");
  await drawn();
  assert.deepEqual(rows().slice(1), before.slice(1));
  watch.disconnect();
});

test("another item brings its own rows", async () => {
  const { ids, store } = list(three());
  store.put({ ...store.item, uid: "two" }, [shape("z", { item: "two" })]);
  store.open("two");
  await drawn();
  assert.deepEqual(ids(), ["z"]);
});

test("a row says to screen readers what colours say to others", async () => {
  const { rows, store, part } = list([shape("a", { score: 0.42 })]);
  assert.ok(rows()[0].textContent.includes("Draft"));
  assert.equal(part("a", "accept").getAttribute("aria-label"), "Accept: nut 0.42");
  store.update([{ id: "a", status: "accepted", edited: true }]);
  await drawn();
  assert.ok(rows()[0].textContent.includes("Accepted"));
  assert.ok(part("a", "accept").disabled);
});

test("a click selects one, Ctrl adds and removes, Shift takes all between", () => {
  const { click, selection } = list([...three(), shape("d", { score: 0.4 })]);
  click("b");
  assert.deepEqual([...selection.ids], ["b"]);
  click("d", { shiftKey: true });
  assert.deepEqual([...selection.ids], ["b", "c", "d"]);
  click("a", { shiftKey: true });
  assert.deepEqual([...selection.ids], ["b", "a"]);
  click("d", { ctrlKey: true });
  click("a", { metaKey: true });
  assert.deepEqual([...selection.ids], ["b", "d"]);
});

test("what is selected elsewhere is marked here", () => {
  const { selection, part } = list(three());
  selection.set(["a", "c"]);
  assert.deepEqual(["a", "b", "c"].map((id) => part(id, "pick").getAttribute("aria-pressed")), ["true", "false", "true"]);
  selection.clear();
  assert.equal(part("c", "pick").getAttribute("aria-pressed"), "false");
});

test("Tab stops at one row only, which is the selected one", () => {
  const { node, selection } = list(three());
  const stops = () => [...node.querySelectorAll("button")].filter(({ tabIndex }) => tabIndex === 0).map((one) => one.closest("li").dataset.shape);
  assert.deepEqual(stops(), ["a", "a", "a"]);
  selection.only("c");
  assert.deepEqual(stops(), ["c", "c", "c"]);
});

test("the arrows go through rows and buttons", () => {
  const { selection, part } = list(three());
  part("a", "pick").focus();
  press("ArrowDown");
  assert.equal(document.activeElement, part("b", "pick"));
  assert.deepEqual([...selection.ids], ["b"]);
  press("ArrowRight");
  press("ArrowDown");
  assert.equal(document.activeElement, part("c", "accept"));
  press("Home", {});
  press("End", { shiftKey: true });
  assert.deepEqual([...selection.ids], ["a", "b", "c"]);
});

test("a decision in a row is about that row, even when others are selected", async () => {
  const { selection, store, part } = list(three());
  selection.set(["a", "b"]);
  part("c", "accept").click();
  assert.deepEqual(["a", "b", "c"].map((id) => store.get(id).status), ["draft", "draft", "accepted"]);
});

test("decided by keyboard, the focus goes on with the next draft", async () => {
  const { part } = list(three());
  part("a", "accept").focus();
  part("a", "accept").click();
  await drawn();
  assert.equal(document.activeElement, part("b", "accept"));
});

test("a row that goes away leaves the focus to the one in its place", async () => {
  const { store, part } = list(three());
  part("b", "pick").focus();
  store.update([{ id: "b", status: "discarded" }]);
  await drawn();
  assert.equal(document.activeElement, part("c", "pick"));
});

test("where nothing can be decided there are no buttons to do it", () => {
  const { node } = list(three(), { isReadOnly: true });
  assert.ok(node.classList.contains("read-only"));
});

test("with 500 shapes one more decision costs one row", async () => {
  const { node, store } = list(Array.from({ length: 500 }, (_, at) => shape(`s${at}`, { score: at / 500 })));
  const touched = new Set();
  const watch = new MutationObserver((records) => records.forEach(({ target }) => touched.add(target.closest?.("li") ?? target)));
  watch.observe(node, { childList: true, subtree: true, attributes: true });
  store.update([{ id: "s250", status: "accepted" }]);
  await drawn();
  assert.deepEqual([...touched].map(({ dataset }) => dataset.shape), ["s250"]);
  watch.disconnect();
});
