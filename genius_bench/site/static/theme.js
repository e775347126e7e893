/* Dark or light: the system's choice, until the reader makes one. Runs before the page is drawn. */
"use strict";

const Theme = (() => {
  const NAMES = ["light", "dark"];

  function remembered() {
    try {
      const name = localStorage.getItem("genius-bench-theme");
      return NAMES.includes(name) ? name : null;
    } catch {
      return null; // a page opened from a file may have no storage
    }
  }

  function remember(name) {
    try {
      localStorage.setItem("genius-bench-theme", name);
    } catch {
      // it then lasts as long as the page
    }
  }

  function current() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    return document.documentElement.dataset.theme || (dark ? "dark" : "light");
  }

  function toggle() {
    const name = current() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = name;
    remember(name);
  }

  const chosen = remembered();
  if (chosen) document.documentElement.dataset.theme = chosen;
  return { current, toggle };
})();
