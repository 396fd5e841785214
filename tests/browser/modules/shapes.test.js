import { test, assert } from "tests/harness";
import { DEFAULT_FILTER, isDefault, passes, statusOf } from "review/filter";
import { itemRequest } from "review/items";
import { requestFor } from "review/shapes";

const SAVED = {
  item: "one", uid: "u", version: 3, label: "nut", kind: "box", bbox_xyxy: [1, 2, 3, 4], polygons: null, status: "draft",
  edited: false, source: "auto", score: 0.4, removed: false,
};
const ours = (fields) => ({ id: "a", ...SAVED, ...fields });

test("equal copies need no request", () => {
  assert.equal(requestFor(ours({}), SAVED), null);
});

test("a verdict is a patch of the version that was seen", () => {
  const request = requestFor(ours({ status: "accepted" }), SAVED);
  assert.deepEqual(request, { method: "PATCH", body: { version: 3, status: "accepted" } });
});

test("an edit sends what has changed", () => {
  const request = requestFor(ours({ status: "accepted", edited: true, bbox_xyxy: [0, 0, 9, 9], label: "bolt" }), SAVED);
  assert.deepEqual(request.body, { version: 3, status: "accepted", label: "bolt", bbox_xyxy: [0, 0, 9, 9] });
});

test("a polygon sends its polygons, from which the bounds follow", () => {
  const polygons = [[[[0, 0], [9, 0], [9, 9]]]];
  const saved = { ...SAVED, kind: "polygon", polygons: [[[[0, 0], [8, 0], [8, 8]]]] };
  const request = requestFor({ ...saved, id: "a", polygons, bbox_xyxy: [0, 0, 9, 9], status: "accepted" }, saved);
  assert.deepEqual(request.body, { version: 3, status: "accepted", polygons });
});

test("back to a draft sends only that, for the server restores the rest", () => {
  const saved = { ...SAVED, status: "accepted", edited: true, label: "bolt", bbox_xyxy: [0, 0, 9, 9] };
  assert.deepEqual(requestFor(ours({}), saved).body, { version: 3, status: "draft" });
});

test("an edit that is taken back to a plain verdict goes through the draft", () => {
  const saved = { ...SAVED, status: "accepted", edited: true, label: "bolt" };
  assert.deepEqual(requestFor(ours({ status: "accepted" }), saved).body, { version: 3, status: "draft" });
  assert.deepEqual(requestFor(ours({ status: "accepted" }), { ...SAVED, version: 4 }).body, { version: 4, status: "accepted" });
});

test("a drawn shape is created, a deleted one deleted, one that never arrived needs nothing", () => {
  const drawn = ours({ uid: null, status: "accepted", source: "manual", score: null });
  assert.deepEqual(requestFor(drawn, null), { method: "POST", body: { label: "nut", kind: "box", bbox_xyxy: [1, 2, 3, 4] } });
  assert.deepEqual(requestFor(ours({ removed: true }), SAVED), { method: "DELETE", body: { version: 3 } });
  assert.equal(requestFor({ ...drawn, removed: true }, null), null);
});

test("the cut-off hides drafts only", () => {
  const filter = { ...DEFAULT_FILTER, minScore: 0.5 };
  assert.ok(!passes(ours({}), filter));
  assert.ok(passes(ours({ status: "accepted" }), filter));
});

test("edited is a status of its own to the filter, and discarded is hidden at first", () => {
  assert.equal(statusOf(ours({ status: "accepted", edited: true })), "edited");
  assert.ok(!passes(ours({ status: "discarded" }), DEFAULT_FILTER));
  const onlyEdited = { ...DEFAULT_FILTER, statuses: new Set(["edited"]) };
  assert.ok(!passes(ours({ status: "accepted" }), onlyEdited));
  assert.ok(passes(ours({ status: "accepted", edited: true }), onlyEdited));
  assert.ok(isDefault({ ...DEFAULT_FILTER }));
  assert.ok(!isDefault(onlyEdited));
});

test("the filter by label lets through what it names", () => {
  assert.ok(passes(ours({}), { ...DEFAULT_FILTER, labels: new Set(["nut"]) }));
  assert.ok(!passes(ours({}), { ...DEFAULT_FILTER, labels: new Set(["bolt"]) }));
});

test("an item's state is a request of its own", () => {
  const open = { state: "open", flagComment: "" };
  const done = { state: "done", flagComment: "" };
  const flagged = { state: "flagged", flagComment: "blurred" };
  assert.equal(itemRequest(open, open), null);
  assert.deepEqual(itemRequest(done, open), { action: "finish" });
  assert.deepEqual(itemRequest(open, done), { action: "reopen" });
  assert.deepEqual(itemRequest(flagged, open), { action: "flag", body: { comment: "blurred" } });
  assert.deepEqual(itemRequest(flagged, { ...flagged, flagComment: "" }), { action: "flag", body: { comment: "blurred" } });
  assert.equal(itemRequest(flagged, flagged), null);
});
