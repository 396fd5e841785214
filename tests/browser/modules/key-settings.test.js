import { assert, test } from "tests/harness";
import { KeyHelp } from "review/key-help";
import { KeySettings } from "review/key-settings";
import { Keymap } from "review/keymap";
import { showKeys } from "review/tooltips";
import { put } from "./editing.js";

const DIALOG = '<dialog><div data-groups></div><button data-do="reset-all">Reset all</button><button autofocus>Close</button></dialog>';

function settings({ mayReview = true } = {}) {
  const keymap = new Keymap();
  const dialog = put(DIALOG);
  new KeySettings(dialog, keymap, { mayReview }).open();
  const button = (what, of) => dialog.querySelector(`[data-do=${what}]${of ? `[data-of="${of}"]` : ""}`);
  return { keymap, dialog, button, row: (of) => button("change", of)?.closest("li") };
}

/** @returns {boolean} whether the browser was kept from doing what it does with the key */
function press(code, options = {}) {
  return !document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { code, bubbles: true, cancelable: true, ...options }));
}

test("a free key is taken at once, and the row shows it", () => {
  const { keymap, button, row } = settings();
  button("change", "accept").click();
  press("KeyG", { shiftKey: true });
  assert.deepEqual(keymap.keysOf("accept"), ["Shift+KeyG"]);
  assert.ok(row("accept").textContent.includes("Shift+G"));
  assert.equal(document.activeElement, button("change", "accept"));
});

test("a key that another command has is swapped only when the person says so", () => {
  const { keymap, dialog, button } = settings();
  button("change", "accept").click();
  press("KeyX");
  assert.ok(dialog.textContent.includes("X is taken by “Discard"));
  assert.deepEqual(keymap.keysOf("accept"), ["KeyA"]);
  button("swap").click();
  assert.deepEqual([keymap.keysOf("accept"), keymap.keysOf("discard")], [["KeyX"], ["KeyA"]]);
});

test("cancelled, everything stays", () => {
  const { keymap, button } = settings();
  button("change", "accept").click();
  press("KeyX");
  button("cancel").click();
  assert.ok(!keymap.hasCustom);
  assert.equal(document.activeElement, button("change", "accept"));
});

test("Escape gives up the question and leaves the dialog open", () => {
  const { keymap, dialog, button } = settings();
  button("change", "accept").click();
  assert.ok(press("Escape"), "The browser would close the dialog.");
  assert.equal(button("cancel"), null);
  assert.ok(dialog.open);
  assert.ok(!keymap.hasCustom);
  assert.ok(!press("Escape"), "Without a question, Escape is the dialog's.");
});

test("a key that cannot be had is refused with the reason, and the question goes on", () => {
  const { keymap, dialog, button } = settings();
  button("change", "accept").click();
  press("KeyW", { ctrlKey: true });
  assert.ok(dialog.textContent.includes("belongs to the browser"));
  press("KeyG");
  assert.deepEqual(keymap.keysOf("accept"), ["KeyG"]);
});

test("Shift alone is not a key", () => {
  const { keymap, button } = settings();
  button("change", "accept").click();
  press("ShiftLeft", { shiftKey: true });
  assert.ok(button("cancel"));
  press("KeyG", { shiftKey: true });
  assert.deepEqual(keymap.keysOf("accept"), ["Shift+KeyG"]);
});

test("one is reset by its own button, all by the last one", () => {
  const { keymap, button } = settings();
  assert.ok(button("reset-all").disabled);
  keymap.remap("accept", "KeyG");
  keymap.remap("flag", "KeyE");
  button("reset", "accept").click();
  assert.deepEqual([keymap.isCustom("accept"), keymap.isCustom("flag")], [false, true]);
  button("reset-all").click();
  assert.ok(!keymap.hasCustom);
});

test("what cannot be changed is not offered, nor what the person may not do", () => {
  const reviewer = settings();
  assert.ok(reviewer.row("accept"));
  assert.ok(!reviewer.row("escape") && !reviewer.row("nudge"));
  const viewer = settings({ mayReview: false });
  assert.ok(viewer.row("next-draft"));
  assert.ok(!viewer.row("accept") && !viewer.row("finish"));
});

test("the help tells the keys as they are now, and to each person what they may do", () => {
  const keymap = new Keymap();
  keymap.remap("accept", "KeyG");
  const line = (dialog, text) => [...dialog.querySelectorAll("dl > div")].find((one) => one.textContent.includes(text));
  const dialog = put(DIALOG);
  new KeyHelp(dialog, keymap, { mayReview: true }).open();
  assert.equal(line(dialog, "Accept, then").querySelector("kbd").textContent, "G");
  assert.equal(line(dialog, "Labels 1 to 9").querySelector("dt").textContent, "1–9");
  dialog.close();
  const other = put(DIALOG);
  new KeyHelp(other, keymap, { mayReview: false }).open();
  assert.equal(line(other, "Accept, then"), undefined);
  assert.ok(line(other, "Next draft"));
});

test("tooltips name the key, and follow when it changes", () => {
  const keymap = new Keymap();
  const root = put(`<div>
    <button data-action="accept" data-hint="Accept it"><span data-text>Accept 3</span><kbd data-key-of="accept"></kbd></button>
    <button data-action="undo" aria-label="Undo"></button><button data-action="reopen">Reopen</button></div>`);
  const [accept, undo, reopen] = root.children;
  showKeys(keymap, root);
  assert.deepEqual([accept.title, undo.title, reopen.title], ["Accept it (A)", "Undo (Ctrl+Z)", "Reopen"]);
  assert.equal(undo.getAttribute("aria-keyshortcuts"), "Control+Z");
  assert.ok(!reopen.hasAttribute("aria-keyshortcuts"));
  keymap.remap("accept", "KeyG");
  assert.equal(accept.title, "Accept it (G)");
  assert.equal(accept.querySelector("kbd").textContent, "G");
});
