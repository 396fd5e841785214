import { assert, test } from "tests/harness";
import { COMMANDS } from "review/key-table";
import { Keymap } from "review/keymap";

const press = (code, { key = "", ctrl = false, meta = false, shift = false } = {}) =>
  new KeyboardEvent("keydown", { code, key, ctrlKey: ctrl, metaKey: meta, shiftKey: shift });
const actionOf = (keymap, ...key) => keymap.commandFor(press(...key))?.action;
const stored = () => JSON.parse(localStorage.getItem("review-keys"));

test("at first every command has the keys of the table, and no key has two commands", () => {
  const keymap = new Keymap();
  const commands = COMMANDS.flatMap((group) => group.commands);
  const keys = commands.flatMap((command) => command.keys);
  assert.ok(keys.length > 40);
  assert.equal(new Set(keys).size, keys.length);
  for (const { action, keys: expected } of commands) assert.deepEqual(keymap.keysOf(action), expected, action);
});

test("a key goes by its place on the keyboard, whatever is printed on it", () => {
  const keymap = new Keymap();
  assert.equal(actionOf(keymap, "KeyA", { key: "q" }), "accept");
  assert.equal(actionOf(keymap, "KeyQ", { key: "a" }), undefined);
  assert.equal(actionOf(keymap, "Digit1", { key: "&" }), "label-1");
});

test("Shift and Ctrl make another key of it, and the command key of a Mac is Ctrl", () => {
  const keymap = new Keymap();
  assert.equal(actionOf(keymap, "KeyZ"), "zoom-to-shape");
  assert.equal(actionOf(keymap, "KeyZ", { ctrl: true }), "undo");
  assert.equal(actionOf(keymap, "KeyZ", { meta: true, shift: true }), "redo");
  assert.equal(actionOf(keymap, "KeyA", { shift: true }), "accept-shown");
  assert.equal(actionOf(keymap, "KeyX", { ctrl: true }), undefined);
});

test("the number pad has the keys of its digits, but not while it moves the cursor", () => {
  const keymap = new Keymap();
  assert.equal(actionOf(keymap, "NumpadEnter", { key: "Enter" }), "finish");
  assert.equal(actionOf(keymap, "Numpad3", { key: "3" }), "label-3");
  assert.equal(actionOf(keymap, "Numpad3", { key: "PageDown" }), undefined);
});

test("?, + and - work by what is printed, wherever the layout has them", () => {
  const keymap = new Keymap();
  assert.equal(actionOf(keymap, "Minus", { key: "?", shift: true }), "help");
  assert.equal(actionOf(keymap, "BracketRight", { key: "+" }), "zoom-in");
  assert.equal(actionOf(keymap, "NumpadSubtract", { key: "-" }), "zoom-out");
  assert.equal(actionOf(keymap, "Minus", { key: "-", ctrl: true }), undefined);
});

test("buttons show the keys as people know them", () => {
  const keymap = new Keymap();
  assert.equal(keymap.textFor("accept-shown"), "Shift+A");
  assert.equal(keymap.textFor("help"), "?");
  assert.equal(keymap.textFor("reopen"), "");
  assert.deepEqual(keymap.textsFor("remove"), ["Delete", "Backspace"]);
  assert.equal(keymap.ariaFor("accept-shown"), "Shift+A");
  assert.equal(keymap.ariaFor("zoom-in"), "Plus");
});

test("a command can get another key, which the next visit still knows", () => {
  const keymap = new Keymap();
  let changes = 0;
  keymap.addEventListener("change", () => (changes += 1));
  keymap.remap("accept", "KeyG");

  for (const one of [keymap, new Keymap()]) {
    assert.equal(actionOf(one, "KeyG"), "accept");
    assert.equal(actionOf(one, "KeyA"), undefined);
    assert.equal(one.textFor("accept"), "G");
    assert.ok(one.isCustom("accept"));
  }
  assert.ok(changes >= 1);
});

test("who loses the only key gets the other's old one", () => {
  const keymap = new Keymap();
  keymap.remap("accept", "KeyX");
  assert.equal(actionOf(keymap, "KeyX"), "accept");
  assert.equal(actionOf(keymap, "KeyA"), "discard");
});

test("who has a second key keeps that one instead", () => {
  const keymap = new Keymap();
  keymap.remap("accept", "Delete");
  assert.deepEqual(keymap.keysOf("remove"), ["Backspace"]);
  assert.equal(actionOf(keymap, "KeyA"), undefined);
});

test("swapped there and back, nothing is left to remember", () => {
  const keymap = new Keymap();
  keymap.remap("accept", "KeyX");
  keymap.remap("accept", "KeyA");
  assert.equal(actionOf(keymap, "KeyX"), "discard");
  assert.ok(!keymap.hasCustom);
  assert.equal(localStorage.getItem("review-keys"), null);
});

test("one command goes back to its key, and who has that key goes back, too", () => {
  const keymap = new Keymap();
  keymap.remap("accept", "KeyX");
  keymap.remap("flag", "KeyG");
  keymap.reset("accept");
  assert.equal(actionOf(keymap, "KeyA"), "accept");
  assert.equal(actionOf(keymap, "KeyX"), "discard");
  assert.deepEqual(stored(), { flag: ["KeyG"] });
});

test("all go back at once", () => {
  const keymap = new Keymap();
  keymap.remap("accept", "KeyX");
  keymap.remap("help", "KeyG");
  keymap.reset();
  assert.equal(actionOf(keymap, "KeyA"), "accept");
  assert.equal(actionOf(keymap, "Slash", { key: "?", shift: true }), "help");
  assert.ok(!new Keymap().hasCustom);
});

test("a command with a key of its own no longer goes by its sign", () => {
  const keymap = new Keymap();
  keymap.remap("help", "KeyG");
  assert.equal(actionOf(keymap, "Minus", { key: "?", shift: true }), undefined);
  assert.equal(keymap.textFor("help"), "G");
});

test("what another program or an older version has stored does no harm", () => {
  for (const text of ["{", "7", '{"accept": "KeyG", "discard": [1], "nonsense": ["KeyQ"], "escape": ["KeyE"], "flag": ["KeyG"]}']) {
    localStorage.setItem("review-keys", text);
    const keymap = new Keymap();
    assert.equal(actionOf(keymap, "KeyA"), "accept", text);
    assert.equal(actionOf(keymap, "KeyX"), "discard", text);
    assert.equal(actionOf(keymap, "KeyQ"), undefined, text);
    assert.equal(actionOf(keymap, "Escape"), "escape", text);
  }
  assert.equal(actionOf(new Keymap(), "KeyG"), "flag");
});

test("a chosen key wins over a command that has it at first", () => {
  localStorage.setItem("review-keys", '{"flag": ["KeyA"]}');
  const keymap = new Keymap();
  assert.equal(actionOf(keymap, "KeyA"), "flag");
  assert.deepEqual(keymap.keysOf("accept"), []);
  assert.equal(keymap.textFor("accept"), "");
});

test("a change in another tab arrives here", () => {
  const keymap = new Keymap();
  localStorage.setItem("review-keys", '{"accept": ["KeyG"]}');
  dispatchEvent(new StorageEvent("storage", { key: "review-keys" }));
  assert.equal(actionOf(keymap, "KeyG"), "accept");
});
