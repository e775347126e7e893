/* Which page an address means, and the frame around all of them. Every view has an address after the #. */
"use strict";

(() => {
  const PAGES = { "": OverviewPage, boards: LeaderboardsPage, runs: RunsPage, run: RunPage, compare: ComparePage, queries: QueriesPage, rollouts: RolloutsPage, samples: SamplesPage };
  const BELONGS = { run: "runs", compare: "runs", queries: "runs", rollouts: "runs" };
  const main = document.getElementById("main");
  const scrolled = new Map();
  let shown = "";
  let turn = 0;

  function parsed() {
    const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
    const parts = path.split("/").map((part) => { try { return decodeURIComponent(part); } catch { return part; } });
    return { name: parts[0], path: parts.slice(1), query: new URLSearchParams(query || "") };
  }

  async function show() {
    turn += 1;
    const mine = turn;
    scrolled.set(shown, window.scrollY);
    shown = location.hash;
    const { name, path, query } = parsed();
    const page = document.createElement("div");
    page.className = "page";
    Keyboard.set({});
    main.className = "";
    try {
      if (!Object.hasOwn(PAGES, name)) throw new Error("There is no such page on this board.");
      main.replaceChildren(page);
      const handlers = await PAGES[name].show(page, path, query);
      if (mine !== turn) return; // the reader has gone on
      Keyboard.set(handlers);
    } catch (error) {
      if (mine !== turn) return;
      page.replaceChildren(element("div", { class: "notice" }, element("p", {}, error.message), element("p", {}, element("a", { href: "#/" }, "To the overview"))));
    }
    mark(name);
    document.title = Text.plain([page.querySelector("h1")?.textContent, "genius-bench"].filter(Boolean).join(" – "));
    if (turn > 1 && document.activeElement === document.body) main.focus({ preventScroll: true }); // the link that led here is gone
    window.scrollTo(0, query.has("model") && !name ? window.scrollY : scrolled.get(shown) || 0);
    document.documentElement.dataset.shown = name || "overview";
  }

  function mark(name) {
    for (const link of document.querySelectorAll(".bar nav a")) {
      if (link.dataset.page === (BELONGS[name] ?? name)) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  function footer(site) {
    return element("footer", { class: "foot" }, `Built ${site.built_at} by genius-bench ${site.version || ""}. `, "Intervals are 95 %. Every number leads to the answers behind it.");
  }

  async function begin() {
    document.getElementById("theme").addEventListener("click", Theme.toggle);
    document.getElementById("help").addEventListener("click", () => document.getElementById("help-dialog").showModal());
    try {
      const site = await Holdings.open();
      document.body.append(footer(site));
    } catch (error) {
      main.replaceChildren(element("p", { class: "notice" }, error.message));
      return;
    }
    window.addEventListener("hashchange", show);
    await show();
  }

  begin();
})();
