/* What a reader chose on a page, kept in its address: a link to it shows the same. */
"use strict";

const Permalink = (() => {
  /** Of one part of the page shown: names of several tables must not meet. */
  function of(part = "") {
    const name = (one) => (part ? `${part}.${one}` : one);
    return { get: (one) => parts().query.get(name(one)) || "", set: (one, value) => set(name(one), value) };
  }

  /** For what is not worth remembering. */
  const none = { get: () => "", set: () => {} };

  function parts() {
    const [path, query] = location.hash.split("?");
    return { path: path || "#/", query: new URLSearchParams(query || "") };
  }

  function set(name, value) {
    const { path, query } = parts();
    if ((query.get(name) || "") === value) return;
    if (value) query.set(name, wellFormed(value));
    else query.delete(name);
    const words = query.toString();
    history.replaceState(null, "", words ? `${path}?${words}` : path);
  }

  return { of, none };
})();
