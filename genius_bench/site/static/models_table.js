/* The table of everything scored under one group of settings. */
"use strict";

const ModelsTable = (() => {
  const FAILURES = {
    format_failure: "no readable answer", truncated: "cut off", empty: "empty", error: "lost to an error", ungraded: "could not be graded",
  };

  function make(board, group, single, permalink) {
    const rows = Holdings.rowsOf(board, single);
    const span = extent(rows);
    const best = bestOf(board, rows);
    const columns = [
      { label: "Model", value: (row) => row.label, cell: (row) => name(row), ascending: true, class: "name" },
      {
        label: "Average", numeric: true, class: "lead", title: "Unweighted mean over tasks, in percent, with its 95 % interval",
        estimate: (row) => row.average, cell: (row) => number(row.average, { best: row.average?.[0] === best.average }),
      },
      { label: "95 % interval", class: "plot", drawnOnly: true, value: (row) => row.average?.[1], cell: (row) => whisker(row, span), title: "Sorts by the lower end" },
      {
        label: "Gain", numeric: true, title: "Over the base, in points, paired by question",
        compared: true, estimate: (row) => row.average_gain, cell: (row) => gainCell(row, group),
      },
      {
        label: "Beyond sharpening", numeric: true, title: "At its best temperature, over its base at the base's best, in points",
        compared: true, estimate: (row) => row.beyond, cell: (row) => gain(row.beyond),
      },
      {
        label: "Over placebo", numeric: true, title: "Over the same recipe without a signal, in points",
        compared: true, estimate: (row) => row.over_placebo, cell: (row) => gain(row.over_placebo),
      },
      ...board.tasks.filter((task) => board.metrics[task]).map((task) => ({
        label: Holdings.taskName(task), numeric: true, title: `${task}, ${board.metrics[task]}`,
        estimate: (row) => row.cells[task],
        cell: (row) => taskCell(row, task, group, best[task]),
      })),
      { label: "Greedy", numeric: true, title: "Mean over tasks of the greedy answers", value: (row) => row.greedy, cell: (row) => Numbers.fixed(row.greedy) },
      {
        label: "Published", numeric: true, title: "The same answers by the published extraction rules, over the tasks that these cover",
        estimate: (row) => row.released, cell: (row) => Numbers.fixed(row.released?.[0]),
      },
      {
        label: "Failed", numeric: true, title: "Answers without a readable result, cut off, empty, lost to an error or not gradable, in percent",
        value: (row) => row.failures.any_failure, cell: (row) => failed(row),
      },
    ];
    const valueOf = (column, row) => (column.estimate ? column.estimate(row)?.[0] : column.value(row)) ?? null;
    const shown = columns.filter((column) => rows.some((row) => valueOf(column, row) !== null));
    return Tables.sortable(shown, rows, {
      caption: "All models",
      class: "models",
      open: (row) => openRow(row),
      rowClass: (row) => [row.is_base ? "base" : "", row.grey ? "grey" : ""].join(" ").trim(),
      rowId: (row) => (row.seeds === 1 && row.models.length ? `model-${row.models[0]}` : null),
      sort: { column: 1, descending: true },
      permalink,
      empty: "No model is called so.",
      file: "models",
    });
  }

  function openRow(row) {
    const run = Holdings.run(Holdings.model(row.models[0])?.run) || Holdings.site.runs.find((one) => one.models.includes(row.models[0]));
    return run ? RunsPage.address(run) : null;
  }

  function name(row) {
    const link = openRow(row);
    const label = row.seeds > 1 ? [Holdings.recipeOf(row.label), element("span", { class: "seeds", title: `mean over ${row.seeds} seeds` }, ` ×\u00a0${row.seeds}`)] : row.label;
    return link ? element("a", { href: link }, label) : label;
  }

  function number(estimate, { best = false, beside = null } = {}) {
    if (!estimate) return Numbers.DASH;
    const [value, low, high] = estimate;
    return [element(best ? "strong" : "span", {}, Numbers.fixed(value)), beside, element("span", { class: "spread" }, Numbers.interval(value, low, high))];
  }

  function taskCell(row, task, group, best) {
    const estimate = row.cells[task];
    if (!estimate) return Numbers.DASH;
    if (!row.models.length) return number(estimate, { best: estimate[0] === best, beside: mark(row.gains[task]) });
    const notes = row.notes[task];
    const link = samplesAddress(row.models, task, group.id);
    return element(
      "a",
      { href: link, class: "cell", title: notes ? notes.join("; ") : null, "data-task": task },
      notes ? element("span", { class: "note" }, "! ") : null,
      number(estimate, { best: estimate[0] === best, beside: mark(row.gains[task]) }),
    );
  }

  /** The samples behind a cell, beside those of the base; of a gain, those that came right or went wrong. */
  function samplesAddress(models, task, group, show = "") {
    const base = Holdings.model(models[0])?.base;
    return address(["samples"], { group: group === Holdings.site.groups[0].id ? "" : group, task, model: models.join(" "), against: base, show });
  }

  function gainCell(row, group) {
    if (!row.average_gain || !row.models.length) return gain(row.average_gain);
    return element("a", { class: "cell", href: samplesAddress(row.models, "", group.id, "changed") }, gain(row.average_gain));
  }

  /** ▲ or ▼ where the difference to the base is significant. */
  function mark(difference) {
    if (!difference || !(difference[3] < Holdings.SIGNIFICANT) || difference[0] === 0) return element("span", { class: "mark-space" });
    const up = difference[0] > 0;
    const said = `${up ? "better" : "worse"} than its base by ${Numbers.fixed(Math.abs(difference[0]))} points, ${Numbers.probability(difference[3])}`;
    return element("span", { class: up ? "up" : "down", role: "img", "aria-label": said, title: said }, up ? "▲" : "▼");
  }

  function gain(difference) {
    if (!difference) return "";
    const [value, low, high, p] = difference;
    const significant = p < Holdings.SIGNIFICANT;
    return element(
      "span",
      { class: significant ? (value > 0 ? "good" : "bad") : "unsure", title: `[${Numbers.signed(low)}, ${Numbers.signed(high)}], ${Numbers.probability(p)}` },
      element("span", {}, Numbers.signed(value)),
      element("span", { class: "spread" }, Numbers.probability(p)),
    );
  }

  function failed(row) {
    if (row.is_control) return null;
    const parts = Object.entries(FAILURES).map(([kind, said]) => `${said} ${Numbers.fixed(row.failures[kind])} %`);
    return element("span", { title: parts.join(", ") }, Numbers.fixed(row.failures.any_failure));
  }

  function extent(rows) {
    const ends = rows.flatMap((row) => (row.average ? row.average.slice(1) : []));
    return ends.length ? [Math.min(...ends), Math.max(...ends)] : [0, 1];
  }

  function bestOf(board, rows) {
    const best = { average: Math.max(...rows.map((row) => row.average?.[0] ?? -Infinity)) };
    for (const task of board.tasks) best[task] = Math.max(...rows.map((row) => row.cells[task]?.[0] ?? -Infinity));
    return best;
  }

  function whisker(row, [low, high]) {
    if (!row.average) return null;
    const at = (value) => 4 + ((value - low) / (high - low || 1)) * 76;
    const [value, from, to] = row.average;
    const shape = Charts.seriesClass(Holdings.seriesOf(row.label));
    return drawn(
      "svg",
      { class: "whisker", width: 84, height: 14, viewBox: "0 0 84 14", role: "img", "aria-label": `${Numbers.fixed(from)} to ${Numbers.fixed(to)}` },
      drawn("line", { class: "rail", x1: 4, x2: 80, y1: 7, y2: 7 }),
      drawn("line", { class: `stroke ${shape}`, x1: at(from), x2: at(to), y1: 7, y2: 7 }),
      drawn("circle", { class: `mark ${shape}`, cx: at(value), cy: 7, r: 3.5 }),
    );
  }

  return { make, mark, number, samplesAddress, openRow };
})();
