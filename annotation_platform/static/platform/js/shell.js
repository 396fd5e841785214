/** What every page needs: the theme switch, menus that close as people expect, and the way to sign in again. */

const THEMES = ["system", "light", "dark"];

function currentTheme() {
  return document.documentElement.dataset.theme ?? "system";
}

function showTheme(button) {
  const theme = currentTheme();
  button.querySelector("use").setAttribute("href", `#i-theme-${theme}`);
  button.title = `Theme: ${theme}`;
  button.setAttribute("aria-label", button.title);
}

function switchTheme(button) {
  const theme = THEMES[(THEMES.indexOf(currentTheme()) + 1) % THEMES.length];
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // Where storage is forbidden the choice lasts as long as the page.
  }
  showTheme(button);
}

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  showTheme(button);
  button.addEventListener("click", () => switchTheme(button));
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

/** Where the answer for a part of the page comes from elsewhere, the session has ended: that is for the whole page. */
document.addEventListener("htmx:beforeSwap", (event) => {
  const { boosted, requestConfig, xhr } = event.detail;
  if (boosted || !xhr.responseURL) return;
  const asked = new URL(requestConfig.path, location.href);
  if (new URL(xhr.responseURL).pathname === asked.pathname) return;
  event.preventDefault();
  location.reload();
});
