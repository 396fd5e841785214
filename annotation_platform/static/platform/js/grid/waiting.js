/** How many drafts of the whole project wait for a verdict, by label and score, as the server has counted them. */

const BINS = 100;
/** Against 0.29 × 100 = 28.999999999999996. */
const TOLERANCE = 1e-9;

export class WaitingDrafts {
  /** @type {Record<string, [number, number][]>} by label: the number of drafts in each bin, which is a hundredth wide */
  #bins;

  /** @param {Record<string, [number, number][]>} bins */
  constructor(bins) {
    this.#bins = bins;
  }

  /**
   * To the hundredth: a bin in which the range ends is not counted.
   * @param {{label?: string, min: number, max: number}} which label "" for all
   * @returns {number}
   */
  count({ label = "", min, max }) {
    const lists = label ? [this.#bins[label] ?? []] : Object.values(this.#bins);
    const isIn = ([bin]) => bin >= min * BINS - TOLERANCE && (max >= 1 || bin < max * BINS - TOLERANCE);
    return lists.flat().filter(isIn).reduce((sum, [, n]) => sum + n, 0);
  }
}
