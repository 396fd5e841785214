// When a job is to stop before its end: after so many images, so many minutes, or when too many images fail.

/** By the API's name: what one of the units that people give is for the API, and the largest that it takes. */
const FIELDS = {
  max_items: { unit: 1, largest: 2 ** 31 - 1, wrong: "The number of images is a whole number from 1." },
  max_seconds: { unit: 60, largest: Math.floor((2 ** 31 - 1) / 60), wrong: "The number of minutes is a whole number from 1." },
  max_failed_pct: { unit: 1, largest: 100, wrong: "The share of failed images is a whole number from 1 to 100." },
};

export class Limits {
  #root;

  /** @param {HTMLElement} root holds the fields: `[data-limit=name]` */
  constructor(root) {
    this.#root = root;
  }

  /** @returns {Record<string, string>} by the name of the field, why it cannot be sent */
  get problems() {
    const wrong = Object.keys(FIELDS).filter((name) => !this.#isRight(name));
    return Object.fromEntries(wrong.map((name) => [name, FIELDS[name].wrong]));
  }

  /** What has been set, in the API's units. */
  get body() {
    const given = this.#given.filter((name) => this.#isRight(name));
    return Object.fromEntries(given.map((name) => [name, this.#input(name).valueAsNumber * FIELDS[name].unit]));
  }

  /** How many fields somebody has filled in. */
  get count() {
    return this.#given.length;
  }

  get #given() {
    return Object.keys(FIELDS).filter((name) => this.#input(name).value || this.#input(name).validity.badInput);
  }

  #input(name) {
    return this.#root.querySelector(`[data-limit=${name}]`);
  }

  /** Blank counts, for then there is no limit. */
  #isRight(name) {
    const { value, valueAsNumber, validity } = this.#input(name);
    if (!value && !validity.badInput) return true;
    return Number.isInteger(valueAsNumber) && valueAsNumber >= 1 && valueAsNumber <= FIELDS[name].largest;
  }
}
