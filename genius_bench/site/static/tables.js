/* Sortable tables: headings are buttons, rows are walked with the arrow keys or j and k, and Enter opens one. Order and
   columns are the reader's choice and stand in the page's address; on phones every row is a card (tables.css). */
"use strict";

const Tables = (() => {
  const NUMBER = 1e6; // digits of a number in a file: what lies beyond is noise of a division

  /**
   * columns: [{ label, title, value: row → number|string|null, cell: row → node, estimate: row → [value, low, high, p],
   *   numeric, class, ascending }]; `value` is the estimate's first part where it is not given.
   * options: { caption, open: row → address, rowClass: row → string, rowId: row → string, sort: {column, descending},
   *   permalink, empty: words, file: name of a download }
   */
  function sortable(columns, rows, options = {}) {
    for (const column of columns) column.value ??= (row) => column.estimate(row)?.[0];
    const permalink = options.permalink || Permalink.none;
    const body = element("tbody");
    const headings = columns.map((column, place) => heading(column, () => sortBy(place)));
    const table = element(
      "table",
      { class: `board ${options.class || ""}`, "aria-label": options.caption },
      element("thead", {}, element("tr", {}, headings)),
      body,
    );
    const labels = columns.map((column) => column.label);
    const hidden = new Set(permalink.get("hide").split("|").filter((label) => labels.indexOf(label) > 0));
    let order = orderOf(permalink.get("sort")) || options.sort || null;
    let shown = rows;

    function orderOf(words) {
      const place = labels.indexOf(words.replace(/^-/, ""));
      return place < 0 ? null : { column: place, descending: words.startsWith("-") };
    }

    function sortBy(place) {
      const first = !columns[place].ascending && columns[place].numeric;
      const descending = order && order.column === place ? !order.descending : Boolean(first);
      order = { column: place, descending };
      permalink.set("sort", `${descending ? "-" : ""}${labels[place]}`);
      fill();
    }

    function hide(label, away) {
      if (away) hidden.add(label);
      else hidden.delete(label);
      permalink.set("hide", [...hidden].join("|"));
      fill();
    }

    const sorted = () => (order ? sortedRows(shown, columns[order.column].value, order.descending) : shown);

    function fill() {
      headings.forEach((cell, place) => {
        const here = order && order.column === place;
        cell.setAttribute("aria-sort", here ? (order.descending ? "descending" : "ascending") : "none");
        cell.hidden = hidden.has(labels[place]);
      });
      const lines = sorted().map((row) => line(columns, row, options, hidden));
      body.replaceChildren(...(lines.length ? lines : [nothing(columns.length, options.empty || "Nothing fits.")]));
      rove(body);
    }

    fill();
    const download = () => Downloads.csv(options.file || options.caption || "table", columns.filter((column) => !column.drawnOnly && !hidden.has(column.label)).flatMap(fileColumns), sorted());
    return {
      node: scroller(table, options.caption), table, tools: tools(labels, hidden, hide, download),
      show: (some) => { shown = some; fill(); }, focus: () => body.querySelector("tr")?.focus(),
    };
  }

  function nothing(width, words) {
    return element("tr", { class: "nothing" }, element("td", { colspan: width, role: "status" }, words));
  }

  /** Which columns are shown, and the table as a file. */
  function tools(labels, hidden, hide, download) {
    const box = (label) => element("label", {}, element("input", { type: "checkbox", checked: !hidden.has(label), on: { change: (event) => hide(label, !event.target.checked) } }), label);
    return element(
      "div",
      { class: "table-tools" },
      labels.length > 3 ? element("details", { class: "chooser" }, element("summary", { class: "button" }, "Columns"), element("div", { class: "chooser-list" }, labels.slice(1).map(box))) : null,
      element("button", { type: "button", on: { click: download } }, "CSV"),
    );
  }

  /** A column of a file; an estimate has its ends and its p beside it. */
  function fileColumns(column) {
    const number = (value) => (typeof value === "number" ? Math.round(value * NUMBER) / NUMBER : value);
    const whole = { label: column.label, value: (row) => number(column.value(row)) };
    if (!column.estimate) return [whole];
    const part = (name, place) => ({ label: `${column.label} ${name}`, value: (row) => number(column.estimate(row)?.[place]) });
    return [whole, part("low", 1), part("high", 2), ...(column.compared ? [part("p", 3)] : [])];
  }

  /** A region that scrolls sideways; its edge fades where something is cut off. */
  function scroller(table, caption) {
    const region = element("div", { class: "scroller", role: "region", "aria-label": caption, tabindex: "0" }, table);
    const look = () => {
      region.classList.toggle("cut-left", region.scrollLeft > 1);
      region.classList.toggle("cut-right", region.scrollLeft + region.clientWidth < region.scrollWidth - 1);
    };
    region.addEventListener("scroll", look, { passive: true });
    const watcher = new ResizeObserver(look);
    watcher.observe(region);
    watcher.observe(table);
    return region;
  }

  function heading(column, sort) {
    const button = element("button", { type: "button", title: column.title, on: { click: sort } }, column.label);
    return element("th", { scope: "col", class: className(column) }, button);
  }

  function className(column) {
    return [column.numeric ? "numeric" : "", column.class || ""].join(" ").trim();
  }

  function line(columns, row, options, hidden) {
    const cells = columns.map((column, place) =>
      element(place ? "td" : "th", { class: className(column), scope: place ? null : "row", "data-label": place ? column.label : null, hidden: hidden.has(column.label) }, column.cell(row)),
    );
    const link = options.open?.(row);
    const made = element("tr", { tabindex: "-1", class: options.rowClass?.(row), id: options.rowId?.(row), "data-open": link }, cells);
    return made;
  }

  /** Those without a value come last, whichever way the others go. */
  function sortedRows(rows, value, descending) {
    const valued = rows.map((row) => [value(row), row]);
    const none = (one) => one === null || one === undefined || one === "";
    const compare = (a, b) => (typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
    valued.sort(([a], [b]) => {
      if (none(a) || none(b)) return none(a) - none(b);
      return descending ? compare(b, a) : compare(a, b);
    });
    return valued.map(([, row]) => row);
  }

  /** One row is in the tab order; keys move it. */
  function rove(body) {
    const first = body.querySelector("tr");
    if (first) first.tabIndex = 0;
    body.onkeydown = (event) => {
      const row = event.target.closest("tr");
      if (!row || Keyboard.typing(event.target)) return;
      if (event.key === "Enter" && event.target === row && row.dataset.open) location.hash = row.dataset.open;
      const next = target(row, event);
      if (!next) return;
      event.preventDefault();
      for (const other of body.rows) other.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    };
  }

  function target(row, event) {
    const rows = row.parentElement.rows;
    if (event.key === "Home") return rows[0];
    if (event.key === "End") return rows[rows.length - 1];
    const step = Keyboard.direction(event);
    return step > 0 ? row.nextElementSibling : step < 0 ? row.previousElementSibling : null;
  }

  return { sortable, scroller, rove };
})();
