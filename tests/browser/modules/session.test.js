import { test, assert } from "tests/harness";
import { ApiError } from "platform/http";
import { Autosave } from "review/autosave";
import { Session } from "review/session";
import { Store } from "review/store";
import { annotation, apiItem } from "./server.js";

/** What the server says of an item: one draft is on it, and `position` says which items are beside it. */
function workspace(uid, { position = {}, annotations = [annotation(`shape-of-${uid}`, { item: uid })] } = {}) {
  const neighbours = { number: 1, total: 9, previous: null, next: null, ...position };
  return { item: apiItem(uid), position: neighbours, annotations };
}

/** What the queue gives out. @param {string[]} uids @param {object[]} [taken] */
const given = (uids, taken = []) => ({ items: uids.map((uid) => ({ uid })), taken, counts: {} });

/** A page on which the item "a" is open. @param {object} api its answers, where they are not the usual ones */
async function setUp(api = {}, { order = "score", first = workspace("a") } = {}) {
  const server = { workspace: async (uid) => workspace(uid), claim: async () => given([]), ...api };
  const store = new Store();
  const autosave = new Autosave(store, server);
  const session = new Session({ api: server, store, autosave, pictures: { of() {} }, mayReview: true, order });
  const events = [];
  for (const type of ["failed", "empty", "taken"]) {
    session.addEventListener(type, ({ detail }) => events.push([type, detail]));
  }
  await session.start(first);
  return { store, autosave, session, events };
}

/** Until all that can be answered is answered. */
const answered = () => new Promise((resolve) => setTimeout(resolve));

const NOT_FOUND = new ApiError(404, { detail: "Not found." });

test("a late answer of the queue does not take back where the person has gone meanwhile", async () => {
  const claim = Promise.withResolvers();
  const { store, session } = await setUp({ claim: () => claim.promise });
  await session.open("b");
  const advanced = session.advance();
  await answered();
  await session.previous();
  claim.resolve(given(["c"]));
  await advanced;
  assert.equal(store.item.uid, "a");
});

test("to go on twice while the queue is asked opens the next item, not the one after it", async () => {
  const claim = Promise.withResolvers();
  const { store, session } = await setUp({ claim: () => claim.promise });
  const advanced = [session.advance(), session.advance()];
  await answered();
  claim.resolve(given(["b", "c"]));
  await Promise.all(advanced);
  assert.equal(store.item.uid, "b");
});

test("an item of the queue that was deleted fails once, and is not in the way of the next", async () => {
  const { store, session, events } = await setUp({
    workspace: async (uid) => (uid === "deleted" ? Promise.reject(NOT_FOUND) : workspace(uid)),
    claim: async () => given(["deleted", "b"]),
  });
  await session.advance();
  assert.equal(store.item.uid, "a");
  assert.deepEqual(events.at(-1), ["failed", { reason: "Not found." }]);
  await session.advance();
  assert.equal(store.item.uid, "b");
});

test("in the order of upload, a neighbour that was deleted is not in the way either", async () => {
  const { store, session, events } = await setUp(
    {
      workspace: async (uid) => {
        if (uid === "deleted") throw NOT_FOUND;
        return workspace(uid, { position: { next: uid === "a" ? "b" : null } });
      },
    },
    { order: "upload", first: workspace("a", { position: { next: "deleted" } }) },
  );
  await session.next();
  assert.deepEqual(events, [["failed", { reason: "Not found." }]]);
  await answered();
  await session.next();
  assert.equal(store.item.uid, "b");
});

test("who else is at an item is said while it is open", async () => {
  const { session, events } = await setUp({ claim: async () => given([], [{ uid: "a", by: "bob" }]) });
  session.lookAhead();
  await answered();
  assert.deepEqual(events, [["taken", { by: "bob" }]]);
});

test("and is not said of the item that was opened meanwhile", async () => {
  const claim = Promise.withResolvers();
  const { session, events } = await setUp({ claim: () => claim.promise });
  session.lookAhead();
  await answered();
  await session.open("b");
  claim.resolve(given([], [{ uid: "a", by: "bob" }]));
  await answered();
  assert.deepEqual(events, []);
});

/** A server that is slow: its answers go out by `answerLook` and `answerChange`, with what it had when asked. */
class SlowServer {
  #row = annotation("shape-of-a", { item: "a" });
  #looks = [];
  #changes = [];

  workspace = () => {
    const seen = workspace("a", { annotations: [this.#row] });
    return new Promise((resolve) => this.#looks.push(() => resolve(seen)));
  };

  change = (uid, { version, ...fields }) =>
    new Promise((resolve) => {
      this.#changes.push(() => {
        this.#row = { ...this.#row, ...fields, version: version + 1 };
        resolve(this.#row);
      });
    });

  answerLook() {
    this.#looks.shift()?.();
    return answered();
  }

  answerChange() {
    this.#changes.shift()();
    return answered();
  }
}

test("a look at the server while a change is on its way does not take the change back", async () => {
  const server = new SlowServer();
  const { store, session } = await setUp(server);
  const [{ id }] = store.all();
  store.update([{ id, status: "accepted" }]);
  const refreshed = session.refresh();
  await answered();
  await server.answerChange();
  await server.answerLook();
  await refreshed;
  assert.equal(store.get(id).status, "accepted");
  assert.ok(store.canUndo);
});

test("nor does a look from before the change whose answer comes after it", async () => {
  const server = new SlowServer();
  const { store, session, autosave } = await setUp(server);
  const [{ id }] = store.all();
  const refreshed = session.refresh();
  store.update([{ id, status: "accepted" }]);
  await server.answerChange();
  assert.ok(!autosave.isUnsaved);
  await server.answerLook();
  await refreshed;
  assert.equal(store.get(id).status, "accepted");
  assert.ok(store.canUndo);
});
