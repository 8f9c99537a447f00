// Section Pipeline: is there enough to win, does it move, and do we win it?

import { figures, nameOf } from "./store.js";
import { chosen } from "./state.js";
import { short, words, counted } from "./format.js";
import { pipeline } from "./view.js";
import { HUES, trend, comparison, snapshot } from "./shapes.js";
import { targetOf } from "./targets.js";

const measured = () => (chosen().measure === "deals" ? "deals" : "amount");
const byPosition = (a, b) => (a.stage_position ?? 1e9) - (b.stage_position ?? 1e9) || (a.stage < b.stage ? -1 : 1);

function stagesNow(view) {
  const found = snapshot(view, { pipeline: pipeline() });
  if (!found) return null;
  const rows = found.rows.sort(byPosition);
  const column = `open_${measured()}`;
  return {
    model: {
      kind: "rows", unit: measured() === "amount" ? "money" : "count", isPartial: false,
      series: [{ key: "v", name: words(column), color: "c1" }],
      rows: rows.map((row) => ({
        label: words(row.stage),
        values: { v: { value: row[column] } },
        text: `${short(row.open_amount, "money")} · ${counted(row.open_deals, "deal")}`,
        details: [["Entered", short(row.entered)], ["Moved forward", short(row.moved_forward)], ["Moved back", short(row.moved_back)],
          ["Won", short(row.won)], ["Lost", short(row.lost)], ["Advance rate", short(row.advance_rate, "share")]],
      })),
    },
    rows,
    context: [view.sliceName(), `pipeline ${words(pipeline())}`, found.period.isComplete ? `at the end of ${view.periodText(found.period)}` : "now (at as of)"],
  };
}

function stagesOverTime(view) {
  const all = view.series({ pipeline: pipeline() });
  if (!all.length) return null;
  const axis = view.axis(all);
  const column = `open_${measured()}`;
  const stages = new Map([...all].sort(byPosition).map((row) => [row.stage, row.stage_position]));
  const at = new Map(all.map((row) => [`${row.period_start} ${row.stage}`, row[column]]));
  return {
    model: {
      kind: "time", axis,
      panels: [{
        unit: measured() === "amount" ? "money" : "count",
        series: [...stages.keys()].map((stage, index) => ({
          name: words(stage), color: HUES[index % HUES.length], mark: "bar", stack: "open",
          values: axis.map(({ start }) => at.get(`${start} ${stage}`) ?? null),
        })),
      }],
    },
    rows: all,
    context: [view.sliceName(), `pipeline ${words(pipeline())}`, `at the end of each ${view.grain}`],
  };
}

function bridge(view) {
  const found = snapshot(view, { pipeline: pipeline() });
  const row = found?.rows[0];
  if (!row) return null;
  const what = measured();
  const step = (name, label, sign, color) => ({
    label, color, isTotal: sign === 0, value: row[`${name}_${what}`] === null ? null : (sign || 1) * row[`${name}_${what}`],
    details: [["Deals", short(row[`${name}_deals`])], ["Amount", short(row[`${name}_amount`], "money")]],
  });
  return {
    model: {
      kind: "steps", unit: what === "amount" ? "money" : "count", isPartial: !found.period.isComplete,
      steps: [step("opening", "Opening", 0, "muted-fill"), step("created", "Created", 1, "c2"), step("reopened", "Reopened", 1, "c3"),
        step("won", "Won", -1, "good"), step("lost", "Lost", -1, "bad"), step("closing", "Closing", 0, "c1")],
    },
    rows: found.rows,
    context: [view.sliceName(), `pipeline ${words(pipeline())}`, view.periodText(found.period)],
  };
}

function timeInStage(view) {
  const found = snapshot(view, { pipeline: pipeline() });
  if (!found?.rows.length) return null;
  const rows = found.rows.sort(byPosition);
  return {
    model: {
      kind: "rows", unit: "days", fromZero: true, alwaysLegend: true,
      series: [
        { key: "median", name: "Median", color: "c1", mark: "dot", joins: true },
        { key: "p90", name: "9 of 10 faster than", color: "c1", mark: "dot", isHollow: true, joins: true },
        { key: "mean", name: "Average", color: "c4", mark: "tick" },
      ],
      rows: rows.map((row) => ({
        label: words(row.stage),
        values: { median: { value: row.median_days }, p90: { value: row.p90_days }, mean: { value: row.avg_days } },
        text: counted(row.visits, "visit"),
      })),
    },
    rows,
    context: [view.sliceName(), `pipeline ${words(pipeline())}`, `visits that ended in ${view.periodText(found.period)}`],
  };
}

function survival(view) {
  const position = new Map(figures().stages.map((stage) => [`${stage.pipeline}/${stage.stage}`, stage.position]));
  const rows = view.mart.select({ ...view.where, pipeline: pipeline() })
    .map((row) => [row, position.get(`${row.pipeline}/${row.stage}`) ?? 1e9]).sort((a, b) => a[1] - b[1]).map(([row]) => row);
  if (!rows.length) return null;
  return {
    model: {
      kind: "rows", unit: "days", alwaysLegend: true,
      series: [
        { key: "km", name: "Half have left after (those still waiting included)", color: "c1" },
        { key: "naive", name: "Average of finished visits only", color: "c4" },
      ],
      rows: rows.map((row) => ({
        label: words(row.stage),
        values: { km: { value: row.km_median_days }, naive: { value: row.naive_avg_days } },
        text: row.km_median_days === null ? "half never left" : `${row.still_open} waiting`,
        details: [["Visits", short(row.visits)], ["Completed", short(row.completed)], ["Still open", short(row.still_open)]],
      })),
    },
    rows,
    context: [view.sliceName(), `pipeline ${words(pipeline())}`, "all visits up to as of"],
  };
}

// Drawn until 95 of 100 have left each stage: a few that never leave would squeeze the rest.
function survivalCurve(view) {
  const rows = view.mart.select({ pipeline: pipeline() });
  if (!rows.length) return null;
  const position = new Map(figures().stages.filter((stage) => stage.pipeline === pipeline()).map((stage) => [stage.stage, stage.position]));
  const stages = [...new Set(rows.map((row) => row.stage))]
    .sort((a, b) => (position.get(a) ?? 1e9) - (position.get(b) ?? 1e9) || (a < b ? -1 : 1));
  const pointsOf = (stage) => rows.filter((row) => row.stage === stage).sort((a, b) => a.days - b.days);
  const ends = stages.map((stage) => (pointsOf(stage).find((row) => row.share_still_there <= 0.05) ?? pointsOf(stage).at(-1)).days);
  const last = Math.max(...ends);
  return {
    model: {
      kind: "curve", unit: "share", xUnit: "days", xTitle: "Days since the entry into the stage", last, lines: [{ at: 0.5, name: "half have left" }],
      series: stages.map((stage, index) => ({
        name: words(stage), color: HUES[index % HUES.length], mark: "line",
        points: pointsOf(stage).map((row) => ({ x: row.days, y: row.share_still_there })),
      })),
    },
    rows: stages.flatMap(pointsOf),
    note: rows.some((row) => row.days > last) ? "The table goes on beyond what is drawn." : "",
    context: ["All", `pipeline ${words(pipeline())}`, "all visits up to as of, those still waiting included"],
  };
}

function bySource(view) {
  const period = view.period();
  if (!period) return null;
  const rows = view.mart.select({ period_grain: view.grain, period_start: period.start });
  const column = measured() === "amount" ? "won_amount" : "won_deals";
  const sorted = rows.sort((a, b) => (b[column] ?? 0) - (a[column] ?? 0));
  const { dimension, value } = chosen();
  return {
    model: {
      kind: "rows", unit: measured() === "amount" ? "money" : "count", isPartial: !period.isComplete,
      series: [{ key: "v", name: words(column), color: "c1" }],
      rows: sorted.slice(0, 15).map((row) => ({
        label: nameOf("source", row.source),
        isChosen: dimension === "source" && value === row.source,
        values: { v: { value: row[column] } },
        text: `${short(row[column], measured() === "amount" ? "money" : "count")} · win rate ${short(row.win_rate, "share")}`,
        details: [["Share of won amount", short(row.share_of_won_amount, "share")], ["Won deals", short(row.won_deals)], ["Average amount", short(row.avg_amount, "money")], ["Lost amount", short(row.lost_amount, "money")]],
      })),
    },
    rows: sorted,
    context: [view.periodText(period)],
    ignoresSlice: dimension === "source",
  };
}

function byType(view) {
  const period = view.period();
  if (!period) return null;
  const rows = view.mart.select({ period_grain: view.grain, period_start: period.start });
  const column = measured() === "amount" ? "won_amount" : "won_deals";
  const unit = measured() === "amount" ? "money" : "count";
  const totals = rows.filter((row) => row.product_id === "all").sort((a, b) => (b[column] ?? 0) - (a[column] ?? 0));
  const parts = rows.filter((row) => row.product_id !== "all" && row[column]);
  const sizes = new Map();
  for (const row of parts) sizes.set(row.product_id, Math.max(sizes.get(row.product_id) ?? 0, row[column]));
  const products = [...sizes.keys()].sort((a, b) => sizes.get(b) - sizes.get(a)).slice(0, 8);
  if (!totals.length) return null;
  return {
    model: {
      kind: "rows", unit, isPartial: !period.isComplete,
      series: products.map((product, index) => ({ key: product, name: nameOf("product", product), color: HUES[index], stack: true })),
      rows: totals.map((total) => ({
        label: words(total.deal_type),
        isChosen: chosen().dimension === "deal_type" && chosen().value === total.deal_type,
        values: Object.fromEntries(parts.filter((row) => row.deal_type === total.deal_type && products.includes(row.product_id)).map((row) => [row.product_id, { value: row[column] }])),
        text: `${short(total[column], unit)} · ${short(total.share_of_won_amount, "share")}`,
      })),
    },
    rows: [...rows].sort((a, b) => (a.deal_type < b.deal_type ? -1 : a.deal_type > b.deal_type ? 1 : (b.won_amount ?? 0) - (a.won_amount ?? 0))),
    context: [view.periodText(period), "by product", sizes.size > products.length ? `the ${products.length} largest products, all in the table` : ""],
    ignoresSlice: chosen().dimension === "deal_type",
  };
}

export const PIPELINE = {
  id: "pipeline",
  title: "Pipeline",
  lead: "Is there enough to win, does it move, and do we win it?",
  charts: [
    { id: "stages", kpi: "kpi_deals_by_stage", title: "Open deals by stage", usesPipeline: true, usesMeasure: true, build: stagesNow },
    { id: "bridge", kpi: "kpi_pipeline_bridge", title: "What changed the open pipeline", usesPipeline: true, usesMeasure: true, build: bridge },
    { id: "stages-trend", kpi: "kpi_deals_by_stage", title: "Open pipeline over time", usesPipeline: true, usesMeasure: true, build: stagesOverTime },
    { id: "win-rate", kpi: "kpi_win_rate", title: "Win rate", build: (view) => trend(view, [
      { unit: "share", min: 0, max: 1, series: [{ column: "win_rate", name: "Win rate with 95 % interval", color: "c1", mark: "line", interval: true, note: (row) => `${row.won_deals} of ${row.won_deals + row.lost_deals}` }] },
      { title: "Closed deals", unit: "count", height: 80, series: [{ column: "won_deals", name: "Won", color: "good", mark: "bar", stack: "closed" }, { column: "lost_deals", name: "Lost", color: "bad", mark: "bar", stack: "closed" }] },
    ]) },
    { id: "win-rate-by", kpi: "kpi_win_rate", title: "Win rate compared", build: (view) => comparison(view, {
      preferred: ["source", "team", "owner"], column: "win_rate", interval: true, sort: "won_deals", max: 1, text: (row) => `${row.won_deals} of ${row.won_deals + row.lost_deals}`,
    }) },
    { id: "by-source", kpi: "kpi_deal_amount_by_source", title: "Won amount by source", usesMeasure: true, build: bySource },
    { id: "by-type", kpi: "kpi_deal_amount_by_type", title: "Won amount by deal type and product", usesMeasure: true, build: byType },
    { id: "time-in-stage", kpi: "kpi_time_in_stage", title: "Time in stage", usesPipeline: true, build: timeInStage },
    { id: "survival", kpi: "kpi_stage_survival", title: "How long deals really wait", usesPipeline: true, build: survival },
    { id: "survival-curve", kpi: "kpi_stage_survival", mart: "stage_survival_curve", title: "Who is still waiting after so many days", usesPipeline: true, build: survivalCurve },
    { id: "days-to-close", kpi: "kpi_days_to_close", title: "Days to close", build: (view) => trend(view, [{
      unit: "days", fromZero: true, lines: targetOf("kpi_days_to_close", "days"),
      series: [{ column: "median_days", name: "Won: median", color: "c1", mark: "line", note: (row) => `${row.won_deals} won` }, { column: "avg_days", name: "Won: average", color: "c4", mark: "line", isDashed: true }, { column: "avg_days_lost", name: "Lost: average", color: "bad", mark: "line", isDashed: true }],
    }]) },
    { id: "deal-size", kpi: "kpi_deal_size", title: "Deal size", build: (view) => trend(view, [{
      unit: "money", series: [{ column: "avg_amount", name: "Average", color: "c1", mark: "bar", note: (row) => `${row.won_deals} won` }, { column: "median_amount", name: "Median", color: "c4", mark: "line" }],
    }]) },
    { id: "sales-cycle", kpi: "kpi_sales_cycle", title: "Sales cycle and early churn", build: (view) => trend(view, [
      { title: "Average cycle", unit: "days", fromZero: true, series: [{ column: "avg_cycle_days", name: "Average cycle", color: "c1", mark: "line" }] },
      { title: "Customers lost within 6 months of the purchase", unit: "share", min: 0, max: 1, series: [{ column: "churn_rate_6m", name: "Churned within 6 months", color: "bad", mark: "bar", note: (row) => `${row.churned_within_6_months} of ${row.matured_customers}` }] },
    ]) },
  ],
};
