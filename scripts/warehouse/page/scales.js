// Scales and ticks of charts.

export function linear([from, to], [start, end]) {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

export function logarithmic([from, to], [start, end]) {
  const scale = linear([Math.log10(from), Math.log10(to)], [start, end]);
  return (value) => scale(Math.log10(Math.max(value, from)));
}

// Round steps that cover the values, about `count` of them.
export function ticks(low, high, count = 4) {
  if (low === high) {
    if (low === 0) high = 1;
    else if (low > 0) low = 0;
    else high = 0;
  }
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= raw * 0.999);
  const found = [];
  for (let number = Math.floor(low / step + 1e-9); number * step < high + step * 0.999; number += 1) {
    found.push(Number((number * step).toPrecision(12)));
  }
  return found;
}

const DURATIONS = [1, 5, 15, 60, 240, 1440, 4320, 10080, 43200];

// Minutes on a logarithmic axis, at lengths that people know.
export function durationTicks(low, high) {
  const below = DURATIONS.filter((value) => value <= low).at(-1) ?? DURATIONS[0];
  const above = DURATIONS.find((value) => value >= high) ?? DURATIONS.at(-1);
  return DURATIONS.filter((value) => value >= below && value <= Math.max(above, below * 5));
}

export function extent(values) {
  const numbers = values.filter((value) => value !== null && value !== undefined);
  return numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : [0, 0];
}
