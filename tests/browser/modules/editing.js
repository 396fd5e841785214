/** An open item with shapes, and what people do to it: for the tests of what shows it. */

import { Actions } from "review/actions";
import { Selection } from "review/selection";
import { Store } from "review/store";

const ITEM = { uid: "one", name: "one.jpg", width: 100, height: 80, state: "open", flagComment: "", isAutoLabeled: true };

/** @param {string} id @param {object} [fields] */
export function shape(id, fields = {}) {
  return {
    id, item: "one", uid: `uid-${id}`, version: 1, label: "nut", kind: "box", bbox_xyxy: [1, 2, 31, 42], polygons: null,
    status: "draft", edited: false, source: "auto", score: 0.5, removed: false, ...fields,
  };
}

/** @param {object[]} shapes @param {{isReadOnly?: boolean, item?: object}} [options] */
export function editing(shapes, { isReadOnly = false, item = {} } = {}) {
  const store = new Store();
  const selection = new Selection(store);
  const actions = new Actions(store, selection, { size: { width: 100, height: 80 } }, "nut");
  actions.isReadOnly = isReadOnly;
  store.put({ ...ITEM, ...item }, shapes);
  store.open("one");
  return { store, selection, actions };
}

/** Puts markup into the page. @param {string} markup @returns {HTMLElement} the last element of it */
export function put(markup) {
  document.body.insertAdjacentHTML("beforeend", markup);
  return document.body.lastElementChild;
}

/** Until what shows the item has been drawn anew. */
export const drawn = () => new Promise((resolve) => setTimeout(resolve));
