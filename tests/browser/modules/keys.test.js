import { assert, test } from "tests/harness";
import { Keymap } from "review/keymap";
import { listenToKeys } from "review/keys";

/** One listener for all tests, as there is one for the page. What it does is written down. */
let done = [];
let wantedByTool = [];
listenToKeys({
  keymap: new Keymap(),
  run: (action) => done.push(action),
  nudge: (dx, dy) => done.push([dx, dy]),
  hold: (action, isDown) => done.push([action, isDown]),
  toolKey: ({ code }) => wantedByTool.includes(code),
});

function send(type, code, options = {}, target = document.body) {
  const event = new KeyboardEvent(type, { code, bubbles: true, cancelable: true, ...options });
  target.dispatchEvent(event);
  return event.defaultPrevented;
}

/** @returns what the key did, and whether the browser was kept from it */
function press(code, options, target) {
  done = [];
  const isOurs = send("keydown", code, options, target);
  return [done, isOurs];
}

function put(markup) {
  document.body.insertAdjacentHTML("beforeend", markup);
  return document.body.lastElementChild;
}

test("a key runs its command, and the browser does nothing with it", () => {
  assert.deepEqual(press("KeyA"), [["accept"], true]);
  assert.deepEqual(press("KeyA", { ctrlKey: true }), [["select-all"], true]);
  assert.deepEqual(press("Digit3"), [["label-3"], true]);
  assert.deepEqual(press("KeyQ"), [[], false]);
});

test("Alt and keys that are still being composed are not ours", () => {
  assert.deepEqual(press("KeyA", { altKey: true }), [[], false]);
  assert.deepEqual(press("KeyA", { isComposing: true }), [[], false]);
});

test("a key that is held down decides once, but goes on stepping, zooming and undoing", () => {
  for (const code of ["KeyA", "KeyX", "Enter", "KeyF", "KeyN"]) assert.deepEqual(press(code, { repeat: true }), [[], true], code);
  assert.deepEqual(press("KeyJ", { repeat: true }), [["next-draft"], true]);
  assert.deepEqual(press("Equal", { repeat: true }), [["zoom-in"], true]);
  assert.deepEqual(press("KeyZ", { ctrlKey: true, repeat: true }), [["undo"], true]);
});

test("arrows nudge by one pixel, with Shift by ten, and repeat", () => {
  assert.deepEqual(press("ArrowLeft"), [[[-1, 0]], true]);
  assert.deepEqual(press("ArrowDown", { shiftKey: true, repeat: true }), [[[0, 10]], true]);
  assert.deepEqual(press("ArrowUp", { ctrlKey: true }), [[], false]);
});

test("H and Space last as long as they are down", () => {
  done = [];
  send("keydown", "KeyH");
  send("keydown", "KeyH", { repeat: true });
  send("keydown", "Space");
  send("keyup", "KeyH");
  send("keyup", "KeyH");
  send("keyup", "Space");
  assert.deepEqual(done, [["hide", true], ["pan", true], ["hide", false], ["pan", false]]);
});

test("they end, too, when the window loses the focus", () => {
  done = [];
  send("keydown", "KeyH");
  dispatchEvent(new Event("blur"));
  assert.deepEqual(done, [["hide", true], ["hide", false]]);
});

test("H that is let go in a dialog shows the shapes again", () => {
  done = [];
  send("keydown", "KeyH");
  put("<dialog></dialog>").showModal();
  send("keyup", "KeyH");
  assert.deepEqual(done.at(-1), ["hide", false]);
});

test("while a dialog is open, keys belong to it", () => {
  const dialog = put("<dialog></dialog>");
  dialog.showModal();
  assert.deepEqual(press("KeyA"), [[], false]);
  dialog.close();
  assert.deepEqual(press("KeyA"), [["accept"], true]);
});

test("who types in a field decides nothing", () => {
  for (const markup of ["<input>", '<input type="search">', "<textarea></textarea>", "<select></select>", '<p contenteditable="true">x</p>']) {
    assert.deepEqual(press("KeyA", {}, put(markup)), [[], false], markup);
  }
});

test("a focused button keeps Enter and Space, and leaves the letters to us", () => {
  for (const markup of ["<button></button>", '<a href="#main">x</a>']) {
    const node = put(markup);
    assert.deepEqual(press("Enter", {}, node), [[], false]);
    assert.deepEqual(press("Space", {}, node), [[], false]);
    assert.deepEqual(press("KeyA", {}, node), [["accept"], true]);
  }
});

test("a slider keeps the arrows and a checkbox keeps Space", () => {
  const slider = put('<input type="range">');
  assert.deepEqual(press("ArrowLeft", {}, slider), [[], false]);
  assert.deepEqual(press("Home", {}, slider), [[], false]);
  assert.deepEqual(press("KeyJ", {}, slider), [["next-draft"], true]);
  const box = put('<input type="checkbox">');
  assert.deepEqual(press("Space", {}, box), [[], false]);
  assert.deepEqual(press("KeyJ", {}, box), [["next-draft"], true]);
});

test("what somebody has dealt with already is left alone", () => {
  const list = put("<ol></ol>");
  list.addEventListener("keydown", (event) => event.preventDefault());
  press("ArrowDown", {}, list);
  assert.deepEqual(done, []);
});

test("the tool in hand is asked first for the keys that it may want", () => {
  wantedByTool = ["Enter", "Backspace", "Escape", "KeyA"];
  try {
    assert.deepEqual(press("Enter"), [[], true]);
    assert.deepEqual(press("Backspace"), [[], true]);
    assert.deepEqual(press("Escape"), [[], true]);
    assert.deepEqual(press("KeyA"), [["accept"], true]);
  } finally {
    wantedByTool = [];
  }
  assert.deepEqual(press("Enter"), [["finish"], true]);
});
