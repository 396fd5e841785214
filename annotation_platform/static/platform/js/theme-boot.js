// Runs before the first paint: applies the theme the person chose; without a choice the system's preference holds.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage can be forbidden; the system's preference is a fine answer then.
}
