import { Toolbox } from "review/toolbox";
import { Viewport } from "review/viewport";
import { Drawing } from "review/drawing";
import { element } from "platform/dom";
import { assert, test } from "tests/harness";
import { editing, put } from "./editing.js";

function toolbox(shapes, options = {}) {
  put('<div><button data-tool="select"></button><button data-tool="box"></button><button data-tool="polygon"></button></div>');
  const stage = element("div");
  document.body.append(stage);
  const editor = editing([], options);
  const viewport = new Viewport(stage);
  const drawing = new Drawing(stage, { ...editor, viewport, colors: new Map() });
  const made = new Toolbox({ ...editor, viewport, drawing }, { hasLabels: true, shapes });
  const inUse = () => document.querySelector("[data-tool][aria-pressed=true]")?.dataset.tool ?? "select";
  return { made, inUse, notice: () => document.getElementById("toasts").textContent };
}

test("a project of any shapes has every tool", () => {
  const { made, inUse, notice } = toolbox("any");
  for (const tool of ["box", "polygon", "select"]) {
    made.use(tool);
    assert.equal(inUse(), tool);
  }
  assert.equal(notice(), "");
});

test("what a project does not take is refused with the reason, and the tool in hand stays", () => {
  const { made, inUse, notice } = toolbox("polygons");
  made.use("polygon");
  made.use("box");
  assert.equal(inUse(), "polygon");
  assert.equal(notice(), "This project takes polygons only: no box can be drawn in it.");
});

test("in a project of boxes no polygon is drawn", () => {
  const { made, inUse, notice } = toolbox("boxes");
  made.use("polygon");
  assert.equal(inUse(), "select");
  assert.ok(notice().includes("boxes only"));
  made.use("box");
  assert.equal(inUse(), "box");
});

test("whoever may only look is told nothing of tools", () => {
  const { made, notice } = toolbox("boxes", { isReadOnly: true });
  made.use("polygon");
  assert.equal(notice(), "");
});
