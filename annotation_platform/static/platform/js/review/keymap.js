/** Which key gives which command. People may change the keys, and this browser remembers them. */

import { COMMANDS } from "review/key-table";
import { ariaOf, ariaSign, isKey, keyOf, textOf } from "review/key-names";
import { recall, remember } from "review/memory";

/** @typedef {import("review/key-table").Command} Command */

/** @type {Map<string, Command>} */
const BY_ACTION = new Map(COMMANDS.flatMap(({ commands }) => commands).map((command) => [command.action, command]));
const STORED_AS = "review-keys";

/** Event: "change", when a key has changed, here or in another tab, or the keyboard's layout has become known. */
export class Keymap extends EventTarget {
  /** @type {Map<string, string[]>} the keys that the person has chosen, by action */
  #custom = new Map();
  /** @type {Map<string, string[]>} */
  #keys = new Map();
  /** @type {Map<string, Command>} */
  #byKey = new Map();
  /** @type {Map<string, string> | null} */
  #layout = null;

  constructor() {
    super();
    this.#load();
    this.#learnLayout();
    addEventListener("storage", ({ key }) => {
      if (key !== STORED_AS && key !== null) return;
      this.#load();
      this.dispatchEvent(new Event("change"));
    });
  }

  /** @param {KeyboardEvent} event @returns {Command | undefined} */
  commandFor(event) {
    const bound = this.#byKey.get(keyOf(event));
    if (bound || event.ctrlKey || event.metaKey) return bound;
    const bySign = [...BY_ACTION.values()].find(({ sign }) => sign && sign === event.key);
    return bySign && !this.isCustom(bySign.action) ? bySign : undefined;
  }

  /** @param {string} action @returns {string[]} */
  keysOf(action) {
    return this.#keys.get(action) ?? [];
  }

  /** @param {string} key @returns {Command | undefined} who has it */
  ownerOf(key) {
    return this.#byKey.get(key);
  }

  /** @param {string} action */
  isCustom(action) {
    return this.#custom.has(action);
  }

  get hasCustom() {
    return this.#custom.size > 0;
  }

  /** @param {string} action @returns {string} its first key, such as "Shift+A"; empty without one */
  textFor(action) {
    return this.textsFor(action)[0] ?? "";
  }

  /** @param {string} action @returns {string[]} */
  textsFor(action) {
    const sign = this.#signOf(action);
    return sign ? [sign.replace("-", "−")] : this.keysOf(action).map((key) => textOf(key, this.#layout));
  }

  /** @param {string} action @returns {string} for `aria-keyshortcuts` */
  ariaFor(action) {
    const sign = this.#signOf(action);
    return sign ? ariaSign(sign) : this.keysOf(action).map((key) => ariaOf(key, this.#layout)).join(" ");
  }

  /** @param {string} key @returns {string} as people read it */
  textOfKey(key) {
    return textOf(key, this.#layout);
  }

  /**
   * Gives an action one key instead of those it has. Who had that key and no other gets the old one for it.
   * @param {string} action @param {string} key
   */
  remap(action, key) {
    const [old] = this.keysOf(action);
    const owner = this.ownerOf(key)?.action;
    if (owner && owner !== action) {
      const left = this.keysOf(owner).filter((one) => one !== key);
      this.#choose(owner, left.length || !old ? left : [old]);
    }
    this.#choose(action, [key]);
    this.#save();
  }

  /** Back to the first keys. @param {string} [action] all of them without it */
  reset(action) {
    if (action) this.#resetOne(action);
    else this.#custom.clear();
    this.#save();
  }

  /** Takes an action's first keys back from whoever has got them since. */
  #resetOne(action) {
    this.#custom.delete(action);
    for (const key of BY_ACTION.get(action).keys) {
      for (const [other, keys] of [...this.#custom]) {
        if (!keys.includes(key)) continue;
        const left = keys.filter((one) => one !== key);
        if (left.length) this.#choose(other, left);
        else this.#resetOne(other);
      }
    }
  }

  #choose(action, keys) {
    const isAsAtFirst = String(keys) === String(BY_ACTION.get(action).keys);
    if (isAsAtFirst) this.#custom.delete(action);
    else this.#custom.set(action, keys);
  }

  #signOf(action) {
    return this.isCustom(action) ? undefined : BY_ACTION.get(action)?.sign;
  }

  #load() {
    const isSound = ([action, keys]) => isChangeable(action) && Array.isArray(keys) && keys.every(isKey);
    this.#custom = new Map(Object.entries(recall(STORED_AS) ?? {}).filter(isSound));
    this.#index();
  }

  #save() {
    this.#index();
    remember(STORED_AS, this.#custom.size ? Object.fromEntries(this.#custom) : undefined);
    this.dispatchEvent(new Event("change"));
  }

  /** What people chose goes before what others have by default. */
  #index() {
    this.#keys.clear();
    this.#byKey.clear();
    const isChosen = ({ action }) => this.#custom.has(action);
    const commands = [...BY_ACTION.values()];
    for (const command of [...commands.filter(isChosen), ...commands.filter((one) => !isChosen(one))]) {
      const keys = (this.#custom.get(command.action) ?? command.keys).filter((key) => !this.#byKey.has(key));
      this.#keys.set(command.action, keys);
      for (const key of keys) this.#byKey.set(key, command);
    }
  }

  async #learnLayout() {
    try {
      // Only some browsers tell what is printed on the keys; the others are told as on a US keyboard.
      this.#layout = (await navigator.keyboard?.getLayoutMap()) ?? null;
    } catch {
      return;
    }
    if (this.#layout?.size) this.dispatchEvent(new Event("change"));
  }
}

const isChangeable = (action) => BY_ACTION.has(action) && !BY_ACTION.get(action).isFixed;
