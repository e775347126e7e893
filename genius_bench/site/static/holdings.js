/* What this site is of: groups of settings, models, runs. Filled once from data/site.js. */
"use strict";

const Holdings = (() => {
  const SIGNIFICANT = 0.05;
  let site = null;
  let models = new Map();
  let runs = new Map();

  async function open() {
    site = await Data.load("site");
    models = new Map(site.models.map((one) => [one.id, one]));
    runs = new Map(site.runs.map((one) => [one.id, one]));
    return site;
  }

  const group = (id) => site.groups.find((one) => one.id === id) || site.groups[0];
  const model = (id) => models.get(id);
  const run = (id) => runs.get(id);
  const modelName = (id) => models.get(id)?.label ?? id;

  /** A recipe's name: a row's label without its seed. */
  const recipeOf = (label) => label.replace(/ seed \d+.*$/, "").replace(/, \d+ seeds$/, "");

  /** Bases, then one row a recipe: the mean over its seeds, or its only model; or every single model. */
  function rowsOf(board, single) {
    if (single) return board.rows.filter((row) => row.seeds === 1);
    const averaged = new Set(board.rows.filter((row) => row.seeds > 1).flatMap((row) => row.models));
    return board.rows.filter((row) => row.seeds > 1 || row.is_base || !averaged.has(row.models[0]));
  }

  /** How the answers of a group were asked for, in words. */
  function asked(one) {
    const { settings, samples } = one;
    const drawn = samples ? `${Numbers.plural(samples, "sample")} a question at T=${settings.temperature}` : "";
    const answers = [one.greedy ? "greedy" : "", drawn].filter(Boolean).join(" and ");
    const parts = [`protocol ${settings.protocol}`, answers];
    if (settings.limit) parts.push(`first ${settings.limit} items of each task only`);
    if (settings.split) parts.push(`on the ${settings.split} split`);
    if (one.tasks.every((task) => task.startsWith("lab_"))) parts.unshift("lab numbers");
    return parts.filter(Boolean).join(" · ");
  }

  const taskName = (task) => task.replace(/^lab_/, "");
  const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /** Series keep their colour and shape wherever they are drawn. */
  function seriesOf(label) {
    const names = [...new Set(site.models.filter((one) => one.base).map((one) => recipeOf(one.label).replace(/ iteration \d+$/, "")))];
    const place = names.sort().indexOf(recipeOf(label).replace(/ iteration \d+$/, ""));
    return place;
  }

  return { open, group, model, run, modelName, recipeOf, rowsOf, asked, taskName, average, seriesOf, SIGNIFICANT, get site() { return site; } };
})();
