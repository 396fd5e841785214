/** How sure the model was of the drafts on this image: bars above the slider that cuts them off. */

import { svg } from "platform/dom";
import { batched, listen } from "review/batched";

const BINS = 20;
const HEIGHT = 36;
/** Between the bars, as a part of a bar's width. */
const GAP = 0.15;
/** A single draft among hundreds must still be seen. */
const LOWEST = 2;

/**
 * @param {number[]} scores from 0 to 1
 * @param {number} [bins]
 * @returns {number[]} how many fall into each of the equal bins
 */
export function binsOf(scores, bins = BINS) {
  const counts = new Array(bins).fill(0);
  // The highest score belongs to the last bin, which has no neighbour above.
  for (const score of scores) counts[Math.min(Math.floor(score * bins), bins - 1)] += 1;
  return counts;
}

/**
 * The bars as one path each for what the cut-off hides and for what it shows; a bar that it divides is in both.
 * @param {number[]} counts
 * @param {number} cutoff from 0 to 1
 * @returns {{below: string, above: string}} in units of one bin's width and of HEIGHT
 */
export function barsOf(counts, cutoff) {
  const highest = Math.max(...counts);
  const cut = cutoff * counts.length;
  const bars = { below: "", above: "" };
  counts.forEach((count, at) => {
    if (!count) return;
    const top = HEIGHT - Math.max((count / highest) * HEIGHT, LOWEST);
    const [left, right] = [at + GAP / 2, at + 1 - GAP / 2];
    const middle = Math.min(Math.max(cut, left), right);
    if (middle > left) bars.below += bar(left, middle, top);
    if (middle < right) bars.above += bar(middle, right, top);
  });
  return bars;
}

export class Histogram {
  #store;
  #below = svg("path", { class: "below" });
  #above = svg("path", { class: "above" });

  /** @param {HTMLElement} host @param {import("review/store").Store} store */
  constructor(host, store) {
    this.#store = store;
    const box = `0 0 ${BINS} ${HEIGHT}`;
    host.append(svg("svg", { viewBox: box, preserveAspectRatio: "none", "aria-hidden": "true" }, this.#below, this.#above));
    listen(store, ["open", "change", "filter"], batched(() => this.#show()));
    this.#show();
  }

  #show() {
    const scores = this.#store.drafts().map(({ score }) => score).filter((score) => score !== null);
    const { below, above } = barsOf(binsOf(scores), this.#store.filter.minScore);
    this.#below.setAttribute("d", below);
    this.#above.setAttribute("d", above);
  }
}

const bar = (left, right, top) => `M${left} ${HEIGHT}V${round(top)}H${right}V${HEIGHT}z`;
const round = (value) => Math.round(value * 100) / 100;
