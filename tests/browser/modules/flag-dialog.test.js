import { assert, test } from "tests/harness";
import { askFlag } from "review/flag-dialog";
import { put } from "./editing.js";

function ask(now) {
  const dialog = put(`<dialog id="flag-dialog"><form method="dialog"><h2 id="flag-title"></h2><textarea id="flag-comment" autofocus></textarea>
    <button value="unflag" id="flag-off"></button><button value=""></button><button value="flag" id="flag-confirm"></button></form></dialog>`);
  const answer = askFlag(now);
  const get = (id) => document.getElementById(id);
  const enter = (keys = {}) => get("flag-comment").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...keys }));
  return { dialog, answer, get, enter };
}

const NOT_FLAGGED = { isFlagged: false, comment: "" };

test("Enter alone flags: no comment is needed", async () => {
  const { answer, enter } = ask(NOT_FLAGGED);
  enter();
  assert.deepEqual(await answer, { verdict: "flag", comment: "" });
});

test("Shift and Enter begin a new line, and the comment comes without blanks around it", async () => {
  const { answer, dialog, get, enter } = ask(NOT_FLAGGED);
  assert.ok(enter({ shiftKey: true }));
  assert.ok(dialog.open);
  get("flag-comment").value = "  a truck?\nor a bus?\n";
  enter();
  assert.deepEqual(await answer, { verdict: "flag", comment: "a truck?\nor a bus?" });
});

test("a flagged image shows its comment, which can be changed", async () => {
  const { answer, get, enter } = ask({ isFlagged: true, comment: "a truck?" });
  assert.equal(get("flag-comment").value, "a truck?");
  assert.equal(get("flag-confirm").textContent, "Change comment");
  get("flag-comment").value = "a bus?";
  enter();
  assert.deepEqual(await answer, { verdict: "flag", comment: "a bus?" });
});

test("the flag can be taken off where there is one", async () => {
  const { answer, get } = ask({ isFlagged: true, comment: "" });
  assert.ok(!get("flag-off").hidden);
  get("flag-off").click();
  assert.equal((await answer).verdict, "unflag");
  document.getElementById("flag-dialog").remove();
  assert.ok(ask(NOT_FLAGGED).get("flag-off").hidden);
});

test("closed without an answer, nothing is said", async () => {
  const { answer, dialog } = ask(NOT_FLAGGED);
  dialog.close();
  assert.equal((await answer).verdict, "");
});
