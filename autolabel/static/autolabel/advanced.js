// The closed part of the dialog: thresholds of single labels, the label map, masks from accepted boxes, what becomes of
// drafts that are there already, and limits.

import { plural } from "./job-text.js";
import { LabelMap } from "./label-map.js";
import { Limits } from "./limits.js";
import { write } from "./page.js";

/** What the closed section says of a choice that is not the usual one. */
const EXISTING_DRAFTS = { replace: "", keep: "drafts are kept", skip: "images with drafts are skipped" };

export class Advanced {
  #root;
  #map;
  #masks;
  #limits;

  /**
   * @param {HTMLDetailsElement} root
   * @param {{labels: string[], onChange: () => void}} options labels: the project's
   */
  constructor(root, { labels, onChange }) {
    this.#root = root;
    this.#masks = root.querySelector("[name=boxes_to_masks]");
    this.#limits = new Limits(root.querySelector("[data-limits]"));
    this.#map = new LabelMap(root.querySelector('[data-field="label_map"]'), labels, () => {
      this.#showSummary();
      onChange();
    });
    root.addEventListener("input", () => this.#showSummary());
    root.querySelector("[data-limits]").addEventListener("input", onChange);
    this.#masks.addEventListener("change", onChange);
  }

  /** Whether the job makes masks of accepted boxes instead of finding objects. */
  get isMasks() {
    return this.#masks.checked && !this.#masks.closest("[data-field]").hidden;
  }

  /** @param {string[] | null} classes the model's @returns {Set<string> | null} the labels that it can find; null for any */
  labelsFor(classes) {
    return this.isMasks ? null : this.#map.labelsFor(classes);
  }

  /** @returns {number} on how many images the job would work at most */
  get mostItems() {
    return this.#limits.body.max_items ?? Infinity;
  }

  /** @returns {Record<string, string>} by the name of the field, why it cannot be sent */
  get problems() {
    const problems = {};
    const wrong = this.#thresholds.find((input) => !isScore(input));
    if (wrong) problems.thresholds = `${wrong.dataset.threshold}: a threshold is a number from 0 to 1.`;
    if (!this.isMasks && this.#map.problem) problems.label_map = this.#map.problem;
    return { ...problems, ...this.#limits.problems };
  }

  /** What has been set here, and nothing of what has not. @param {string[]} chosen the labels to look for */
  body(chosen) {
    const filled = this.#thresholds.filter((input) => input.value && chosen.includes(input.dataset.threshold));
    const thresholds = Object.fromEntries(filled.map((input) => [input.dataset.threshold, input.valueAsNumber]));
    const label_map = this.isMasks ? {} : this.#map.value;
    return {
      ...(filled.length ? { thresholds } : {}),
      ...(Object.keys(label_map).length ? { label_map } : {}),
      ...(this.isMasks ? { boxes_to_masks: true } : {}),
      ...(this.#existingDrafts === "replace" ? {} : { existing_drafts: this.#existingDrafts }),
      ...this.#limits.body,
    };
  }

  /** @param {object | undefined} model what is known of the chosen one @param {number} threshold that of all other labels */
  show(model, threshold) {
    this.#masks.closest("[data-field]").hidden = !model?.takes_boxes;
    const map = this.#root.querySelector('[data-field="label_map"]');
    map.hidden = this.isMasks;
    this.#map.show(model);
    for (const input of this.#thresholds) input.placeholder = threshold.toFixed(2);
    this.#showSummary();
  }

  get #existingDrafts() {
    return this.#root.querySelector("[name=existing_drafts]:checked").value;
  }

  get #thresholds() {
    return [...this.#root.querySelectorAll("[data-threshold]")];
  }

  /** Closed, the section still says what is set in it. */
  #showSummary() {
    const thresholds = this.#thresholds.filter((input) => input.value || input.validity.badInput).length;
    const mapped = this.isMasks ? 0 : Object.keys(this.#map.value).length;
    const parts = [
      this.isMasks ? "boxes to masks" : "",
      thresholds ? plural(thresholds, "threshold") : "",
      mapped ? `${plural(mapped, "class", "classes")} mapped` : "",
      EXISTING_DRAFTS[this.#existingDrafts],
      this.#limits.count ? plural(this.#limits.count, "limit") : "",
    ].filter(Boolean);
    write(this.#root.querySelector("[data-advanced-state]"), parts.join(" · "));
  }
}

/** Blank counts, for then the threshold of all labels holds. */
function isScore({ value, valueAsNumber, validity }) {
  return !validity.badInput && (!value || (valueAsNumber >= 0 && valueAsNumber <= 1));
}
