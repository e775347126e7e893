/* What a reader opens of a list, beside the list; over it on phones. */
"use strict";

const Pane = (() => {
  /** Of a page and its list, which a closed pane gives the focus back to. */
  function make(main, list, label) {
    const node = element("aside", { class: "pane", "aria-label": label });
    let opened = 0;

    /** Shows what is being made, if nothing else was opened meanwhile, nor another page. */
    async function show(making, focus) {
      opened += 1;
      const turn = opened;
      const made = await making;
      if (turn !== opened || !main.isConnected) return;
      node.replaceChildren(made);
      main.classList.add("with-pane");
      list.draw();
      if (focus) made.focus({ preventScroll: true });
    }

    /** Whether there was anything to close. */
    function close() {
      if (!node.childElementCount) return false;
      opened += 1;
      node.replaceChildren();
      main.classList.remove("with-pane");
      list.draw();
      list.focus();
      return true;
    }

    return { node, show, close, isOpen: () => node.childElementCount > 0 };
  }

  return { make };
})();
