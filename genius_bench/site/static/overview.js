/* The first page: everything this home holds at a glance. */
"use strict";

const OverviewPage = (() => {
  async function show(main, path, query) {
    const site = Holdings.site;
    const group = Holdings.group(query.get("group"));
    main.append(heading(site, group));
    if (site.problems.length) main.append(problems(site.problems));
    if (!group) {
      main.append(element("p", { class: "waiting" }, "Nothing is scored here yet."));
      return {};
    }
    if (site.groups.length > 1) main.append(settingsChoice(site, group));
    const tables = group.boards.map((board) => section(board, group, query));
    main.append(...tables.map((one) => one.node));
    main.append(element("section", { id: "curves" }, element("h2", {}, "Training curves"), lazily(trainingCurves)));
    if (site.leaderboards.length) main.append(boards(site.leaderboards));
    focusModel(query.get("model"), query.get("task"));
    return { list: tables[0]?.focus, search: tables[0]?.search };
  }

  function heading(site, group) {
    const runs = Numbers.plural(site.runs.length, "run");
    const models = Numbers.plural(site.models.length, "model");
    const tasks = group ? Numbers.plural(group.tasks.length, "task") : "no task yet";
    const facts = [[site.runs.length, "runs"], [site.models.length, "models scored"], [group?.tasks.length ?? 0, "tasks"], [site.counts.answers, "graded answers"], [site.counts.queries, "queries traced"]];
    return element(
      "header",
      { class: "page-heading" },
      element("h1", {}, `${runs}, ${models}, ${tasks}`),
      group ? element("p", { class: "lead-line" }, Holdings.asked(group)) : null,
      element("dl", { class: "facts" }, facts.map(([value, label]) => element("div", {}, element("dt", {}, label), element("dd", {}, Numbers.count(value))))),
    );
  }

  function problems(lines) {
    return element(
      "details",
      { class: "notice", open: lines.length < 4 },
      element("summary", {}, `${Numbers.plural(lines.length, "thing")} could not be read and ${lines.length > 1 ? "are" : "is"} left out`),
      element("ul", {}, lines.map((line) => element("li", {}, line))),
    );
  }

  function settingsChoice(site, group) {
    const options = site.groups.map((one) => [one.id, `${Holdings.asked(one)} (${one.tasks.length} tasks)`]);
    return element("p", { class: "controls" }, choice("Numbers made under", options, group.id, (id) => { location.hash = address([], { group: id }); }));
  }

  function section(board, group, query) {
    const holder = element("div");
    let table;
    const several = board.rows.some((row) => row.seeds > 1);
    const search = element("input", { type: "search", placeholder: "Filter models", "aria-label": "Filter models", on: { input: () => filter() } });
    let single = !several || query.has("model");
    const show = (kind) => { single = kind === "single"; table = ModelsTable.make(board, group, single); holder.replaceChildren(table.node); filter(); };
    function filter() {
      const words = search.value.trim().toLowerCase();
      table.show(Holdings.rowsOf(board, single).filter((row) => row.label.toLowerCase().includes(words)));
    }
    show(single ? "single" : "means");
    const switches = several ? switcher("Rows", [["means", "Means over seeds"], ["single", "Every model"]], single ? "single" : "means", show) : null;
    const heat = board.tasks.length > 1 && board.rows.length > 1 ? element("section", {}, element("h2", {}, "Method × task"), HeatMap.ofTasks(board, group)) : null;
    const kinds = HeatMap.ofKinds(board);
    const cost = Curves.cost(board);
    const scaling = Curves.scaling(board);
    const temperatures = Curves.temperatures(board);
    const coverage = Curves.coverage(board);
    const charts = [
      temperatures && element("section", {}, element("h2", {}, "Accuracy against temperature"), temperatures),
      coverage && element("section", {}, element("h2", {}, "Coverage: pass@k"), coverage),
      cost && element("section", {}, element("h2", {}, "Accuracy against cost"), cost),
      scaling && element("section", {}, element("h2", {}, "Scores along the way"), scaling),
    ].filter(Boolean);
    const node = element(
      "div",
      {},
      element("section", {}, element("div", { class: "section-head" }, element("h2", {}, "All models"), switches, search), holder, legend(board)),
      heat,
      kinds ? element("section", {}, element("h2", {}, "Method × kind of item"), kinds) : null,
      charts.length ? element("div", { class: charts.length > 1 ? "two" : "" }, charts) : null,
    );
    return { node, search, focus: () => table.focus() };
  }

  /** The small print: only what the table above needs. */
  function legend(board) {
    const lines = [
      "Percent; averages are unweighted means over tasks (and over the seeds of a row that has several). ± and [ ] are 95 % intervals over questions (and seeds).",
      "× 3: the mean over three training seeds. ▲ ▼ differ from the base at p < 0.05, paired by question, Holm-corrected over tasks. Bold: the highest of a column.",
    ];
    if (board.rows.some((row) => row.beyond)) lines.push("Beyond sharpening: every model at the temperature that suits it best, chosen on other items, against its base at the base's own.");
    if (board.rows.some((row) => row.grey)) lines.push("Grey rows: more than a fifth of the answers failed, so their numbers say more about format than about skill.");
    if (board.outdated.length) lines.push(`Not shown, since they were scored on earlier versions of these tasks: ${board.outdated.join(", ")}.`);
    for (const [task, reason] of Object.entries(board.not_scored)) lines.push(`${task} is not scored: ${reason}.`);
    const notes = new Set(board.rows.flatMap((row) => Object.entries(row.notes).flatMap(([task, some]) => some.map((note) => `${task}: ${note}.`))));
    return element("div", { class: "legend-text" }, lines.map((line) => element("p", {}, line)), [...notes].slice(0, 12).map((note) => element("p", {}, "! ", note)));
  }

  async function trainingCurves() {
    const curves = await Data.load("curves");
    return Curves.training(curves, Holdings.site.runs) || element("p", { class: "faint" }, "No run here has a training log.");
  }

  /** Loads what is below the fold when it comes near. */
  function lazily(make) {
    const holder = element("div", { class: "lazy" }, element("p", { class: "faint" }, "Loading …"));
    const watcher = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watcher.disconnect();
      make().then((node) => holder.replaceChildren(node), (error) => holder.replaceChildren(element("p", { class: "bad" }, error.message)));
    }, { rootMargin: "400px" });
    watcher.observe(holder);
    return holder;
  }

  function boards(leaderboards) {
    return element("section", {}, element("h2", {}, "Leaderboards"), LeaderboardsPage.cards(leaderboards));
  }

  function focusModel(model, task) {
    const row = model && document.getElementById(`model-${model}`);
    if (!row) return;
    row.classList.add("sought");
    const cell = [...row.querySelectorAll("[data-task]")].find((one) => one.dataset.task === task);
    cell?.closest("td").classList.add("sought-cell");
    requestAnimationFrame(() => row.scrollIntoView({ block: "center" }));
  }

  return { show, lazily };
})();
