import { assert, test } from "tests/harness";
import { Keymap } from "review/keymap";
import { Palette, search } from "review/palette";

const LABELS = ["car", "Police car", "Scarf", "Café", "dog"];

function palette() {
  document.body.insertAdjacentHTML("beforeend", '<dialog><h2></h2><input role="combobox"><ul role="listbox"></ul><p data-empty></p></dialog>');
  const dialog = document.body.lastElementChild;
  const input = dialog.querySelector("input");
  const made = new Palette(dialog, { labels: LABELS.map((name) => ({ name })), colors: new Map(), keymap: new Keymap() });
  return {
    made,
    dialog,
    type(text) {
      input.value = text;
      input.dispatchEvent(new Event("input"));
    },
    press: (key) => input.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })),
    shown: () => [...dialog.querySelectorAll("[role=option]")].map(({ dataset }) => dataset.label),
    active: () => dialog.querySelector("[aria-selected=true]")?.dataset.label,
  };
}

test("a search goes from the start of labels over the start of words to anywhere", () => {
  assert.deepEqual(search(LABELS, "car"), ["car", "Police car", "Scarf"]);
});

test("case, accents and blanks around it make no difference", () => {
  assert.deepEqual(search(LABELS, " CAFE "), ["Café"]);
  assert.deepEqual(search(LABELS, "é"), ["Police car", "Café"]);
});

test("without a query the labels used last come first, and each is there once", () => {
  assert.deepEqual(search(LABELS, "", ["dog", "of another project", "car"]), ["dog", "car", "Police car", "Scarf", "Café"]);
});

test("typing and Enter choose a label", async () => {
  const { made, type, press } = palette();
  const answer = made.choose({ title: "Label" });
  type("do");
  press("Enter");
  assert.equal(await answer, "dog");
});

test("the arrows go through the list and round at its ends", async () => {
  const { made, press, active } = palette();
  const answer = made.choose({ title: "Label" });
  assert.equal(active(), "car");
  press("ArrowUp");
  assert.equal(active(), "dog");
  press("ArrowDown");
  press("ArrowDown");
  assert.equal(active(), "Police car");
  press("Enter");
  assert.equal(await answer, "Police car");
});

test("the field tells screen readers which label is active", async () => {
  const { made, dialog, press } = palette();
  made.choose({ title: "Label" });
  press("ArrowDown");
  const id = dialog.querySelector("input").getAttribute("aria-activedescendant");
  assert.equal(dialog.querySelector(`#${id}`).dataset.label, "Police car");
});

test("Enter without a match chooses nothing and says so", () => {
  const { made, dialog, type, press } = palette();
  made.choose({ title: "Label" });
  type("zebra");
  press("Enter");
  assert.ok(dialog.open);
  assert.ok(!dialog.querySelector("[data-empty]").hidden);
});

test("closing it without a choice is no choice, even after one", async () => {
  const { made, dialog, press } = palette();
  const first = made.choose({ title: "Label" });
  press("Enter");
  assert.equal(await first, "car");
  const second = made.choose({ title: "Label" });
  dialog.close();
  assert.equal(await second, null);
});

test("a click chooses, and what was chosen comes first the next time", async () => {
  const { made, dialog, shown } = palette();
  const answer = made.choose({ title: "Label" });
  dialog.querySelector('[data-label="Scarf"] .name').click();
  assert.equal(await answer, "Scarf");
  made.choose({ title: "Label" });
  assert.deepEqual(shown(), ["Scarf", "car", "Police car", "Café", "dog"]);
});

test("it shows the label that the shape has now, and the digits of the first nine", () => {
  const { made, dialog } = palette();
  made.choose({ title: "Label", current: "dog" });
  const option = dialog.querySelector('[data-label="dog"]');
  assert.ok(option.textContent.includes("current"));
  assert.equal(option.querySelector("kbd").textContent, "5");
});
