/** The tool in use: which one the pointer and the keys talk to. */

import { toast } from "platform/dom";
import { BoxTool, PolygonTool } from "review/draw-tools";
import { Pointer } from "review/pointer";
import { SelectTool } from "review/tools";

/** Keys that a tool may want before anybody else. */
const TOOL_KEYS = { Enter: "Enter", NumpadEnter: "Enter", Backspace: "Backspace", Delete: "Backspace", Escape: "Escape" };

/** What a project that takes one kind of shapes only says to the tool that draws the other. */
const REFUSALS = {
  boxes: { polygon: "This project takes boxes only: no polygon can be drawn in it." },
  polygons: { box: "This project takes polygons only: no box can be drawn in it." },
};

export class Toolbox {
  #tools;
  #name = "select";
  #drawing;
  #selection;
  #actions;
  #hasLabels;
  #refusals;

  /**
   * @param {import("review/editor").Editor} editor
   * @param {{hasLabels: boolean, shapes: "any" | "boxes" | "polygons"}} project  without labels nothing can be drawn
   */
  constructor(editor, { hasLabels, shapes }) {
    const { drawing, selection, actions, viewport } = editor;
    this.#drawing = drawing;
    this.#selection = selection;
    this.#actions = actions;
    this.#hasLabels = hasLabels;
    this.#refusals = REFUSALS[shapes] ?? {};
    const onDrawn = () => this.use("select");
    this.#tools = {
      select: new SelectTool(editor),
      box: new BoxTool({ ...editor, onDrawn }),
      polygon: new PolygonTool({ ...editor, onDrawn }),
    };
    this.pointer = new Pointer(drawing, viewport, () => this.#tools[this.#name]);
  }

  /** @param {"select" | "box" | "polygon"} name */
  use(name) {
    if (name !== "select" && (this.#actions.isReadOnly || !this.#hasLabels)) return;
    if (this.#refusals[name]) {
      toast(this.#refusals[name], "warning");
      return;
    }
    // Also a drag that is under way, whose shapes may be another item's by now.
    this.pointer.cancel();
    this.#tools[this.#name].cancel?.();
    // A new box has a label of its own, so the picker must speak of new shapes.
    if (name === "box") this.#selection.clear();
    this.#name = name;
    for (const button of document.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === name));
    }
    this.#drawing.setCursor(name === "select" ? "" : "crosshair");
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the tool used the key */
  key(event) {
    const name = TOOL_KEYS[event.code];
    return Boolean(name && this.#tools[this.#name].key?.(name));
  }

  /** Escape gives up one thing at a time: the drag, the tool, the selection. */
  escape() {
    if (this.pointer.cancel()) return;
    if (this.#name === "select") this.#selection.clear();
    else this.use("select");
  }
}
