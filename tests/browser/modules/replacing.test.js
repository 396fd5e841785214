import { boxesWithMask } from "review/replacing";
import { Actions } from "review/actions";
import { Selection } from "review/selection";
import { ShapeList } from "review/shape-list";
import { assert, test } from "tests/harness";
import { drawn, editing, put, shape } from "./editing.js";
import { annotation, setUp, settled } from "./server.js";

const RING = [[[[1, 2], [31, 2], [31, 42]]]];
const MASK = { kind: "polygon", polygons: RING, score: 0.8, replaces: "box" };
const maskOf = (id, uid, fields = {}) => shape(id, { ...MASK, replaces: uid, ...fields });
const boxOf = (id, fields = {}) => shape(id, { status: "accepted", source: "manual", score: null, ...fields });
const statuses = (store) => Object.fromEntries(store.shapesOf("one").map(({ id, status }) => [id, status]));

/** A box, drawn by hand, with its mask; and a draft that has nothing to do with them. */
function withMask() {
  return editing([boxOf("b"), maskOf("m", "uid-b"), shape("c")]);
}

test("a mask that is accepted takes its box's place, and one undo brings both back", () => {
  const { store, selection, actions } = withMask();
  selection.only("m");
  actions.accept();
  assert.deepEqual(statuses(store), { b: "discarded", m: "accepted", c: "draft" });
  store.travel("undo");
  assert.deepEqual(statuses(store), { b: "accepted", m: "draft", c: "draft" });
  store.travel("redo");
  assert.deepEqual(statuses(store), { b: "discarded", m: "accepted", c: "draft" });
});

test("so it does when all that is shown is accepted, and when the item is finished", () => {
  const { store, actions } = withMask();
  actions.acceptShown();
  assert.deepEqual(statuses(store), { b: "discarded", m: "accepted", c: "accepted" });
  store.travel("undo");
  store.update(store.drafts().map(({ id }) => ({ id, status: "accepted" })), { item: { state: "done" } });
  assert.deepEqual(statuses(store), { b: "discarded", m: "accepted", c: "accepted" });
});

test("an edit accepts a mask, so its box goes", () => {
  const { store, actions, selection } = withMask();
  actions.reshape([{ id: "m", bbox_xyxy: [1, 2, 31, 50], polygons: [[[[1, 2], [31, 2], [31, 50]]]] }]);
  assert.deepEqual(statuses(store), { b: "discarded", m: "accepted", c: "draft" });
  store.travel("undo");
  selection.only("m");
  actions.relabel("bolt");
  assert.equal(store.get("b").status, "discarded");
});

test("of a box and its mask that are relabeled together, only the mask stays, and the box keeps its label", () => {
  const { store, actions } = withMask();
  actions.relabelShown("bolt");
  assert.deepEqual([store.get("m").label, store.get("m").status], ["bolt", "accepted"]);
  assert.deepEqual([store.get("b").label, store.get("b").status], ["nut", "discarded"]);
});

test("a mask that is discarded leaves its box alone", () => {
  const { store, selection, actions } = withMask();
  selection.only("m");
  actions.discard();
  assert.deepEqual(statuses(store), { b: "accepted", m: "discarded", c: "draft" });
});

test("a mask that was discarded and is accepted after all takes its box's place, too", () => {
  const { store, actions, selection } = editing([boxOf("b"), maskOf("m", "uid-b", { status: "discarded" })]);
  store.setFilter({ statuses: new Set(["discarded", "accepted"]) });
  selection.only("m");
  actions.accept();
  assert.deepEqual(statuses(store), { b: "discarded", m: "accepted" });
});

test("an accepted mask that is made a draft again gives its box back, and undo takes that back", () => {
  const { store, selection, actions } = editing([boxOf("b", { status: "discarded" }), maskOf("m", "uid-b", { status: "accepted" })]);
  selection.only("m");
  actions.reopenShapes();
  assert.deepEqual(statuses(store), { b: "accepted", m: "draft" });
  store.travel("undo");
  assert.deepEqual(statuses(store), { b: "discarded", m: "accepted" });
});

test("a mask whose box is gone is accepted like any other", () => {
  const { store, selection, actions } = editing([maskOf("m", "uid-of-nobody")]);
  selection.only("m");
  actions.accept();
  assert.deepEqual(statuses(store), { m: "accepted" });
});

test("only a mask that waits puts its box in the background", () => {
  const shapes = [boxOf("b"), maskOf("m", "uid-b")];
  assert.deepEqual(boxesWithMask(shapes), new Set(["uid-b"]));
  assert.deepEqual(boxesWithMask([shapes[0], { ...shapes[1], status: "discarded" }]), new Set());
});

test("the list says which box has a mask, and which mask is of a box, until that is decided", async () => {
  const { store, selection, actions } = withMask();
  const node = put("<ol></ol>");
  new ShapeList(node, { store, selection, actions, colors: new Map() });
  const hint = (id) => {
    const mark = node.querySelector(`[data-shape=${id}] .mask`);
    return mark.hidden ? "" : mark.textContent;
  };
  assert.deepEqual(["b", "m", "c"].map(hint), ["mask waits", "from a box", ""]);
  store.update([{ id: "m", status: "discarded" }]);
  await drawn();
  assert.equal(hint("b"), "");
  assert.ok(!node.querySelector("[data-shape=b]").classList.contains("replaced"));
});

test("one request says both, and undo sends both back", async () => {
  const box = annotation("box", { status: "accepted", source: "manual", score: null, version: 3 });
  const { server, store, autosave, idOf } = setUp(box, annotation("mask", MASK));
  const selection = new Selection(store);
  const actions = new Actions(store, selection, {}, "nut");
  actions.isReadOnly = false;
  selection.only(idOf("mask"));
  actions.accept();
  await settled(autosave);
  assert.deepEqual(server.requests, [["changeMany", ["mask", "box"]]]);
  assert.deepEqual([server.rows.get("mask").status, server.rows.get("box").status], ["accepted", "discarded"]);
  store.travel("undo");
  await settled(autosave);
  assert.equal(server.requests.length, 2);
  assert.deepEqual([server.rows.get("mask").status, server.rows.get("box").status], ["draft", "accepted"]);
});
