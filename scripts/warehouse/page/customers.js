// Section Customers: do they stay, grow, recommend us, and pay back what they cost?

import { nameOf } from "./store.js";
import { short, words, counted } from "./format.js";
import { trend, comparison, snapshot } from "./shapes.js";
import { targetOf } from "./targets.js";

function mrrBridge(view) {
  const found = snapshot(view);
  const row = found?.rows[0];
  if (!row) return null;
  const step = (column, label, sign, color) => ({ label, color, isTotal: sign === 0, value: row[column] === null ? null : (sign || 1) * row[column] });
  return {
    model: {
      kind: "steps", unit: "money", isPartial: !found.period.isComplete,
      steps: [step("opening_mrr", "Opening", 0, "muted-fill"), step("new_mrr", "New", 1, "good"), step("reactivation_mrr", "Came back", 1, "c3"),
        step("expansion_mrr", "Expansion", 1, "c2"), step("contraction_mrr", "Contraction", -1, "c4"), step("churned_mrr", "Churned", -1, "bad"),
        step("fx_mrr", "Currency", 1, "c5"), step("closing_mrr", "Closing", 0, "c1")],
    },
    rows: found.rows,
    context: [view.sliceName(), view.periodText(found.period), counted(row.active_accounts, "active account")],
  };
}

function topValue(view) {
  const rows = view.mart.select().sort((a, b) => a.clv_rank - b.clv_rank);
  const shown = rows.filter((row) => row.clv_expected !== null || row.clv_to_date !== null).slice(0, 10);
  if (!shown.length) return null;
  return {
    model: {
      kind: "rows", unit: "money", alwaysLegend: true,
      series: [{ key: "e", name: "Expected over the whole relationship", color: "c5" }, { key: "d", name: "To date", color: "c1" }],
      rows: shown.map((row) => ({
        label: nameOf("account", row.account_id),
        values: { e: { value: row.clv_expected }, d: { value: row.clv_to_date } },
        text: short(row.clv_expected ?? row.clv_to_date, "money"),
        details: [["Current MRR", short(row.current_mrr, "money")], ["Customer since", (row.became_customer_at ?? "").slice(0, 10)]],
      })),
    },
    rows,
    context: [`the first ${shown.length} of ${counted(view.mart.total, "customer")}`],
    hints: [],
  };
}

function topLongTerm(view) {
  const rows = view.mart.select().filter((row) => row.tenure_rank !== null).sort((a, b) => a.tenure_rank - b.tenure_rank);
  const shown = rows.filter((row) => row.is_top_long_term);
  if (!shown.length) return null;
  return {
    model: {
      kind: "rows", unit: "days",
      series: [{ key: "v", name: "Days since the last touch", color: "c1" }],
      rows: shown.map((row) => ({
        label: `${row.tenure_rank}. ${nameOf("account", row.account_id)}`,
        values: { v: { value: row.days_since_last_touch, color: row.touches_last_90_days ? "c1" : "bad" } },
        text: row.last_touch_at === null ? "never touched" : `${row.touches_last_90_days} in 90 days`,
        details: [["Customer since", (row.became_customer_at ?? "").slice(0, 10)], ["Touches per quarter", short(row.touches_per_quarter, "decimal")], ["Touches", short(row.touches)], ["Owner", nameOf("owner", row.owner_id ?? "unknown")]],
      })),
    },
    rows,
    context: ["the customers of the longest standing", "red: no touch in 90 days"],
  };
}

function paths(view) {
  const rows = view.mart.select();
  if (!rows.length) return null;
  const shown = rows.slice(0, 10);
  return {
    model: {
      kind: "rows", unit: "money",
      series: [{ key: "v", name: "Amount", color: "c1" }],
      rows: shown.map((row) => ({
        label: nameOf("product", row.from_product_id),
        under: `→ ${nameOf("product", row.to_product_id)}`,
        values: { v: { value: row.amount, color: row.deal_type === "upsell" ? "c1" : "c2" } },
        text: `${counted(row.deals, "deal")} · ${short(row.median_months_since_first_purchase, "months")}`,
        details: [["Deal type", words(row.deal_type)], ["Industry", row.industry], ["Deals", short(row.deals)], ["Median time since the first purchase", short(row.median_months_since_first_purchase, "months")]],
        title: `${nameOf("product", row.from_product_id)} → ${nameOf("product", row.to_product_id)}`,
      })),
    },
    rows,
    context: ["first product → what was added", `the first ${shown.length} of ${view.mart.total} by amount`],
  };
}

function nps(view) {
  const built = trend(view, [
    { title: "Net promoter score", unit: "points", lines: targetOf("kpi_nps", "points"), series: [{ column: "nps", name: "NPS with margin of error", color: "c1", mark: "line", note: (row) => (row.nps_margin === null ? "" : `± ${short(row.nps_margin, "points")}, ${counted(row.responses, "answer")}`) }] },
    { title: "Answers", unit: "count", height: 96, series: [{ column: "promoters", name: "Promoters", color: "good", mark: "bar", stack: "a" }, { column: "passives", name: "Passives", color: "muted-fill", mark: "bar", stack: "a" }, { column: "detractors", name: "Detractors", color: "bad", mark: "bar", stack: "a" }] },
  ], { isGapless: false });
  if (!built) return null;
  const at = new Map(built.rows.map((row) => [row.period_start, row]));
  const series = built.model.panels[0].series[0];
  const bound = (sign) => built.model.axis.map(({ start }) => {
    const row = at.get(start);
    return row && row.nps !== null && row.nps_margin !== null ? Math.max(-100, Math.min(100, row.nps + sign * row.nps_margin)) : null;
  });
  series.low = bound(-1);
  series.high = bound(1);
  return built;
}

export const CUSTOMERS = {
  id: "customers",
  title: "Customers",
  lead: "Do they stay, grow, recommend us, and pay back what they cost?",
  charts: [
    { id: "mrr-bridge", kpi: "kpi_mrr", title: "What changed recurring revenue", build: mrrBridge },
    { id: "mrr", kpi: "kpi_mrr", title: "Recurring revenue and retention", build: (view) => trend(view, [
      { title: "MRR", unit: "money", series: [{ column: "closing_mrr", name: "Closing MRR", color: "c1", mark: "bar", note: (row) => counted(row.active_accounts, "account") }] },
      { title: "Retention, month on month", unit: "share", isZoomed: true, lines: [{ at: 1, name: "100 %" }], series: [{ column: "net_revenue_retention", name: "Net revenue retention", color: "c2", mark: "line" }, { column: "gross_revenue_retention", name: "Gross revenue retention", color: "c4", mark: "line" }] },
    ]) },
    { id: "nps", kpi: "kpi_nps", title: "Net promoter score", build: nps },
    { id: "expansion", kpi: "kpi_upsell_cross_sell", title: "Upsell and cross-sell", build: (view) => trend(view, [
      { title: "Won amount", unit: "money", series: [{ column: "upsell_amount", name: "Upsell", color: "c1", mark: "bar", stack: "e" }, { column: "cross_sell_amount", name: "Cross-sell", color: "c2", mark: "bar", stack: "e" }] },
      { title: "Customers that bought more", unit: "share", height: 90, series: [{ column: "expansion_rate", name: "Expansion rate", color: "c4", mark: "line", note: (row) => (row.existing_customers === null ? "" : `${row.expanded_customers} of ${row.existing_customers}`) }] },
    ]) },
    { id: "paths", kpi: "kpi_expansion_paths", title: "What customers buy next", build: paths },
    { id: "cac", kpi: "kpi_cac", title: "Customer acquisition cost", build: (view) => trend(view, [
      { title: "Cost per new customer", unit: "money", series: [{ column: "cac", name: "All spend", color: "c1", mark: "line" }, { column: "cac_direct", name: "Direct spend", color: "c4", mark: "line", isDashed: true }] },
      { title: "New customers", unit: "count", height: 80, series: [{ column: "new_customers", name: "New customers", color: "c5", mark: "bar" }] },
    ]) },
    { id: "cac-by", kpi: "kpi_cac", title: "Acquisition cost compared", build: (view) => comparison(view, {
      preferred: ["segment"], column: "cac", text: (row) => `${short(row.cac, "money")} · ${counted(row.new_customers, "customer")}`,
    }) },
    { id: "ltv", kpi: "kpi_ltv", title: "Lifetime value against acquisition cost", build: (view) => trend(view, [
      { title: "LTV to CAC", unit: "ratio", fromZero: true, lines: targetOf("kpi_ltv", "ratio"), series: [{ column: "ltv_to_cac", name: "LTV to CAC", color: "c1", mark: "line" }] },
      { title: "Expected lifetime value and acquisition cost", unit: "money", series: [{ column: "ltv_expected", name: "Lifetime value", color: "c2", mark: "bar" }, { column: "cac", name: "Acquisition cost", color: "bad", mark: "bar" }] },
    ]) },
    { id: "magic", kpi: "kpi_magic_number", title: "Magic number", build: (view) => trend(view, [{
      unit: "ratio", fromZero: true,
      bands: [{ to: 0.75, name: "review acquisition cost", color: "bad" }, { from: 0.75, to: 1, name: "efficient", color: "c4" }, { from: 1, name: "invest more", color: "good" }],
      series: [{ column: "magic_number", name: "Magic number", color: "c1", mark: "line", note: (row) => words(row.magic_number_signal ?? "").toLowerCase() }],
    }]) },
    { id: "clv", kpi: "kpi_clv", title: "Most valuable customers", build: topValue },
    { id: "engagement", kpi: "kpi_customer_engagement", title: "Are we in touch with our oldest customers?", build: topLongTerm },
  ],
};
