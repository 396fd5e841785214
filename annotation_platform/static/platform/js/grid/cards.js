/** The cards of the grid: clicks and keys select, arrow keys walk, one card at a time can be reached with Tab. */

export class Cards {
  #region;
  #selection;
  /** @type {HTMLElement[]} */
  #cards = [];
  #current = 0;

  /**
   * @param {HTMLElement} region stays when the grid in it is swapped
   * @param {import("grid/selection").GridSelection} selection
   */
  constructor(region, selection) {
    this.#region = region;
    this.#selection = selection;
    region.addEventListener("click", (event) => this.#click(event));
    region.addEventListener("keydown", (event) => this.#key(event));
    region.addEventListener("focusin", (event) => this.#moveTo(this.#indexOf(event.target)));
    // Shift and a click would select the texts between.
    region.addEventListener("mousedown", (event) => {
      if (event.shiftKey && cardOf(event.target)) event.preventDefault();
    });
    selection.addEventListener("change", () => this.#show());
  }

  /** Call it when the grid has been swapped. */
  refresh() {
    this.#cards = [...this.#region.querySelectorAll("[data-card]")];
    this.#current = Math.min(this.#current, Math.max(this.#cards.length - 1, 0));
    for (const [index, card] of this.#cards.entries()) setReachable(card, index === this.#current);
    this.#selection.setPage(this.#cards.map((card) => card.dataset.card));
  }

  /** To the card on which the person was last. */
  focus() {
    this.#cards[this.#current]?.querySelector("[data-stop]").focus({ preventScroll: true });
  }

  #show() {
    for (const card of this.#cards) {
      const box = boxOf(card);
      if (box) box.checked = this.#selection.has(card.dataset.card);
    }
  }

  #click(event) {
    const card = cardOf(event.target);
    if (!card || !boxOf(card) || event.target.closest("a")) return;
    this.#selection.toggle(card.dataset.card, { isRange: event.shiftKey });
    boxOf(card).focus({ preventScroll: true });
  }

  #key(event) {
    const index = this.#indexOf(event.target);
    if (index < 0 || event.altKey) return;
    const isCtrl = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && !event.target.closest("a")) this.#cards[index].querySelector("a").click();
    else if (isCtrl && event.code === "KeyA" && boxOf(this.#cards[index])) this.#selection.selectPage();
    else if (isCtrl || !this.#walk(index, event.key)) return;
    event.preventDefault();
  }

  /** @returns {boolean} whether the key was one to walk with */
  #walk(index, key) {
    const columns = this.#columns();
    const last = this.#cards.length - 1;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -index, End: last - index };
    if (!(key in steps)) return false;
    const target = index + steps[key];
    if (target >= 0 && target <= last) {
      this.#cards[target].querySelector("[data-stop]").focus({ preventScroll: true });
      this.#cards[target].scrollIntoView({ block: "nearest" });
    }
    return true;
  }

  #columns() {
    const top = this.#cards[0].offsetTop;
    const next = this.#cards.findIndex((card) => card.offsetTop > top);
    return next < 0 ? this.#cards.length : next;
  }

  #moveTo(index) {
    if (index < 0 || index === this.#current) return;
    setReachable(this.#cards[this.#current], false);
    setReachable(this.#cards[index], true);
    this.#current = index;
  }

  #indexOf(node) {
    return this.#cards.indexOf(cardOf(node));
  }
}

function cardOf(node) {
  return node.closest("[data-card]");
}

/** @returns {HTMLInputElement | null} null for who may only look */
function boxOf(card) {
  return card.querySelector("[type=checkbox]");
}

function setReachable(card, isReachable) {
  for (const control of card.querySelectorAll("a, input")) control.tabIndex = isReachable ? 0 : -1;
}
