import { test, assert } from "tests/harness";
import { Store } from "review/store";
import { Selection } from "review/selection";
import { manualShape } from "review/shapes";

const ITEM = { uid: "one", name: "one.jpg", width: 100, height: 80, state: "open", flagComment: "" };

function shape(id, fields = {}) {
  return {
    id, item: "one", uid: `uid-${id}`, version: 1, label: "nut", kind: "box", bbox_xyxy: [1, 2, 30, 40], polygons: null,
    status: "draft", edited: false, source: "auto", score: 0.5, removed: false, ...fields,
  };
}

function opened(...shapes) {
  const store = new Store();
  store.put(ITEM, shapes);
  store.open("one");
  return store;
}

function eventsOf(store, ...types) {
  const seen = [];
  for (const type of types) store.addEventListener(type, ({ detail }) => seen.push([type, detail]));
  return seen;
}

const ids = (shapes) => shapes.map(({ id }) => id);

test("shapes come lowest score first, those without a score last", () => {
  const store = opened(shape("b", { score: 0.9 }), shape("m", { score: null, source: "manual" }), shape("a", { score: 0.2 }));
  assert.deepEqual(ids(store.all()), ["a", "b", "m"]);
});

test("a step changes many shapes and the item, and undo takes all of it back", () => {
  const store = opened(shape("a"), shape("b"));
  store.update([{ id: "a", status: "accepted" }, { id: "b", status: "accepted" }], { item: { state: "done" } });
  assert.deepEqual(store.all().map(({ status }) => status), ["accepted", "accepted"]);
  assert.equal(store.item.state, "done");

  store.travel("undo");
  assert.deepEqual(store.all().map(({ status }) => status), ["draft", "draft"]);
  assert.equal(store.item.state, "open");
  assert.ok(!store.canUndo);

  store.travel("redo");
  assert.equal(store.item.state, "done");
  assert.ok(!store.canRedo);
});

test("a new step after an undo leaves nothing to redo", () => {
  const store = opened(shape("a"));
  store.update([{ id: "a", status: "accepted" }]);
  store.travel("undo");
  store.update([{ id: "a", label: "bolt" }]);
  assert.ok(!store.canRedo);
  store.travel("undo");
  assert.equal(store.get("a").label, "nut");
});

test("history spans items, and says which item the next step is about", () => {
  const store = opened(shape("a"));
  store.update([{ id: "a", status: "accepted" }]);
  store.put({ ...ITEM, uid: "two" }, [shape("z", { item: "two" })]);
  store.open("two");
  assert.equal(store.peek("undo").item, "one");
  store.travel("undo");
  assert.equal(store.get("a", "one").status, "draft");
});

test("views hear of the open item only, autosave of every one", () => {
  const store = opened(shape("a"));
  store.update([{ id: "a", status: "accepted" }]);
  store.put({ ...ITEM, uid: "two" }, []);
  store.open("two");
  const seen = eventsOf(store, "change", "item", "edit");
  store.travel("undo");
  assert.deepEqual(seen, [["edit", { item: "one", ids: ["a"] }]]);
  store.acceptFromServer("one", [{ id: "a", version: 2 }]);
  assert.equal(seen.length, 1);
});

test("what is drawn and undone is gone, and comes back by redo", () => {
  const store = opened();
  const drawn = manualShape("one", "nut", { kind: "box", bbox_xyxy: [0, 0, 5, 5], polygons: null });
  store.add(drawn);
  assert.deepEqual(ids(store.visible()), [drawn.id]);
  store.travel("undo");
  assert.deepEqual(store.visible(), []);
  store.travel("redo");
  assert.deepEqual(ids(store.visible()), [drawn.id]);
});

test("fresh data keeps the history of what nobody else has changed", () => {
  const store = opened(shape("a"), shape("b"));
  store.update([{ id: "a", status: "accepted" }]);
  store.update([{ id: "b", status: "accepted" }]);
  store.put(ITEM, [shape("a", { status: "accepted" }), shape("b", { status: "discarded", version: 7 })]);
  store.travel("undo");
  assert.equal(store.get("a").status, "draft");
  assert.equal(store.get("b").status, "discarded");
  assert.ok(!store.canUndo);
});

test("a deleted shape can still be undone after fresh data has come", () => {
  const mine = shape("m", { source: "manual", status: "accepted", score: null });
  const store = opened(mine);
  store.update([{ id: "m", removed: true }]);
  store.put(ITEM, []);
  store.travel("undo");
  assert.deepEqual(ids(store.all()), ["m"]);
});

test("dropping an item forgets its steps only", () => {
  const store = opened(shape("a"));
  store.update([{ id: "a", status: "accepted" }]);
  store.put({ ...ITEM, uid: "two" }, [shape("z", { item: "two" })]);
  store.open("two");
  store.update([{ id: "z", status: "accepted" }]);
  store.drop("one");
  store.travel("undo");
  assert.equal(store.get("z").status, "draft");
  assert.ok(!store.canUndo);
});

test("the selection keeps the order, and its last is the primary one", () => {
  const store = opened(shape("a"), shape("b"), shape("c"));
  const selection = new Selection(store);
  selection.set(["a", "b"]);
  selection.toggle("c");
  assert.equal(selection.primaryId, "c");
  selection.toggle("c");
  assert.equal(selection.primaryId, "b");
  assert.deepEqual(ids(selection.shapes()), ["a", "b"]);
});

test("what the filter hides, or is deleted, is no longer selected", () => {
  const store = opened(shape("a", { score: 0.2 }), shape("b", { score: 0.9 }));
  const selection = new Selection(store);
  selection.set(["a", "b"]);
  store.setFilter({ minScore: 0.5 });
  assert.deepEqual([...selection.ids], ["b"]);
  store.update([{ id: "b", status: "discarded" }]);
  assert.equal(selection.size, 0);
});

test("what is selected is always of the open item", () => {
  const store = opened(shape("a"));
  const selection = new Selection(store);
  store.put({ ...ITEM, uid: "two" }, [shape("z", { item: "two" })]);
  store.open("two");
  selection.set(["a", "z"]);
  assert.deepEqual(ids(selection.shapes()), ["z"]);
});
