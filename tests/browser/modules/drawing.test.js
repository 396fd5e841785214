import { element } from "platform/dom";
import { Drawing } from "review/drawing";
import { polygonGeometry } from "review/polygons";
import { Viewport } from "review/viewport";
import { assert, test } from "tests/harness";
import { editing, shape } from "./editing.js";

const box = (id, bbox_xyxy, fields = {}) => shape(id, { bbox_xyxy, ...fields });
const square = (x, y, side) => [[x, y], [x + side, y], [x + side, y + side], [x, y + side]];
const polygon = (id, ...rings) => shape(id, { kind: "polygon", ...polygonGeometry([rings]) });
const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

/** An image of 100 by 80 pixels on a stage that shows it at about seven times its size. */
function drawing(shapes) {
  const stage = element("div");
  stage.style.cssText = "position: absolute; inset: 0 auto auto 0; width: 732px; height: 592px";
  document.body.append(stage);
  const editor = editing([]);
  const viewport = new Viewport(stage);
  const drawn = new Drawing(stage, { ...editor, viewport, colors: new Map([["nut", "#3cb44b"], ["bolt", "#f58231"]]) });
  drawn.setEditable(true);
  viewport.setSize({ width: 100, height: 80 });
  editor.store.put(editor.store.item, shapes);
  return { ...editor, viewport, drawn, stage };
}

const outlines = (stage) => [...stage.querySelectorAll(".shape:not(.filtered) .line")].map((path) => path.getAttribute("d"));
const classesOf = (stage) => [...stage.querySelectorAll(".shape")].map((node) => node.getAttribute("class"));

test("larger shapes lie below smaller ones, and what is selected on top", () => {
  const { stage, selection } = drawing([box("a", [0, 0, 10, 10]), box("b", [0, 0, 50, 50]), box("c", [0, 0, 30, 30])]);
  assert.deepEqual(outlines(stage), ["M0 0H50V50H0Z", "M0 0H30V30H0Z", "M0 0H10V10H0Z"]);

  selection.only("b");
  assert.deepEqual(outlines(stage), ["M0 0H30V30H0Z", "M0 0H10V10H0Z", "M0 0H50V50H0Z"]);
  selection.clear();
  assert.deepEqual(outlines(stage), ["M0 0H50V50H0Z", "M0 0H30V30H0Z", "M0 0H10V10H0Z"]);
});

test("a shape that grows goes below those that are smaller now", () => {
  const { stage, store } = drawing([box("a", [0, 0, 10, 10]), box("b", [0, 0, 20, 20])]);
  store.update([{ id: "a", bbox_xyxy: [0, 0, 40, 40] }]);

  assert.deepEqual(outlines(stage), ["M0 0H40V40H0Z", "M0 0H20V20H0Z"]);
});

test("a shape says its status, edited apart from accepted", () => {
  const { stage, store } = drawing([box("a", [0, 0, 10, 10])]);
  assert.deepEqual(classesOf(stage), ["shape draft"]);

  store.update([{ id: "a", status: "accepted" }]);
  assert.deepEqual(classesOf(stage), ["shape accepted"]);
  assert.equal(stage.querySelector(".mark"), null);
  store.update([{ id: "a", edited: true }]);
  assert.deepEqual(classesOf(stage), ["shape edited"]);
  assert.equal(stage.querySelector(".mark").getAttribute("d"), "M0 0H10V10H0Z");
});

test("the filter hides shapes and brings the same nodes back", () => {
  const { stage, store } = drawing([box("a", [0, 0, 10, 10], { score: 0.2 }), box("b", [0, 0, 20, 20], { score: 0.9 })]);
  const nodes = [...stage.querySelectorAll(".shape")];

  store.setFilter({ minScore: 0.5 });
  assert.deepEqual(outlines(stage), ["M0 0H20V20H0Z"]);
  store.setFilter({ minScore: 0 });
  assert.deepEqual([...stage.querySelectorAll(".shape")], nodes);
  assert.equal(outlines(stage).length, 2);
});

test("a shape that is deleted goes, and undo draws it again", () => {
  const { stage, store } = drawing([box("a", [0, 0, 10, 10])]);
  store.update([{ id: "a", removed: true }]);
  assert.deepEqual(outlines(stage), []);

  store.travel("undo");
  assert.deepEqual(outlines(stage), ["M0 0H10V10H0Z"]);
});

test("another label is another colour", () => {
  const { stage, store } = drawing([box("a", [0, 0, 10, 10])]);
  store.update([{ id: "a", label: "bolt" }]);

  assert.equal(stage.querySelector(".shape").style.getPropertyValue("--c"), "#f58231");
});

test("the smallest shape under a point is the one that is picked", () => {
  const { drawn } = drawing([box("large", [0, 0, 50, 50]), box("small", [10, 10, 20, 20])]);

  assert.equal(drawn.shapeAt([15, 15]).id, "small");
  assert.equal(drawn.shapeAt([30, 30]).id, "large");
  assert.equal(drawn.shapeAt([70, 70]), null);
});

test("of shapes that lie upon each other, the selected one is picked", () => {
  const { drawn, selection } = drawing([box("a", [0, 0, 50, 50]), box("b", [0, 0, 50, 50])]);

  for (const id of ["a", "b"]) {
    selection.only(id);
    assert.equal(drawn.shapeAt([20, 20]).id, id);
  }
});

test("what the filter hides cannot be picked, and what it shows can, be it discarded", () => {
  const { drawn, store } = drawing([box("a", [0, 0, 50, 50], { status: "discarded" })]);
  assert.equal(drawn.shapeAt([20, 20]), null);

  store.setFilter({ statuses: new Set(["discarded"]) });
  assert.equal(drawn.shapeAt([20, 20]).id, "a");
});

test("a finger reaches further than a mouse", () => {
  const { drawn, viewport } = drawing([box("a", [0, 0, 50, 50])]);
  const sixPixelsOff = [50 + 6 / viewport.scale, 25];

  assert.equal(drawn.shapeAt(sixPixelsOff, "mouse"), null);
  assert.equal(drawn.shapeAt(sixPixelsOff, "touch").id, "a");
});

test("a rubber band gathers the visible shapes that it touches", () => {
  const { drawn, store } = drawing([box("a", [0, 0, 10, 10]), box("b", [20, 0, 30, 10]), box("c", [60, 0, 70, 10], { score: 0.1 })]);
  store.setFilter({ minScore: 0.3 });

  assert.deepEqual(drawn.shapesIn([5, 5, 90, 9]).map(({ id }) => id).sort(), ["a", "b"]);
});

test("a preview shows another outline, and nothing of it stays when it is cleared", () => {
  const { drawn, stage, store, selection } = drawing([box("a", [0, 0, 10, 10])]);
  selection.only("a");
  drawn.preview([{ ...store.get("a"), bbox_xyxy: [5, 5, 25, 25] }]);
  assert.deepEqual(outlines(stage), ["M5 5H25V25H5Z"]);
  assert.equal(stage.querySelector(".handles .handle").parentNode.getAttribute("transform"), "translate(5 5)");

  drawn.clearPreview();
  assert.deepEqual(outlines(stage), ["M0 0H10V10H0Z"]);
  assert.equal(stage.querySelector(".handles .handle").parentNode.getAttribute("transform"), "translate(0 0)");
});

test("a box that is selected alone has eight handles, unless it cannot be edited", () => {
  const { drawn, stage, store, selection } = drawing([box("a", [0, 0, 10, 10]), box("b", [20, 0, 30, 10])]);
  const handles = () => stage.querySelectorAll(".handles .handle").length;

  selection.only("a");
  assert.equal(handles(), 8);
  selection.set(["a", "b"]);
  assert.equal(handles(), 0);
  selection.only("a");
  drawn.setEditable(false);
  assert.equal(handles(), 0);
  drawn.setEditable(true);
  store.setFilter({ statuses: new Set(["discarded"]) });
  store.update([{ id: "a", status: "discarded" }]);
  selection.only("a");
  assert.equal(handles(), 0);
});

test("vertices come before edges, and the nearest of them wins", () => {
  const { drawn, selection } = drawing([polygon("a", square(10, 10, 40), square(20, 20, 20))]);
  assert.equal(drawn.gripAt([10, 10], "mouse"), null, "not selected yet");

  selection.only("a");
  assert.deepEqual(drawn.gripAt([40.4, 39.8], "mouse"), { kind: "vertex", path: { part: 0, ring: 1, index: 2 }, point: [40, 40] });
  assert.deepEqual(drawn.gripAt([30, 10.5], "mouse"), { kind: "edge", path: { part: 0, ring: 0, index: 0 }, point: [30, 10] });
  assert.equal(drawn.gripAt([15, 30], "mouse"), null);
});

test("the middle of a tiny box is left free for moving it", () => {
  const { drawn, selection, viewport } = drawing([box("a", [40, 40, 42, 42])]);
  selection.only("a");

  assert.ok(2 * viewport.scale < 18, "smaller on the screen than two handles reach");
  assert.equal(drawn.gripAt([41, 41], "mouse"), null);
  assert.equal(drawn.gripAt([41.9, 41.9], "mouse").handle.name, "se");
  assert.equal(drawn.gripAt([42.8, 42.8], "mouse").handle.name, "se");
});

test("of crowded vertices only some are drawn, and zooming in brings the others out", async () => {
  const ring = Array.from({ length: 400 }, (_, index) => [50 + 30 * Math.cos(index / 64), 40 + 30 * Math.sin(index / 64)]);
  const { drawn, stage, selection, viewport } = drawing([polygon("a", ring)]);
  const dots = () => stage.querySelector(".handles .vertices").getAttribute("d").match(/M/g).length;
  selection.only("a");
  const before = dots();
  assert.ok(before > 50 && before < 200, `${before} of 400 are drawn`);

  const { path } = drawn.gripAt(ring[123], "mouse");
  assert.equal(path.index, 123, "one that is not drawn can be taken all the same");
  viewport.zoomTo([75, 35, 81, 45]);
  viewport.zoom(5);
  await frame();
  const visible = ring.filter(([x, y]) => x > viewport.sight[0] && y > viewport.sight[1] && y < viewport.sight[3]).length;
  assert.ok(visible > 20 && dots() >= visible && dots() <= visible + 4, `${dots()} are drawn, ${visible} are in sight`);
});

test("above forty shapes in sight, only the selected and the hovered one keep their badges", async () => {
  const many = Array.from({ length: 45 }, (_, index) => box(`b${index}`, [2 * index, 10, 2 * index + 1, 20]));
  const { drawn, stage, selection, viewport } = drawing(many);
  const badges = () => stage.querySelectorAll(".badge").length;
  assert.equal(badges(), 0);

  selection.only("b3");
  drawn.setHovered("b7");
  assert.equal(badges(), 2);
  viewport.zoomTo([0, 10, 20, 20]);
  await frame();
  assert.ok(badges() > 10 && badges() <= 40, `${badges()} badges when fewer shapes are in sight`);
});

test("a badge says label and score, and an edited shape has its sign there", () => {
  const { stage, store } = drawing([box("a", [0, 30, 10, 40], { score: 0.123 })]);
  assert.equal(stage.querySelector(".badge-text").textContent, "nut · 0.12");
  assert.equal(stage.querySelector(".badge-mark"), null);

  store.update([{ id: "a", status: "accepted", edited: true }]);
  assert.ok(stage.querySelector(".badge-mark"));
});

test("another item's shapes take the place of the first one's", () => {
  const { drawn, stage, store, selection } = drawing([box("a", [0, 0, 10, 10])]);
  selection.only("a");
  drawn.setHovered("a");
  store.put({ uid: "two", name: "two.jpg", width: 100, height: 80, state: "open" }, [box("z", [1, 1, 5, 5], { item: "two" })]);
  store.open("two");

  assert.deepEqual(outlines(stage), ["M1 1H5V5H1Z"]);
  assert.deepEqual(classesOf(stage), ["shape draft"]);
  assert.equal(stage.querySelectorAll(".handles .handle").length, 0);
});

test("a selection that asks for it brings all its shapes into sight", () => {
  const { selection, viewport } = drawing([box("a", [0, 0, 10, 10]), box("b", [80, 60, 90, 70])]);
  viewport.zoomTo([0, 0, 10, 10]);
  selection.set(["a", "b"]);
  assert.ok(viewport.sight[2] < 80);

  selection.set(["a", "b"], { reveal: true });
  assert.ok(viewport.sight[0] <= 0 && viewport.sight[1] <= 0 && viewport.sight[2] >= 90 && viewport.sight[3] >= 70);
});
