/** The parts of the review page and what they tell each other. */

import { toast } from "platform/dom";
import { Actions } from "review/actions";
import { Api } from "review/api";
import { Autosave } from "review/autosave";
import { Drawing } from "review/drawing";
import { FilterPanel } from "review/filter-panel";
import { ItemFlow } from "review/item-flow";
import { ItemView } from "review/item-view";
import { Keymap } from "review/keymap";
import { LabelFilter } from "review/label-filter";
import { Palette } from "review/palette";
import { Panel } from "review/panel";
import { Photo } from "review/photo";
import { Pictures } from "review/pictures";
import { Selection } from "review/selection";
import { Session } from "review/session";
import { ShapeList } from "review/shape-list";
import { Store } from "review/store";
import { Toolbox } from "review/toolbox";
import { Viewport } from "review/viewport";

const byId = (id) => document.getElementById(id);

export class Editor {
  /** @param {object} config what the page says: item, labels, addresses, what the person may do */
  constructor(config) {
    const { labels, mayReview, order, shapes } = config;
    const stage = byId("stage");
    this.config = config;
    this.colors = new Map(labels.map(({ name, color }) => [name, color]));
    this.api = new Api(config.api);
    this.store = new Store();
    this.autosave = new Autosave(this.store, this.api);
    this.pictures = new Pictures();
    this.selection = new Selection(this.store);
    this.viewport = new Viewport(stage);
    this.photo = new Photo(stage, this.viewport);
    this.drawing = new Drawing(stage, this);
    this.actions = new Actions(this.store, this.selection, this.viewport, labels[0]?.name);
    this.session = new Session({ ...this, mayReview, order });
    this.flow = new ItemFlow({ ...this, mayReview });
    this.keymap = new Keymap();
    this.palette = new Palette(byId("palette"), { labels, colors: this.colors, keymap: this.keymap });
    this.toolbox = new Toolbox(this, { hasLabels: labels.length > 0, shapes });
    this.panel = new Panel(this);
    new FilterPanel(this.store);
    new LabelFilter(byId("label-filter"), { ...this, labels });
    new ShapeList(byId("shape-list"), this);
    new ItemView({ ...this, mayReview });
    this.#listen();
  }

  /** Opens the first item. */
  start() {
    return this.session.start(this.config.workspace);
  }

  /** Asks for the open item's image once more. */
  showPicture() {
    byId("load-failed").hidden = true;
    byId("loading").hidden = false;
    this.photo.show(this.pictures.of(this.store.item));
  }

  #listen() {
    const { store, session, photo, viewport } = this;
    session.addEventListener("opening", () => (byId("loading").hidden = false));
    session.addEventListener("opened", ({ detail }) => {
      viewport.setSize(detail.item);
      this.showPicture();
      this.toolbox.use("select");
      // Straight to work: the draft that needs a decision most is selected already.
      if (this.flow.isOpen) this.actions.step(1);
    });
    session.addEventListener("failed", ({ detail }) => {
      byId("loading").hidden = true;
      toast(`The image could not be opened. ${detail.reason}`, "error");
    });
    session.addEventListener("empty", () => byId("all-decided").showModal());
    photo.addEventListener("loaded", () => {
      byId("loading").hidden = true;
      this.pictures.keepOriginalOf(this.pictures.of(store.item));
      session.lookAhead();
    });
    photo.addEventListener("failed", () => {
      session.lookAhead();
      byId("loading").hidden = true;
      byId("load-failed").hidden = false;
      byId("load-failed-text").textContent = "The image could not be loaded.";
    });
    viewport.addEventListener("change", () => (byId("zoom").textContent = `${Math.round(viewport.scale * 100)}%`));
    for (const event of ["opening", "failed"]) session.addEventListener(event, () => this.#applyAccess());
    for (const event of ["open", "item"]) store.addEventListener(event, () => this.#applyAccess());
  }

  #applyAccess() {
    this.actions.isReadOnly = !this.flow.isOpen;
    this.drawing.setEditable(this.flow.isOpen);
    if (this.actions.isReadOnly) this.toolbox.use("select");
    this.panel.show();
  }
}
