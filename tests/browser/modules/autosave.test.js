import { test, assert } from "tests/harness";
import { ApiError } from "platform/http";
import { Actions } from "review/actions";
import { Selection } from "review/selection";
import { ServerCopy } from "review/server-copy";
import { Store } from "review/store";
import { ITEM, annotation, setUp, settled } from "./server.js";

test("many verdicts go in one request, and then the finish", async () => {
  const { server, store, autosave } = setUp(annotation("a"), annotation("b"));
  const patches = store.all().map(({ id }) => ({ id, status: "accepted" }));
  store.update(patches, { item: { state: "done" } });
  await settled(autosave);
  assert.deepEqual(server.requestNames, ["changeMany", "finish"]);
  assert.equal(store.item.finishedBy, "ada");
  assert.ok(!autosave.isUnsaved);
});

test("undoing the finish reopens first, then changes the shapes", async () => {
  const { server, store, autosave, idOf } = setUp(annotation("a"));
  store.update([{ id: idOf("a"), status: "accepted" }], { item: { state: "done" } });
  await settled(autosave);
  store.travel("undo");
  await settled(autosave);
  assert.deepEqual(server.requestNames, ["change", "finish", "reopen", "change"]);
  assert.equal(server.rows.get("a").status, "draft");
  assert.equal(server.state, "drafted");
});

test("an edit undone to a plain verdict is no longer edited on the server", async () => {
  const { server, store, autosave, idOf } = setUp(annotation("a"));
  store.update([{ id: idOf("a"), status: "accepted" }]);
  await settled(autosave);
  store.update([{ id: idOf("a"), label: "bolt", status: "accepted", edited: true }]);
  await settled(autosave);
  assert.ok(server.rows.get("a").edited);
  store.travel("undo");
  await settled(autosave);
  const { status, edited, label } = server.rows.get("a");
  assert.deepEqual([status, edited, label], ["accepted", false, "nut"]);
  assert.equal(store.get(idOf("a")).status, "accepted");
});

test("a conflict is held back, the rest is saved, and ours can be kept", async () => {
  const { server, store, autosave, events, idOf } = setUp(annotation("a"), annotation("b"));
  server.rows.set("a", { ...server.rows.get("a"), status: "discarded", version: 9 });
  const patches = [idOf("a"), idOf("b")].map((id) => ({ id, status: "accepted" }));
  store.update(patches, { item: { state: "done" } });
  await settled(autosave);
  assert.deepEqual(events, [["conflict", { item: "one" }]]);
  assert.equal(server.rows.get("b").status, "accepted");
  assert.equal(server.rows.get("a").status, "discarded");
  assert.equal(server.state, "unlabeled");
  assert.ok(autosave.isUnsaved);

  const [conflict] = autosave.conflicts.of("one");
  assert.equal(conflict.theirs.status, "discarded");
  autosave.resolve(conflict, "mine");
  await settled(autosave);
  assert.equal(server.rows.get("a").status, "accepted");
  assert.equal(server.state, "done");
  assert.ok(!autosave.isUnsaved);
});

test("or theirs taken, which cannot be undone by our old steps", async () => {
  const { server, store, autosave, idOf } = setUp(annotation("a"));
  server.rows.set("a", { ...server.rows.get("a"), label: "bolt", status: "accepted", version: 2 });
  store.update([{ id: idOf("a"), status: "discarded" }]);
  await settled(autosave);
  autosave.resolve(autosave.conflicts.of("one")[0], "theirs");
  assert.deepEqual([store.all()[0].label, store.all()[0].status], ["bolt", "accepted"]);
  assert.equal(server.rows.get("a").label, "bolt");
  assert.ok(!store.canUndo);
  assert.ok(!autosave.isUnsaved);
});

test("what was deleted by somebody can be kept, and is then drawn anew", async () => {
  const { server, store, autosave, events, idOf } = setUp(annotation("a"));
  server.rows.delete("a");
  store.update([{ id: idOf("a"), status: "accepted" }]);
  await settled(autosave);
  assert.deepEqual(events, [["conflict", { item: "one" }]]);
  autosave.resolve(autosave.conflicts.of("one")[0], "mine");
  await settled(autosave);
  assert.deepEqual([...server.rows.keys()], ["new-1"]);
});

test("what was deleted by somebody and discarded here is simply gone", async () => {
  const { server, store, autosave, events, idOf } = setUp(annotation("a"));
  server.rows.delete("a");
  store.update([{ id: idOf("a"), status: "discarded" }]);
  await settled(autosave);
  assert.deepEqual(events, []);
  assert.deepEqual(store.all(), []);
});

test("an item that somebody has finished is a choice, too: reopen and keep ours", async () => {
  const { server, store, autosave, idOf } = setUp(annotation("a"));
  server.state = "done";
  store.update([{ id: idOf("a"), status: "accepted" }]);
  await settled(autosave);
  assert.ok(autosave.conflicts.isClosed("one"));
  autosave.resolveClosed("one", "mine");
  await settled(autosave);
  assert.deepEqual(server.requestNames, ["change", "reopen", "change"]);
  assert.equal(server.rows.get("a").status, "accepted");
});

test("or leave it finished, and drop ours", async () => {
  const { server, store, autosave, idOf } = setUp(annotation("a"));
  server.state = "done";
  store.update([{ id: idOf("a"), status: "accepted" }]);
  await settled(autosave);
  autosave.resolveClosed("one", "theirs");
  assert.equal(store.get(idOf("a")).status, "draft");
  assert.equal(store.item.state, "done");
  assert.equal(server.requests.length, 1);
});

test("a finish that the server refuses is told, and the item is open again", async () => {
  const { store, autosave, events } = setUp(annotation("a"));
  store.update([], { item: { state: "done" } });
  await settled(autosave);
  assert.equal(events[0][0], "unfinished");
  assert.equal(store.item.state, "open");
});

test("what the server calls wrong goes back to its copy, with the reason", async () => {
  const { server, store, autosave, events, idOf } = setUp(annotation("a"));
  server.script.push({ before: new ApiError(400, { label: ["The project has no label 'x'."] }) });
  store.update([{ id: idOf("a"), label: "x", status: "accepted", edited: true }]);
  await settled(autosave);
  assert.deepEqual(events, [["refused", { item: "one", reason: "The project has no label 'x'." }]]);
  assert.deepEqual([store.all()[0].label, store.all()[0].status], ["nut", "draft"]);
});

test("of many, only the wrong one is refused", async () => {
  const { server, store, autosave, events, idOf } = setUp(annotation("a"), annotation("b"));
  const errors = [{}, { uid: ["There is no such annotation on this item."] }];
  server.script.push({ before: new ApiError(400, { changes: errors }) });
  server.rows.delete("b");
  store.update([{ id: idOf("a"), status: "discarded" }, { id: idOf("b"), status: "discarded" }]);
  await settled(autosave);
  assert.equal(server.rows.get("a").status, "discarded");
  assert.deepEqual(events, []);
});

test("older data from the server does not undo what is being saved", async () => {
  const { store, autosave, idOf } = setUp(annotation("a"));
  store.update([{ id: idOf("a"), status: "accepted" }]);
  autosave.take(ITEM, [annotation("a")]);
  assert.equal(store.get(idOf("a")).status, "accepted");
  await settled(autosave);
});

test("after many were refused at once, they go together again", async () => {
  const { server, store, autosave } = setUp(annotation("a"), annotation("b"));
  server.script.push({ before: new ApiError(400, {}) });
  store.update(store.all().map(({ id }) => ({ id, status: "accepted" })));
  await settled(autosave);
  assert.deepEqual(server.requestNames, ["changeMany", "change", "change"]);
  server.requests.length = 0;
  store.travel("undo");
  await settled(autosave);
  assert.deepEqual(server.requestNames, ["changeMany"]);
});

test("undoing the way back to the draft brings the edit back, here and on the server", async () => {
  const edit = { status: "accepted", edited: true, label: "bolt", bbox_xyxy: [9, 9, 20, 20] };
  const { server, store, autosave, idOf } = setUp(annotation("a", edit));
  const selection = new Selection(store);
  const actions = new Actions(store, selection, {}, "nut");
  actions.isReadOnly = false;
  selection.only(idOf("a"));
  actions.reopenShapes();
  await settled(autosave);
  assert.equal(server.rows.get("a").label, "nut");
  store.travel("undo");
  await settled(autosave);
  for (const { status, edited, label, bbox_xyxy } of [store.get(idOf("a")), server.rows.get("a")]) {
    assert.deepEqual({ status, edited, label, bbox_xyxy }, edit);
  }
});

test("a comment that is changed while the flag is on its way is saved, too", async () => {
  const { server, store, autosave } = setUp();
  const moveItem = server.moveItem.bind(server);
  const arrival = Promise.withResolvers();
  server.moveItem = (...request) => arrival.promise.then(() => moveItem(...request));
  store.update([], { item: { state: "flagged", flagComment: "blurred" } });
  store.update([], { item: { state: "flagged", flagComment: "too dark" } });
  arrival.resolve();
  await settled(autosave);
  assert.equal(store.item.flagComment, "too dark");
  assert.deepEqual(server.requests, [["flag", { comment: "blurred" }], ["flag", { comment: "too dark" }]]);
});

test("of an item that was deleted, it is said once that it is gone, and no shape is a conflict", async () => {
  const { server, store, autosave, events } = setUp(annotation("a"), annotation("b"), annotation("c"));
  server.isGone = true;
  store.update(store.all().map(({ id }) => ({ id, status: "accepted" })), { item: { state: "done" } });
  await settled(autosave);
  assert.deepEqual(events, [["gone", { item: "one" }]]);
  assert.ok(!autosave.isUnsaved);
});

test("of an item that leaves the page, nothing is kept", () => {
  const store = new Store();
  const copy = new ServerCopy(store);
  copy.take(ITEM, [annotation("a"), annotation("b")]);
  assert.deepEqual(copy.uids(), new Set(["a", "b"]));
  copy.forget("one");
  assert.equal(copy.uids().size, 0);
  assert.equal(copy.item("one"), undefined);
});
