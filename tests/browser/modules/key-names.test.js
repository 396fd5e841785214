import { assert, test } from "tests/harness";
import { ariaOf, isKey, keyOf, refusalOf, textOf } from "review/key-names";

const FRENCH = new Map([["KeyQ", "a"], ["KeyA", "q"], ["Digit1", "&"], ["Semicolon", "m"]]);
const event = (code, options) => new KeyboardEvent("keydown", { code, ...options });

test("a key is its modifiers and its place", () => {
  assert.equal(keyOf(event("KeyZ", { ctrlKey: true, shiftKey: true })), "Ctrl+Shift+KeyZ");
  assert.equal(keyOf(event("Space")), "Space");
  assert.equal(keyOf(event("ShiftLeft", { shiftKey: true })), null);
});

test("people read what is printed on their own keyboard, where the browser knows it", () => {
  assert.equal(textOf("Shift+KeyQ"), "Shift+Q");
  assert.equal(textOf("Shift+KeyQ", FRENCH), "Shift+A");
  assert.equal(textOf("Semicolon"), ";");
  assert.equal(textOf("Semicolon", FRENCH), "M");
});

test("digits are digits, and named keys keep their names on every layout", () => {
  assert.equal(textOf("Digit1", FRENCH), "1");
  assert.equal(textOf("Escape", FRENCH), "Esc");
  assert.equal(textOf("ArrowUp"), "↑");
  assert.equal(ariaOf("Escape"), "Escape");
});

test("what moves the focus or belongs to the browser cannot be taken", () => {
  const isFree = (key, isHeld = false) => refusalOf(key, { isHeld }) === null;
  for (const key of ["Tab", "Shift+Tab", "Escape", "ArrowLeft", "F5", "Ctrl+KeyW", "Ctrl+Shift+KeyT"]) assert.ok(!isFree(key), key);
  for (const key of ["KeyG", "Shift+KeyG", "Ctrl+KeyG", "Digit0", "Enter"]) assert.ok(isFree(key), key);
});

test("a key to hold has no modifiers", () => {
  assert.equal(refusalOf("KeyG", { isHeld: true }), null);
  assert.ok(refusalOf("Shift+KeyG", { isHeld: true }).includes("held"));
});

test("only what keyOf makes is a key", () => {
  for (const key of ["KeyA", "Ctrl+Shift+KeyA", "Digit1", "Space"]) assert.ok(isKey(key), key);
  for (const key of ["", "a", "Shift+", "Alt+KeyA", 7, null, "KeyA KeyB"]) assert.ok(!isKey(key), String(key));
});
