/* Data files: scripts that call `receive`. They work where nothing may be fetched, such as in a page opened from a file. */
"use strict";

const Data = (() => {
  const arrived = new Map();
  const asked = new Map();
  const AT_ONCE = 6;

  function checked(file) {
    if (!/^(data\/[a-z0-9/-]+|assets\/(katex|marked|diff)\.min)\.js$/.test(file)) throw new TypeError(`no data file: ${file}`);
    return file;
  }

  // Where the browser knows trusted types, nothing but this function can name a script.
  const policy = window.trustedTypes ? trustedTypes.createPolicy("data-files", { createScriptURL: checked }) : null;
  const scriptAddress = (file) => (policy ? policy.createScriptURL(file) : checked(file));

  /** A promise of `found()` after the script has run; every script is loaded once. */
  function run(file, found) {
    if (!asked.has(file)) {
      asked.set(file, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = scriptAddress(file);
        script.onload = () => {
          script.remove();
          const value = found();
          if (value === undefined) reject(new Error(`${file} holds something else`));
          else resolve(value);
        };
        script.onerror = () => reject(new Error(`${file} could not be loaded`));
        document.head.append(script);
      }));
    }
    return asked.get(file);
  }

  /** A promise of what the data file `name` brings. */
  function load(name) {
    return run(`data/${name}.js`, () => {
      const value = arrived.get(name);
      arrived.delete(name);
      return value;
    });
  }

  /** A promise of a library that is shipped beside these scripts: `library("marked", "marked")`. Loaded when it is needed. */
  function library(name, global) {
    return run(`assets/${name}.min.js`, () => window[global]);
  }

  /** Loads several files, a few at a time; `each(value, index)` as they arrive. Ends when all have. */
  async function loadAll(names, each) {
    let next = 0;
    const work = async () => {
      while (next < names.length) {
        const index = next++;
        each(await load(names[index]), index);
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, names.length) }, work));
  }

  return { load, loadAll, library, arrive: (name, json) => arrived.set(name, JSON.parse(json)) };
})();

function receive(name, json) {
  Data.arrive(name, json);
}
