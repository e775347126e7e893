/* The list of runs. */
"use strict";

const RunsPage = (() => {
  const addressOf = (run) => address(["run", run.file.split("/")[1]]);

  async function show(main) {
    const runs = Holdings.site.runs;
    const search = element("input", { type: "search", placeholder: "Filter runs", "aria-label": "Filter runs", on: { input: filter } });
    const table = Tables.sortable(columns(), runs, {
      caption: "Runs", class: "runs", open: addressOf, sort: { column: 8, descending: true },
    });
    function filter() {
      const words = search.value.trim().toLowerCase();
      table.show(runs.filter((run) => [run.id, run.method, run.variant, run.objective, run.base, run.corpus].join(" ").toLowerCase().includes(words)));
    }
    main.append(
      element("header", { class: "page-heading" }, element("h1", {}, Numbers.plural(runs.length, "run"))),
      element("section", {}, element("div", { class: "section-head" }, search), table.node),
    );
    return { search, list: table.focus };
  }

  function columns() {
    const plain = (label, name, more = {}) => ({ label, value: (run) => run[name], cell: (run) => run[name] ?? "", ascending: true, ...more });
    return [
      { label: "Run", value: (run) => run.id, cell: (run) => element("a", { href: addressOf(run) }, run.id), ascending: true, class: "name" },
      plain("Method", "method"),
      plain("Variant", "variant"),
      plain("Objective", "objective"),
      plain("Base", "base"),
      plain("Corpus", "corpus"),
      plain("Queries", "queries", { numeric: true, ascending: false, cell: (run) => Numbers.count(run.queries) }),
      plain("Seed", "seed", { numeric: true }),
      { label: "Average", numeric: true, value: (run) => average(run)?.[0], cell: (run) => scored(run), title: "Of the last checkpoint, in percent, under the newest settings" },
      plain("Iterations", "iterations", { numeric: true }),
      plain("Finished", "finished_at", { cell: (run) => element("span", { class: "faint" }, run.finished_at.replace("T", " ").replace(/:\d\dZ$/, "")) }),
    ];
  }

  /** The estimate of a run's last checkpoint on the first board that has it. */
  function average(run) {
    const last = run.models[run.models.length - 1];
    for (const group of Holdings.site.groups) {
      for (const board of group.boards) {
        const row = board.rows.find((one) => one.seeds === 1 && one.models[0] === last);
        if (row?.average) return row.average;
      }
    }
    return null;
  }

  function scored(run) {
    const estimate = average(run);
    return estimate ? [Numbers.fixed(estimate[0]), element("span", { class: "spread" }, Numbers.interval(...estimate))] : Numbers.DASH;
  }

  return { show, address: addressOf };
})();
