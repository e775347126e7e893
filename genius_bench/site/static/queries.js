/* The queries of a run's iteration: a list, and the page of one query. */
"use strict";

const QueriesPage = (() => {
  const addressOf = (run, iteration, place) =>
    address(["queries", run.file.split("/")[1], iteration, ...(place === undefined ? [] : [place])]);

  async function show(main, path) {
    const { run, iteration } = await RunPage.iterationOf(path);
    if (!iteration?.queries) throw new Error("There are no queries of this run on this board.");
    const index = await Data.load(iteration.queries.file);
    if (path[2] !== undefined) return showQuery(main, run, iteration, index, Number(path[2]));
    return showList(main, run, iteration, index);
  }

  function crumbs(run, iteration, last) {
    const queries = `queries${run.iterations > 1 ? ` of iteration ${iteration.iteration}` : ""}`;
    return last === undefined ? RunPage.crumbs(run, queries) : RunPage.crumbs(run, element("a", { href: addressOf(run, iteration.iteration) }, queries), last);
  }

  function showList(main, run, iteration, index) {
    const permalink = Permalink.of();
    const shown = index.rows.map((row, place) => ({ place, row }));
    let found = shown;
    const list = VirtualList.make({
      label: "Queries",
      rowHeight: 46,
      draw: (at) => line(found[at].row, index),
      nothing: () => [element("p", {}, `No query has “${search.value.trim()}” in its name or its text.`)],
      open: (at) => { location.hash = addressOf(run, iteration.iteration, found[at].place); },
    });
    const count = element("p", { class: "count", role: "status" });
    const search = element("input", { type: "search", placeholder: "Search queries", "aria-label": "Search queries", value: permalink.get("search"), on: { input: filter } });
    function filter() {
      const words = search.value.trim().toLowerCase();
      permalink.set("search", words);
      found = shown.filter(({ row }) => row[0].toLowerCase().includes(words) || row[1].toLowerCase().includes(words));
      count.textContent = `${Numbers.count(found.length)} of ${Numbers.plural(shown.length, "query", "queries")}`;
      list.show(found.length);
    }
    main.append(
      element("header", { class: "page-heading" }, crumbs(run, iteration), element("h1", {}, index.is_search ? "Queries and their foresight trees" : "Queries and what was collected")),
      element("div", { class: "section-head" }, search, count),
      element("div", { class: "fill" }, list.node),
    );
    filter();
    return { search, list: () => { list.focus(); list.select(0); } };
  }

  function line([id, prompt, rows, steps], index) {
    const facts = [index.is_search ? Numbers.plural(steps, "step") : "", Numbers.plural(rows, "training row")].filter(Boolean).join(" · ");
    return [element("span", { class: "list-main" }, prompt || id), element("span", { class: "list-side faint" }, facts)];
  }

  async function showQuery(main, run, iteration, index, place) {
    const row = index.rows[place];
    if (!row) throw new Error("There is no such query on this board.");
    const first = index.rows.findIndex((one) => one[5] === row[5]);
    const pack = await Data.load(`${iteration.queries.file}-${row[5]}`);
    const query = pack[place - first];
    main.append(
      element("header", { class: "page-heading" }, crumbs(run, iteration, query.id), element("h1", {}, index.is_search && query.trace?.length ? "Foresight tree" : "Query"), neighbours(run, iteration, index, place)),
      element("section", { class: "prompt" }, element("h2", {}, "Query"), query.prompt ? Text.block(query.prompt) : element("p", { class: "faint" }, "Its text is not in the store: no training row came of it.")),
    );
    if (ForesightTree.is(query.trace)) main.append(ForesightTree.make(query));
    main.append(trainingRows(query));
    if (query.trace && !ForesightTree.is(query.trace)) main.append(element("section", {}, element("h2", {}, "What was collected"), trace(query.trace)));
    return {};
  }

  function neighbours(run, iteration, index, place) {
    const link = (to, label) => (index.rows[to] ? element("a", { class: "button", href: addressOf(run, iteration.iteration, to) }, label) : null);
    return element("p", { class: "controls" }, link(place - 1, "← Previous"), link(place + 1, "Next →"), element("span", { class: "faint" }, `${Numbers.count(place + 1)} of ${Numbers.count(index.rows.length)}`));
  }

  /** What training took: chosen beside rejected, or a response to imitate. */
  function trainingRows(query) {
    const notes = Object.entries(query.notes || {}).filter(([, value]) => value);
    const left = notes.length ? element("p", { class: "faint" }, `Left out or noted: ${notes.map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`).join(", ")}.`) : null;
    if (!query.rows.length) return element("section", {}, element("h2", {}, "Training took nothing of this query"), left);
    return element("section", {}, element("h2", {}, `Training took ${Numbers.plural(query.rows.length, "row")}`), left, query.rows.map(trainingRow));
  }

  function trainingRow(row) {
    const side = (name, kind) => (row[name] === undefined ? null : element("div", { class: `response ${kind}` }, element("h3", {}, name), advantage(row, name), Text.block(row[name])));
    return element(
      "article",
      { class: "training-row" },
      element("p", { class: "faint" }, row.id, row.weight !== undefined && row.weight !== 1 ? ` · weight ${row.weight}` : ""),
      element("div", { class: "pair-of-texts" }, side("chosen", "chosen"), side("rejected", "rejected"), side("response", "chosen")),
    );
  }

  function advantage(row, name) {
    const facts = [[`A`, row[`${name}_advantage`]], ["log π_ref", row[`reference_${name}_logp`]]].filter(([, value]) => value !== undefined && value !== null);
    return facts.length ? element("p", { class: "faint" }, facts.map(([label, value]) => `${label} = ${Numbers.fixed(value, 3)}`).join(" · ")) : null;
  }

  /** A trace of any method: texts as texts, the rest as names and values. */
  function trace(value) {
    if (typeof value === "string") return Text.block(value);
    if (Array.isArray(value)) return element("ol", { class: "trace" }, value.map((one) => element("li", {}, trace(one))));
    if (value === null || typeof value !== "object") return element("span", { class: "value" }, String(value));
    return element("dl", { class: "trace-part" }, Object.entries(value).map(([name, inner]) => [element("dt", {}, name), element("dd", {}, Array.isArray(inner) && inner.every((one) => typeof one === "number") ? inner.join(", ") : trace(inner))]));
  }

  return { show, address: addressOf };
})();
