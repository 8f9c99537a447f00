// Draws a chart as SVG from a description of it. Colours are names of style variables, so that
// light, dark and print need no new drawing. Kinds: time, rows, steps, curve.

import { el, svg, textWidth, fitted } from "./dom.js";
import { short, tick, unitName } from "./format.js";
import { linear, logarithmic, ticks, durationTicks, extent } from "./scales.js";

const SMALL = 11;
const color = (name) => `var(--${name})`;
let hatches = 0;

export function draw(model, width) {
  const drawing = { time: timeChart, rows: rowChart, steps: stepChart, curve: curveChart }[model.kind](model, width);
  return withTips(drawing.node, drawing.slots);
}

export function isPartial(model) {
  if (model.kind === "time") return model.axis.some((period) => !period.isComplete);
  return Boolean(model.isPartial);
}

// What an axis without a title has to say: its numbers do not say it.
function axisName(unit) {
  return ["money", "days", "months"].includes(unit) ? unitName(unit) : "";
}

// True when there is nothing to see: every figure is 0 or missing.
export function isFlat(model) {
  const cells = { time: () => model.panels.flatMap((panel) => panel.series.flatMap(({ values, low, high }) => [...values, ...(low ?? []), ...(high ?? [])])),
    rows: () => model.rows.flatMap((row) => (row.hatched ? [1] : Object.values(row.values).flatMap((cell) => (cell ? [cell.value, cell.low, cell.high] : [])))),
    steps: () => model.steps.map((step) => step.value) }[model.kind];
  return Boolean(cells) && !cells().some(Boolean);
}

// What the colours of a chart mean: [{ name, color, mark }].
export function legendOf(model) {
  const series = model.kind === "time" ? model.panels.flatMap((panel) => panel.series) : model.series ?? [];
  const seen = new Map();
  for (const { name, color: hue, mark, low, isDashed, isHollow } of series) {
    if (!seen.has(name)) seen.set(name, { name, color: hue, mark: mark ?? "bar", hasBand: Boolean(low), isDashed, isHollow });
  }
  const entries = [...seen.values()];
  return entries.length > 1 || entries.some((entry) => entry.hasBand) || model.alwaysLegend ? entries : [];
}

// A hatched fill of a colour: what is not over yet or not shown.
function hatch(defs, hue) {
  hatches += 1;
  const id = `hatch-${hatches}`;
  defs.append(svg("pattern", {
    id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
  }, svg("rect", { width: 6, height: 6, fill: color(hue), opacity: 0.15 }),
  svg("rect", { width: 2.5, height: 6, fill: color(hue) })));
  return `url(#${id})`;
}

function label(text, attributes) {
  return svg("text", { "font-size": SMALL, fill: "var(--muted)", ...attributes }, text);
}

function canvas(width, height) {
  const defs = svg("defs");
  const node = svg("svg", {
    width, height, viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", tabindex: 0,
  }, defs);
  return { node, defs, fills: new Map() };
}

function fillOf(sheet, hue, isComplete) {
  if (isComplete) return color(hue);
  if (!sheet.fills.has(hue)) sheet.fills.set(hue, hatch(sheet.defs, hue));
  return sheet.fills.get(hue);
}

// --- time -----------------------------------------------------------------------------------

function timeChart(model, width) {
  const { axis, panels } = model;
  const scales = panels.map((panel) => valueScale(panel, axis.length));
  const left = Math.ceil(Math.max(28, ...scales.flatMap(({ marks, unit }) => marks.map((mark) => textWidth(tick(mark, unit), SMALL))))) + 10;
  const right = 14;
  const plot = width - left - right;
  const step = plot / axis.length;
  const middle = (index) => left + step * (index + 0.5);
  let top = 0;
  const tops = panels.map((panel) => {
    top += panel.title ? 30 : axisName(panel.unit) ? 22 : 12;
    const at = top;
    top += (panel.height ?? (panels.length > 1 ? 116 : 216)) + 8;
    return at;
  });
  const height = top + 22;
  const sheet = canvas(width, height);
  panels.forEach((panel, number) => {
    const bottom = tops[number] + (panel.height ?? (panels.length > 1 ? 116 : 216));
    const { marks, unit, domain } = scales[number];
    const y = (panel.log ? logarithmic : linear)(domain, [bottom, tops[number]]);
    if (panel.title) {
      sheet.node.append(label(fitted([panel.title, unitName(unit) && `(${unitName(unit)})`].filter(Boolean).join(" "), width - 4), {
        x: 0, y: tops[number] - 13, fill: "var(--text)", "font-weight": 600,
      }));
    }
    else if (axisName(unit)) sheet.node.append(label(axisName(unit), { x: 0, y: tops[number] - 12 }));
    for (const band of panel.bands ?? []) {
      const [from, to] = [Math.max(band.from ?? domain[0], domain[0]), Math.min(band.to ?? domain[1], domain[1])];
      if (to <= from) continue;
      sheet.node.append(svg("rect", {
        x: left, width: plot, y: y(to), height: y(from) - y(to), fill: color(band.color), opacity: 0.1,
      }));
    }
    let lastAt = Infinity;
    for (const mark of marks) {
      const isNamed = lastAt - y(mark) >= 13;
      if (isNamed) lastAt = y(mark);
      sheet.node.append(svg("line", {
        x1: left, x2: width - right, y1: y(mark), y2: y(mark), stroke: mark === 0 ? "var(--axis)" : "var(--grid)",
      }), isNamed ? label(tick(mark, unit), { x: left - 7, y: y(mark) + 4, "text-anchor": "end" }) : "");
    }
    bars(sheet, panel, axis, { y, step, left, zero: y(Math.max(domain[0], 0)) });
    for (const band of panel.bands ?? []) {
      const [from, to] = [Math.max(band.from ?? domain[0], domain[0]), Math.min(band.to ?? domain[1], domain[1])];
      if (to > from && y(from) - y(to) >= 13) {
        sheet.node.append(svg("rect", { x: left + 2, y: y(to) + 2, width: textWidth(band.name, 10) + 6, height: 13, rx: 3, fill: "var(--card)", opacity: 0.92 }),
          label(band.name, { x: left + 5, y: y(to) + 12, "font-size": 10 }));
      }
    }
    for (const line of panel.lines ?? []) {
      if (line.at < domain[0] || line.at > domain[1]) continue;
      sheet.node.append(svg("line", {
        x1: left, x2: width - right, y1: y(line.at), y2: y(line.at), stroke: "var(--muted)", "stroke-dasharray": "5 4",
      }), label(line.name, {
        x: left + 4, y: y(line.at) - 4, "font-size": 10, class: "halo",
      }));
    }
    panel.series.filter((series) => series.mark === "line").forEach((series) => {
      lines(sheet, series, axis, { y, middle, unit: series.unit ?? unit, top: tops[number], only: panel.series.length === 1 });
    });
  });
  timeLabels(sheet, axis, { middle, step, y: height - 6, width });
  const slots = axis.map((period, index) => ({
    x: left + step * index, y: 0, width: step, height: height - 20,
    title: period.isComplete ? period.label : `${period.label} – not over yet`,
    lines: panels.flatMap((panel) => panel.series.filter((series) => series.values[index] !== null && series.values[index] !== undefined).map((series) => ({
      name: series.name, color: series.color, text: valueText(series, index, series.unit ?? panel.unit),
    }))),
  }));
  return { node: sheet.node, slots };
}

function valueText(series, index, unit) {
  const value = short(series.values[index], unit);
  const [low, high] = [series.low?.[index], series.high?.[index]];
  const interval = low === null || low === undefined ? "" : ` (${short(low, unit)} to ${short(high, unit)})`;
  return `${value}${interval}${series.notes?.[index] ? ` · ${series.notes[index]}` : ""}`;
}

function valueScale(panel, count) {
  const stacks = new Map();
  const numbers = [];
  for (const series of panel.series) {
    if (series.stack) {
      const sums = stacks.get(series.stack) ?? new Array(count).fill(0);
      series.values.forEach((value, index) => { sums[index] += value ?? 0; });
      stacks.set(series.stack, sums);
    } else numbers.push(...series.values, ...(series.low ?? []), ...(series.high ?? []));
  }
  for (const sums of stacks.values()) numbers.push(...sums);
  const hasBars = panel.series.some((series) => series.mark !== "line");
  let [low, high] = extent(panel.log ? numbers.filter((value) => value > 0) : numbers);
  if (panel.log) {
    const marks = durationTicks(Math.max(low, 0.1), Math.max(high, 1));
    return { marks, unit: panel.unit, domain: [marks[0], marks.at(-1)] };
  }
  if (hasBars || panel.fromZero || (panel.unit === "share" && !panel.isZoomed)) low = Math.min(low, 0);
  for (const { at } of panel.lines ?? []) {
    // A target that is far away would flatten what is shown.
    const span = high - low || Math.abs(high) || 1;
    if (at > low - span && at < high + span) [low, high] = [Math.min(low, at), Math.max(high, at)];
  }
  if (panel.min !== undefined) low = Math.max(low, panel.min);
  let marks = ticks(low, high, (panel.height ?? 190) > 130 ? 4 : 3);
  if (panel.max !== undefined) marks = marks.filter((mark) => mark <= panel.max + 1e-9);
  return { marks, unit: panel.unit, domain: [marks[0], Math.max(marks.at(-1), panel.max === undefined ? -Infinity : Math.min(high, panel.max))] };
}

function bars(sheet, panel, axis, { y, step, left, zero }) {
  const series = panel.series.filter(({ mark }) => mark !== "line");
  const groupOf = (item) => item.group ?? item.stack ?? item.name;
  const groups = [...new Set(series.map(groupOf))];
  if (!groups.length) return;
  const gap = Math.min(step * 0.22, 10);
  const size = Math.min((step - gap) / groups.length, 46);
  const start = (step - size * groups.length) / 2;
  axis.forEach((period, index) => {
    const heights = new Map();
    for (const item of series) {
      const value = item.values[index];
      if (value === null || value === undefined || value === 0) continue;
      const group = groupOf(item);
      const inset = item.isInside ? size * 0.2 : 0;
      const base = item.stack ? heights.get(group) ?? 0 : 0;
      heights.set(group, base + value);
      const [from, to] = item.stack ? [y(base), y(base + value)] : [zero, y(value)];
      sheet.node.append(svg("rect", {
        x: left + step * index + start + size * groups.indexOf(group) + 0.5 + inset,
        width: Math.max(size - 1 - 2 * inset, 1), y: Math.min(from, to), height: Math.max(Math.abs(from - to), 1),
        rx: item.stack ? 0 : Math.min(2, size / 4), fill: item.isOutlined ? "none" : fillOf(sheet, item.color, period.isComplete),
        stroke: item.isOutlined || !period.isComplete ? color(item.color) : "none",
        "stroke-width": item.isOutlined ? 1.5 : 1,
        class: period.isComplete ? "mark" : "mark partial",
      }));
    }
  });
}

function lines(sheet, series, axis, { y, middle, unit, top, only }) {
  const has = (index) => series.values[index] !== null && series.values[index] !== undefined;
  const hue = color(series.color);
  if (series.low) {
    let run = [];
    const close = () => {
      if (run.length) {
        const points = run.length > 1 ? [...run.map((i) => [middle(i), y(series.high[i])]), ...[...run].reverse().map((i) => [middle(i), y(series.low[i])])] : [];
        if (points.length) sheet.node.append(svg("polygon", { points: points.map((p) => p.join(",")).join(" "), fill: hue, opacity: 0.16 }));
        else sheet.node.append(svg("line", { x1: middle(run[0]), x2: middle(run[0]), y1: y(series.low[run[0]]), y2: y(series.high[run[0]]), stroke: hue, "stroke-width": 5, opacity: 0.2 }));
      }
      run = [];
    };
    axis.forEach((period, index) => {
      const isShown = has(index) && series.low[index] !== null && series.low[index] !== undefined;
      if (isShown && period.isComplete) run.push(index);
      else {
        close();
        // The running period's interval stands alone: it will still move.
        if (isShown) sheet.node.append(svg("line", { x1: middle(index), x2: middle(index), y1: y(series.low[index]), y2: y(series.high[index]), stroke: hue, "stroke-width": 1.5, "stroke-dasharray": "2 3" }));
      }
    });
    close();
  }
  let before = null;
  axis.forEach((period, index) => {
    if (!has(index)) return;
    if (before !== null && (series.spansGaps || before === index - 1)) {
      sheet.node.append(svg("line", {
        x1: middle(before), y1: y(series.values[before]), x2: middle(index), y2: y(series.values[index]),
        stroke: hue, "stroke-width": 2, "stroke-linecap": "round",
        "stroke-dasharray": period.isComplete ? (series.isDashed ? "1 4" : null) : "4 4",
        class: period.isComplete ? null : "partial",
      }));
    }
    before = index;
  });
  const isCrowded = axis.length > 30;
  axis.forEach((period, index) => {
    if (!has(index)) return;
    const alone = !has(index - 1) && !has(index + 1);
    if (isCrowded && period.isComplete && !alone) return;
    sheet.node.append(svg("circle", {
      cx: middle(index), cy: y(series.values[index]), r: period.isComplete ? 2.6 : 4,
      fill: period.isComplete ? hue : "var(--card)", stroke: hue, "stroke-width": period.isComplete ? 0 : 1.6,
      class: period.isComplete ? "mark" : "mark partial",
    }));
  });
  const last = axis.findLastIndex((period, index) => period.isComplete && has(index));
  if (only && last >= 0) {
    const text = short(series.values[last], unit);
    const half = textWidth(text, SMALL) / 2;
    const x = Math.min(middle(last), middle(axis.length - 1) + 8 - half);
    const near = [last - 1, last, last + 1].filter(has).map((index) => y(series.values[index]));
    sheet.node.append(label(text, { x, y: Math.max(Math.min(...near) - 9, top + 2), "text-anchor": "middle", "font-weight": 600, fill: "var(--text)", class: "halo" }));
  }
}

function timeLabels(sheet, axis, { middle, step, y, width }) {
  const size = Math.max(...axis.map((period) => textWidth(period.label, SMALL))) + 12;
  const every = Math.max(1, Math.ceil(size / step));
  // The last whole period is always named.
  const last = axis.length - 1;
  let free = Infinity;
  for (let index = last; index >= 0; index -= every) {
    const period = axis[index];
    const half = textWidth(period.label, SMALL) / 2;
    const x = Math.max(half, Math.min(middle(index), width - half - 2));
    // The last name is moved into the picture: the one before it may have no room.
    if (x + half + 8 > free) continue;
    free = x - half;
    sheet.node.append(label(period.label, {
      x, y, "text-anchor": "middle", "font-style": period.isComplete ? null : "italic",
    }));
  }
}

// --- rows: horizontal bars, dots with intervals, floating bars ------------------------------

function rowChart(model, width) {
  const { rows, series, unit } = model;
  const single = series.filter((item) => item.mark !== "dot" && item.mark !== "tick" && !item.stack);
  const barCount = Math.max(1, single.length);
  // Few rows are drawn taller, so that neighbouring cards are of one height.
  const room = Math.min(44, 216 / rows.length);
  const thick = barCount > 1 ? Math.max(11, Math.min(16, room / barCount - 4)) : Math.max(16, Math.min(24, room - 14));
  const rowHeight = Math.max(rows.some((row) => row.under) ? 36 : 26, room, thick * barCount + 12);
  const names = rows.flatMap((row) => [row.label, row.under ?? ""]);
  const left = Math.min(Math.max(...names.map((name) => textWidth(name, 12))) + 12, width * (width < 480 ? 0.34 : 0.4));
  // Where a long text would leave the bars no room, the rest of it stands in the table alone.
  const isTight = rows.some((row) => textWidth(row.text ?? "", SMALL) > width * 0.4);
  const endTexts = rows.map((row) => (isTight ? (row.text ?? "").split(" · ")[0] : row.text ?? ""));
  const right = Math.max(...endTexts.map((text) => textWidth(text, SMALL)), 6) + 10;
  const sums = rows.map((row) => series.filter((item) => item.stack).reduce((sum, item) => sum + (row.values[item.key]?.value ?? 0), 0));
  const numbers = rows.flatMap((row) => series.flatMap((item) => {
    const cell = row.values[item.key];
    return cell && !item.stack ? [cell.value, cell.low, cell.high, cell.from] : [];
  }));
  let [low, high] = extent([...numbers, ...sums]);
  const hasBars = series.some((item) => item.mark !== "dot" && item.mark !== "tick");
  if (hasBars || model.fromZero) low = Math.min(low, 0);
  for (const { at } of model.lines ?? []) [low, high] = [Math.min(low, at), Math.max(high, at)];
  if (model.min !== undefined) low = model.min;
  if (model.max !== undefined) high = model.max;
  let marks = ticks(low, high, width < 480 ? 3 : 5);
  if (model.marks) marks = model.marks;
  else if (model.max !== undefined) marks = marks.filter((mark) => mark <= model.max + 1e-9);
  const top = model.lines?.length ? 20 : 6;
  const height = top + rows.length * rowHeight + 26;
  const sheet = canvas(width, height);
  const from = left + 4;
  const x = linear([Math.min(low, marks[0]), Math.max(model.max === undefined ? high : Math.min(high, model.max), marks.at(-1))], [from, width - right]);
  const bottom = top + rows.length * rowHeight;
  for (const band of model.bands ?? []) {
    sheet.node.append(svg("rect", { x: x(Math.max(band.from ?? low, marks[0])), y: top, width: Math.max(0, x(Math.min(band.to ?? high, marks.at(-1))) - x(Math.max(band.from ?? low, marks[0]))), height: bottom - top, fill: color(band.color), opacity: 0.1 }));
  }
  let lastEnd = -Infinity;
  for (const mark of marks) {
    sheet.node.append(svg("line", { x1: x(mark), x2: x(mark), y1: top, y2: bottom, stroke: mark === 0 ? "var(--axis)" : "var(--grid)" }));
    // What it is measured in stands once, at the end.
    const name = mark === marks.at(-1) ? axisName(unit) : "";
    const text = unit === "money" && name ? `${name} ${tick(mark, unit)}` : `${tick(mark, unit)} ${name}`.trim();
    const half = textWidth(text, SMALL) / 2;
    const at = Math.min(x(mark), width - half);
    if (at - half > lastEnd + 4) {
      sheet.node.append(label(text, { x: at, y: bottom + 15, "text-anchor": "middle" }));
      lastEnd = at + half;
    }
  }
  const slots = [];
  rows.forEach((row, number) => {
    const at = top + number * rowHeight;
    const center = at + rowHeight / 2;
    sheet.node.append(svg("text", {
      x: left - 6, y: center + (row.under ? -2 : 4), "text-anchor": "end", "font-size": 12, fill: "var(--text)", "font-weight": row.isChosen ? 700 : null,
    }, fitted(row.label, left - 10), svg("title", {}, row.label)));
    if (row.under) sheet.node.append(svg("text", { x: left - 6, y: center + 12, "text-anchor": "end", "font-size": 12, fill: "var(--muted)" }, fitted(row.under, left - 10), svg("title", {}, row.under)));
    if (row.hatched) {
      sheet.node.append(svg("rect", { x: from, y: at + 5, width: Math.max(width - right - from, 10), height: rowHeight - 10, fill: fillOf(sheet, "muted", false), opacity: 0.35 }),
        label(row.hatched, { x: from + 8, y: center + 4, fill: "var(--text)", class: "halo" }));
    }
    let base = 0;
    let barNumber = 0;
    const range = series.filter((item) => item.joins).map((item) => row.values[item.key]?.value).filter((value) => value !== null && value !== undefined);
    if (range.length > 1) sheet.node.append(svg("line", { x1: x(Math.min(...range)), x2: x(Math.max(...range)), y1: center, y2: center, stroke: "var(--axis)", "stroke-width": 3, "stroke-linecap": "round" }));
    for (const item of series) {
      const cell = row.values[item.key];
      if (!cell || cell.value === null || cell.value === undefined) { if (single.includes(item)) barNumber += 1; continue; }
      const hue = cell.color ?? item.color;
      if (item.mark === "dot" || item.mark === "tick") {
        if (cell.low !== null && cell.low !== undefined) sheet.node.append(svg("line", { x1: x(cell.low), x2: x(cell.high), y1: center, y2: center, stroke: color(hue), "stroke-width": 2.5, opacity: 0.45, "stroke-linecap": "round" }));
        if (item.mark === "tick") sheet.node.append(svg("line", { x1: x(cell.value), x2: x(cell.value), y1: center - 9, y2: center + 9, stroke: color(hue), "stroke-width": 2.5, class: "mark" }));
        else sheet.node.append(svg("circle", { cx: x(cell.value), cy: center, r: 5, fill: item.isHollow ? "var(--card)" : color(hue), stroke: color(hue), "stroke-width": 2, class: "mark" }));
        continue;
      }
      const start = item.stack ? base : cell.from ?? 0;
      const end = item.stack ? base + cell.value : cell.value;
      if (item.stack) base = end;
      const y = item.stack || barCount === 1 ? center - thick / 2 : center - (thick * barCount) / 2 + thick * barNumber;
      if (!item.stack) barNumber += 1;
      sheet.node.append(svg("rect", {
        x: Math.min(x(start), x(end)), width: Math.max(Math.abs(x(end) - x(start)), 1), y, height: thick - (barCount > 1 ? 1 : 0),
        rx: item.stack ? 0 : 2, fill: fillOf(sheet, hue, !model.isPartial), opacity: row.isFaded ? 0.45 : 1, class: model.isPartial ? "mark partial" : "mark",
        stroke: item.stack ? "var(--card)" : model.isPartial ? color(hue) : "none",
      }));
      if (cell.low !== null && cell.low !== undefined) {
        const mid = y + thick / 2;
        sheet.node.append(svg("path", { d: `M${x(cell.low)} ${mid}H${x(cell.high)}M${x(cell.low)} ${mid - 4}v8M${x(cell.high)} ${mid - 4}v8`, stroke: "var(--text)", "stroke-width": 1.3, fill: "none", opacity: 0.75 }));
      }
    }
    if (row.text) sheet.node.append(label(endTexts[number], { x: width, y: center + 4, "text-anchor": "end", fill: "var(--text)" }));
    slots.push({
      x: 0, y: at, width, height: rowHeight, title: row.title ?? row.label,
      lines: series.filter((item) => row.values[item.key]).map((item) => {
        const cell = row.values[item.key];
        const interval = cell.low === null || cell.low === undefined ? "" : ` (${short(cell.low, unit)} to ${short(cell.high, unit)})`;
        return { name: item.name, color: cell.color ?? item.color, text: `${short(cell.shown ?? cell.value, item.unit ?? unit)}${interval}` };
      }).concat((row.details ?? []).map(([name, text]) => ({ name, text }))),
    });
  });
  for (const line of model.lines ?? []) {
    const half = textWidth(line.name, 10) / 2;
    sheet.node.append(svg("line", { x1: x(line.at), x2: x(line.at), y1: top - 4, y2: bottom, stroke: "var(--text)", "stroke-dasharray": "5 4", opacity: 0.6 }),
      label(line.name, { x: Math.max(half, Math.min(x(line.at), width - half)), y: 11, "text-anchor": "middle", "font-size": 10 }));
  }
  return { node: sheet.node, slots };
}

// --- steps: a waterfall ---------------------------------------------------------------------

function stepChart(model, width) {
  const { steps, unit } = model;
  const ends = [];
  let level = 0;
  for (const step of steps) {
    const start = step.isTotal ? 0 : level;
    level = step.isTotal ? step.value ?? 0 : level + (step.value ?? 0);
    ends.push([start, level]);
  }
  const [lowest, highest] = extent(ends.flatMap(([start, end], index) => (steps[index].isTotal ? [end] : [start, end])));
  // Small changes of a large level: from 0 they could not be seen.
  model.isCut = lowest > 0 && (highest - lowest) / highest < 0.25;
  const marks = model.isCut ? ticks(lowest - (highest - lowest) * 0.3, highest, 4) : ticks(Math.min(0, lowest), Math.max(0, highest), 4);
  const left = Math.max(...marks.map((mark) => textWidth(tick(mark, unit), SMALL))) + 12;
  const plot = width - left - 6;
  const size = plot / steps.length;
  const tilted = steps.some((step) => textWidth(step.label, SMALL) > size - 4);
  const bottomSpace = tilted ? 62 : 24;
  const height = 232 + bottomSpace;
  const sheet = canvas(width, height);
  const y = linear([marks[0], marks.at(-1)], [height - bottomSpace, 28]);
  for (const mark of marks) {
    sheet.node.append(svg("line", { x1: left, x2: width - 6, y1: y(mark), y2: y(mark), stroke: mark === 0 ? "var(--axis)" : "var(--grid)" }),
      label(tick(mark, unit), { x: left - 7, y: y(mark) + 4, "text-anchor": "end" }));
  }
  const texts = steps.map((step) => `${step.isTotal ? "" : step.value > 0 ? "+" : ""}${tick(step.value ?? 0, unit)}`);
  const isCrowded = texts.some((text) => textWidth(text, SMALL) > size - 5);
  const slots = steps.map((step, index) => {
    const [start, end] = [Math.max(ends[index][0], marks[0]), ends[index][1]];
    const x = left + size * index + size * 0.14;
    const thick = size * 0.72;
    sheet.node.append(svg("rect", {
      x, width: thick, y: Math.min(y(start), y(end)), height: Math.max(Math.abs(y(start) - y(end)), 1.5), rx: 2,
      fill: fillOf(sheet, step.color, !model.isPartial), stroke: model.isPartial ? color(step.color) : "none", class: model.isPartial ? "mark partial" : "mark",
    }));
    if (index < steps.length - 1) sheet.node.append(svg("line", { x1: x + thick, x2: x + size, y1: y(end), y2: y(end), stroke: "var(--axis)", "stroke-dasharray": "2 2" }));
    sheet.node.append(label(texts[index], { x: x + thick / 2, y: Math.min(y(start), y(end)) - 5 - (isCrowded && index % 2 ? 12 : 0), "text-anchor": "middle", fill: "var(--text)", "font-weight": 600, "font-size": isCrowded ? 10 : SMALL, class: "halo" }));
    const at = [x + thick / 2, height - bottomSpace + 15];
    sheet.node.append(label(step.label, tilted
      ? { x: at[0] + 4, y: at[1] - 2, "text-anchor": "end", transform: `rotate(-40 ${at[0] + 4} ${at[1] - 2})` }
      : { x: at[0], y: at[1], "text-anchor": "middle" }));
    return { x: left + size * index, y: 0, width: size, height, title: step.label, lines: [{ name: step.isTotal ? "Level" : "Change", color: step.color, text: short(step.value, unit) }, ...(step.details ?? []).map(([name, detail]) => ({ name, text: detail }))] };
  });
  return { node: sheet.node, slots };
}

// --- curves: a share that falls in steps ----------------------------------------------------

function curveChart(model, width) {
  const { series, unit, last } = model;
  const marks = [0, 0.25, 0.5, 0.75, 1];
  const left = Math.ceil(Math.max(...marks.map((mark) => textWidth(tick(mark, unit), SMALL)))) + 10;
  const [top, right, height] = [10, 14, 270];
  const bottom = height - 40;
  const sheet = canvas(width, height);
  const days = ticks(0, last, width < 480 ? 4 : 7);
  const y = linear([0, 1], [bottom, top]);
  const x = linear([0, days.at(-1)], [left, width - right]);
  for (const mark of marks) {
    sheet.node.append(svg("line", { x1: left, x2: width - right, y1: y(mark), y2: y(mark), stroke: mark === 0 ? "var(--axis)" : "var(--grid)" }),
      label(tick(mark, unit), { x: left - 7, y: y(mark) + 4, "text-anchor": "end" }));
  }
  for (const day of days) {
    const text = tick(day, model.xUnit);
    const half = textWidth(text, SMALL) / 2;
    sheet.node.append(label(text, { x: Math.min(x(day), width - half - 1), y: bottom + 15, "text-anchor": "middle" }));
  }
  sheet.node.append(label(model.xTitle, { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }));
  for (const line of model.lines ?? []) {
    sheet.node.append(svg("line", { x1: left, x2: width - right, y1: y(line.at), y2: y(line.at), stroke: "var(--muted)", "stroke-dasharray": "5 4" }),
      label(line.name, { x: width - right, y: y(line.at) - 4, "font-size": 10, "text-anchor": "end", class: "halo" }));
  }
  const end = days.at(-1);
  for (const { color: hue, points } of series) {
    const shown = points.filter((point) => point.x <= end);
    // A share holds until the next step; a curve ends with its longest visit.
    const path = shown.map((point, index) => (index ? `H${x(point.x)}V${y(point.y)}` : `M${x(point.x)} ${y(point.y)}`)).join("");
    sheet.node.append(svg("path", {
      d: shown.length < points.length ? `${path}H${x(end)}` : path, fill: "none", stroke: color(hue), "stroke-width": 2, class: "mark",
    }));
  }
  const count = Math.max(8, Math.min(40, Math.floor((width - left - right) / 16)));
  const size = (width - left - right) / count;
  const slots = Array.from({ length: count }, (none, index) => {
    const day = (end * (index + 0.5)) / count;
    return {
      x: left + size * index, y: 0, width: size, height: bottom, title: `after ${short(day, model.xUnit)}`,
      lines: series.filter(({ points }) => points.at(-1).x >= day).map(({ name, color: hue, points }) => {
        const point = points.findLast((one) => one.x <= day);
        return { name, color: hue, text: `${short(point.y, unit)}` };
      }),
    };
  });
  return { node: sheet.node, slots };
}

// --- a line without axes --------------------------------------------------------------------

export function sparkline(values, width = 120, height = 30) {
  const [low, high] = extent(values.map(({ value }) => value));
  const x = linear([0, Math.max(values.length - 1, 1)], [3, width - 3]);
  const y = linear([low, high === low ? low + 1 : high], [height - 4, 4]);
  const node = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "spark", preserveAspectRatio: "none", "aria-hidden": "true" });
  let before = null;
  values.forEach(({ value, isComplete }, index) => {
    if (value === null || value === undefined) { before = null; return; }
    if (before !== null) {
      node.append(svg("line", { x1: x(before), y1: y(values[before].value), x2: x(index), y2: y(value), stroke: "var(--c1)", "stroke-width": 1.8, "stroke-linecap": "round", "vector-effect": "non-scaling-stroke", "stroke-dasharray": isComplete ? null : "2 4" }));
    }
    before = index;
  });
  const last = values.findLastIndex(({ value, isComplete }) => isComplete && value !== null && value !== undefined);
  if (last >= 0) {
    // A line of no length with round ends: a dot that stretching does not deform.
    node.append(svg("line", { x1: x(last), x2: x(last), y1: y(values[last].value), y2: y(values[last].value), stroke: "var(--c1)", "stroke-width": 7, "stroke-linecap": "round", "vector-effect": "non-scaling-stroke" }));
  }
  return node;
}

// --- tips: by pointer, and by arrow keys on the focused chart -------------------------------

const tip = el("div", { class: "tip", role: "status", "aria-live": "polite", hidden: true });
document.body.append(tip);

function withTips(node, slots) {
  const cursor = svg("rect", { class: "cursor", fill: "var(--text)", opacity: 0 });
  node.prepend(cursor);
  let current = -1;
  const show = (index) => {
    current = index;
    const slot = slots[index];
    for (const name of ["x", "y", "width", "height"]) cursor.setAttribute(name, slot[name]);
    cursor.setAttribute("opacity", 0.06);
    tip.replaceChildren(el("strong", {}, slot.title), ...slot.lines.map(({ name, color: hue, text }) => el("div", {},
      el("span", { class: "swatch", style: hue ? `background:${color(hue)}` : "visibility:hidden" }), `${name}: `, el("b", {}, text))),
    ...(slot.lines.length ? [] : [el("div", {}, "no figures")]));
    tip.hidden = false;
    const box = node.getBoundingClientRect();
    const wide = tip.offsetWidth;
    const x = box.left + slot.x + slot.width / 2 - wide / 2;
    tip.style.left = `${Math.max(8, Math.min(x, document.documentElement.clientWidth - wide - 8))}px`;
    const above = box.top + slot.y - tip.offsetHeight - 8;
    tip.style.top = `${above > 8 ? above : box.top + slot.y + Math.min(slot.height, box.height) + 8}px`;
  };
  const hide = () => {
    current = -1;
    tip.hidden = true;
    cursor.setAttribute("opacity", 0);
  };
  slots.forEach((slot, index) => {
    node.append(svg("rect", {
      x: slot.x, y: slot.y, width: slot.width, height: slot.height, fill: "transparent",
      onpointerenter: () => show(index),
    }));
  });
  node.addEventListener("pointerleave", hide);
  node.addEventListener("blur", hide);
  node.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") hide();
    if (!move || !slots.length) return;
    event.preventDefault();
    show(current < 0 ? (move > 0 ? 0 : slots.length - 1) : (current + move + slots.length) % slots.length);
  });
  return node;
}
