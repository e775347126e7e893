/* Sortable tables: headings are buttons, rows are walked with the arrow keys or j and k, and Enter opens one. */
"use strict";

const Tables = (() => {
  /**
   * columns: [{ label, title, value: row → number|string|null, cell: row → node, numeric, class, ascending }]
   * options: { caption, open: row → address, rowClass: row → string, rowId: row → string, sort: {column, descending} }
   */
  function sortable(columns, rows, options = {}) {
    const body = element("tbody");
    const headings = columns.map((column, place) => heading(column, () => sortBy(place)));
    const table = element(
      "table",
      { class: `board ${options.class || ""}`, "aria-label": options.caption },
      element("thead", {}, element("tr", {}, headings)),
      body,
    );
    let order = options.sort || null;
    let shown = rows;

    function sortBy(place) {
      const first = !columns[place].ascending && columns[place].numeric;
      const descending = order && order.column === place ? !order.descending : Boolean(first);
      order = { column: place, descending };
      fill();
    }

    function fill() {
      const sorted = order ? sortedRows(shown, columns[order.column].value, order.descending) : shown;
      headings.forEach((cell, place) => {
        const here = order && order.column === place;
        cell.setAttribute("aria-sort", here ? (order.descending ? "descending" : "ascending") : "none");
      });
      body.replaceChildren(...sorted.map((row) => line(columns, row, options)));
      rove(body);
    }

    fill();
    return { node: scroller(table, options.caption), table, show: (some) => { shown = some; fill(); }, focus: () => body.querySelector("tr")?.focus() };
  }

  function scroller(table, caption) {
    return element("div", { class: "scroller", role: "region", "aria-label": caption, tabindex: "0" }, table);
  }

  function heading(column, sort) {
    const button = element("button", { type: "button", title: column.title, on: { click: sort } }, column.label);
    return element("th", { scope: "col", class: className(column) }, button);
  }

  function className(column) {
    return [column.numeric ? "numeric" : "", column.class || ""].join(" ").trim();
  }

  function line(columns, row, options) {
    const cells = columns.map((column, place) =>
      element(place ? "td" : "th", { class: className(column), scope: place ? null : "row" }, column.cell(row)),
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
