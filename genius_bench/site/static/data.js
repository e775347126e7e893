/* Data files: scripts that call `receive`. They work where nothing may be fetched, such as in a page opened from a file. */
"use strict";

const Data = (() => {
  const arrived = new Map();
  const asked = new Map();
  const AT_ONCE = 6;

  function checked(file) {
    if (!/^data\/[a-z0-9/-]+\.js$/.test(file)) throw new TypeError(`no data file: ${file}`);
    return file;
  }

  // Where the browser knows trusted types, nothing but this function can name a script.
  const policy = window.trustedTypes ? trustedTypes.createPolicy("data-files", { createScriptURL: checked }) : null;
  const scriptAddress = (name) => (policy ? policy.createScriptURL(`data/${name}.js`) : checked(`data/${name}.js`));

  /** A promise of what the file `name` brings; every file is loaded once. */
  function load(name) {
    if (!asked.has(name)) {
      asked.set(name, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = scriptAddress(name);
        script.onload = () => {
          script.remove();
          if (arrived.has(name)) resolve(arrived.get(name));
          else reject(new Error(`data/${name}.js holds something else`));
          arrived.delete(name);
        };
        script.onerror = () => reject(new Error(`data/${name}.js could not be loaded`));
        document.head.append(script);
      }));
    }
    return asked.get(name);
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

  return { load, loadAll, arrive: (name, json) => arrived.set(name, JSON.parse(json)) };
})();

function receive(name, json) {
  Data.arrive(name, json);
}
