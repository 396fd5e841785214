// The JSON API as the button uses it, and what it has last told about models and the time.

export class JobClient {
  #root;
  /** How far the server's clock is ahead of ours; times in a job are the server's. */
  #aheadMs = 0;
  #models = [];
  #modelsAt = -Infinity;

  /** @param {HTMLElement} root the button's element: its data attributes name the addresses, its form has the token */
  constructor(root) {
    this.#root = root;
  }

  /** @returns {Promise<Response>} */
  start(body) {
    return this.#request(this.#root.dataset.startUrl, { method: "POST", body: JSON.stringify(body) });
  }

  /** @returns {Promise<Response>} */
  job(uid) {
    return this.#request(`${this.#root.dataset.jobsUrl}${uid}/`);
  }

  /** @returns {Promise<Response>} */
  cancel(uid) {
    return this.#request(`${this.#root.dataset.jobsUrl}${uid}/`, { method: "DELETE" });
  }

  /** @returns {Promise<Response>} */
  pause(uid) {
    return this.#post(uid, "pause");
  }

  /** @returns {Promise<Response>} */
  resume(uid) {
    return this.#post(uid, "resume");
  }

  /** A new job over the failed items of this one. @returns {Promise<Response>} */
  retry(uid) {
    return this.#post(uid, "retry");
  }

  /** @param {string} uid @param {{dry_run?: boolean}} body with dry_run only counts @returns {Promise<Response>} */
  discardDrafts(uid, body = {}) {
    return this.#post(uid, "discard-drafts", body);
  }

  /** @param {string} uid @param {{after?: string}} body where the answer before said to go on @returns {Promise<Response>} */
  restoreDrafts(uid, body = {}) {
    return this.#post(uid, "restore-drafts", body);
  }

  /** The project's newest job, or null. */
  async newestJob() {
    const query = new URLSearchParams({ project: this.#root.dataset.project, limit: "1" });
    const answer = await this.#request(`${this.#root.dataset.jobsUrl}?${query}`);
    return answer.ok ? ((await answer.json()).results[0] ?? null) : null;
  }

  /** Ask what the workers can run, unless that was asked within the last `maxAgeMs`. Never fails. */
  async fetchModels(maxAgeMs = 0) {
    if (performance.now() - this.#modelsAt < maxAgeMs) return;
    this.#modelsAt = performance.now();
    try {
      const answer = await this.#request(this.#root.dataset.modelsUrl);
      if (answer.ok) this.#models = await answer.json();
    } catch {
      // The state of the models is a courtesy; jobs run without it.
    }
  }

  /** What is known of a model, or undefined. */
  model(type) {
    return this.#models.find((one) => one.model_type === type);
  }

  /** The server's time, which is that of the job's fields, in milliseconds. */
  now() {
    return Date.now() + this.#aheadMs;
  }

  #post(uid, action, body = {}) {
    return this.#request(`${this.#root.dataset.jobsUrl}${uid}/${action}/`, { method: "POST", body: JSON.stringify(body) });
  }

  async #request(url, options = {}) {
    const token = this.#root.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
    const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token };
    const answer = await fetch(url, { credentials: "same-origin", headers, ...options });
    const serverTime = Date.parse(answer.headers.get("Date"));
    if (serverTime) this.#aheadMs = serverTime - Date.now();
    return answer;
  }
}
