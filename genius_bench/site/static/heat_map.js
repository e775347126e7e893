/* Method × task, and method × kind of item: how much each recipe gained, or scored. The colour repeats the number, never
   replaces it. A column is { label, title, score: row → [value, …], gain: row → [points, …], address: (row, kind) → string|null }. */
"use strict";

const HeatMap = (() => {
  const MOST_ROWS = 30;

  function ofTasks(board, group) {
    const columns = board.tasks.filter((task) => board.metrics[task]).map((task) => ({
      label: Holdings.taskName(task), title: task, score: (row) => row.cells[task], gain: (row) => row.gains[task],
      address: (row, kind) => (row.models.length ? ModelsTable.samplesAddress(row.models, task, group.id, kind === "gain" ? "changed" : "") : null),
    }));
    return make(board, "Recipe by task", [...columns, AVERAGE]);
  }

  /** Null where no task tells kinds of items apart. */
  function ofKinds(board) {
    const names = [...new Set(board.rows.flatMap((row) => Object.keys(row.slices)))];
    const columns = names.map((name) => ({
      label: name, title: name, score: (row) => row.slices[name]?.score, gain: (row) => row.slices[name]?.gain, address: () => null,
    }));
    return names.length ? make(board, "Recipe by kind of item", columns) : null;
  }

  const AVERAGE = { label: "Average", title: "Mean over tasks", score: (row) => row.average, gain: (row) => row.average_gain, address: () => null, total: true };

  function make(board, caption, columns) {
    const rows = Holdings.rowsOf(board, false).sort((a, b) => (b.average?.[0] ?? 0) - (a.average?.[0] ?? 0));
    const holder = element("div");
    const show = (kind) => holder.replaceChildren(table(rows, columns, caption, kind));
    const compared = rows.some((row) => row.average_gain);
    const kinds = [["gain", "Gain over the base"], ["score", "Score"]].slice(compared ? 0 : 1);
    show(kinds[0][0]);
    return element("div", {}, switcher("What the colours show", kinds, kinds[0][0], show), holder);
  }

  function table(rows, columns, caption, kind) {
    const shown = kind === "gain" ? rows.filter((row) => row.average_gain) : rows;
    const numbers = shown.flatMap((row) => columns.filter((column) => !column.total).map((column) => value(row, column, kind))).filter(Number.isFinite);
    const low = Math.min(...numbers);
    const high = Math.max(...numbers.map((one) => (kind === "gain" ? Math.abs(one) : one)));
    const head = element("tr", {}, element("th", { scope: "col" }, "Recipe"), columns.map((column) => element("th", { scope: "col", title: column.title }, column.label)));
    const body = element("tbody");
    const fill = (most) => { body.replaceChildren(...shown.slice(0, most).map((row) => line(row, columns, kind, low, high))); Tables.rove(body); };
    fill(MOST_ROWS);
    const made = element("table", { class: "heat", "aria-label": caption }, element("thead", {}, head), body);
    const all = element("button", { type: "button", on: { click: () => { fill(shown.length); all.remove(); } } }, `All ${Numbers.count(shown.length)} recipes`);
    return element("div", {}, Tables.scroller(made, caption), shown.length > MOST_ROWS ? all : null);
  }

  function line(row, columns, kind, low, high) {
    const link = ModelsTable.openRow(row);
    const cells = columns.map((column) => {
      const number = value(row, column, kind);
      if (column.total) return element("td", { class: "total" }, kind === "gain" ? Numbers.signed(number) : Numbers.fixed(number));
      if (!Number.isFinite(number)) return element("td", {}, Numbers.DASH);
      const strength = kind === "gain" ? Math.abs(number) / (high || 1) : (number - low) / (high - low || 1);
      const text = [element("span", { class: "number" }, kind === "gain" ? Numbers.signed(number) : Numbers.fixed(number)), kind === "gain" ? ModelsTable.mark(column.gain(row)) : null];
      const address = column.address(row, kind);
      return element(
        "td",
        { class: kind === "gain" && number < 0 ? "below" : "above", vary: { "--strength": `${Math.round(6 + 74 * strength)}%` } },
        address ? element("a", { href: address }, text) : text,
      );
    });
    const name = element("th", { scope: "row" }, link ? element("a", { href: link }, Holdings.recipeOf(row.label)) : Holdings.recipeOf(row.label));
    return element("tr", { tabindex: "-1", "data-open": link }, name, cells);
  }

  const value = (row, column, kind) => column[kind](row)?.[0];

  return { ofTasks, ofKinds };
})();
