import { GridSelection } from "grid/selection";
import { assert, test } from "tests/harness";

function selectionOf(...uids) {
  const selection = new GridSelection();
  selection.setPage(uids);
  return selection;
}

test("an image is turned over by every toggle, and told in the order of the page", () => {
  const selection = selectionOf("a", "b", "c");

  selection.toggle("c");
  selection.toggle("a");
  selection.toggle("b");
  selection.toggle("b");

  assert.deepEqual(selection.uids, ["a", "c"]);
  assert.ok(selection.has("c"));
});

test("a range runs from the last toggled image, in both directions, and takes its state", () => {
  const selection = selectionOf("a", "b", "c", "d", "e");

  selection.toggle("d");
  selection.toggle("b", { isRange: true });
  assert.deepEqual(selection.uids, ["b", "c", "d"]);

  selection.toggle("c");
  selection.toggle("e", { isRange: true });
  assert.deepEqual(selection.uids, ["b"]);
});

test("a range without a beginning is a single image", () => {
  const selection = selectionOf("a", "b");

  selection.toggle("b", { isRange: true });

  assert.deepEqual(selection.uids, ["b"]);
});

test("all images stay selected on the next page; turning one over leaves those in sight", () => {
  const selection = selectionOf("a", "b");

  selection.selectAll();
  selection.setPage(["c", "d", "e"]);
  assert.ok(selection.isAll);
  assert.deepEqual(selection.uids, ["c", "d", "e"]);

  selection.toggle("d");
  assert.ok(!selection.isAll);
  assert.deepEqual(selection.uids, ["c", "e"]);
});

test("what is no longer on the page is no longer selected", () => {
  const selection = selectionOf("a", "b", "c");

  selection.selectPage();
  selection.setPage(["b", "d"]);

  assert.deepEqual(selection.uids, ["b"]);
});

test("clearing forgets all, the beginning of a range too", () => {
  const selection = selectionOf("a", "b", "c");
  selection.toggle("a");
  selection.selectAll();

  selection.clear();
  assert.ok(!selection.isAll);
  assert.deepEqual(selection.uids, []);

  selection.toggle("c", { isRange: true });
  assert.deepEqual(selection.uids, ["c"]);
});

test("every change is told once", () => {
  const selection = selectionOf("a", "b");
  let told = 0;
  selection.addEventListener("change", () => told++);

  selection.toggle("a");
  selection.selectPage();
  selection.selectAll();
  selection.clear();

  assert.equal(told, 4);
});
