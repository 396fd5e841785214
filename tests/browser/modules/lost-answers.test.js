import { test, assert } from "tests/harness";
import { ApiError } from "platform/http";
import { Api } from "review/api";
import { manualShape } from "review/shapes";
import { withGlobals } from "./globals.js";
import { ITEM, annotation, retried, setUp, settled } from "./server.js";

const NO_ANSWER = new ApiError(0, null);

const drawnBox = (item = "one") => manualShape(item, "nut", { kind: "box", bbox_xyxy: [5, 5, 9, 9], polygons: null });

test("without an answer it tries again, and does not create twice what had arrived", async () => {
  const { server, store, autosave } = setUp();
  server.script.push({ after: NO_ANSWER });
  store.add(drawnBox());
  await Promise.all([retried(autosave), settled(autosave)]);
  assert.deepEqual(server.requestNames, ["create"]);
  assert.equal(server.rows.size, 1);
  assert.equal(store.all()[0].uid, "new-1");
});

test("what had not arrived is created by the next try", async () => {
  const { server, store, autosave } = setUp();
  server.script.push({ before: NO_ANSWER });
  store.add(drawnBox());
  await Promise.all([retried(autosave), settled(autosave)]);
  assert.deepEqual(server.requestNames, ["create", "create"]);
  assert.equal(store.all()[0].uid, "new-1");
});

test("nor is it created twice when another shape is accepted in the pause", async () => {
  const { server, store, autosave, idOf } = setUp(annotation("a"));
  server.script.push({ after: NO_ANSWER });
  store.add(drawnBox());
  const accept = () => store.update([{ id: idOf("a"), status: "accepted" }]);
  await Promise.all([retried(autosave, accept), settled(autosave)]);
  assert.deepEqual([...server.rows.keys()], ["a", "new-1"]);
  assert.equal(server.rows.get("a").status, "accepted");
});

test("nor when it is moved in the pause itself", async () => {
  const { server, store, autosave } = setUp();
  server.script.push({ after: NO_ANSWER });
  store.add(drawnBox());
  const move = () => store.update([{ id: store.all()[0].id, bbox_xyxy: [6, 6, 10, 10] }]);
  await Promise.all([retried(autosave, move), settled(autosave)]);
  assert.deepEqual([...server.rows.values()].map(({ bbox_xyxy }) => bbox_xyxy), [[6, 6, 10, 10]]);
});

test("what is undone in the pause after its creation does not stay on the server", async () => {
  const { server, store, autosave } = setUp();
  server.script.push({ after: NO_ANSWER });
  store.add(drawnBox());
  await Promise.all([retried(autosave, () => store.travel("undo")), settled(autosave)]);
  assert.deepEqual(server.requestNames, ["create", "remove"]);
  assert.equal(server.rows.size, 0);
});

test("a lost answer to a removal is as good as one", async () => {
  const { server, store, autosave, events, idOf } = setUp(annotation("a"));
  server.script.push({ after: NO_ANSWER });
  store.update([{ id: idOf("a"), removed: true }]);
  await Promise.all([retried(autosave), settled(autosave)]);
  assert.deepEqual(events, []);
  assert.equal(server.rows.size, 0);
});

test("a lost answer to a patch is no conflict, because theirs equals ours", async () => {
  const { server, store, autosave, events, idOf } = setUp(annotation("a"));
  server.script.push({ after: new ApiError(503, null) });
  store.update([{ id: idOf("a"), status: "accepted" }]);
  await Promise.all([retried(autosave), settled(autosave)]);
  assert.deepEqual(events, []);
  assert.equal(server.rows.get("a").status, "accepted");
});

test("nor is one to a patch of many", async () => {
  const { server, store, autosave, events } = setUp(annotation("a"), annotation("b"));
  server.script.push({ after: NO_ANSWER });
  store.update(store.all().map(({ id }) => ({ id, status: "accepted" })));
  await Promise.all([retried(autosave), settled(autosave)]);
  assert.deepEqual(events, []);
  assert.ok(!autosave.isUnsaved);
});

test("after a lost answer to a patch, fresh data leaves the step to be undone", async () => {
  const { server, store, autosave, idOf } = setUp(annotation("a"));
  server.script.push({ after: new ApiError(503, null) });
  store.update([{ id: idOf("a"), status: "accepted" }]);
  await Promise.all([retried(autosave), settled(autosave)]);
  autosave.take(ITEM, [server.rows.get("a")]);
  assert.ok(store.canUndo);
});

test("an answer that was cut off on its way is none, and saving goes on", async () => {
  const { server, store, autosave, events, idOf } = setUp(annotation("a"), annotation("b"));
  const api = new Api({ annotation: "/annotations/{uid}" });
  const change = server.change.bind(server);
  server.change = (uid, body) => api.change(uid, body);
  let answers = 0;
  const fetch = async (url, { body }) => {
    const [row, status] = await change(url.split("/").at(-1), JSON.parse(body)).then(
      (changed) => [changed, 200],
      (error) => [error.body, error.status],
    );
    const text = JSON.stringify(row);
    return new Response(answers++ ? text : text.slice(0, 20), { status });
  };
  await withGlobals({ fetch }, async () => {
    store.update([{ id: idOf("a"), status: "accepted" }]);
    await Promise.all([retried(autosave), settled(autosave)]);
    store.update([{ id: idOf("b"), status: "accepted" }]);
    await settled(autosave);
  });
  assert.deepEqual([...server.rows.values()].map(({ status }) => status), ["accepted", "accepted"]);
  assert.deepEqual(events, []);
  assert.ok(!autosave.isUnsaved);
});

/** An item "two" is open, too; its shape "z" is accepted after what the server fails at in item "one". */
function acceptInAnotherItem({ server, store, autosave }) {
  const z = annotation("z", { item: "two" });
  server.rows.set("z", z);
  autosave.take({ ...ITEM, uid: "two" }, [z]);
  store.open("two");
  store.update([{ id: store.all()[0].id, status: "accepted" }]);
}

/** The server fails at what `isBad` says until it has changed the shape "z". */
function failUntilTheOtherIsSaved(server, name, isBad) {
  const answer = server[name].bind(server);
  server[name] = async (...request) => {
    const isOtherSaved = server.rows.get("z")?.status === "accepted";
    if (isBad(...request) && !isOtherSaved) throw new ApiError(500, null);
    return answer(...request);
  };
}

test("a change that the server fails at again and again does not keep other items' changes waiting", async () => {
  const page = setUp(annotation("a"));
  const { server, store, autosave, idOf } = page;
  failUntilTheOtherIsSaved(server, "change", (uid) => uid === "a");
  store.update([{ id: idOf("a"), status: "accepted" }]);
  acceptInAnotherItem(page);
  await Promise.all([retried(autosave), settled(autosave)]);
  assert.deepEqual(server.requests.map(([, { uid }]) => uid), ["z", "a"]);
});

test("nor does a creation that it fails at", async () => {
  const page = setUp();
  const { server, store, autosave } = page;
  failUntilTheOtherIsSaved(server, "create", () => true);
  store.add(drawnBox());
  acceptInAnotherItem(page);
  await Promise.all([retried(autosave), settled(autosave)]);
  assert.deepEqual(server.requestNames, ["change", "create"]);
});
