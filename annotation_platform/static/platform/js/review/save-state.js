/** Tells whether everything is saved, what could not be saved and why, and warns before it would be lost. */

import { toast } from "platform/dom";
import { ConflictDialog } from "review/conflict-dialog";

const TEXT = { saving: "Saving…", saved: "Saved", retrying: "Not saved — retrying", held: "Not saved — your choice is needed" };

/** @param {{store: object, autosave: object, session: object, colors: Map<string, string>}} editor */
export function showSaving({ store, autosave, session, colors }) {
  const indicator = document.getElementById("save-state");
  const resolve = document.getElementById("resolve-conflict");
  const dialog = new ConflictDialog({ store, autosave, colors });
  /** @type {Set<string>} items with conflicts, the oldest first */
  const held = new Set();

  function show(state, reason = "") {
    const isHeld = state === "saved" && autosave.conflicts.size > 0;
    indicator.dataset.state = isHeld ? "held" : state;
    indicator.textContent = TEXT[indicator.dataset.state];
    indicator.title = reason;
    resolve.hidden = autosave.conflicts.size === 0;
  }

  function showConflict() {
    for (const item of held) if (!autosave.conflicts.has(item)) held.delete(item);
    const [item] = held;
    if (item) dialog.show(item);
  }

  autosave.addEventListener("state", ({ detail }) => {
    const isNew = indicator.dataset.state !== detail.state || indicator.title !== detail.reason;
    if (detail.state === "retrying" && isNew) toast(detail.reason, "warning");
    show(detail.state, detail.reason);
  });
  autosave.addEventListener("conflict", ({ detail }) => {
    held.add(detail.item);
    resolve.hidden = false;
    // A dialog that the person is in comes first; the button stays.
    if (!document.querySelector("dialog[open]")) showConflict();
  });
  resolve.addEventListener("click", showConflict);

  const nameOf = (item) => store.itemOf(item)?.name ?? "An image";
  autosave.addEventListener("refused", ({ detail }) => toast(`Not saved in ${nameOf(detail.item)}: ${detail.reason}`, "error"));
  autosave.addEventListener("gone", ({ detail }) => {
    toast(`${nameOf(detail.item)} has been deleted by somebody; your changes to it cannot be saved.`, "error");
  });
  autosave.addEventListener("unfinished", ({ detail }) => {
    toast(`${nameOf(detail.item)} could not be finished, and comes again: ${detail.reason}`, "error");
    session.reconsider(detail.item);
    session.outdate(detail.item);
  });

  addEventListener("beforeunload", (event) => {
    if (autosave.isUnsaved) event.preventDefault();
  });
}
