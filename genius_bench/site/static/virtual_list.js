/* A list of any length of which only the rows in view exist. */
"use strict";

const VirtualList = (() => {
  const TALLEST = 8_000_000; // pixels: browsers cut taller elements off
  const BEYOND = 6; // rows drawn above and below the view

  /** options: { label, rowHeight, draw: index → [nodes], open: index → void, moved: index → void, nothing: () → nodes } */
  function make(options) {
    const { rowHeight } = options;
    const space = element("div", { class: "list-space" });
    const list = element("div", { class: "list", role: "listbox", tabindex: "0", "aria-label": options.label }, space);
    const empty = element("div", { class: "list-empty" });
    let count = 0;
    let current = -1;
    let pending = false;

    const height = () => Math.min(count * rowHeight, TALLEST);
    const inView = () => Math.max(1, Math.floor(list.clientHeight / rowHeight));
    /** A list taller than a browser allows is scrolled by proportion. */
    const squeezed = () => count * rowHeight > TALLEST;

    function firstRow() {
      if (!squeezed()) return Math.floor(list.scrollTop / rowHeight);
      const way = list.scrollTop / Math.max(1, height() - list.clientHeight);
      return Math.round(way * Math.max(0, count - inView()));
    }

    function draw() {
      pending = false;
      const top = firstRow();
      const from = Math.max(0, top - BEYOND);
      const to = Math.min(count, top + inView() + BEYOND + 1);
      const origin = squeezed() ? list.scrollTop - top * rowHeight : 0;
      const rows = [];
      for (let index = from; index < to; index += 1) rows.push(row(index, origin + index * rowHeight));
      space.style.height = `${height()}px`;
      space.replaceChildren(...rows);
      empty.replaceChildren(...(count ? [] : options.nothing()));
      if (current >= from && current < to) list.setAttribute("aria-activedescendant", `row-${current}`);
      else list.removeAttribute("aria-activedescendant");
    }

    function row(index, top) {
      const chosen = index === current;
      return element(
        "div",
        {
          class: `list-row${chosen ? " current" : ""}`, role: "option", id: `row-${index}`, "aria-selected": String(chosen),
          "aria-setsize": count, "aria-posinset": index + 1, vary: { top: `${top}px`, height: `${rowHeight}px` },
          on: { click: () => { select(index); options.open(index); } },
        },
        options.draw(index),
      );
    }

    function soon() {
      if (!pending) {
        pending = true;
        requestAnimationFrame(draw);
      }
    }

    function select(index) {
      if (!count) return;
      current = Math.max(0, Math.min(count - 1, index));
      reveal();
      draw();
      options.moved?.(current);
    }

    function reveal() {
      const top = firstRow();
      if (current >= top && current < top + inView()) return;
      const first = current < top ? current : current - inView() + 1;
      if (!squeezed()) list.scrollTop = first * rowHeight;
      else list.scrollTop = (first / Math.max(1, count - inView())) * (height() - list.clientHeight);
    }

    function onKey(event) {
      const page = { PageDown: inView(), PageUp: -inView() }[event.key] || 0;
      const step = Keyboard.direction(event) || page;
      if (step) select(current + step);
      else if (event.key === "Home") select(0);
      else if (event.key === "End") select(count - 1);
      else if (event.key === "Enter" && current >= 0) options.open(current);
      else return;
      event.preventDefault();
    }

    list.addEventListener("scroll", soon, { passive: true });
    list.addEventListener("keydown", onKey);
    new ResizeObserver(soon).observe(list);

    return {
      node: element("div", { class: "list-holder" }, list, empty),
      focus: () => list.focus({ preventScroll: true }),
      select,
      draw: soon,
      current: () => current,
      /** Shows `number` rows from the top, or from where the reader is. */
      show(number, { stay = false, at = -1 } = {}) {
        count = number;
        current = at;
        if (!stay) list.scrollTop = 0;
        draw();
        if (at >= 0) { reveal(); draw(); }
      },
    };
  }

  return { make };
})();
