/* Several runs beside each other: what they scored, what their recipes differ in, and how they trained. */
"use strict";

const ComparePage = (() => {
  const addressOf = (names) => address(["compare"], { runs: names.join(" ") });
  const nameOf = (run) => run.file.split("/")[1];

  async function show(main, path, query) {
    const names = (query.get("runs") || "").split(" ");
    const runs = Holdings.site.runs.filter((run) => names.includes(nameOf(run)));
    if (runs.length < 2) throw new Error("Choose two runs or more in the list of runs to see them beside each other.");
    const pages = await Promise.all(runs.map((run) => Data.load(run.file)));
    const scores = scoresOf(runs);
    const recipe = recipeTable(runs, pages);
    const curves = Curves.training(Object.fromEntries(runs.map((run, place) => [run.file, pages[place].curves])), runs, { apart: true });
    main.append(
      element("header", { class: "page-heading" }, element("p", { class: "crumbs" }, element("a", { href: "#/runs" }, "Runs"), " / beside each other"), element("h1", {}, `${Numbers.plural(runs.length, "run")} beside each other`)),
      ...scores,
      recipe,
      curves ? element("section", {}, element("h2", {}, "Training"), curves) : "",
    );
    return {};
  }

  /** One table a board on which several of these runs stand: a line a task, a column a run. */
  function scoresOf(runs) {
    const found = Holdings.site.groups.flatMap((group) => group.boards.map((board) => {
      const rows = runs.map((run) => board.rows.find((row) => row.seeds === 1 && row.models[0] === run.models.at(-1)));
      return rows.filter(Boolean).length > 1 ? section(runs, rows, board, group) : null;
    }));
    const sections = found.filter(Boolean);
    return sections.length ? sections : [element("p", { class: "faint" }, "No two of them were scored on the same tasks under the same settings.")];
  }

  function section(runs, rows, board, group) {
    const lines = [{ label: "average", of: (row) => row.average, gain: (row) => row.average_gain }];
    if (rows.some((row) => row?.beyond)) lines.push({ label: "beyond sharpening", of: () => null, gain: (row) => row.beyond });
    for (const task of board.tasks.filter((one) => board.metrics[one])) lines.push({ label: task, task, of: (row) => row.cells[task], gain: (row) => row.gains[task] });
    const columns = runs.map((run, place) => ({
      label: run.id, title: rows[place]?.label, numeric: true, estimate: (line) => (rows[place] && (line.of(rows[place]) || line.gain(rows[place]))) || null,
      cell: (line) => cell(line, rows, place, group),
    }));
    const table = Tables.sortable([{ label: "Task", value: (line) => line.label, cell: (line) => line.label, ascending: true, class: "name" }, ...columns], lines, { caption: "Scores", class: "scores", file: "scores side by side" });
    const note = "Bold: the highest of a line. Below each score what it gained over its own base, which leads to the answers that changed. genius-bench compare tests two of them against each other, question by question.";
    return element("section", {}, element("div", { class: "section-head" }, element("h2", {}, "Scores"), element("p", { class: "faint" }, Holdings.asked(group)), table.tools), table.node, element("p", { class: "legend-text" }, note));
  }

  function cell(line, rows, place, group) {
    const row = rows[place];
    if (!row) return Numbers.DASH;
    const best = Math.max(...rows.map((one) => (one && line.of(one)?.[0]) ?? -Infinity));
    const [estimate, gain] = [line.of(row), line.gain(row)];
    const said = gain ? `${Numbers.signed(gain[0])} [${Numbers.signed(gain[1])}, ${Numbers.signed(gain[2])}] ${Numbers.probability(gain[3])}` : "";
    return [
      estimate ? element("a", { class: "cell", href: ModelsTable.samplesAddress(row.models, line.task || "", group.id) }, ModelsTable.number(estimate, { best: estimate[0] === best })) : null,
      gain ? element(line.of(row) ? "a" : "span", { class: "gain-line faint", href: line.of(row) ? ModelsTable.samplesAddress(row.models, line.task || "", group.id, "changed") : null }, said) : null,
    ];
  }

  /** The keys of which not all have the same value; those that not all methods have come last. */
  function recipeTable(runs, pages) {
    const values = runs.map((run, place) => leaves({ base: run.base, ...(pages[place].recipe || {}), "corpus read": pages[place].corpus || {} }));
    const keys = [...new Set(values.flatMap((one) => [...one.keys()]))];
    const missing = (key) => values.filter((one) => !one.has(key)).length;
    const differing = keys.filter((key) => new Set(values.map((one) => one.get(key))).size > 1).sort((a, b) => missing(a) - missing(b));
    const columns = runs.map((run, place) => ({ label: run.id, value: (key) => values[place].get(key) ?? "", cell: (key) => element("span", { class: "value" }, values[place].get(key) ?? Numbers.DASH), ascending: true }));
    const table = Tables.sortable([{ label: "Key", value: (key) => key, cell: (key) => element("code", {}, key), ascending: true, class: "name" }, ...columns], differing, { caption: "What differs", class: "differing", empty: "Their recipes are the same in everything.", file: "recipes side by side" });
    return element("section", {}, element("div", { class: "section-head" }, element("h2", {}, "What differs in their recipes"), element("p", { class: "faint" }, `${Numbers.count(keys.length - differing.length)} other keys are the same`), table.tools), table.node);
  }

  /** Whole key → value as text. */
  function leaves(value, above = "", found = new Map()) {
    for (const [name, inner] of Object.entries(value)) {
      const nested = inner !== null && typeof inner === "object" && !Array.isArray(inner) && Object.keys(inner).length;
      if (nested) leaves(inner, `${above}${name}.`, found);
      else found.set(`${above}${name}`, typeof inner === "string" && inner.trim() === inner && inner ? inner : JSON.stringify(inner));
    }
    return found;
  }

  return { show, address: addressOf, nameOf };
})();
