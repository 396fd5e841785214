/** Review grid: what is selected, from which score on, and the decisions about it. */

import { ActionBar } from "grid/action-bar";
import { BulkDialog } from "grid/bulk-dialog";
import { Cards } from "grid/cards";
import { Outlines } from "grid/outlines";
import { GridSelection } from "grid/selection";
import { listenToUndo } from "grid/undo";
import { WaitingDrafts } from "grid/waiting";
import { toast } from "platform/dom";

const region = document.querySelector("[data-grid-region]");
const barElement = document.querySelector("[data-action-bar]");
const filterForm = document.querySelector("[data-grid-filter]");

const selection = new GridSelection();
const cards = new Cards(region, selection);
let outlines = new Outlines(region);
let waiting = new WaitingDrafts({});
/** What to focus when the grid has come anew, so that nobody who works by keyboard begins at the top again. */
let focusNext = () => {};

/** Viewers have no bar: they look, filter and sort. */
const bar = barElement && new ActionBar(barElement, {
  threshold: showThreshold,
  settled: keepThreshold,
  accept: () => decide(acceptQuestion()),
  discard: () => decide(discardQuestion()),
  clear: () => selection.clear(),
});
const dialog = barElement && new BulkDialog(document.getElementById("bulk-dialog"), barElement.dataset.url);

/** The grid as the server has just sent it. */
function adopt() {
  outlines = new Outlines(region);
  waiting = new WaitingDrafts(JSON.parse(document.getElementById("waiting-drafts").textContent));
  cards.refresh();
  if (bar) {
    showThreshold();
    keepThreshold();
  }
  // htmx gives the focus back to what is still there.
  if (document.activeElement === document.body) focusNext();
  focusNext = () => {};
}

function refresh(focus) {
  focusNext = focus;
  document.dispatchEvent(new CustomEvent("grid:refresh"));
}

/** Which drafts the grid is about, as the server has understood the filter. */
function shown() {
  const { label, min, max, total } = document.getElementById("grid").dataset;
  return { label, min: Number(min), max: Number(max), total: Number(total) };
}

/** @returns {{above: Range, below: Range, any: Range}} the ranges of scores, within the filter, both ends inclusive */
function ranges() {
  const { min, max } = shown();
  const { threshold } = bar;
  return {
    above: { min: Math.max(min, threshold), max },
    below: { min, max: Math.min(max, threshold - Number.EPSILON) },
    any: { min, max },
  };
}

/** The selected images' drafts in a range of scores. */
function count(range) {
  if (selection.isAll) return { drafts: waiting.count({ label: shown().label, ...range }), items: null };
  return outlines.count((item) => selection.has(item), range);
}

function showThreshold() {
  const { threshold } = bar;
  outlines.show(threshold);
  for (const text of document.querySelectorAll("[data-threshold-text]")) text.textContent = threshold.toFixed(2);
  for (const button of region.querySelectorAll("[data-accept-label]")) {
    const n = waiting.count({ label: button.dataset.acceptLabel, min: threshold, max: 1 });
    button.querySelector("[data-count]").textContent = String(n);
    button.disabled = n === 0;
  }
  showSelection();
}

/** In the address and the pager's links, so that it holds after a reload and on the next page. */
function keepThreshold() {
  const withThreshold = (address) => {
    const url = new URL(address);
    url.searchParams.set("threshold", bar.threshold.toFixed(2));
    return url.href;
  };
  history.replaceState(history.state, "", withThreshold(location.href));
  for (const link of region.querySelectorAll(".pager a")) link.href = withThreshold(link.href);
}

function showSelection() {
  const selected = selection.isAll ? shown().total : selection.uids.length;
  const { above, any } = ranges();
  bar.show({ selected, isAll: selection.isAll, accepts: count(above), drafts: count(any).drafts });
}

function acceptQuestion() {
  return question("accepted", [{ text: "", range: ranges().above }]);
}

/** What lies below the threshold is what one most likely means; all is offered, too. */
function discardQuestion() {
  const { below, any } = ranges();
  const all = { text: `All: ${count(any).drafts}`, range: any };
  const low = { text: `Below ${bar.threshold.toFixed(2)}: ${count(below).drafts}`, range: below };
  return question("discarded", count(below).drafts ? [low, all] : [all]);
}

function question(verdict, choices) {
  const { label } = shown();
  return { verdict, choices, items: selection.isAll ? undefined : selection.uids, labels: label ? [label] : undefined };
}

/** @param {import("grid/bulk-dialog").Question} asked */
async function decide(asked) {
  const made = await dialog.ask(asked);
  if (!made) return;
  selection.clear();
  refresh(() => document.getElementById("undo-bulk")?.focus({ preventScroll: true }));
}

if (bar) {
  selection.addEventListener("change", showSelection);
  listenToUndo(region, () => refresh(() => cards.focus()));
}

region.addEventListener("click", ({ target }) => {
  const ofLabel = target.closest("[data-accept-label]");
  if (ofLabel) decide({ verdict: "accepted", labels: [ofLabel.dataset.acceptLabel], choices: [{ text: "", range: { min: bar.threshold, max: 1 } }] });
  else if (target.closest("[data-select-page]")) selection.selectPage();
  else if (target.closest("[data-select-all]")) selection.selectAll();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && bar && !document.querySelector("dialog[open]")) selection.clear();
});

filterForm?.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-refilters]") || !filterForm.reportValidity()) return;
  selection.clear();
  filterForm.dispatchEvent(new CustomEvent("grid:filter"));
});

document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt.id === "grid") adopt();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  // Led elsewhere: the session has ended, and this would put the sign-in page into the grid.
  if (new URL(event.detail.xhr.responseURL).pathname === location.pathname) return;
  event.detail.shouldSwap = false;
  location.reload();
});
for (const name of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(name, () => toast("The images could not be loaded anew. Reload the page.", "error"));
}

adopt();
