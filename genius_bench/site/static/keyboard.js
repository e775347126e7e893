/* Keys that work everywhere; what they do on a page is the page's matter. */
"use strict";

const Keyboard = (() => {
  /** What the page shown answers to: {search: element, close: function}. */
  let page = {};
  const set = (handlers) => { page = handlers || {}; };

  function typing(target) {
    return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
  }

  /** +1 and −1 for keys that mean the next and the previous row. */
  function direction(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return 0;
    return { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key] || 0;
  }

  function onKey(event) {
    const dialog = document.getElementById("help-dialog");
    if (dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      if (page.close && page.close()) event.preventDefault();
      else if (typing(event.target)) event.target.blur();
    } else if (typing(event.target)) {
      return;
    } else if (event.key === "/") {
      event.preventDefault();
      if (page.search) page.search.focus();
      else location.hash = address(["samples"], { focus: "search" });
    } else if (event.key === "?") {
      event.preventDefault();
      dialog.showModal();
    } else if (direction(event) && page.list && !event.defaultPrevented && (event.target === document.body || event.target.id === "main")) {
      event.preventDefault(); // nothing has the focus yet: the page's list takes it
      page.list();
    }
  }

  document.addEventListener("keydown", onKey);
  return { set, typing, direction };
})();
