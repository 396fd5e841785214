import { element } from "platform/dom";
import { Viewport } from "review/viewport";
import { assert, test } from "tests/harness";

const IMAGE = { width: 2000, height: 1000 };

/** A stage of 800 by 600 with an image twice as wide as high: fitted, it is 768 by 384 at a scale of 0.384. */
function fitted() {
  const stage = element("div");
  stage.style.cssText = "position: absolute; left: 30px; top: 20px; width: 800px; height: 600px";
  document.body.append(stage);
  const viewport = new Viewport(stage);
  viewport.setSize(IMAGE);
  return { viewport, stage };
}

const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
const centreOf = (viewport) => viewport.toImage([400, 300]);

test("a new image is shown as a whole, in the middle, with a margin", () => {
  const { viewport } = fitted();

  assert.close(viewport.scale, 0.384);
  assert.close(viewport.toStage([0, 0]), [16, 108]);
  assert.close(viewport.toStage([2000, 1000]), [784, 492]);
});

test("what is zoomed in on stays below the pointer", () => {
  const { viewport } = fitted();
  const before = viewport.toImage([200, 250]);
  viewport.zoom(3, [200, 250]);

  assert.close(viewport.scale, 3 * 0.384);
  assert.close(viewport.toImage([200, 250]), before);
});

test("without a pointer, the zoom is about the middle of the stage", () => {
  const { viewport } = fitted();
  viewport.zoom(2);

  assert.close(centreOf(viewport), [1000, 500]);
});

test("two fingers zoom and pan at once", () => {
  const { viewport } = fitted();
  const between = viewport.toImage([300, 300]);
  viewport.zoom(2, [300, 300], [360, 320]);

  assert.close(viewport.toImage([360, 320]), between);
});

test("the scale has its limits, and what is zoomed in on stays in place at them, too", () => {
  const { viewport } = fitted();
  const before = viewport.toImage([200, 250]);
  viewport.zoom(1e6, [200, 250]);

  assert.equal(viewport.scale, 40);
  assert.close(viewport.toImage([200, 250]), before);
  viewport.zoom(1e-9);
  assert.equal(viewport.scale, 0.02);
});

test("an image can be panned, but not out of sight", () => {
  const { viewport } = fitted();
  viewport.panBy(10, -20);
  assert.close(viewport.toStage([0, 0]), [26, 88]);

  viewport.panBy(5000, -5000);
  assert.close(viewport.toStage([0, 1000]), [800 - 48, 48]);
});

test("zooming to a box puts it in the middle, at two fifths of the stage", () => {
  const { viewport } = fitted();
  viewport.zoomTo([100, 100, 200, 120]);

  assert.close(viewport.scale, 3.2);
  assert.close(centreOf(viewport), [150, 110]);
});

test("zooming to a tiny box stops where pixels are large enough", () => {
  const { viewport } = fitted();
  viewport.zoomTo([100, 100, 102, 102]);

  assert.equal(viewport.scale, 12);
});

test("what is in sight is not moved to reveal it", () => {
  const { viewport } = fitted();
  viewport.zoom(2);
  const before = centreOf(viewport);
  viewport.reveal([900, 450, 1100, 550]);

  assert.deepEqual(centreOf(viewport), before);
});

test("what is out of sight is brought to the middle at the same scale", () => {
  const { viewport } = fitted();
  viewport.zoom(4);
  viewport.reveal([10, 10, 60, 60]);

  assert.close(viewport.scale, 4 * 0.384);
  assert.close(centreOf(viewport), [35, 35]);
});

test("what has no room at this scale is revealed by zooming out", () => {
  const { viewport } = fitted();
  viewport.zoom(4);
  viewport.reveal([0, 0, 2000, 900]);

  const [left, top] = viewport.toStage([0, 0]);
  const [right, bottom] = viewport.toStage([2000, 900]);
  assert.ok(left >= 0 && top >= 0 && right <= 800 && bottom <= 600, `${[left, top, right, bottom]}`);
});

test("sight is the part of the image that the stage shows", () => {
  const { viewport } = fitted();

  assert.close(viewport.sight, [...viewport.toImage([0, 0]), ...viewport.toImage([800, 600])]);
});

test("the place of an event counts from the stage's corner", () => {
  const { viewport } = fitted();

  assert.deepEqual(viewport.stagePoint(new MouseEvent("click", { clientX: 130, clientY: 220 })), [100, 200]);
});

test("every change is told at once, and once for each frame", async () => {
  const { viewport } = fitted();
  await frame();
  const told = [];
  viewport.addEventListener("change", () => told.push("change"));
  viewport.addEventListener("frame", () => told.push("frame"));
  viewport.panBy(1, 1);
  viewport.zoom(1.1);
  assert.deepEqual(told, ["change", "change"]);

  await frame();
  assert.deepEqual(told, ["change", "change", "frame"]);
});

test("a fitted image stays fitted when the stage changes its size", async () => {
  const { viewport, stage } = fitted();
  stage.style.setProperty("width", "432px");
  await frame();

  assert.close(viewport.scale, 0.2);
});

test("after the person has zoomed, a change of the stage's size leaves the scale alone", async () => {
  const { viewport, stage } = fitted();
  viewport.zoom(2);
  stage.style.setProperty("width", "432px");
  await frame();

  assert.close(viewport.scale, 0.768);
  assert.equal(viewport.stageSize.width, 432);
});

test("the next image is fitted, wherever the last one was looked at", () => {
  const { viewport } = fitted();
  viewport.zoomTo([100, 100, 200, 120]);
  viewport.setSize({ width: 384, height: 568 });

  assert.close(viewport.scale, 1);
  assert.close(viewport.toStage([0, 0]), [208, 16]);
});
