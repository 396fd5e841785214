import { DraftsDialog } from "/static/autolabel/drafts-dialog.js";
import { assert, test } from "tests/harness";
import { drawn, put } from "./editing.js";

const MARKUP = `<div><button id="opener"></button><dialog data-drafts-dialog><p data-drafts-text></p>
  <progress data-drafts-bar hidden></progress><p data-drafts-error hidden></p>
  ${["close", "again", "restore", "discard"].map((name) => `<button data-drafts-${name}>${name === "again" ? "Try again" : ""}</button>`).join("")}</dialog></div>`;
const DISCARDED = { drafts_discarded_at: "2026-01-01T00:00:00Z" };
const LOST = new TypeError("Failed to fetch");

/** The dialog, open over a server that gives these answers in turn: [status, body], a promise of one, or an error. */
async function opened({ counts = [[200, { drafts: 30, kept: 4, remaining: 30 }]], job = { drafts_discarded_at: null }, discards = [], restores = [] } = {}) {
  const root = put(MARKUP);
  const asked = [];
  const changed = [];
  const closed = [];
  const next = async (name, answers, body) => {
    asked.push([name, body]);
    const answer = await answers.shift();
    if (answer instanceof Error) throw answer;
    return { status: answer[0], ok: answer[0] < 400, json: async () => answer[1] };
  };
  const client = {
    job: async () => ({ status: 200, ok: true, json: async () => job }),
    discardDrafts: (uid, body = {}) => (body.dry_run ? next("count", counts, body) : next("discard", discards, body)),
    restoreDrafts: (uid, body) => next("restore", restores, body),
  };
  const dialog = new DraftsDialog(root, client, { onChanged: (uid) => changed.push(uid), onClosed: (opener) => closed.push(opener.id) });
  const find = (name) => root.querySelector(`[data-drafts-${name}]`);
  dialog.open("job", root.querySelector("#opener"));
  await drawn();
  return {
    dialog, asked, changed, closed, find, root,
    press: async (name) => {
      find(name).click();
      await drawn();
    },
    text: () => find("text").textContent,
    error: () => find("error").textContent,
    buttons: () => [...root.querySelectorAll("dialog button:not([hidden])")].map(({ textContent }) => textContent).filter(Boolean),
  };
}

test("it says what goes and what stays before anything is done, with the focus on what does nothing", async () => {
  const { text, buttons, asked, find } = await opened();
  assert.equal(text(), "30 drafts that nobody has touched go; 4 that people have accepted, edited or discarded stay.");
  assert.deepEqual(buttons(), ["Close", "Discard 30 drafts"]);
  assert.deepEqual(asked, [["count", { dry_run: true }]]);
  assert.equal(document.activeElement, find("close"));
});

test("where no draft is left there is nothing to press", async () => {
  const { text, buttons } = await opened({ counts: [[200, { drafts: 0, kept: 1, remaining: 0 }]] });
  assert.equal(text(), "This job has no draft that nobody has touched; 1 that people have accepted, edited or discarded stays.");
  assert.deepEqual(buttons(), ["Close"]);
});

test("it asks again until nothing remains, and then offers to undo it", async () => {
  const discards = [[200, { drafts: 20, kept: 4, remaining: 10 }], [200, { drafts: 10, kept: 4, remaining: 0 }]];
  const { press, text, buttons, changed, asked } = await opened({ discards });
  await press("discard");
  assert.equal(text(), "30 drafts discarded. 4 that people have touched stay.");
  assert.deepEqual(buttons(), ["Close", "Undo"]);
  assert.deepEqual(changed, ["job"]);
  assert.equal(asked.filter(([name]) => name === "discard").length, 2);
});

test("the way is shown while it goes", async () => {
  const last = Promise.withResolvers();
  const { press, text, find } = await opened({ discards: [[200, { drafts: 20, kept: 0, remaining: 10 }], last.promise] });
  await press("discard");
  assert.equal(text(), "20 of 30 drafts…");
  assert.deepEqual([find("bar").hidden, find("bar").value, find("bar").max], [false, 20, 30]);
  last.resolve([200, { drafts: 10, kept: 0, remaining: 0 }]);
  await drawn();
  assert.ok(find("bar").hidden);
});

test("undo goes on where the answer before has stopped, and says what could not come back", async () => {
  const restores = [[200, { restored: 5, left_out: 1, remaining: 4, after: "i7" }], [200, { restored: 4, left_out: 0, remaining: 0, after: "" }]];
  const { press, text, buttons, asked } = await opened({ discards: [[200, { drafts: 10, kept: 0, remaining: 0 }]], restores });
  await press("discard");
  await press("restore");
  assert.ok(text().startsWith("9 drafts are back. 1 could not come back: "), text());
  assert.deepEqual(asked.slice(2), [["restore", { after: "" }], ["restore", { after: "i7" }]]);
  assert.deepEqual(buttons(), ["Close"]);
});

test("a job whose drafts are discarded is offered to have them back, and the rest to go", async () => {
  const { text, buttons } = await opened({ job: DISCARDED, counts: [[200, { drafts: 2, kept: 0, remaining: 2 }]] });
  assert.equal(text(), "2 drafts that nobody has touched go.");
  assert.deepEqual(buttons(), ["Close", "Bring drafts back", "Discard 2 drafts"]);
});

test("stopped, it tells how far it has come", async () => {
  const slow = Promise.withResolvers();
  const { press, text, buttons, find, changed } = await opened({ discards: [slow.promise] });
  await press("discard");
  assert.deepEqual(buttons(), ["Stop"]);
  await press("close");
  slow.resolve([200, { drafts: 20, kept: 0, remaining: 10 }]);
  await drawn();
  assert.equal(text(), "20 drafts discarded. 10 drafts still to do.");
  assert.deepEqual(buttons(), ["Close", "Try again", "Undo"]);
  assert.deepEqual(changed, ["job"]);
  assert.ok(find("error").hidden);
});

test("Escape stops it first, and closes it only then", async () => {
  const slow = Promise.withResolvers();
  const { press, root } = await opened({ discards: [slow.promise] });
  await press("discard");
  const escape = new Event("cancel", { cancelable: true });
  root.querySelector("dialog").dispatchEvent(escape);
  assert.ok(escape.defaultPrevented);
  slow.resolve([200, { drafts: 20, kept: 0, remaining: 10 }]);
  await drawn();
  const again = new Event("cancel", { cancelable: true });
  root.querySelector("dialog").dispatchEvent(again);
  assert.ok(!again.defaultPrevented);
});

test("a lost server is told with what was done before, and can be tried again", async () => {
  const { press, text, error, buttons } = await opened({
    counts: [[200, { drafts: 30, kept: 0, remaining: 30 }], [200, { drafts: 10, kept: 0, remaining: 10 }]],
    discards: [[200, { drafts: 20, kept: 0, remaining: 10 }], LOST],
  });
  await press("discard");
  assert.equal(text(), "20 drafts discarded. 10 drafts still to do.");
  assert.ok(error().startsWith("The server cannot be reached."));
  await press("again");
  assert.equal(error(), "");
  assert.deepEqual(buttons(), ["Close", "Discard 10 drafts"]);
});

test("a refusal is the server's word", async () => {
  const { error, text, buttons } = await opened({ counts: [[409, { detail: "The job is still active." }]] });
  assert.deepEqual([error(), text()], ["The job is still active.", ""]);
  assert.deepEqual(buttons(), ["Close", "Try again"]);
});

test("a server that gets nowhere is not asked for ever", async () => {
  const { press, error } = await opened({ discards: [[200, { drafts: 0, kept: 0, remaining: 30 }]] });
  await press("discard");
  assert.equal(error(), "The server makes no progress with the rest.");
});

test("closed, it gives the focus back, and shows no answer to what was asked before", async () => {
  const slow = Promise.withResolvers();
  const { press, closed, text, dialog, root } = await opened({ counts: [slow.promise, [200, { drafts: 1, kept: 0, remaining: 1 }]] });
  const isClosed = new Promise((resolve) => root.querySelector("dialog").addEventListener("close", resolve));
  await press("close");
  await isClosed;
  assert.deepEqual(closed, ["opener"]);
  dialog.open("other", root.querySelector("#opener"));
  await drawn();
  slow.resolve([200, { drafts: 30, kept: 0, remaining: 30 }]);
  await drawn();
  assert.equal(text(), "1 draft that nobody has touched goes.");
});
