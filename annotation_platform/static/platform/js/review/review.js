/** Puts the review page together: configuration in, editor out. What it does is in the modules it joins. */

import { toast } from "platform/dom";
import { Actions } from "review/actions";
import { Api } from "review/api";
import { Autosave } from "review/autosave";
import { Canvas } from "review/canvas";
import { ItemState } from "review/item-state";
import { listenToKeys } from "review/keys";
import { Panel } from "review/panel";
import { Pointer } from "review/pointer";
import { ShapeList } from "review/shape-list";
import { fromAnnotation, newId } from "review/shapes";
import { Store } from "review/store";
import { BoxTool, SelectTool } from "review/tools";
import { Viewport } from "review/viewport";

const byId = (id) => document.getElementById(id);
const ZOOM_STEP = 1.25;

const config = JSON.parse(byId("review-config").textContent);
const size = { width: config.item.width, height: config.item.height };
const colors = new Map(config.labels.map(({ name, color }) => [name, color]));
const stage = byId("stage");

const api = new Api(config.api);
const store = new Store();
const autosave = new Autosave(store, api);
const viewport = new Viewport(stage, size);
const canvas = new Canvas(stage, { imageUrl: config.api.image, store, viewport, colors });
const actions = new Actions(store, viewport, config.labels[0]?.name);
const panel = new Panel(store, actions);
const item = new ItemState({ config, api, store, autosave, actions });
const list = new ShapeList(byId("shape-list"), {
  store,
  colors,
  onDecide: (id, action) => {
    store.select(id);
    actions[action]();
  },
});

// Tools

const tools = {
  select: new SelectTool({ canvas, store, actions, size }),
  box: new BoxTool({ canvas, actions, size, onDrawn: () => useTool("select") }),
};
let tool = "select";
const pointer = new Pointer(canvas, viewport, () => tools[tool]);

function useTool(name) {
  if (name === "box" && (actions.isReadOnly || !config.labels.length)) return;
  // A new box has a label of its own, so the picker must speak of new boxes.
  if (name === "box") store.select(null);
  tool = name;
  for (const button of document.querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-pressed", String(button.dataset.tool === name));
  }
  canvas.setCursor(name === "box" ? "crosshair" : "");
}

/** Escape gives up one thing at a time: the drag, the tool, the selection. */
function escape() {
  if (pointer.cancel()) return;
  if (tool === "select") store.select(null);
  else useTool("select");
}

// Every action by the name that buttons and keys use

const COMMANDS = {
  accept: () => actions.accept(),
  discard: () => actions.discard(),
  remove: () => actions.remove(),
  "accept-visible": () => actions.acceptVisible(),
  "next-draft": () => actions.step(1),
  "previous-draft": () => actions.step(-1),
  undo: () => actions.isReadOnly || store.undo(),
  redo: () => actions.isReadOnly || store.redo(),
  "select-tool": () => useTool("select"),
  "box-tool": () => useTool("box"),
  "zoom-in": () => viewport.zoom(ZOOM_STEP),
  "zoom-out": () => viewport.zoom(1 / ZOOM_STEP),
  fit: () => viewport.fit(),
  "zoom-to-shape": () => actions.zoomToShape(),
  hide: () => hideShapes(byId("hide").getAttribute("aria-pressed") !== "true"),
  "next-item": () => item.go(config.pages.next),
  "previous-item": () => item.go(config.pages.previous),
  finish: () => item.finish(),
  flag: () => item.toggleFlag(),
  reopen: () => item.reopen(),
  reload: () => load(),
  help: () => byId("help").showModal(),
  escape,
};

function hideShapes(isHidden) {
  canvas.hideShapes(isHidden);
  byId("hide").setAttribute("aria-pressed", String(isHidden));
}

listenToKeys({
  run: (action) => COMMANDS[action](),
  label: (index) => config.labels[index] && panel.setLabel(config.labels[index].name),
  nudge: (dx, dy) => actions.nudge(dx, dy),
  hold: (key, isDown) => {
    if (key === "hide") hideShapes(isDown);
    else pointer.isPanKeyDown = isDown;
  },
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const action = button?.dataset.action;
  if (action) COMMANDS[action]();
  // After a click with the mouse the keys go on working on the image, Enter and Space above all. By the path, because
  // the button may have been drawn anew by now.
  const isOurs = button && event.composedPath().includes(byId("main"));
  if (isOurs && event.detail > 0 && !document.querySelector("dialog[open]")) canvas.root.focus({ preventScroll: true });
});

// What the page says about the state of things

viewport.addEventListener("change", () => {
  byId("zoom").textContent = `${Math.round(viewport.scale * 100)}%`;
});
canvas.addEventListener("loaded", () => (byId("loading").hidden = true));
canvas.addEventListener("failed", () => showFailure("The image could not be loaded."));
item.addEventListener("change", applyAccess);

const SAVE_TEXT = { saving: "Saving…", saved: "Saved", retrying: "Not saved — retrying" };
autosave.addEventListener("state", ({ detail }) => {
  const indicator = byId("save-state");
  const isNew = indicator.dataset.state !== detail.state;
  if (detail.state === "retrying" && isNew) toast(detail.reason, "warning");
  indicator.dataset.state = detail.state;
  indicator.textContent = SAVE_TEXT[detail.state];
  indicator.title = detail.reason ?? "";
});
autosave.addEventListener("refused", ({ detail }) => toast(`Not saved: ${detail.reason}`, "error"));
autosave.addEventListener("conflict", ({ detail }) => {
  toast(`Somebody else has changed this ${detail.shape.label}; you now see their version.`, "warning");
});
autosave.addEventListener("closed", () => {
  if (!item.isOpen) return;
  item.closedElsewhere();
  toast("This image was finished elsewhere. Reopen it to go on.", "warning");
  load();
});

addEventListener("beforeunload", (event) => {
  if (autosave.isUnsaved) event.preventDefault();
});

function applyAccess() {
  actions.isReadOnly = !item.isOpen;
  canvas.setEditable(item.isOpen);
  list.setDecidable(item.isOpen);
  if (actions.isReadOnly) useTool("select");
  panel.show();
}

function showFailure(text) {
  byId("loading").hidden = true;
  byId("load-failed").hidden = false;
  byId("load-failed-text").textContent = text;
}

async function load() {
  byId("load-failed").hidden = true;
  if (!canvas.isLoaded) canvas.loadImage();
  try {
    const shapes = (await api.annotations()).map((annotation) => ({ id: newId(), ...fromAnnotation(annotation) }));
    autosave.load(shapes);
    store.load(shapes);
    // Straight to work: the draft that needs a decision most is selected already.
    if (item.isOpen) actions.step(1);
  } catch (error) {
    showFailure(`The shapes could not be loaded. ${error.message}`);
  }
}

item.show();
applyAccess();
load();
