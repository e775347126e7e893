/* The sample explorer: filters, search, a list of any length, and one sample beside it. */
"use strict";

const SamplesPage = (() => {
  const SHOWN = [
    ["all", "all answers"], ["right", "right"], ["wrong", "wrong"], ["disagree", "graders disagree"],
    ["unread", "no readable answer"], ["truncated", "cut off"], ["empty", "empty"], ["error", "lost to an error"], ["ungraded", "could not be graded"], ["failed", "failed in any way"],
    { label: "Against the other model", options: [["gained", "gained"], ["lost", "lost"], ["changed", "changed"]] },
  ];
  const REPEATS = [["all", "greedy and samples"], ["greedy", "greedy"], ["samples", "samples"]];

  async function show(main, path, query) {
    const group = Holdings.group(query.get("group"));
    if (!group) {
      main.append(element("p", { class: "waiting" }, "Nothing is scored here yet."));
      return {};
    }
    const status = element("p", { class: "count", role: "status" }, "Loading …");
    delete document.documentElement.dataset.texts;
    main.append(element("h1", { class: "hidden" }, "Samples"), status);
    const answers = await Answers.open(group.id, (done, all) => { status.textContent = `Loading verdicts ${done} of ${all}`; });
    return main.isConnected ? explorer(main, group, answers, query, status) : {};
  }

  function explorer(main, group, answers, query, status) {
    const state = stateOf(query, answers);
    let found = new Uint32Array(0);
    const list = VirtualList.make({ label: "Graded answers", rowHeight: matchMedia("(max-width: 640px)").matches ? 82 : 58, draw: (index) => line(answers, found[index], list.draw), open: (index) => open(found[index], true), moved: (index) => { if (pane.isOpen()) open(found[index], false); }, nothing });
    const pane = Pane.make(main, list, "Sample");
    const search = element("input", { type: "search", value: state.search, placeholder: "Search questions and answers", "aria-label": "Search questions and answers", on: { input: () => { state.search = search.value; refresh(); } } });
    const progress = element("span", { class: "faint progress", role: "status" });
    const controls = element("div", { class: "filters" });
    const change = (name) => (value) => { state[name] = value; if (name === "show") chooseAgainst(answers, state); drawControls(); refresh(); };

    function drawControls() {
      controls.replaceChildren(
        choice("Task", [["", "all tasks"], ...answers.tasks.map((task) => [task, task])], state.task, change("task")),
        choice("Model", [["", "all models"], ...modelOptions(group, answers)], state.model, change("model")),
        choice("Show", SHOWN, state.show, change("show")),
        choice("Against", [["", "no other model"], ...answers.models.map((model) => [model, Holdings.modelName(model)])], state.against, change("against")),
        choice("Answers", REPEATS, state.repeats, change("repeats")),
      );
    }

    function refresh({ stay = false } = {}) {
      const started = performance.now();
      const words = state.search.trim().toLowerCase().replaceAll(Answers.SEPARATOR, "");
      const result = answers.find({
        tasks: state.task ? new Set([state.task]) : null,
        models: state.model ? new Set(state.model.split(" ")) : null,
        against: state.against, repeats: state.repeats, show: state.show, words,
      });
      found = result.found;
      const waiting = result.unsearched ? " so far, texts are still loading" : "";
      status.textContent = `${Numbers.count(found.length)} of ${Numbers.count(answers.count)} answers${waiting}`;
      list.show(found.length, { stay });
      document.documentElement.dataset.searched = (performance.now() - started).toFixed(1);
      remember();
    }

    /** What was asked for, in words, where no answer is so. */
    function nothing() {
      const asked = [
        state.task ? `of ${state.task}` : "", state.model ? `by ${state.model.split(" ").map(Holdings.modelName).join(", ")}` : "",
        state.show === "all" ? "" : `that are ${SHOWN.flatMap((one) => one.options || [one]).find(([kind]) => kind === state.show)[1]}`, state.against ? `against ${Holdings.modelName(state.against)}` : "",
        state.repeats === "all" ? "" : `(${state.repeats === "greedy" ? "greedy" : "samples"} only)`, state.search.trim() ? `with “${state.search.trim()}”` : "",
      ].filter(Boolean).join(" ");
      const all = () => { Object.assign(state, { task: "", model: "", show: "all", against: "", repeats: "all", search: "" }); search.value = ""; drawControls(); refresh(); };
      return [element("p", {}, `There are no answers ${asked}.`), element("button", { type: "button", on: { click: all } }, "Show all answers")];
    }

    async function open(number, focus) {
      const one = answers.read(number);
      state.open = [one.task, one.model, wellFormed(one.item), one.repeat].join("\n");
      await pane.show(Sample.make(answers, number, {
        group: group.id, against: state.against, words: state.search.trim().toLowerCase(), view: state.view,
        choose: (model) => { state.against = model; drawControls(); refresh({ stay: true }); open(number, false); },
        look: (view) => { state.view = view; open(number, false); },
        open: (next) => open(next, false), close,
      }), focus);
      if (main.isConnected) remember();
    }

    function close() {
      if (!pane.close()) return false;
      state.open = "";
      remember();
      return true;
    }

    function remember() {
      const { task, model, against, show: kind, repeats, search: words, open: sample, view } = state;
      const kept = { group: group === Holdings.site.groups[0] ? "" : group.id, task, model, against, show: kind === "all" ? "" : kind, answers: repeats === "all" ? "" : repeats, search: wellFormed(words), open: sample, view };
      history.replaceState(null, "", address(["samples"], kept));
    }

    status.remove();
    main.append(
      element("div", { class: "explorer-head" }, element("div", { class: "search-line" }, search, status, progress), controls),
      element("div", { class: "explorer" }, list.node, pane.node),
    );
    main.classList.add("wide");
    drawControls();
    refresh();
    reopen(answers, state, found, list, open);
    if (query.get("focus") === "search") search.focus();
    setTimeout(loadTexts, 120); // the list is drawn first
    return { search, close, list: () => { list.focus(); list.select(0); } };

    function loadTexts() {
      answers.allTexts(textsArrived).catch((error) => { progress.textContent = error.message; });
    }

    function textsArrived(done, all) {
      if (!main.isConnected) return; // the reader has gone on
      progress.textContent = done < all ? `texts ${done} of ${all}` : "";
      if (state.search && (done === all || done % 8 === 0)) refresh({ stay: true });
      list.draw();
      if (done === all) document.documentElement.dataset.texts = "whole";
    }
  }

  function stateOf(query, answers) {
    const known = (value, values) => (values.includes(value) ? value : "");
    const state = {
      task: known(query.get("task") || "", answers.tasks),
      model: (query.get("model") || "").split(" ").filter((model) => answers.models.includes(model)).join(" "),
      against: known(query.get("against") || "", answers.models),
      show: Object.hasOwn(Answers.SHOWN, query.get("show")) ? query.get("show") : "all",
      repeats: known(query.get("answers") || "", ["greedy", "samples"]) || "all",
      search: query.get("search") || "",
      open: query.get("open") || "",
      view: query.get("view") || "",
    };
    chooseAgainst(answers, state);
    return state;
  }

  /** What was gained is gained against someone: the base, when nobody is named. */
  function chooseAgainst(answers, state) {
    if (!Answers.COMPARING.has(state.show) || state.against) return;
    const base = Holdings.model(state.model.split(" ")[0])?.base || answers.models.find((model) => !Holdings.model(model)?.base);
    if (answers.models.includes(base)) state.against = base;
    if (state.model === state.against) state.model = "";
  }

  /** Single models, and above them the seeds of one recipe together. */
  function modelOptions(group, answers) {
    const rows = group.boards.flatMap((board) => board.rows).filter((row) => row.seeds > 1);
    const together = [...new Map(rows.map((row) => [row.models.join(" "), `${Holdings.recipeOf(row.label)}, ${row.seeds} seeds`]))];
    const single = answers.models.map((model) => [model, Holdings.modelName(model)]);
    return [...(together.length ? [{ label: "Seeds of a recipe", options: together }] : []), { label: "Models", options: single }];
  }

  function reopen(answers, state, found, list, open) {
    if (!state.open) return;
    const [task, model, item, repeat] = state.open.split("\n");
    const number = answers.numberOf(task, model, item, Number(repeat));
    if (number < 0) return;
    const index = found.indexOf(number);
    if (index >= 0) list.show(found.length, { at: index });
    open(number, true);
  }

  function line(answers, number, drawAgain) {
    const one = answers.read(number);
    if (!one.texts) answers.texts(one.set.pack).then(drawAgain, () => {});
    const published = one.share === null && one.published !== one.right ? element("span", { class: "tag", title: "the published rules say otherwise" }, one.published ? "published ✓" : "published ✗") : null;
    const failed = one.flags & 124 ? element("span", { class: "tag bad" }, one.flags & 32 ? "error" : one.flags & 64 ? "not graded" : one.flags & 8 ? "cut off" : one.flags & 16 ? "empty" : "no answer") : null;
    return [
      element("span", { class: `sign ${one.right ? "right" : "wrong"}`, role: "img", "aria-label": one.right ? "right" : "wrong" }, one.right ? "✓" : "✗"),
      element(
        "span",
        { class: "list-main" },
        element("span", { class: "list-question" }, one.question.slice(0, 300).replace(/\s+/g, " ")),
        element("span", { class: "list-answer faint" }, one.texts ? ["answered ", element("b", {}, one.texts.extracted.slice(0, 80) || "nothing readable"), one.gold ? ` · gold ${one.gold.slice(0, 80)}` : ""] : "…", published, failed),
      ),
      element("span", { class: "list-side faint" }, element("span", {}, Holdings.modelName(one.model)), element("span", {}, `${Holdings.taskName(one.task)}, ${Sample.repeatName(one.repeat)}`)),
    ];
  }

  return { show };
})();
