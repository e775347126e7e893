/* Accuracy against cost, scores along a training, and what the trainers logged. */
"use strict";

const Curves = (() => {
  const COSTS = {
    flops: ["operations", "Operations (FLOPs, estimated)", Numbers.power],
    tokens_trained: ["tokens trained", "Tokens trained", Numbers.short],
    tokens_sampled: ["tokens sampled", "Tokens sampled", Numbers.short],
    seconds: ["time", "Time that the artifacts took", Numbers.duration],
  };
  const AXES = {
    steps: ["steps", "Optimiser steps from the base"],
    iteration: ["iterations", "Iterations"],
    queries: ["queries", "Training queries"],
  };

  /** Accuracy against cost: one point a recipe. */
  function cost(board) {
    const rows = Holdings.rowsOf(board, false).filter((row) => row.average && row.cost);
    const kinds = Object.entries(COSTS).filter(([kind]) => rows.some((row) => row.cost[kind] > 0));
    if (!rows.length || !kinds.length) return null;
    const holder = element("div");
    const show = (kind) => holder.replaceChildren(costChart(rows, board, kind));
    show(kinds[0][0]);
    const note = element("p", { class: "legend-text" }, "Named are the recipes that no cheaper one outscores; point at the others for their names.");
    return element("div", {}, switcher("Cost", kinds.map(([kind, [name]]) => [kind, name]), kinds[0][0], show), holder, note);
  }

  function costChart(rows, board, kind) {
    const [, label, format] = COSTS[kind];
    const points = rows.filter((row) => row.cost[kind] > 0);
    const base = board.rows.find((row) => row.is_base && row.average);
    const ends = points.flatMap((row) => row.average);
    return Charts.chart({
      label: `Average against ${label}`,
      height: 380,
      right: 176,
      x: { ...Charts.around(points.map((row) => row.cost[kind]), { log: true }), label, format },
      y: { ...Charts.around([...ends, ...(base ? [base.average[0]] : [])]), label: "Average, %", format: (value) => Numbers.fixed(value, 0) },
      draw: (plot) => [base ? baseLine(base, plot) : null, costPoints(points, kind, plot, format)],
    });
  }

  function baseLine(base, plot) {
    const at = plot.y(base.average[0]);
    return [
      drawn("line", { class: "base-line", x1: plot.left, x2: plot.right, y1: at, y2: at }),
      drawn("text", { class: "tick", x: plot.left + 6, y: at - 5 }, base.label),
    ];
  }

  function cheaperAndBetter(other, row, kind) {
    return other !== row && other.cost[kind] <= row.cost[kind] && other.average[0] > row.average[0];
  }

  function costPoints(points, kind, plot, format) {
    const placed = points.map((row) => ({ row, x: plot.x(row.cost[kind]), y: plot.y(row.average[0]) }));
    const named = placed.filter(({ row }) => !points.some((other) => cheaperAndBetter(other, row, kind)));
    Charts.spread(named, plot.top + 6, plot.bottom - 6);
    const rightmost = plot.right + 12;
    return placed.map(({ row, x, y, at }) => {
      const series = Holdings.seriesOf(row.label);
      const shape = Charts.seriesClass(series);
      const said = `${row.label}: ${Numbers.fixed(row.average[0])} %, ${format(row.cost[kind])}`;
      return drawn(
        "a",
        { href: ModelsTable.openRow(row) || "#/", "aria-label": said, class: "point" },
        drawn("title", {}, said),
        drawn("line", { class: `stroke thin ${shape}`, x1: x, x2: x, y1: plot.y(row.average[1]), y2: plot.y(row.average[2]) }),
        Charts.mark(series, x, y),
        at === undefined ? null : drawn("path", { class: "leader", d: `M${x + 7} ${y}L${rightmost - 10} ${at}h6` }),
        at === undefined ? null : drawn("text", { class: "point-label", x: rightmost, y: at + 4 }, Holdings.recipeOf(row.label)),
      );
    });
  }

  /** Scores along a training or over sizes, of the recipes that were scored at several places. */
  function scaling(board) {
    const axes = Object.keys(AXES).map((axis) => [axis, scalingSeries(board, axis)]).filter(([, series]) => series.length);
    if (!axes.length) return null;
    const holder = element("div");
    const found = Object.fromEntries(axes);
    const show = (axis) => holder.replaceChildren(Charts.lines({
      label: `Average against ${AXES[axis][1]}`,
      height: 320,
      points: true,
      x: { label: AXES[axis][1], format: Numbers.short, zero: true, whole: axis === "iteration" },
      y: { label: "Average, %", format: (value) => Numbers.fixed(value, 0) },
      series: found[axis],
    }));
    show(axes[0][0]);
    return element("div", {}, switcher("Along", axes.map(([axis]) => [axis, AXES[axis][0]]), axes[0][0], show), holder);
  }

  function scalingSeries(board, axis) {
    const lines = new Map();
    const bases = new Map(board.rows.filter((row) => row.is_base && row.average).map((row) => [row.models[0], row]));
    for (const row of board.rows.filter((one) => one.seeds === 1 && one.average && !one.is_base)) {
      const model = Holdings.model(row.models[0]);
      if (!model?.[axis]) continue;
      const name = Holdings.recipeOf(row.label).replace(/ iteration \d+$/, "");
      if (!lines.has(name)) lines.set(name, { base: bases.get(model.base), places: new Map() });
      const { places } = lines.get(name);
      const place = axis === "queries" ? model.queries : model.iteration; // seeds may need a step more or less
      places.set(place, [...(places.get(place) || []), { at: model[axis], average: row.average }]);
    }
    const followed = axis === "steps" ? alongSeries(board) : [];
    const names = new Set(followed.map(({ name }) => name));
    const between = [...lines]
      .filter(([name, line]) => line.places.size > 1 && !names.has(name))
      .map(([name, line]) => ({ name, series: Holdings.seriesOf(name), points: scalingPoints(line, axis) }));
    return [...followed, ...between];
  }

  /** Runs of which checkpoints on the way were scored: one line a recipe. A point is the mean of all its seeds or none. */
  function alongSeries(board) {
    const lines = new Map();
    for (const { label, points } of board.along || []) {
      const name = Holdings.recipeOf(label).replace(/ iteration \d+$/, "");
      lines.set(name, [...(lines.get(name) || []), points]);
    }
    return [...lines].map(([name, tracks]) => ({ name, series: Holdings.seriesOf(name), points: sharedPoints(tracks) }));
  }

  /** The steps that all tracks have, and their ends, which seeds reach a step sooner or later. */
  function sharedPoints(tracks) {
    const inner = tracks.map((track) => new Map(track.slice(0, -1).map((point) => [point[0], point])));
    const shared = [...inner[0].keys()].filter((step) => inner.every((track) => track.has(step)));
    const places = [...shared.map((step) => inner.map((track) => track.get(step))), tracks.map((track) => track.at(-1))];
    return places.map((members) => [0, 1, 2, 3].map((part) => Holdings.average(members.map((one) => one[part]))));
  }

  /** The mean over seeds at each place, with the mean interval around it; the base stands at 0. */
  function scalingPoints({ base, places }, axis) {
    const mean = (members, part) => Holdings.average(members.map((one) => one.average[part]));
    const points = [...places.values()].map((members) => [Holdings.average(members.map((one) => one.at)), mean(members, 0), mean(members, 1), mean(members, 2)]);
    if (base && axis !== "queries") points.push([0, ...base.average]);
    return points.sort((a, b) => a[0] - b[0]);
  }

  /** What every model scores at other temperatures: 0 is greedy. */
  function temperatures(board) {
    return overRows(board, "temperatures", { label: "Average against temperature", x: { label: "Temperature (0: greedy)", format: (value) => String(value), zero: true } });
  }

  /** How many questions every model solves in k samples. */
  function coverage(board) {
    return overRows(board, "coverage", { label: "pass@k against k", x: { label: "k (samples of a question)", format: Numbers.short, log: true } });
  }

  function overRows(board, name, { label, x }) {
    const rows = board.rows.filter((row) => row.seeds === 1 && row[name]?.length > 1);
    if (!rows.length) return null;
    const series = rows.slice(0, MOST_LINES).map((row) => ({ name: row.label, series: Holdings.seriesOf(row.label), points: row[name] }));
    return Charts.lines({ label, height: 320, points: true, x, y: { label: "Average, %", format: (value) => Numbers.fixed(value, 0) }, series });
  }

  const MOST_LINES = 24;

  /** What trainers logged: one line a recipe, the mean over its seeds with their range around it; or one a run (`apart`). */
  function training(curves, runs, { apart = false } = {}) {
    const metrics = [...new Set(runs.flatMap((run) => Object.keys(curves[run.file] || {})))].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
    if (!metrics.length) return null;
    const holder = element("div");
    const methods = [...new Set(runs.filter((run) => curves[run.file]).map((run) => run.method))].sort();
    const state = { metric: metrics[0], method: "" };
    const show = () => holder.replaceChildren(trainingChart(curves, runs.filter((run) => !state.method || run.method === state.method), state.metric, apart));
    const change = (name) => (value) => { state[name] = value; show(); };
    show();
    const controls = [
      choice("Logged", metrics.map((name) => [name, name]), state.metric, change("metric")),
      methods.length > 1 ? choice("Method", [["", "all methods"], ...methods.map((name) => [name, name])], "", change("method")) : null,
    ];
    return element("div", {}, element("div", { class: "controls" }, controls), holder);
  }

  const rank = (metric) => ["loss", "reward", "by hidden answers/right", "rewards/accuracy", "rewards/margin"].indexOf(metric) + 1 || 9;

  function trainingChart(curves, runs, metric, apart) {
    const recipes = new Map();
    for (const run of runs) {
      const curve = curves[run.file]?.[metric];
      if (!curve) continue;
      const name = apart ? run.id : recipeName(run);
      recipes.set(name, [...(recipes.get(name) || []), { run, curve }]);
    }
    const series = [...recipes].map(([name, members], place) => ({
      name: members.length > 1 ? `${name}, ${members.length} seeds` : name,
      series: apart ? place : Holdings.seriesOf(name),
      points: members.length > 1 ? meanCurve(members.map((one) => one.curve)) : members[0].curve.steps.map((step, place) => [step, members[0].curve.values[place]]),
      open: members.length === 1 ? RunsPage.address(members[0].run) : null,
    }));
    const drawing = Charts.lines({
      label: `${metric} against steps`,
      height: 320,
      x: { label: "Optimiser steps", format: Numbers.short },
      y: { label: metric, format: Numbers.short, mayBeLog: true },
      series: series.slice(0, MOST_LINES),
    });
    const more = series.length - MOST_LINES;
    return element("div", {}, drawing, more > 0 ? element("p", { class: "faint" }, `${Numbers.count(more)} more recipes: choose a method.`) : null);
  }

  function recipeName(run) {
    const model = Holdings.model(run.models[0]);
    return model ? Holdings.recipeOf(model.label).replace(/ iteration \d+$/, "") : [run.method, run.variant].filter(Boolean).join(" ");
  }

  function meanCurve(members) {
    const at = new Map();
    for (const { steps, values } of members) {
      steps.forEach((step, place) => { if (values[place] !== null) at.set(step, [...(at.get(step) || []), values[place]]); });
    }
    return [...at].sort((a, b) => a[0] - b[0]).map(([step, values]) => [step, Holdings.average(values), Math.min(...values), Math.max(...values)]);
  }

  return { cost, scaling, temperatures, coverage, training };
})();
