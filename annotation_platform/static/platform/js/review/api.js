/** The REST client of the review page. */

import { request } from "platform/http";

export class Api {
  #urls;

  /** @param {Record<string, string>} urls as the page's configuration names them; `{uid}` stands for a uid */
  constructor(urls) {
    this.#urls = urls;
  }

  /** @param {string} item @returns {Promise<{item: object, position: object, annotations: object[]}>} */
  workspace(item) {
    return request("GET", this.#url("workspace", item));
  }

  /** @param {string} item @returns {Promise<object[]>} all annotations of the item */
  async annotations(item) {
    return (await request("GET", this.#url("annotations", item))).results;
  }

  create(item, body) {
    return request("POST", this.#url("annotations", item), body);
  }

  change(uid, body) {
    return request("PATCH", this.#url("annotation", uid), body);
  }

  /** All or nothing. @param {string} item @param {object[]} changes @returns {Promise<object[]>} */
  async changeMany(item, changes) {
    return (await request("PATCH", this.#url("annotations", item), { changes })).results;
  }

  remove(uid, version) {
    return request("DELETE", `${this.#url("annotation", uid)}?version=${version}`);
  }

  /** @param {string} item @param {"finish" | "reopen" | "flag"} action @param {object} [body] @returns {Promise<object>} the item */
  moveItem(item, action, body) {
    return request("POST", this.#url(action, item), body);
  }

  /**
   * The next items to decide, which nobody else is given for some minutes.
   * @param {{order: string, count: number, after: string, skip: string[], hold: string[]}} wish
   * @returns {Promise<{items: {uid: string, reason: string}[], taken: {uid: string, by: string}[], counts: object}>}
   */
  claim(wish) {
    return request("POST", this.#urls.queue, wish);
  }

  #url(name, uid) {
    return this.#urls[name].replace("{uid}", uid);
  }
}
