/**
 * Writes the keys onto the page: the tooltip of every button with an action, its `aria-keyshortcuts`, and each
 * `<kbd data-key-of="action">`. They follow the keymap.
 * @param {import("review/keymap").Keymap} keymap
 * @param {ParentNode} [root]
 */
export function showKeys(keymap, root = document) {
  const show = () => {
    for (const button of root.querySelectorAll("[data-action]")) showOnButton(button, keymap);
    for (const key of root.querySelectorAll("kbd[data-key-of]")) showOnKey(key, keymap);
  };
  keymap.addEventListener("change", show);
  show();
}

function showOnButton(button, keymap) {
  const { action } = button.dataset;
  const key = keymap.textFor(action);
  button.title = key ? `${hintOf(button)} (${key})` : hintOf(button);
  if (key) button.setAttribute("aria-keyshortcuts", keymap.ariaFor(action));
  else button.removeAttribute("aria-keyshortcuts");
}

/** `data-hint` says more than the button's own words, or says it where those words change. */
function hintOf(button) {
  return button.dataset.hint ?? button.getAttribute("aria-label") ?? button.textContent.trim();
}

function showOnKey(node, keymap) {
  const key = keymap.textFor(node.dataset.keyOf);
  node.textContent = key;
  node.hidden = !key;
}
