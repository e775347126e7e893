/* One run: what it scored, how it was made, and everything on the way from its scores back to its queries. */
"use strict";

const RunPage = (() => {
  const KEY = 12;

  async function show(main, path) {
    const run = Holdings.site.runs.find((one) => one.file === `runs/${path[0]}`);
    if (!run) throw new Error("There is no such run on this board.");
    const page = await Data.load(run.file);
    main.append(heading(run, page));
    const scores = scoresTable(page);
    if (scores) main.append(element("section", {}, element("div", { class: "section-head" }, element("h2", {}, "Scores"), scores.tools), scores.node));
    main.append(element("section", {}, element("h2", {}, "Lineage"), element("p", { class: "faint" }, "From the scores back to the queries. A key is the hash of everything that determines its artifact."), lineage(run, page)));
    const curves = trainingCurves(page);
    if (curves) main.append(curves);
    main.append(...page.iterations.filter((one) => one.rollouts).map((one) => rollouts(run, page, one)));
    if (page.cost) main.append(element("section", {}, element("h2", {}, "Cost"), facts(costs(page.cost))));
    if (page.recipe) main.append(element("section", {}, element("h2", {}, "Recipe"), differing(page.differs), recipe(page.recipe)));
    const corpus = page.corpus || {};
    if (Object.keys(corpus).length) main.append(element("section", {}, element("h2", {}, "Corpus"), tree(corpus)));
    main.append(environment(page));
    return { list: scores?.focus };
  }

  function heading(run, page) {
    const what = [run.method, run.variant !== "paper" ? run.variant : "", run.objective ? `objective ${run.objective}` : ""].filter(Boolean).join(", ");
    return element(
      "header",
      { class: "page-heading" },
      crumbs(run),
      element("h1", {}, page.recipe ? `${what}, seed ${run.seed}` : `Evaluation of ${run.base}`),
      element("p", { class: "lead-line" }, [`base ${run.base}`, run.corpus ? `${Numbers.count(run.queries)} queries of ${run.corpus}` : "", run.iterations > 1 ? `${run.iterations} iterations` : "", `finished ${run.finished_at.replace("T", " ").replace("Z", " UTC")}`].filter(Boolean).join(" · ")),
    );
  }

  /** Where a page of a run stands: `further` are its names below the run's own page. */
  function crumbs(run, ...further) {
    const own = further.length ? element("a", { href: RunsPage.address(run) }, run.id) : run.id;
    return element("p", { class: "crumbs" }, element("a", { href: "#/runs" }, "Runs"), " / ", own, further.map((one) => [" / ", one]));
  }

  /** The run and the iteration that the page of a part of them names. */
  async function iterationOf([name, number]) {
    const run = Holdings.site.runs.find((one) => one.file === `runs/${name}`);
    const page = run && (await Data.load(run.file));
    return { run, iteration: page?.iterations.find((one) => String(one.iteration) === number) };
  }

  /** One line a task: the base, and every checkpoint of the run beside it. */
  function scoresTable(page) {
    const models = [...new Map(page.evaluations.map((one) => [`${one.group} ${one.fingerprint}`, one])).values()];
    const tasks = [...new Set(models.flatMap((one) => Object.keys(one.tasks)))];
    if (!tasks.length) return null;
    const columns = models.map((one) => {
      const model = one.fingerprint.slice(0, KEY);
      const row = rowOf(one.group, model);
      return {
        label: Holdings.modelName(model), numeric: true, estimate: (task) => row?.cells[task],
        cell: (task) => scoreCell(one, model, row, task),
      };
    });
    return Tables.sortable(
      [{ label: "Task", value: (task) => task, cell: (task) => task, ascending: true, class: "name" }, ...columns],
      tasks,
      { caption: "Scores", class: "scores", open: (task) => ModelsTable.samplesAddress([models[models.length - 1].fingerprint.slice(0, KEY)], task, models[models.length - 1].group) },
    );
  }

  function rowOf(group, model) {
    const boards = Holdings.site.groups.find((one) => one.id === group)?.boards || [];
    return boards.flatMap((board) => board.rows).find((one) => one.seeds === 1 && one.models[0] === model);
  }

  function scoreCell(evaluation, model, row, task) {
    if (!(task in evaluation.tasks)) return "";
    const link = ModelsTable.samplesAddress([model], task, evaluation.group);
    if (!row?.cells[task]) return element("a", { href: link }, "not scored");
    const gain = row.gains[task];
    return [
      element("a", { class: "cell", href: link, title: "its samples" }, ModelsTable.number(row.cells[task], { beside: ModelsTable.mark(gain) })),
      gain ? element("a", { class: "gain-line faint", href: ModelsTable.samplesAddress([model], task, evaluation.group, "changed"), title: "what came right and what went wrong" }, `${Numbers.signed(gain[0])} [${Numbers.signed(gain[1])}, ${Numbers.signed(gain[2])}] ${Numbers.probability(gain[3])}`) : null,
    ];
  }

  /** A chain: scores ← answers ← checkpoint ← training set ← collection ← queries, for every iteration. */
  function lineage(run, page) {
    const steps = page.evaluations.filter((one) => run.models.includes(one.fingerprint.slice(0, KEY))).map((one) => evaluationStep(one));
    for (const iteration of [...page.iterations].reverse()) steps.push(...iterationSteps(run, page, iteration));
    const base = page.evaluations.find((one) => one.fingerprint === page.base_fingerprint);
    steps.push(step("base", page.base || run.base, page.base_fingerprint, null, [], base ? evaluationKeys(base) : null));
    return element("ol", { class: "lineage" }, steps);
  }

  function evaluationStep(evaluation) {
    const tasks = Object.keys(evaluation.tasks);
    const name = Holdings.modelName(evaluation.fingerprint.slice(0, KEY));
    return step("scores", `${name}, ${Numbers.plural(tasks.length, "task")}`, null, null, [], evaluationKeys(evaluation));
  }

  function evaluationKeys(evaluation) {
    const rows = Object.entries(evaluation.tasks).map(([task, { scores, answers }]) =>
      element("tr", {}, element("th", { scope: "row" }, task), element("td", {}, key(scores.key)), element("td", {}, answers ? key(answers.key) : Numbers.DASH), element("td", { class: "numeric" }, Numbers.short(answers?.counters?.tokens_sampled)), element("td", {}, [scores.parameters?.grader, scores.parameters?.grader_version].filter(Boolean).join(" v"))));
    const head = ["Task", "Scores", "Answers", "Tokens", "Grader"].map((label) => element("th", { scope: "col" }, label));
    return element("details", {}, element("summary", {}, `keys of ${Numbers.plural(rows.length, "task")}`), Tables.scroller(element("table", { class: "keys" }, element("thead", {}, element("tr", {}, head)), element("tbody", {}, rows)), "Keys"));
  }

  function iterationSteps(run, page, one) {
    const number = page.iterations.length > 1 ? ` of iteration ${one.iteration}` : "";
    const kept = one.training_set?.summary;
    const trained = one.checkpoint.counters || {};
    const sampled = one.collection?.counters || {};
    const steps = [
      step("checkpoint", `checkpoint${number}`, one.checkpoint.key, one.checkpoint, [
        ["steps", Numbers.count(trained.steps)], ["rows", Numbers.count(trained.rows_trained)], ["tokens trained", Numbers.short(trained.tokens_trained)], ["time", Numbers.duration(trained.wall_seconds)],
      ]),
    ];
    if (one.training_set) {
      steps.push(step("training-set", `training set${number}`, one.training_set.key, one.training_set, [
        ["rows", Numbers.count(kept?.rows)], ...Object.entries(kept?.left_out || {}).map(([why, many]) => [`left out: ${why.replaceAll("_", " ")}`, Numbers.count(many)]),
      ]));
    }
    if (one.collection) {
      steps.push(step("collection", `collection${number}`, one.collection.key, one.collection, [
        ["tokens sampled", Numbers.short(sampled.tokens_sampled)], ["tokens read", Numbers.short(sampled.tokens_read)], ["time", Numbers.duration(sampled.wall_seconds)],
      ]));
    }
    const link = one.queries ? element("a", { class: "button", href: QueriesPage.address(run, one.iteration) }, one.queries.is_search ? `${Numbers.count(one.queries.queries)} queries and their foresight trees` : `${Numbers.count(one.queries.queries)} queries and what was collected`) : null;
    steps.push(step("queries", `queries${number}`, page.corpus?.fingerprint, null, [["corpus", page.corpus?.name], ["queries", Numbers.count(page.corpus?.queries)]], link));
    return steps;
  }

  function step(kind, title, fingerprint, manifest, numbers, more) {
    return element(
      "li",
      { class: `step ${kind}` },
      element("h3", {}, title, manifest?.gone ? element("span", { class: "tag bad" }, "gone") : null),
      fingerprint ? key(fingerprint) : null,
      numbers.length ? facts(numbers.filter(([, value]) => value !== undefined && value !== Numbers.DASH)) : null,
      more,
      manifest && !manifest.gone ? element("details", {}, element("summary", {}, "manifest"), tree(manifest)) : null,
    );
  }

  const key = (text) => element("code", { class: "key", title: text }, String(text).slice(0, KEY));

  function facts(pairs) {
    return element("dl", { class: "facts" }, pairs.map(([label, value]) => element("div", {}, element("dt", {}, label), element("dd", {}, value))));
  }

  function costs(cost) {
    return [
      ["tokens sampled", Numbers.short(cost.tokens_sampled)], ["written as a judge", Numbers.short(cost.tokens_judged)], ["tokens read", Numbers.short(cost.tokens_read)],
      ["read by the reference", Numbers.short(cost.tokens_referenced)], ["tokens trained", Numbers.short(cost.tokens_trained)], ["operations", Numbers.power(cost.flops)], ["time", Numbers.duration(cost.seconds)],
    ];
  }

  function trainingCurves(page) {
    const metrics = Object.keys(page.curves);
    if (!metrics.length) return null;
    const draw = (metric) => {
      const { steps, values } = page.curves[metric];
      return element("figure", { class: "small-chart" }, element("figcaption", {}, metric), Charts.chart({
        label: `${metric} against steps`,
        height: 180,
        x: { low: Math.min(...steps), high: Math.max(...steps) || 1, label: "steps", format: Numbers.short },
        y: { ...Charts.around(values.filter((value) => value !== null)), label: "", format: Numbers.short },
        draw: (plot) => drawn("path", { class: "stroke series-0", d: line(steps, values, plot) }),
      }));
    };
    return element("section", {}, element("h2", {}, "Training"), element("div", { class: "small-charts" }, metrics.map(draw)));
  }

  /** The way to what an online training drew: the step is chosen here, and again on its page. */
  function rollouts(run, page, iteration) {
    const { steps } = iteration.rollouts;
    const judged = steps.some((one) => one.right !== null) ? " Right and wrong are the auditor's: no reward saw them, unless the method asks for answers." : "";
    const link = element("a", { class: "button" }, "See its rollouts");
    const lead = (step) => link.setAttribute("href", RolloutsPage.address(run, iteration.iteration, step));
    lead(steps[0].step);
    return element(
      "section",
      { class: "rollouts" },
      element("h2", {}, `Rollouts${page.iterations.length > 1 ? ` of iteration ${iteration.iteration}` : ""}`),
      element("p", { class: "faint" }, `What the policy said at a step, and how it was rewarded.${judged}`),
      element("p", { class: "controls" }, RolloutsPage.stepChoice(iteration, steps[0].step, lead), link, RolloutsPage.leftOut(run, iteration)),
    );
  }

  function line(steps, values, plot) {
    return steps.map((step, place) => (values[place] === null ? "" : `${place && values[place - 1] !== null ? "L" : "M"}${plot.x(step).toFixed(1)} ${plot.y(values[place]).toFixed(1)}`)).join("");
  }

  /** What was asked for beyond the defaults stands before the whole. */
  function differing(pairs) {
    if (!pairs) return null;
    const known = pairs.length ? tree(Object.fromEntries(pairs)) : element("p", { class: "faint" }, "nothing");
    return element("div", { class: "recipe-part differs" }, element("h3", {}, "differs from the defaults"), known);
  }

  function recipe(values) {
    const simple = Object.entries(values).filter(([, value]) => value === null || typeof value !== "object");
    const sections = Object.entries(values).filter(([, value]) => value !== null && typeof value === "object");
    return element(
      "div",
      { class: "recipe" },
      element("div", { class: "recipe-part" }, element("h3", {}, "run"), tree(Object.fromEntries(simple))),
      sections.map(([name, value]) => element("div", { class: "recipe-part" }, element("h3", {}, name), tree(value))),
    );
  }

  function environment(page) {
    const found = page.iterations.map((one) => one.checkpoint.environment).find(Boolean) || page.evaluations.flatMap((one) => Object.values(one.tasks)).map((one) => one.scores.environment).find(Boolean);
    return found ? element("section", {}, element("h2", {}, "Environment"), tree(found)) : "";
  }

  /** Any JSON value as names and values, the nested ones indented. */
  function tree(value) {
    if (value === null || value === undefined) return element("span", { class: "faint" }, "none");
    if (typeof value !== "object") return element("span", { class: "value" }, String(value));
    if (Array.isArray(value) && value.every((one) => one === null || typeof one !== "object")) return element("span", { class: "value" }, value.map(String).join(", ") || "none");
    const entries = Object.entries(value);
    if (!entries.length) return element("span", { class: "faint" }, "none");
    return element("dl", { class: "values" }, entries.map(([name, inner]) => element("div", { class: inner !== null && typeof inner === "object" ? "nested" : null }, element("dt", {}, name), element("dd", {}, tree(inner)))));
  }

  return { show, crumbs, iterationOf, tree, facts };
})();
