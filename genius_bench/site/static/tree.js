/* The foresight tree of a query: every step's candidates, their scores, the beams kept, the pair that training took. */
"use strict";

const ForesightTree = (() => {
  const is = (trace) => Array.isArray(trace) && trace.length > 0 && Array.isArray(trace[0]?.candidates);

  function make(query) {
    const steps = query.trace;
    const detail = element("div", { class: "candidate-detail", "aria-live": "polite" });
    const columns = element("ol", { class: "tree" });
    const links = drawn("svg", { class: "tree-links", "aria-hidden": "true" });
    const cards = steps.map((step, place) => step.candidates.map((one, number) => card(steps, place, number, (node) => pick(place, number, node))));
    steps.forEach((step, place) => columns.append(column(steps, place, cards[place])));
    const board = element("div", { class: "tree-board" }, links, columns);

    function pick(place, number, node) {
      for (const one of columns.querySelectorAll(".candidate")) one.classList.remove("picked", "ancestor");
      node.classList.add("picked");
      for (const [at, which] of ancestors(steps, place, number)) cards[at][which].classList.add("ancestor");
      detail.replaceChildren(...response(steps, place, number));
    }

    const connect = () => drawLinks(links, columns, steps, cards);
    new ResizeObserver(connect).observe(columns);
    columns.addEventListener("keydown", (event) => walk(event, cards));
    const first = steps[0].chosen ?? 0;
    queueMicrotask(() => cards[0][first] && pick(0, first, cards[0][first]));
    return element("section", {}, element("h2", {}, `${Numbers.plural(steps.length, "step")}`), legend(), element("div", { class: "scroller", role: "region", "aria-label": "Foresight tree", tabindex: "0" }, board), detail);
  }

  function legend() {
    return element(
      "p",
      { class: "tree-legend faint" },
      "f: mean log-probability of the look-ahead (nats per token). A: f less the value of the beam it came from. The bar: how likely it was to be kept as a beam. ",
      element("span", { class: "badge kept" }, "beam"), " goes on, ", element("span", { class: "badge chosen" }, "chosen"), " and ", element("span", { class: "badge rejected" }, "rejected"), " are what training compares.",
    );
  }

  function column(steps, place, cards) {
    const parents = new Map();
    steps[place].candidates.forEach((one, number) => parents.set(one.beam, [...(parents.get(one.beam) || []), cards[number]]));
    const groups = [...parents].map(([beam, children]) => element("li", { class: "brood" }, element("p", { class: "faint" }, origin(steps, place, beam)), children));
    return element("li", { class: "tree-step" }, element("h3", {}, `Step ${place + 1}`), element("ul", { class: "broods" }, groups));
  }

  function origin(steps, place, beam) {
    if (place === 0) return `beam ${beam + 1}, from the query`;
    return `beam ${beam + 1}, from candidate ${steps[place - 1].beams[beam] + 1}`;
  }

  function card(steps, place, number, pick) {
    const step = steps[place];
    const one = step.candidates[number];
    const beams = step.beams.flatMap((kept, beam) => (kept === number ? [beam + 1] : []));
    const frozen = one.finished && !one.step && !one.foresight;
    const roles = [
      ...beams.map((beam) => element("span", { class: "badge kept" }, `beam ${beam}`)),
      step.chosen === number ? element("span", { class: "badge chosen" }, "chosen") : null,
      step.rejected === number ? element("span", { class: "badge rejected" }, "rejected") : null,
      frozen ? element("span", { class: "badge frozen" }, "frozen") : one.finished ? element("span", { class: "badge finished" }, "finished") : null,
    ];
    const state = [beams.length ? "kept" : "", step.chosen === number ? "chosen" : "", step.rejected === number ? "rejected" : "", frozen ? "frozen" : ""].join(" ");
    const made = element(
      "button",
      { type: "button", class: `candidate ${state}`, "aria-label": described(step, number, one, beams, frozen), on: { click: () => pick(made) } },
      element("span", { class: "candidate-head" }, element("span", { class: "number" }, `${number + 1}`), roles),
      element("span", { class: "candidate-step" }, frozen ? "(the finished answer)" : one.step.trim() || "(blank)"),
      element("span", { class: "candidate-numbers" }, `f ${Numbers.fixed(one.score, 3)}`, element("span", {}, `A ${Numbers.signed(one.advantage, 3)}`)),
      element("span", { class: "probability", title: `probability ${Numbers.fixed(100 * one.probability)} %`, vary: { "--share": `${Math.max(0, Math.min(100, 100 * one.probability))}%` } }),
    );
    return made;
  }

  function described(step, number, one, beams, frozen) {
    const roles = [beams.length ? `kept as beam ${beams.join(" and ")}` : "", step.chosen === number ? "chosen" : "", step.rejected === number ? "rejected" : "", frozen ? "frozen" : ""].filter(Boolean).join(", ");
    return `Candidate ${number + 1}: f ${Numbers.fixed(one.score, 3)}, A ${Numbers.signed(one.advantage, 3)}${roles ? `, ${roles}` : ""}. ${one.step.trim().slice(0, 120)}`;
  }

  /** [[step, candidate], …] from the query to the candidate before this one. */
  function ancestors(steps, place, number) {
    const found = [];
    let beam = steps[place].candidates[number].beam;
    for (let at = place - 1; at >= 0; at -= 1) {
      const parent = steps[at].beams[beam];
      if (parent === undefined || !steps[at].candidates[parent]) break;
      found.unshift([at, parent]);
      beam = steps[at].candidates[parent].beam;
    }
    return found;
  }

  /** The whole response of a candidate: the steps before it, its step, and its look-ahead. */
  function response(steps, place, number) {
    const step = steps[place];
    const one = step.candidates[number];
    const before = ancestors(steps, place, number).map(([at, which]) => steps[at].candidates[which].step).join("");
    const role = step.chosen === number ? ", chosen for training" : step.rejected === number ? ", rejected for training" : "";
    return [
      element("h3", {}, `Step ${place + 1}, candidate ${number + 1}${role}`),
      RunPage.facts([["f", Numbers.fixed(one.score, 4)], ["A", Numbers.signed(one.advantage, 4)], ["probability", `${Numbers.fixed(100 * one.probability)} %`], ["answer ended in this step", one.finished ? "yes" : "no"]]),
      element("div", { class: "whole-response" }, part("before", "steps before", before), part("now", "this step", one.step), part("ahead", "look-ahead", one.foresight)),
    ];
  }

  function part(kind, label, text) {
    return text ? element("div", { class: `part ${kind}` }, element("p", { class: "faint" }, label), Text.block(text)) : null;
  }

  /** Curves from every kept candidate to the candidates that came from it. */
  function drawLinks(links, columns, steps, cards) {
    const frame = columns.getBoundingClientRect();
    links.setAttribute("width", columns.scrollWidth);
    links.setAttribute("height", columns.scrollHeight);
    const paths = [];
    for (let place = 1; place < steps.length; place += 1) {
      const broods = columns.children[place].querySelectorAll(".brood");
      const beams = [...new Set(steps[place].candidates.map((one) => one.beam))];
      beams.forEach((beam, at) => {
        const parent = cards[place - 1][steps[place - 1].beams[beam]];
        if (parent && broods[at]) paths.push(curve(parent.getBoundingClientRect(), broods[at].getBoundingClientRect(), frame));
      });
    }
    links.replaceChildren(...paths);
  }

  function curve(from, to, frame) {
    if (to.left < from.right) return drawn("path", {}); // stacked on a narrow screen
    const [x1, y1] = [from.right - frame.left, from.top + from.height / 2 - frame.top];
    const [x2, y2] = [to.left - frame.left, to.top + 10 - frame.top];
    const middle = (x1 + x2) / 2;
    return drawn("path", { class: "tree-link", d: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}` });
  }

  /** j and k within a step, h and l (or the arrows) between steps. */
  function walk(event, cards) {
    const place = cards.findIndex((step) => step.includes(event.target));
    if (place < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const number = cards[place].indexOf(event.target);
    const down = Keyboard.direction(event);
    const across = { l: 1, ArrowRight: 1, h: -1, ArrowLeft: -1 }[event.key] || 0;
    const next = down ? cards[place][number + down] : across ? cards[place + across]?.[Math.min(number, cards[place + across].length - 1)] : null;
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.click();
  }

  return { is, make };
})();
