import { test, assert } from "tests/harness";
import { ApiError } from "review/api";
import { Autosave } from "review/autosave";
import { Store } from "review/store";
import { manualShape } from "review/shapes";

/** A server in memory, with versions; `script` says how the next requests fail. */
class Server {
  requests = [];
  script = [];
  state = "unlabeled";
  #count = 0;

  constructor(annotations) {
    this.rows = new Map(annotations.map((one) => [one.uid, one]));
  }

  async annotations() {
    return [...this.rows.values()];
  }

  async create(item, body) {
    this.#enter("create", body);
    const row = { ...annotation(`new-${++this.#count}`), ...body, source: "manual", status: "accepted", score: null };
    this.rows.set(row.uid, row);
    this.#leave("create");
    return row;
  }

  async change(uid, { version, ...fields }) {
    this.#enter("change", { uid, ...fields });
    if (!this.rows.has(uid)) throw new ApiError(404, { detail: "Not found." });
    if (this.state === "done") throw new ApiError(409, { detail: "The item is finished; reopen it first." });
    const row = this.rows.get(uid);
    if (row.version !== version) throw new ApiError(409, { detail: "Changed.", current: row });
    const edited = fields.status === "draft" ? false : row.edited || "label" in fields || "bbox_xyxy" in fields;
    const restored = fields.status === "draft" ? { label: "nut", bbox_xyxy: [1, 2, 30, 40] } : {};
    this.rows.set(uid, { ...row, status: "accepted", ...restored, ...fields, edited, version: version + 1 });
    this.#leave("change");
    return this.rows.get(uid);
  }

  async changeMany(item, changes) {
    this.#enter("changeMany", changes.map(({ uid }) => uid));
    const stale = changes.map(({ uid, version }) => [this.rows.get(uid), version]).filter(([row, version]) => row.version !== version);
    if (stale.length) throw new ApiError(409, { detail: "Changed.", current: stale.map(([row]) => row) });
    for (const { uid, version, ...fields } of changes) this.rows.set(uid, { ...this.rows.get(uid), ...fields, version: version + 1 });
    return changes.map(({ uid }) => this.rows.get(uid));
  }

  async remove(uid) {
    this.#enter("remove", uid);
    this.rows.delete(uid);
  }

  async moveItem(item, action, body) {
    this.#enter(action, body);
    if (action === "finish" && [...this.rows.values()].some(({ status }) => status === "draft")) {
      throw new ApiError(409, { detail: "1 draft waits for a verdict." });
    }
    this.state = { finish: "done", reopen: "drafted", flag: "flagged" }[action];
    return apiItem(this.state, body?.comment ?? "");
  }

  #enter(name, body) {
    this.requests.push([name, body]);
    if (this.script[0]?.before) throw this.script.shift().before;
  }

  #leave() {
    if (this.script[0]?.after) throw this.script.shift().after;
  }
}

function apiItem(state, comment) {
  return { uid: "one", name: "one.jpg", width: 100, height: 80, state, flag_comment: comment, flagged_by: null, finished_by: "ada", finished_at: "2026-01-01T00:00:00Z", auto_labeled_at: null };
}

function annotation(uid, fields = {}) {
  return {
    item: "one", uid, version: 1, label: "nut", kind: "box", bbox_xyxy: [1, 2, 30, 40], polygons: null, status: "draft",
    edited: false, source: "auto", score: 0.5, ...fields,
  };
}

const ITEM = { uid: "one", name: "one.jpg", width: 100, height: 80, state: "open", flagComment: "", flaggedBy: null, finishedBy: null, finishedAt: null };

function setUp(...annotations) {
  const server = new Server(annotations);
  const store = new Store();
  const autosave = new Autosave(store, server);
  autosave.take(ITEM, annotations);
  store.open("one");
  const events = [];
  for (const type of ["conflict", "refused", "unfinished", "gone"]) autosave.addEventListener(type, ({ detail }) => events.push([type, detail]));
  const idOf = (uid) => store.shapesOf("one").find((shape) => shape.uid === uid).id;
  return { server, store, autosave, events, idOf };
}

const settled = (autosave) =>
  new Promise((resolve) => autosave.addEventListener("state", ({ detail }) => detail.state === "saved" && resolve()));
/** Lets the pause before the next try be over. */
const retried = (autosave) =>
  new Promise((resolve) =>
    autosave.addEventListener("state", ({ detail }) => {
      if (detail.state !== "retrying") return;
      setTimeout(() => autosave.retry());
      resolve();
    }),
  );

test("many verdicts go in one request, and then the finish", async () => {
  const { server, store, autosave } = setUp(annotation("a"), annotation("b"));
  const patches = store.all().map(({ id }) => ({ id, status: "accepted" }));
  store.update(patches, { item: { state: "done" } });
  await settled(autosave);
  assert.deepEqual(server.requests.map(([name]) => name), ["changeMany", "finish"]);
  assert.equal(store.item.finishedBy, "ada");
  assert.ok(!autosave.isUnsaved);
});

test("undoing the finish reopens first, then changes the shapes", async () => {
  const { server, store, autosave, idOf } = setUp(annotation("a"));
  store.update([{ id: idOf("a"), status: "accepted" }], { item: { state: "done" } });
  await settled(autosave);
  store.travel("undo");
  await settled(autosave);
  assert.deepEqual(server.requests.map(([name]) => name), ["change", "finish", "reopen", "change"]);
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
  assert.deepEqual([server.rows.get("a").status, server.rows.get("a").edited, server.rows.get("a").label], ["accepted", false, "nut"]);
  assert.equal(store.get(idOf("a")).status, "accepted");
});

test("without an answer it tries again, and does not create twice what had arrived", async () => {
  const { server, store, autosave } = setUp();
  server.script.push({ after: new ApiError(0, null) });
  store.add(manualShape("one", "nut", { kind: "box", bbox_xyxy: [5, 5, 9, 9], polygons: null }));
  await Promise.all([retried(autosave), settled(autosave)]);
  assert.equal(server.rows.size, 1);
  assert.equal(store.all()[0].uid, "new-1");
});

test("a lost answer to a patch is no conflict, because theirs equals ours", async () => {
  const { server, store, autosave, events, idOf } = setUp(annotation("a"));
  server.script.push({ after: new ApiError(503, null) });
  store.update([{ id: idOf("a"), status: "accepted" }]);
  await Promise.all([retried(autosave), settled(autosave)]);
  assert.deepEqual(events, []);
  assert.equal(server.rows.get("a").status, "accepted");
});

test("a conflict is held back, the rest is saved, and ours can be kept", async () => {
  const { server, store, autosave, events, idOf } = setUp(annotation("a"), annotation("b"));
  server.rows.set("a", { ...server.rows.get("a"), status: "discarded", version: 9 });
  store.update([{ id: idOf("a"), status: "accepted" }, { id: idOf("b"), status: "accepted" }], { item: { state: "done" } });
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
  assert.deepEqual(server.requests.map(([name]) => name), ["change", "reopen", "change"]);
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
  server.script.push({ before: new ApiError(400, { changes: [{}, { uid: ["There is no such annotation on this item."] }] }) });
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
