/** Shows the open item around the canvas: name, position, banners, progress of the project. */

import { plural } from "platform/dom";

const byId = (id) => document.getElementById(id);

export class ItemView {
  #store;
  #session;
  #mayReview;
  #titleEnd;

  /** @param {{store: import("review/store").Store, session: import("review/session").Session, mayReview: boolean}} editor */
  constructor({ store, session, mayReview }) {
    this.#store = store;
    this.#session = session;
    this.#mayReview = mayReview;
    const order = byId("queue-order");
    if (order) order.value = session.order;
    this.#titleEnd = document.title.slice(document.title.indexOf(" · "));
    for (const event of ["open", "item", "change"]) store.addEventListener(event, () => this.#showState());
    session.addEventListener("opened", () => this.#showItem());
    session.addEventListener("progress", ({ detail }) => showProgress(detail.counts));
    session.addEventListener("taken", ({ detail }) => {
      byId("taken").hidden = !detail.by;
      byId("taken-text").textContent = detail.by ? `${detail.by} is reviewing this image, too.` : "";
    });
  }

  #showItem() {
    const { uid, name, position } = this.#store.item;
    document.title = name + this.#titleEnd;
    byId("main").dataset.item = uid;
    byId("page-title").textContent = `Review ${name}`;
    byId("item-name").textContent = byId("item-name").title = name;
    byId("position-number").textContent = `${position.number} of ${position.total}`;
    byId("taken").hidden = true;
    setEnabled("previous-item", this.#session.hasPrevious);
    setEnabled("next-item", this.#session.hasNext);
    // The address follows, so that a reload and a shared link show this item; "back" still leaves the page. Not at once,
    // for it takes the browser longer than drawing a hundred shapes.
    setTimeout(() => history.replaceState(null, "", location.pathname.replace(/[^/]+\/$/, `${uid}/`) + location.search));
  }

  #showState() {
    const item = this.#store.item;
    byId("banner").hidden = item.state !== "done";
    byId("banner-text").textContent = doneText(item);
    byId("flagged").hidden = item.state !== "flagged";
    byId("flagged-text").textContent = flagText(item);
    const isBare = item.state === "open" && !this.#store.all().length;
    byId("nothing-found").hidden = !(isBare && item.isAutoLabeled && this.#mayReview);
  }
}

function setEnabled(action, isEnabled) {
  for (const button of document.querySelectorAll(`[data-action=${action}]`)) button.disabled = !isEnabled;
}

function showProgress({ done, flagged, total, waiting }) {
  byId("all-decided-counts").textContent = `${done} of ${plural(total, "image")} finished, ${flagged} flagged.`;
  byId("project-progress").textContent = `${done} of ${plural(total, "image")} done · ${waiting} to decide`;
  const bar = byId("project-progress-bar");
  bar.max = total || 1;
  bar.value = done;
}

function doneText({ finishedBy, finishedAt }) {
  if (!finishedBy) return "This image is finished.";
  return `Finished by ${finishedBy}, ${new Date(finishedAt).toLocaleString()}.`;
}

function flagText({ flaggedBy, flagComment }) {
  const who = flaggedBy ? `Flagged by ${flaggedBy}` : "Flagged";
  return flagComment ? `${who}: ${flagComment}` : `${who}.`;
}
