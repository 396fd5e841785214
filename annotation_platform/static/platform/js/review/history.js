/**
 * What the person did, step by step, over all items of this page.
 *
 * @typedef {{id: string} & Partial<import("review/shapes").Shape>} Patch  fields to set on the shape `id`
 * @typedef {{item: string, before: Patch[], after: Patch[], itemBefore: object | null, itemAfter: object | null}} Step
 *   one step that undo takes back as a whole; `itemBefore` and `itemAfter` are fields of the item itself
 */

/** Old steps are forgotten, so that a day of reviewing does not fill the memory. */
const LONGEST = 1000;

export class History {
  /** @type {Step[]} */
  #done = [];
  /** @type {Step[]} */
  #undone = [];

  /** @param {Step} step a new one; what was undone before it cannot be redone any more */
  push(step) {
    this.#done.push(step);
    if (this.#done.length > LONGEST) this.#done.shift();
    this.#undone = [];
  }

  /** @returns {Step | undefined} the step that undo would take back */
  get last() {
    return this.#done.at(-1);
  }

  /** @returns {Step | undefined} the step that redo would do again */
  get next() {
    return this.#undone.at(-1);
  }

  /** @returns {Step | undefined} */
  undo() {
    return move(this.#done, this.#undone);
  }

  /** @returns {Step | undefined} */
  redo() {
    return move(this.#undone, this.#done);
  }

  /** Steps that touch a shape are worth nothing once somebody else has changed it. @param {string} id */
  forgetShape(id) {
    this.#keep(({ after }) => after.every((patch) => patch.id !== id));
  }

  /** @param {string} item its uid */
  forgetItem(item) {
    this.#keep((step) => step.item !== item);
  }

  #keep(test) {
    this.#done = this.#done.filter(test);
    this.#undone = this.#undone.filter(test);
  }
}

function move(from, to) {
  const step = from.pop();
  if (step) to.push(step);
  return step;
}
