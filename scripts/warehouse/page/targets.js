// Targets of the catalogue as lines of a chart.

import { kpi } from "./store.js";
import { short } from "./format.js";

export function targetOf(name, unit) {
  const entry = kpi(name);
  return [["target_low", "at least"], ["target_high", "at most"]]
    .filter(([column]) => entry && entry[column] !== null && entry[column] !== undefined)
    .map(([column, word]) => ({ at: Number(entry[column]), name: `target: ${word} ${short(Number(entry[column]), unit)}` }));
}

// The ranges below, within and above a KPI's target, as bands: each given as [name, colour].
export function boundsOf(name, { below, within, above }) {
  const entry = kpi(name);
  const bound = (column) => (entry && entry[column] !== null && entry[column] !== undefined ? Number(entry[column]) : null);
  const [low, high] = [bound("target_low"), bound("target_high")];
  const bands = [];
  if (below && low !== null) bands.push({ to: low, name: below[0], color: below[1] });
  if (within && low !== null && high !== null) bands.push({ from: low, to: high, name: within[0], color: within[1] });
  if (above && high !== null) bands.push({ from: high, name: above[0], color: above[1] });
  return bands;
}
