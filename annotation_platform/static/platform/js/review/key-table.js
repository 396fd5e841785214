/** Every command of the review page that a key can give, with the key that it has at first. */

/**
 * @typedef {{
 *   action: string,        as in `data-action`
 *   text: string,          what it does, as help says it
 *   keys: string[],        at first, see key-names.js; the first one is shown on buttons
 *   sign?: string,         also works by what is printed on the key, wherever a layout has it
 *   writes?: boolean,      only for those who may review
 *   repeats?: boolean,     goes on while the key is down; a held key must never accept ten drafts
 *   isHeld?: boolean,      lasts while the key is down
 *   isFixed?: boolean,     cannot be changed
 * }} Command
 */

const writing = (command) => ({ ...command, writes: true });

/** @type {Command[]} */
const LABELS = Array.from({ length: 9 }, (_, at) => ({
  action: `label-${at + 1}`,
  text: `Label ${at + 1}, for the selection or for new shapes`,
  keys: [`Digit${at + 1}`],
}));

const DECIDE = [
  { action: "accept", text: "Accept, then the next draft", keys: ["KeyA"] },
  { action: "discard", text: "Discard, then the next draft", keys: ["KeyX"] },
  { action: "reopen-shape", text: "Make it a draft again", keys: ["KeyR"] },
  { action: "accept-shown", text: "Accept all drafts that are shown", keys: ["Shift+KeyA"] },
  { action: "discard-shown", text: "Discard all drafts that are shown", keys: ["Shift+KeyX"] },
  { action: "relabel", text: "Choose a label from the list", keys: ["KeyL"] },
  { action: "relabel-shown", text: "Relabel all shapes that are shown", keys: ["Shift+KeyL"] },
  { action: "undo", text: "Undo", keys: ["Ctrl+KeyZ"], repeats: true },
  { action: "redo", text: "Redo", keys: ["Ctrl+KeyY", "Ctrl+Shift+KeyZ"], repeats: true },
  ...LABELS,
].map(writing);

const DRAW = [
  { action: "box-tool", text: "Draw a box; with Shift, several", keys: ["KeyB"] },
  { action: "polygon-tool", text: "Draw a polygon, point by point", keys: ["KeyP"] },
  { action: "remove", text: "Delete what was drawn by hand, discard the rest", keys: ["Delete", "Backspace"] },
  {
    action: "nudge",
    text: "Move by 1 pixel; with Shift, by 10",
    keys: ["ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"],
    isFixed: true,
  },
].map(writing);

const FINISH = [
  { action: "finish", text: "Finish, then the next image", keys: ["Enter"] },
  { action: "accept-and-finish", text: "Accept the drafts that are shown, finish, next image", keys: ["Shift+Enter"] },
  { action: "flag", text: "Flag as unsure", keys: ["KeyF"] },
].map(writing);

/** @type {{name: string, commands: Command[]}[]} */
export const COMMANDS = [
  { name: "Decide", commands: DECIDE },
  {
    name: "Draw and move",
    commands: [
      { action: "select-tool", text: "Select, move, reshape", keys: ["KeyV"] },
      ...DRAW,
      { action: "select-all", text: "Select all that are shown", keys: ["Ctrl+KeyA"] },
      { action: "escape", text: "Give up the drag, the tool, the selection", keys: ["Escape"], isFixed: true },
    ],
  },
  {
    name: "Look",
    commands: [
      { action: "next-draft", text: "Next draft, lowest score first", keys: ["KeyJ"], repeats: true },
      { action: "previous-draft", text: "Previous draft", keys: ["KeyK"], repeats: true },
      { action: "zoom-to-shape", text: "Zoom to the selection", keys: ["KeyZ"] },
      { action: "fit", text: "Fit the image", keys: ["Digit0"] },
      { action: "zoom-in", text: "Zoom in; so does the wheel", keys: ["Equal", "Shift+Equal"], sign: "+", repeats: true },
      { action: "zoom-out", text: "Zoom out", keys: ["Minus"], sign: "-", repeats: true },
      { action: "hide", text: "Hold to hide the shapes", keys: ["KeyH"], isHeld: true },
      { action: "pan", text: "Hold and drag to move the image; so does the right button", keys: ["Space"], isHeld: true },
    ],
  },
  {
    name: "Images",
    commands: [
      ...FINISH,
      { action: "next-item", text: "Next image", keys: ["KeyN"] },
      { action: "previous-item", text: "Previous image", keys: ["KeyU"] },
      { action: "help", text: "Show these keys", keys: ["Shift+Slash"], sign: "?" },
    ],
  },
];
