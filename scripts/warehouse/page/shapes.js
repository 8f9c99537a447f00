// The shapes that several charts share: a trend over periods and bars within one period.

import { nameOf } from "./store.js";
import { chosen } from "./state.js";
import { short, unitOf, words } from "./format.js";

export const HUES = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];

// Series of columns over the periods of a slice. A panel's series: { column, name, color, mark,
// stack, interval } with `interval` for the columns <column>_low and <column>_high.
export function trend(view, panels, { where = {}, context, isGapless, note: remark } = {}) {
  const rows = view.series(where);
  if (!rows.length) return null;
  const axis = view.axis(rows, { isGapless });
  const at = new Map(rows.map((row) => [row.period_start, row]));
  const values = (column) => axis.map(({ start }) => at.get(start)?.[column] ?? null);
  const all = {
    kind: "time",
    axis,
    panels: panels.map((panel) => ({
      ...panel,
      unit: panel.unit ?? unitOf(panel.series[0].column, rows[0]),
      series: panel.series.map((series) => ({
        ...series,
        name: series.name ?? words(series.column),
        values: values(series.column),
        low: series.interval ? values(`${series.column}_low`) : null,
        high: series.interval ? values(`${series.column}_high`) : null,
        notes: series.note ? axis.map(({ start }) => (at.has(start) ? series.note(at.get(start)) : "")) : null,
      })),
    })),
  };
  // A panel without a single figure would be an empty frame: say it instead.
  const hasFigures = (panel) => panel.series.some((series) => series.values.some((value) => value !== null));
  const silent = all.panels.filter((panel) => !hasFigures(panel)).map((panel) => panel.title ?? panel.series[0].name);
  const model = { ...all, panels: all.panels.filter(hasFigures) };
  if (!model.panels.length) return null;
  const note = [silent.length ? `No figures for ${silent.join(", ")}: nothing has landed to divide by.` : "", remark].filter(Boolean).join(" ");
  return { model, rows, note, context: [view.sliceName(), context, `${axis[0].label} to ${axis.at(-1).label}`] };
}

// Bars for the values of a dimension within one period.
export function comparison(view, { preferred, column, interval, sort, text, lines, bands, where = {}, color = "c1", max, fromZero }) {
  const dimension = view.comparison(preferred);
  if (!dimension) return null;
  const period = periodOf(view, { dimension, ...where });
  if (!period) return null;
  const rows = view.mart.select({ period_grain: view.grain, period_start: period.start, dimension, ...where });
  const sorted = rows.filter((row) => row[column] !== null).sort((a, b) => (b[sort ?? column] ?? 0) - (a[sort ?? column] ?? 0));
  const shown = sorted.slice(0, 15);
  if (!shown.length) return null;
  const { dimension: wanted, value } = chosen();
  const unit = unitOf(column, shown[0]);
  return {
    model: {
      kind: "rows", unit, lines, bands, max, fromZero, isPartial: !period.isComplete,
      series: [{ key: "v", name: words(column), color }],
      rows: shown.map((row) => ({
        label: nameOf(dimension, row.dimension_value),
        isChosen: wanted === dimension && value === row.dimension_value,
        isFaded: wanted === dimension && value !== "all" && value !== row.dimension_value,
        values: { v: { value: row[column], low: interval ? row[`${column}_low`] : null, high: interval ? row[`${column}_high`] : null } },
        text: text ? text(row) : short(row[column], unit),
      })),
    },
    rows: sorted,
    context: [`By ${words(dimension).toLowerCase()}`, view.periodText(period), shown.length < sorted.length ? `the first ${shown.length} of ${sorted.length}, all in the table` : ""],
    ignoresSlice: true,
  };
}

// The period of a comparison: the slice of the reader does not matter for it.
export function periodOf(view, where, isUseful) {
  const before = view.where;
  view.where = {};
  const period = view.period(where, isUseful);
  view.where = before;
  return period;
}

// One period's rows of the slice.
export function snapshot(view, where = {}, isUseful = undefined) {
  const period = view.period(where, isUseful);
  if (!period) return null;
  return { period, rows: view.mart.select({ period_grain: view.grain, period_start: period.start, ...view.where, ...where }) };
}
