// What the reader has chosen. It stands in the address, so that a link shows the same page.

const CHOICES = ["grain", "period", "dimension", "value", "pipeline", "metric", "measure", "theme"];
const DEFAULTS = { grain: "month", dimension: "all", value: "all", measure: "money" };
const listeners = [];
let state = { ...DEFAULTS };

export function chosen() {
  return state;
}

export function onChoice(listener) {
  listeners.push(listener);
}

export function choose(changes) {
  state = { ...state, ...changes };
  const next = written();
  // Without a new entry of the history: going back leaves the page, as people expect.
  if (next !== location.hash) history.replaceState(null, "", next || location.pathname + location.search);
  listeners.forEach((listener) => listener(state));
}

export function restored() {
  const given = new URLSearchParams(location.hash.slice(1));
  state = { ...DEFAULTS };
  for (const name of CHOICES) if (given.get(name)) state[name] = given.get(name);
  return state;
}

// The choices that differ from the defaults, as the part of the address after #.
function written() {
  const parameters = new URLSearchParams();
  for (const name of CHOICES) {
    if (state[name] && state[name] !== DEFAULTS[name]) parameters.set(name, state[name]);
  }
  const text = parameters.toString();
  return text ? `#${text}` : "";
}
