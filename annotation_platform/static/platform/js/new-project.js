/** The label list of a new project: rows are added, removed and filled from a pasted list. */

const rows = document.querySelector("[data-label-rows]");
const template = document.getElementById("label-row");
const palette = JSON.parse(document.getElementById("palette").textContent);

/** @param {Element} [after] the row to go behind; the last one without it */
function addRow(after = rows.lastElementChild) {
  const row = template.content.firstElementChild.cloneNode(true);
  row.querySelector("[name=label_color]").value = nextColor();
  if (after) after.after(row);
  else rows.append(row);
  return row;
}

/** The first colour of the palette that no row has, or the next in turn. */
function nextColor() {
  const used = new Set([...rows.querySelectorAll("[name=label_color]")].map((input) => input.value));
  return palette.find((color) => !used.has(color)) ?? palette[rows.children.length % palette.length];
}

function nameOf(row) {
  return row.querySelector("[name=label_name]");
}

function removeRow(row) {
  const neighbour = row.previousElementSibling ?? row.nextElementSibling ?? addRow(row);
  row.remove();
  nameOf(neighbour).focus();
}

// Sent back by the server: to the first thing that is wrong.
document.querySelector("[aria-invalid=true]")?.focus();

document.querySelector("[data-add-label]").addEventListener("click", () => nameOf(addRow()).focus());

rows.addEventListener("click", (event) => {
  if (event.target.closest("[data-remove-label]")) removeRow(event.target.closest("li"));
});

rows.addEventListener("keydown", (event) => {
  if (event.target.name !== "label_name" || event.isComposing) return;
  const row = event.target.closest("li");
  if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    const next = event.target.value.trim() ? (row.nextElementSibling ?? addRow(row)) : row;
    nameOf(next).focus();
  } else if (event.key === "Backspace" && !event.target.value && rows.children.length > 1) {
    event.preventDefault();
    removeRow(row);
  }
});

rows.addEventListener("paste", (event) => {
  const lines = event.clipboardData.getData("text").split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  if (event.target.name !== "label_name" || lines.length < 2) return;
  event.preventDefault();
  let row = event.target.closest("li");
  nameOf(row).value = lines[0];
  for (const line of lines.slice(1)) {
    row = addRow(row);
    nameOf(row).value = line;
  }
  nameOf(row).focus();
});
