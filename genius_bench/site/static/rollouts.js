/* The rollouts of a step of an online training: its groups in a list, and one of them beside it. */
"use strict";

const RolloutsPage = (() => {
  const addressOf = (run, iteration, step) => address(["rollouts", run.file.split("/")[1], iteration, step]);

  async function show(main, path) {
    const { run, iteration } = await RunPage.iterationOf(path);
    if (!iteration?.rollouts) throw new Error("There are no rollouts of this run on this board.");
    const step = iteration.rollouts.steps.find((one) => String(one.step) === path[2]);
    if (!step) throw new Error("The rollouts of this step are not on this board.");
    const groups = await Data.load(`${iteration.rollouts.file}-${step.step}`);
    return explorer(main, run, iteration, step, groups);
  }

  function explorer(main, run, iteration, step, groups) {
    const permalink = Permalink.of();
    const list = VirtualList.make({ label: "Groups", rowHeight: matchMedia("(max-width: 640px)").matches ? 82 : 58, draw: (index) => line(groups[index]), open: (index) => open(index, true), moved: (index) => { if (pane.isOpen()) open(index, false); }, nothing: () => [] });
    const pane = Pane.make(main, list, "Group");

    /** Shows a group; `changed` is what the reader wants to see otherwise than before. */
    function open(index, focus, changed = {}) {
      permalink.set("group", groups[index].query);
      for (const name of ["response", "beside", "view"]) if (name in changed) permalink.set(name, changed[name]);
      const asked = { response: permalink.get("response"), beside: permalink.get("beside"), view: permalink.get("view") };
      return pane.show(RolloutGroup.make(groups[index], { step: step.step, ...asked, change: (other) => open(index, false, other), close }), focus);
    }

    function close() {
      if (!pane.close()) return false;
      permalink.set("group", "");
      return true;
    }

    main.append(
      element("header", { class: "explorer-head" }, RunPage.crumbs(run, "rollouts"), element("h1", {}, `Rollouts of step ${Numbers.count(step.step)}`), facts(step), steps(run, iteration, step)),
      element("div", { class: "explorer under-heading" }, list.node, pane.node),
    );
    main.classList.add("wide");
    const at = groups.findIndex((one) => wellFormed(one.query) === permalink.get("group"));
    list.show(groups.length, { at });
    if (at >= 0) open(at, true);
    return { close, list: () => { list.focus(); list.select(0); } };
  }

  function facts(step) {
    const shown = step.groups < step.of_groups ? `the first ${Numbers.count(step.groups)} of ${Numbers.plural(step.of_groups, "group")}` : Numbers.plural(step.groups, "group");
    return element("p", { class: "count" }, [shown, `${Numbers.plural(step.responses, "response")} in all`, worth(step)].join(" · "));
  }

  const worth = ({ reward, right }) => [`mean reward ${Numbers.fixed(reward, 3)}`, right === null ? "" : `${Numbers.fixed(100 * right)} % right`].filter(Boolean).join(" · ");

  function steps(run, iteration, step) {
    const kept = iteration.rollouts.steps;
    const place = kept.indexOf(step);
    const go = (to) => { location.hash = addressOf(run, iteration.iteration, to); };
    const link = (to, label) => (to ? element("a", { class: "button", href: addressOf(run, iteration.iteration, to.step) }, label) : null);
    return element("p", { class: "controls" }, stepChoice(iteration, step.step, go), link(kept[place - 1], "← Previous"), link(kept[place + 1], "Next →"), leftOut(run, iteration));
  }

  /** A drop-down of the steps that are here, each with what its responses were worth. */
  function stepChoice(iteration, step, change) {
    return choice("Step", iteration.rollouts.steps.map((one) => [String(one.step), `${Numbers.count(one.step)} · ${worth(one)}`]), String(step), change);
  }

  /** What the site leaves to the store, in words; null where all is here. */
  function leftOut(run, { rollouts }) {
    const { steps: kept, of_steps: taken } = rollouts;
    if (kept.length === taken && kept.every((one) => one.groups === one.of_groups)) return null;
    const here = kept.length < taken ? `${Numbers.count(kept.length)} of ${Numbers.plural(taken, "step")} are here` : "Not all groups are here";
    return element("span", { class: "faint" }, `${here}; all are written by `, element("code", {}, `genius-bench pairs ${run.id}`));
  }

  function line(group) {
    const rights = group.responses.filter((one) => one.right).length;
    const judged = group.responses.some((one) => one.right !== null);
    const mean = Holdings.average(group.responses.map((one) => one.reward));
    return [
      sign(group, judged),
      element(
        "span",
        { class: "list-main" },
        element("span", { class: "list-question" }, group.prompt.slice(0, 300).replace(/\s+/g, " ")),
        element("span", { class: "list-answer faint" }, "most said ", element("b", {}, RolloutGroup.majority(group).slice(0, 80)), group.gold ? ` · gold ${group.gold.slice(0, 80)}` : ""),
      ),
      element("span", { class: "list-side faint" }, element("span", {}, `mean reward ${Numbers.fixed(mean, 2)}`), element("span", {}, judged ? `${Numbers.count(rights)} of ${Numbers.count(group.responses.length)} right` : Numbers.plural(group.responses.length, "response"))),
    ];
  }

  /** Whether the vote of a group is right, where that is known. */
  function sign(group, judged) {
    if (!judged) return null;
    const right = group.majority_is_right;
    return element("span", { class: `sign ${right ? "right" : "wrong"}`, role: "img", "aria-label": `majority ${right ? "right" : "wrong"}` }, right ? "✓" : "✗");
  }

  return { show, address: addressOf, stepChoice, leftOut };
})();
