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
    const tables = group.boards.map((board, place) => section(board, group, query, Permalink.of(place ? `board${place}` : "")));
    main.append(...tables.map((one) => one.node));
    main.append(element("section", { id: "curves" }, element("h2", {}, "Training curves"), lazily(trainingCurves)));
    if (site.leaderboards.length) main.append(boards(site.leaderboards));
    focusModel(query.get("model"), query.get("task"));
    return { list: tables[0]?.focus, search: tables[0]?.search };
  }

  /** The finding in words, of the board with most rows; then what it is made of. */
  function heading(site, group) {
    const boards = [...(group?.boards ?? [])].sort((a, b) => b.rows.length - a.rows.length);
    const board = boards.find((one) => one.finding) ?? boards[0];
    const counts = [[site.runs.length, "run"], [site.models.length, "model"], [group?.tasks.length ?? 0, "task"], [site.counts.answers, "graded answer"]].map(([value, label]) => Numbers.plural(value, label));
    if (site.counts.queries) counts.push(`${Numbers.plural(site.counts.queries, "query", "queries")} traced`);
    return element(
      "header",
      { class: "page-heading" },
      element("h1", {}, board?.finding ? Numbers.sentence(board.finding) : highest(board)),
      group ? element("p", { class: "lead-line" }, Holdings.asked(group)) : null,
      element("p", { class: "counts" }, counts.join(" · ")),
      board?.in_words.length ? element("ul", { class: "in-words" }, board.in_words.map((line) => element("li", {}, Numbers.sentence(line)))) : null,
    );
  }

  /** Where nothing was trained from a base that was scored too. */
  function highest(board) {
    const rows = (board?.rows ?? []).filter((row) => row.average).sort((a, b) => b.average[0] - a.average[0]);
    if (!rows.length) return "Nothing is scored here yet";
    return `${rows[0].label} ${Numbers.fixed(rows[0].average[0])} ${Numbers.interval(...rows[0].average)}${rows.length > 1 ? `, the highest of ${rows.length}` : ""}`;
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

  function section(board, group, query, permalink) {
    const holder = element("div");
    let table;
    const several = board.rows.some((row) => row.seeds > 1);
    const search = element("input", { type: "search", placeholder: "Filter models", "aria-label": "Filter models", value: permalink.get("filter"), on: { input: () => filter() } });
    let single = !several || query.has("model") || permalink.get("rows") === "single";
    const tools = element("div");
    const show = (kind) => {
      single = kind === "single";
      if (several && !query.has("model")) permalink.set("rows", single ? "single" : "");
      table = ModelsTable.make(board, group, single, permalink);
      holder.replaceChildren(table.node);
      tools.replaceChildren(table.tools);
      filter();
    };
    function filter() {
      permalink.set("filter", search.value.trim());
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
      element("section", {}, element("div", { class: "section-head" }, element("h2", {}, board.tasks.length > 3 ? `All models, ${board.tasks.length} tasks` : `All models: ${board.tasks.join(", ")}`), switches, search, tools), holder, legend(board)),
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

  const PATIENCE = 2500; // milliseconds until what nobody has looked at is there all the same: it may be printed

  /** Loads what is below the fold when it comes near, or when all else is done. */
  function lazily(make) {
    const holder = element("div", { class: "lazy" }, element("p", { class: "faint" }, "Loading …"));
    const waiting = setTimeout(() => begin(), PATIENCE);
    const watcher = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) begin(); }, { rootMargin: "400px" });
    function begin() {
      clearTimeout(waiting);
      watcher.disconnect();
      if (!holder.isConnected) return; // the reader has gone on
      make().then((node) => holder.replaceChildren(node), (error) => holder.replaceChildren(element("p", { class: "bad" }, error.message)));
    }
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
