// What a chart may show of a mart under the reader's choices: the grain it has, the slice it has,
// the period that was chosen or the last whole one before it. Where a mart cannot follow a choice,
// the view says so.

import { figures, mart, nameOf } from "./store.js";
import { chosen } from "./state.js";
import { words } from "./format.js";

const GRAINS = ["week", "month", "quarter"];

export const GRAIN_NAMES = { week: "week", month: "month", quarter: "quarter" };

// A quarter has the name of its fiscal year.
export function periodName(grain, start) {
  if (grain === "month") return start.slice(0, 7);
  return grain === "quarter" ? figures().quarters[start] ?? start : start;
}

export function periodsOf(grain) {
  return figures().periods[grain] ?? [];
}

// The chosen period, else the last one that is over.
export function chosenPeriod() {
  const { grain, period } = chosen();
  const periods = periodsOf(grain);
  const found = periods.find(([start]) => start === period);
  return found ?? periods.filter(([, isOver]) => isOver).at(-1) ?? periods.at(-1) ?? null;
}

export function pipelines() {
  const stages = mart("kpi_deals_by_stage");
  const names = stages ? [...stages.distinct("pipeline")] : mart("kpi_pipeline_bridge")?.distinct("pipeline") ?? [];
  return names.filter((name) => name !== null).sort();
}

export function pipeline() {
  const names = pipelines();
  const { pipeline: wanted } = chosen();
  if (names.includes(wanted)) return wanted;
  // The one with the most open deals.
  const bridge = mart("kpi_pipeline_bridge");
  const latest = new Map();
  for (const row of bridge?.select({ period_grain: "month", dimension: "all" }) ?? []) {
    latest.set(row.pipeline, row.closing_deals);
  }
  return names.sort((a, b) => (latest.get(b) ?? 0) - (latest.get(a) ?? 0))[0] ?? null;
}

export class View {
  constructor(name) {
    this.name = name;
    this.mart = mart(name);
    this.hints = [];
    if (!this.mart) return;
    const { grain, dimension, value } = chosen();
    this.grain = this.nearestGrain(grain);
    if (this.grain && this.grain !== grain) {
      this.hints.push(`By ${GRAIN_NAMES[this.grain]}: there are no figures by ${GRAIN_NAMES[grain]}`);
    }
    const hasSlice = this.mart.has("dimension") && this.mart.distinct("dimension").includes(dimension);
    this.where = this.mart.has("dimension") ? { dimension: "all" } : {};
    this.isSliced = dimension !== "all" && hasSlice;
    if (this.isSliced) this.where = { dimension, dimension_value: value };
    else if (dimension !== "all") {
      this.hints.push(`Shows the total: this KPI has no slice by ${words(dimension).toLowerCase()}`);
    }
  }

  nearestGrain(grain) {
    if (!this.mart.has("period_grain")) return null;
    const present = this.mart.distinct("period_grain");
    if (present.includes(grain)) return grain;
    const others = GRAINS.indexOf(grain) < 1 ? ["month", "quarter"] : ["month", "quarter", "week"];
    return others.find((other) => present.includes(other)) ?? null;
  }

  sliceName() {
    if (!this.isSliced) return this.mart?.has("dimension") ? "All" : "";
    const { dimension, value } = chosen();
    return `${words(dimension)}: ${nameOf(dimension, value)}`;
  }

  // The rows of the slice over all periods shown, oldest first.
  series(where = {}) {
    return this.ordered({ period_grain: this.grain, ...this.where, ...where });
  }

  ordered(where) {
    return this.mart.select(where).sort((a, b) => (a.period_start < b.period_start ? -1 : a.period_start > b.period_start ? 1 : 0));
  }

  // Every period from the first to the last of these rows; those between without rows stay empty,
  // or are left out: surveys come in waves.
  axis(rows, { isGapless = true } = {}) {
    const known = new Map(rows.map((row) => [row.period_start, row.is_complete_period]));
    const starts = [...known.keys()].sort();
    const all = !isGapless ? [] : periodsOf(this.grain).filter(([start]) => start > starts[0] && start < starts.at(-1));
    for (const [start, isOver] of all) if (!known.has(start)) known.set(start, isOver);
    return [...known.keys()].sort().map((start) => ({
      start, isComplete: known.get(start), label: periodName(this.grain, start),
    }));
  }

  // The period that a chart of one period shows: the chosen one if the mart has rows for it, else
  // its last whole period before the end of the chosen one. Where the reader chose none, a period
  // without any useful row is passed over.
  period(where = {}, isUseful = () => true) {
    const all = this.mart.select({ period_grain: this.grain, ...this.where, ...where });
    const useful = chosen().period ? all : all.filter(isUseful);
    const rows = useful.length ? useful : all;
    const has = new Map(rows.map((row) => [row.period_start, row.is_complete_period]));
    const wanted = chosenPeriod();
    if (wanted && this.grain === chosen().grain && has.has(wanted[0])) {
      return { start: wanted[0], isComplete: has.get(wanted[0]) };
    }
    const end = wanted ? endOf(chosen().grain, wanted[0]) : "9999";
    const starts = [...has.keys()].sort();
    const whole = starts.filter((start) => has.get(start));
    const fitting = whole.filter((start) => start < end).at(-1) ?? whole.at(-1) ?? starts.at(-1);
    return fitting ? { start: fitting, isComplete: has.get(fitting) } : null;
  }

  periodText(period) {
    return `${periodName(this.grain, period.start)}${period.isComplete ? "" : " (not over yet)"}`;
  }

  // The dimension to compare within one period: the reader's, if the mart has it.
  comparison(preferred) {
    const present = this.mart.distinct("dimension").filter((name) => name !== "all");
    const { dimension } = chosen();
    return [dimension, ...preferred, ...present].find((name) => present.includes(name)) ?? null;
  }
}

// The first day after a period.
function endOf(grain, start) {
  const day = new Date(`${start}T00:00:00Z`);
  if (grain === "week") day.setUTCDate(day.getUTCDate() + 7);
  else day.setUTCMonth(day.getUTCMonth() + (grain === "month" ? 1 : 3));
  return day.toISOString().slice(0, 10);
}
