/* The list of runs. */
"use strict";

const RunsPage = (() => {
  const addressOf = (run) => address(["run", run.file.split("/")[1]]);

  async function show(main) {
    const runs = Holdings.site.runs;
    const permalink = Permalink.of();
    const search = element("input", { type: "search", placeholder: "Filter runs", "aria-label": "Filter runs", value: permalink.get("filter"), on: { input: filter } });
    const chosen = new Set(permalink.get("chosen").split(" ").filter(Boolean));
    const beside = element("a", { class: "button" });
    function choose(run, on) {
      if (on) chosen.add(ComparePage.nameOf(run));
      else chosen.delete(ComparePage.nameOf(run));
      permalink.set("chosen", [...chosen].join(" "));
      offer();
    }
    function offer() {
      beside.hidden = chosen.size < 2;
      beside.replaceChildren(`${Numbers.plural(chosen.size, "run")} beside each other`);
      beside.setAttribute("href", ComparePage.address([...chosen]));
    }
    offer();
    const table = Tables.sortable(columns(chosen, choose), runs, {
      caption: "Runs", class: "runs", open: addressOf, sort: { column: 9, descending: true },
      permalink, empty: "No run has these words in its name, method, base or corpus.", file: "runs",
    });
    function filter() {
      const words = search.value.trim().toLowerCase();
      permalink.set("filter", words);
      table.show(runs.filter((run) => [run.id, run.method, run.variant, run.objective, run.base, run.corpus].join(" ").toLowerCase().includes(words)));
    }
    main.append(
      element("header", { class: "page-heading" }, element("h1", {}, Numbers.plural(runs.length, "run"))),
      element("section", {}, element("div", { class: "section-head" }, search, beside, table.tools), table.node),
    );
    filter();
    return { search, list: table.focus };
  }

  function columns(chosen, choose) {
    const plain = (label, name, more = {}) => ({ label, value: (run) => run[name], cell: (run) => run[name] ?? "", ascending: true, ...more });
    return [
      { label: "Run", value: (run) => run.id, cell: (run) => element("a", { href: addressOf(run) }, run.id), ascending: true, class: "name" },
      { label: "Beside", value: (run) => chosen.has(ComparePage.nameOf(run)) ? 1 : 0, cell: (run) => box(run, chosen, choose), title: "Choose runs to see them beside each other", drawnOnly: true },
      plain("Method", "method"),
      plain("Variant", "variant"),
      plain("Objective", "objective"),
      plain("Base", "base"),
      plain("Corpus", "corpus"),
      plain("Queries", "queries", { numeric: true, ascending: false, cell: (run) => Numbers.count(run.queries) }),
      plain("Seed", "seed", { numeric: true }),
      { label: "Average", numeric: true, estimate: average, cell: (run) => scored(run), title: "Of the last checkpoint, in percent, on the first board that it is on" },
      plain("Iterations", "iterations", { numeric: true }),
      plain("Finished", "finished_at", { cell: (run) => element("span", { class: "faint" }, run.finished_at.replace("T", " ").replace(/:\d\dZ$/, "")) }),
    ];
  }

  function box(run, chosen, choose) {
    return element("input", { type: "checkbox", "aria-label": `${run.id} beside others`, checked: chosen.has(ComparePage.nameOf(run)), on: { change: (event) => choose(run, event.target.checked) } });
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
