/** Every action by the name that buttons and keys use. */

import { toast } from "platform/dom";
import { KeyHelp } from "review/key-help";
import { KeySettings } from "review/key-settings";
import { listenToKeys } from "review/keys";
import { boxesWithMask } from "review/replacing";
import { isDraft } from "review/shapes";
import { showKeys } from "review/tooltips";

const byId = (id) => document.getElementById(id);
const ZOOM_STEP = 1.25;
const DIGITS = 9;
/** What a finished image refuses. */
const WRITES = /^(accept|discard|remove|reopen-shape|relabel|label-|box-tool|polygon-tool|flag)/;

/** @param {import("review/editor").Editor} editor */
export function runCommands(editor) {
  const { actions, config, drawing, flow, keymap, session, store, toolbox, viewport } = editor;
  const options = { mayReview: config.mayReview };
  const help = new KeyHelp(byId("help"), keymap, options);
  const keySettings = new KeySettings(byId("key-settings"), keymap, options);
  const commands = {
    accept: () => actions.accept(),
    discard: () => actions.discard(),
    remove: () => actions.discard(),
    "reopen-shape": () => actions.reopenShapes(),
    "accept-shown": () => actions.acceptShown(),
    "discard-shown": () => actions.discardShown(),
    relabel: () => chooseLabel(editor),
    "relabel-shown": () => relabelShown(editor),
    "select-all": () => actions.selectAll(),
    "next-draft": () => actions.step(1),
    "previous-draft": () => actions.step(-1),
    undo: () => travel(editor, "undo"),
    redo: () => travel(editor, "redo"),
    "select-tool": () => toolbox.use("select"),
    "box-tool": () => toolbox.use("box"),
    "polygon-tool": () => toolbox.use("polygon"),
    "zoom-in": () => viewport.zoom(ZOOM_STEP),
    "zoom-out": () => viewport.zoom(1 / ZOOM_STEP),
    fit: () => viewport.fit(),
    "zoom-to-shape": () => actions.zoomToShape(),
    hide: () => hide(byId("hide").getAttribute("aria-pressed") !== "true"),
    "next-item": () => session.next(),
    "previous-item": () => session.previous(),
    finish: () => flow.finish(),
    "accept-and-finish": () => flow.acceptAndFinish(),
    flag: () => flow.flag(),
    reopen: () => flow.reopen(),
    reload: () => editor.showPicture(),
    help: () => help.open(),
    "key-settings": () => keySettings.open(),
    escape: () => toolbox.escape(),
  };
  for (let digit = 1; digit <= DIGITS; digit++) {
    const label = config.labels[digit - 1]?.name;
    if (label) commands[`label-${digit}`] = () => setLabel(editor, label);
  }

  function isRefused(action) {
    return WRITES.test(action) && config.mayReview && store.item.state === "done";
  }

  function hide(isHidden) {
    drawing.hideShapes(isHidden);
    byId("hide").setAttribute("aria-pressed", String(isHidden));
  }

  listenToKeys({
    keymap,
    run: (action) => {
      if (isRefused(action)) toast("This image is finished. Reopen it first.", "warning");
      else commands[action]?.();
    },
    nudge: (dx, dy) => actions.nudge(dx, dy),
    hold: (name, isDown) => {
      if (name === "hide") hide(isDown);
      else toolbox.pointer.isPanKeyDown = isDown;
    },
    toolKey: (event) => toolbox.key(event),
  });
  showKeys(keymap);
  listenToClicks(commands, drawing.root);
  byId("queue-order")?.addEventListener("change", ({ target }) => {
    session.setOrder(target.value);
    rememberOrder(target.value);
    // A focused select would take the keys for itself.
    drawing.root.focus({ preventScroll: true });
  });
}

function listenToClicks(commands, canvas) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    // After a click with the mouse the keys go on working on the image, Enter and Space above all. By the path, because
    // the button may have been drawn anew by now; and first, because a dialog gives the focus back to who had it.
    const isOurs = button && event.composedPath().includes(byId("main"));
    if (isOurs && event.detail > 0 && !document.querySelector("dialog[open]")) canvas.focus({ preventScroll: true });
    commands[button?.dataset.action]?.();
  });
}

async function travel({ actions, flow, selection, store }, way) {
  const touched = await flow.travel(way);
  // A box that has its mask back is not what the next key is meant for.
  const boxes = boxesWithMask(store.visible());
  const shown = store.visible().filter(({ id, uid }) => touched.includes(id) && !boxes.has(uid));
  if (!shown.length || actions.isReadOnly) return;
  // Of drafts that wait again, only the first: the next key is meant for one, not for all of them.
  const drafts = shown.filter(isDraft);
  selection.set(drafts.length > 1 ? [drafts[0].id] : shown.map(({ id }) => id), { reveal: true });
}

function setLabel({ actions, palette, panel }, label) {
  actions.relabel(label);
  palette.remember(label);
  panel.show();
}

async function chooseLabel(editor) {
  const { actions, palette, selection, store } = editor;
  const { uid } = store.item;
  if (actions.isReadOnly) return;
  const title = { 0: "Label of new shapes", 1: "Label of the selected shape" }[selection.size];
  const current = selection.primary?.label ?? actions.currentLabel;
  const label = await palette.choose({ title: title ?? `Label of the ${selection.size} selected shapes`, current });
  // Another image may have opened below the dialog.
  if (label && store.item.uid === uid) setLabel(editor, label);
}

async function relabelShown({ actions, palette, store }) {
  const { uid } = store.item;
  const count = store.visible().length;
  if (actions.isReadOnly || !count) return;
  const label = await palette.choose({ title: `Label of all shapes in sight (${count})`, current: null });
  if (label && store.item.uid === uid) actions.relabelShown(label);
}

/** In the address for a reload, and in a cookie for the server, which opens the first item of the next visit. */
function rememberOrder(order) {
  const address = new URL(location.href);
  address.searchParams.set("order", order);
  history.replaceState(null, "", address);
  document.cookie = `review_order=${order}; path=/; max-age=31536000; samesite=lax`;
}
