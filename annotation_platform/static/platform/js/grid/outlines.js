/** The drafts that are drawn on the thumbnails: greyed below the threshold, and counted. */

/** @typedef {{path: SVGPathElement, item: string, score: number, isBelow: boolean}} Outline */

export class Outlines {
  /** @type {Outline[]} */
  #outlines = [];

  /** @param {Element} root the grid, as it has come from the server */
  constructor(root) {
    for (const card of root.querySelectorAll("[data-card]")) {
      for (const path of card.querySelectorAll("path[data-score]")) {
        this.#outlines.push({ path, item: card.dataset.card, score: Number(path.dataset.score), isBelow: false });
      }
    }
  }

  /** @param {number} threshold */
  show(threshold) {
    for (const outline of this.#outlines) {
      const isBelow = outline.score < threshold;
      if (isBelow === outline.isBelow) continue;
      outline.isBelow = isBelow;
      outline.path.classList.toggle("below", isBelow);
    }
  }

  /**
   * How many drafts of these images have such a score, and on how many of the images they are.
   * @param {(item: string) => boolean} isMeant
   * @param {{min: number, max: number}} range both inclusive
   */
  count(isMeant, { min, max }) {
    const found = this.#outlines.filter(({ item, score }) => score >= min && score <= max && isMeant(item));
    return { drafts: found.length, items: new Set(found.map(({ item }) => item)).size };
  }
}
