/* Leaderboards: the tables of a paper or of a home's own, with what was reported, what was measured here, or both. */
"use strict";

const LeaderboardsPage = (() => {
  const VERDICTS = {
    reproduced: "The two agree, and are precise enough to have shown a difference of two points.",
    "within noise": "The two agree as far as their noise allows to say.",
    differs: "The difference is beyond the noise of both.",
    "not attempted": "Nothing was measured for this cell.",
  };

  async function show(main, path) {
    const boards = Holdings.site.leaderboards;
    const board = boards.find((one) => one.name === path[0]);
    if (!board) {
      main.append(element("header", { class: "page-heading" }, element("h1", {}, "Leaderboards")), cards(boards));
      return {};
    }
    const table = board.tables.find((one) => one.number === path[1]) || board.tables[0];
    const kinds = kindsOf(table);
    const holder = element("div");
    const fill = (kind) => holder.replaceChildren(...tableNode(board, table, kind), legend(table, kind));
    fill(kinds[0][0]);
    main.append(
      element("header", { class: "page-heading" }, element("h1", {}, board.title), element("p", { class: "lead-line" }, sourceLine(board))),
      element("nav", { class: "tabs", "aria-label": "Tables" }, board.tables.map((one) => tab(board, one, table))),
      element(
        "section",
        {},
        element("div", { class: "section-head" }, element("h2", {}, `Table ${table.number}: ${table.title}`), kinds.length > 1 ? switcher("Numbers", kinds, kinds[0][0], fill) : null),
        element("p", { class: "faint" }, [table.caption, basis(table)].filter(Boolean).join(" ")),
        holder,
        remarks(table),
        findings(table, board),
      ),
    );
    return { list: () => holder.querySelector("tbody tr")?.focus() };
  }

  function tab(board, one, shown) {
    return element("a", { href: address(["boards", board.name, one.number]), "aria-current": one === shown ? "page" : null }, `Table ${one.number}`);
  }

  function sourceLine(board) {
    return board.reported ? `Reported numbers: ${board.source}. Measured numbers: made here, protocol ${board.protocol}.` : `Measured here, protocol ${board.protocol}.`;
  }

  const cellsOf = (table) => table.groups.flatMap((group) => group.rows.flatMap((row) => row.cells));

  function kindsOf(table) {
    const cells = cellsOf(table);
    const measured = cells.some((cell) => cell.measured);
    const reported = cells.some((cell) => cell.reported !== null);
    if (measured && reported) return [["both", "Side by side"], ["measured", "Measured here"], ["reported", "As reported"]];
    return [measured || !reported ? ["measured", "Measured here"] : ["reported", "As reported"]];
  }

  function tableNode(board, table, kind) {
    const rows = table.groups.flatMap((group, place) => group.rows.map((row) => ({ ...row, group: group.title, place })));
    const columns = [
      { label: "Model", value: (row) => row.label, cell: (row) => rowName(row), ascending: true, class: "name" },
      ...table.columns.map((column, place) => ({
        label: column.label,
        title: column.header ? `${column.header}, ${column.label}` : column.task || column.average,
        numeric: true,
        value: (row) => valueOf(row.cells[place], kind),
        cell: (row) => cellNode(row.cells[place], table, kind, column),
      })),
    ];
    if (table.groups.some((group) => group.title)) {
      columns.splice(1, 0, { label: "Trained on", value: (row) => row.group, cell: (row) => row.group || "", ascending: true, class: "group" });
    }
    const made = Tables.sortable(columns, rows, {
      file: `${board.name} table ${table.number} ${kind}`,
      caption: `Table ${table.number}: ${table.title}`,
      class: `leaderboard ${kind}`,
      rowClass: (row) => (row.is_base ? "base" : ""),
      open: (row) => openRow(row),
    });
    return [element("div", { class: "section-head" }, made.tools), made.node];
  }

  function openRow(row) {
    const model = row.cells.map((cell) => cell.measured?.fingerprints?.[0]).find(Boolean);
    return model ? ModelsTable.openRow({ models: [model] }) : null;
  }

  function rowName(row) {
    return [row.label.replace(/^\+ /, ""), row.supervised ? element("span", { class: "tag" }, "labelled") : null];
  }

  function valueOf(cell, kind) {
    if (kind === "reported") return cell.reported;
    if (kind === "measured") return cell.measured?.value;
    return cell.measured?.value ?? cell.reported;
  }

  function cellNode(cell, table, kind, column) {
    if (kind === "reported") return reported(cell, table);
    if (kind === "measured") return measured(cell, table, column);
    return element("div", { class: "pair" }, measured(cell, table, column), element("div", { class: "was" }, "reported ", reported(cell, table)), verdict(cell));
  }

  function reported(cell, table) {
    if (cell.reported === null) return Numbers.DASH;
    return marked(cell.reported.toFixed(table.decimals), cell.reported_mark);
  }

  function measured(cell, table, column) {
    const found = cell.measured;
    if (!found) return element("span", { class: "missing", title: cell.missing || "nothing measured" }, Numbers.DASH);
    const p = found.p_value;
    const significant = p !== null && p < Holdings.SIGNIFICANT;
    const said = [
      Numbers.plural(found.seeds, "seed"), found.items ? Numbers.plural(found.items, "question") : "",
      found.gain === null ? "" : `${Numbers.signed(found.gain)} over the base, ${Numbers.probability(p)}`, cell.tied ? "a statistical tie with the second best" : "",
    ].filter(Boolean).join("; ");
    const inner = [
      marked(Numbers.fixed(found.value, table.decimals > 2 ? table.decimals : 1), cell.measured_mark),
      cell.tied ? element("span", { class: "tie", title: "not significantly better than the second best" }, "≈") : null,
      significant && found.gain !== null ? ModelsTable.mark([found.gain, 0, 0, p]) : null,
      element("span", { class: "spread" }, Numbers.interval(found.value, found.low, found.high)),
    ];
    if (!found.fingerprints.length) return element("span", { class: "cell", title: said }, inner);
    return element("a", { class: "cell", title: said, href: ModelsTable.samplesAddress(found.fingerprints, column.task || "", Holdings.site.groups[0]?.id) }, inner);
  }

  function marked(text, mark) {
    return element(mark === "best" ? "strong" : "span", { class: mark === "second" ? "second" : null }, text);
  }

  function verdict(cell) {
    if (!cell.verdict) return null;
    return element("span", { class: `verdict ${cell.verdict.replace(" ", "-")}`, title: cell.why }, cell.verdict);
  }

  function basis(table) {
    const settings = table.settings;
    if (!settings.protocol) return "";
    const samples = settings.samples ? `, ${Numbers.plural(settings.samples, "sample")} a question at T=${settings.temperature}` : "";
    return `Measured numbers: protocol ${settings.protocol}${samples}.`;
  }

  function legend(table, kind) {
    const lines = [];
    if (kind !== "measured") lines.push("Reported numbers are copied from their source; none of them was made here.");
    if (kind !== "reported") lines.push("Measured: ± and [ ] are 95 % intervals over questions and seeds; ▲ ▼ differ from the base at p < 0.05 (Holm); ≈ the best is a statistical tie with the second best.");
    if (cellsOf(table).some((cell) => cell.reported_mark || cell.measured_mark)) lines.push("Bold: best; underlined: second best, bases aside.");
    if (kind === "both") lines.push(...Object.entries(VERDICTS).map(([name, meaning]) => `${name}: ${meaning}`));
    return element("div", { class: "legend-text" }, lines.map((line) => element("p", {}, line)));
  }

  function remarks(table) {
    if (!table.remarks.length) return null;
    return element("details", { class: "notice calm" }, element("summary", {}, `${Numbers.plural(table.remarks.length, "remark")} on the measured numbers`), element("ul", {}, table.remarks.map((line) => element("li", {}, line))));
  }

  /** What the printed numbers say about themselves. */
  function findings(table, board) {
    const own = new Set(cellsOf(table).map((cell) => cell.path));
    const all = [...table.findings, ...board.repeated.filter((one) => one.cells.some((path) => own.has(path)))];
    if (!all.length) return null;
    return element(
      "details",
      { class: "notice calm findings" },
      element("summary", {}, `${Numbers.plural(all.length, "finding")} on the reported numbers`),
      element("ul", {}, all.map((one) => element("li", {}, element("span", { class: "tag" }, one.kind), " ", one.text))),
    );
  }

  function cards(boards) {
    return element("div", { class: "cards" }, boards.map(card));
  }

  function card(board) {
    const cells = board.tables.flatMap(cellsOf);
    const verdicts = Object.keys(VERDICTS).map((name) => [name, cells.filter((cell) => cell.verdict === name).length]).filter(([, number]) => number);
    const findingsThere = board.tables.reduce((sum, table) => sum + table.findings.length, board.repeated.length);
    return element(
      "article",
      { class: `card ${board.measured ? "" : "unmeasured"}` },
      element("h3", {}, element("a", { href: address(["boards", board.name]) }, board.title)),
      element("p", { class: "faint" }, board.source),
      element("p", {}, board.measured ? `${Numbers.plural(board.measured, "cell")} measured here` : "nothing measured here yet", board.reported ? `, ${Numbers.count(board.reported)} reported` : ""),
      board.measured && verdicts.length ? element("p", { class: "verdicts" }, verdicts.map(([name, number]) => element("span", { class: `verdict ${name.replace(" ", "-")}` }, `${number} ${name}`))) : null,
      findingsThere ? element("p", { class: "faint" }, `${Numbers.plural(findingsThere, "finding")} on the reported numbers`) : null,
      element("ul", { class: "plain" }, board.tables.map((table) => element("li", {}, element("a", { href: address(["boards", board.name, table.number]) }, `Table ${table.number}`), ` ${table.title}`))),
    );
  }

  return { show, cards };
})();
