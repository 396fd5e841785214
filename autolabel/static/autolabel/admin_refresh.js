// Loads the admin page anew while it shows an active job, unless the person is choosing rows or typing.
const SECONDS = 3;

function busy() {
  return document.hidden || document.querySelector(".action-select:checked") || document.activeElement?.matches("input, select, textarea");
}

document.addEventListener("DOMContentLoaded", () => {
  if (!document.querySelector('[data-autolabel-active="1"]')) return;
  setInterval(() => {
    if (!busy()) location.reload();
  }, SECONDS * 1000);
});
