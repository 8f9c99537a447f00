// Section Market: where do we sell, do promotions work, how do our prices compare?

import { nameOf } from "./store.js";
import { chosen } from "./state.js";
import { short } from "./format.js";
import { trend, comparison } from "./shapes.js";

function lift(view) {
  const rows = view.mart.select().sort((a, b) => (a.starts_on < b.starts_on ? 1 : -1));
  const shown = rows.filter((row) => row.lift !== null).slice(0, 15);
  if (!shown.length) return null;
  return {
    model: {
      kind: "rows", unit: "money", lines: [{ at: 0, name: "no effect" }],
      series: [{ key: "v", name: "Lift per day with 95 % interval", color: "c1", mark: "dot" }],
      rows: shown.map((row) => ({
        label: row.promotion_id,
        values: { v: { value: row.lift, low: row.lift_low, high: row.lift_high, color: row.lift_low > 0 ? "good" : row.lift_high < 0 && row.lift_high !== null ? "bad" : "c1" } },
        text: `${short(row.lift_ratio, "share")} · ${row.days} days`,
        details: [["Where", nameOf("location", row.location_id)], ["Compared with", row.control_location_id === null ? "nothing" : nameOf("location", row.control_location_id)], ["From", row.starts_on], ["To", row.ends_on ?? ""]],
      })),
    },
    rows,
    context: ["the latest promotions that have ended", "amount per day against the control"],
    hints: [],
  };
}

function priceGap(view) {
  const period = view.period();
  if (!period) return null;
  const rows = view.mart.select({ period_grain: view.grain, period_start: period.start });
  const { dimension, value } = chosen();
  const products = [...new Set(rows.map((row) => row.product_id))]
    .filter((product) => dimension !== "product" || value === "all" || product === value).slice(0, 15);
  const competitors = [...new Set(rows.map((row) => row.competitor))].sort().slice(0, 6);
  const wanted = rows.filter((row) => products.includes(row.product_id));
  if (!wanted.some((row) => row.price_gap !== null)) return null;
  return {
    model: {
      kind: "rows", unit: "share", lines: [{ at: 0, name: "same price" }], alwaysLegend: true,
      series: competitors.map((competitor, index) => ({ key: competitor, name: competitor, color: `c${index + 1}`, mark: "dot", isHollow: !period.isComplete })),
      rows: products.map((product) => {
        const mine = wanted.filter((row) => row.product_id === product);
        const candidates = mine.filter((row) => row.is_price_match_candidate).length;
        return {
          label: nameOf("product", product),
          values: Object.fromEntries(mine.filter((row) => row.price_gap !== null && competitors.includes(row.competitor)).map((row) => [row.competitor, { value: row.price_gap }])),
          text: candidates ? `${candidates} to match` : "",
          details: mine.length ? [["Our average price", short(mine[0].own_avg_price, "money")], ["List price", short(mine[0].list_price, "money")]] : [],
        };
      }),
    },
    rows: wanted,
    context: ["our price against theirs: right of 0 we are dearer", view.periodText(period)],
    ignoresSlice: dimension === "product",
  };
}

export const MARKET = {
  id: "market",
  title: "Market",
  lead: "Where do we sell, do promotions work, how do our prices compare?",
  charts: [
    { id: "sales", kpi: "kpi_sales_by_location", title: "Sales", build: (view) => trend(view, [
      { title: "Amount", unit: "money", series: [{ column: "amount", name: "Amount", color: "c1", mark: "bar", note: (row) => `${row.orders} orders` }] },
    ]) },
    { id: "sales-by", kpi: "kpi_sales_by_location", title: "Sales compared", build: (view) => comparison(view, {
      preferred: ["location", "region", "channel"], column: "amount", text: (row) => `${short(row.amount, "money")} · ${short(row.share_of_amount, "share")}`,
    }) },
    { id: "lift", kpi: "kpi_promotion_lift", title: "What promotions added", build: lift },
    { id: "prices", kpi: "kpi_competitor_pricing", title: "Price gap to competitors", build: priceGap },
  ],
};
