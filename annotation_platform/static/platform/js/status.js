/** Status page: says so when it cannot be kept up to date, for what it shows is then of the past. */

const notice = document.querySelector("[data-stale]");
const since = document.querySelector("[data-stale-since]");
let fresh = new Date();

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) fresh = new Date();
  else since.textContent = fresh.toLocaleTimeString();
  if (notice.hidden !== detail.successful) notice.hidden = detail.successful;
});
