/* Method × task: how much each recipe gained, or scored, on each task. The colour repeats the number, never replaces it. */
"use strict";

const HeatMap = (() => {
  const MOST_ROWS = 30;

  function make(board, group) {
    const tasks = board.tasks.filter((task) => board.metrics[task]);
    const rows = Holdings.rowsOf(board, false).sort((a, b) => (b.average?.[0] ?? 0) - (a.average?.[0] ?? 0));
    const holder = element("div");
    const show = (kind) => holder.replaceChildren(table(rows, tasks, group, kind));
    const compared = rows.some((row) => row.average_gain);
    const kinds = [["gain", "Gain over the base"], ["score", "Score"]].slice(compared ? 0 : 1);
    show(kinds[0][0]);
    return element("div", {}, switcher("What the colours show", kinds, kinds[0][0], show), holder);
  }

  function table(rows, tasks, group, kind) {
    const shown = kind === "gain" ? rows.filter((row) => row.average_gain) : rows;
    const numbers = shown.flatMap((row) => tasks.map((task) => value(row, task, kind))).filter(Number.isFinite);
    const low = Math.min(...numbers);
    const high = Math.max(...numbers.map((one) => (kind === "gain" ? Math.abs(one) : one)));
    const head = element("tr", {}, element("th", { scope: "col" }, "Recipe"), tasks.map((task) => element("th", { scope: "col", title: task }, Holdings.taskName(task))), element("th", { scope: "col" }, "Average"));
    const body = element("tbody");
    const fill = (most) => { body.replaceChildren(...shown.slice(0, most).map((row) => line(row, tasks, group, kind, low, high))); Tables.rove(body); };
    fill(MOST_ROWS);
    const made = element("table", { class: "heat", "aria-label": "Recipe by task" }, element("thead", {}, head), body);
    const all = element("button", { type: "button", on: { click: () => { fill(shown.length); all.remove(); } } }, `All ${Numbers.count(shown.length)} recipes`);
    return element("div", {}, Tables.scroller(made, "Recipe by task"), shown.length > MOST_ROWS ? all : null);
  }

  function line(row, tasks, group, kind, low, high) {
    const link = ModelsTable.openRow(row);
    const cells = tasks.map((task) => {
      const number = value(row, task, kind);
      if (!Number.isFinite(number)) return element("td", {}, Numbers.DASH);
      const strength = kind === "gain" ? Math.abs(number) / (high || 1) : (number - low) / (high - low || 1);
      const text = kind === "gain" ? Numbers.signed(number) : Numbers.fixed(number);
      return element(
        "td",
        { class: kind === "gain" && number < 0 ? "below" : "above", vary: { "--strength": `${Math.round(6 + 74 * strength)}%` } },
        element("a", { href: ModelsTable.samplesAddress(row.models, task, group.id) }, text, kind === "gain" ? ModelsTable.mark(row.gains[task]) : null),
      );
    });
    const average = kind === "gain" ? Numbers.signed(row.average_gain?.[0]) : Numbers.fixed(row.average?.[0]);
    const name = element("th", { scope: "row" }, link ? element("a", { href: link }, Holdings.recipeOf(row.label)) : Holdings.recipeOf(row.label));
    return element("tr", { tabindex: "-1", "data-open": link }, name, cells, element("td", { class: "total" }, average));
  }

  const value = (row, task, kind) => (kind === "gain" ? row.gains[task]?.[0] : row.cells[task]?.[0]);

  return { make };
})();
