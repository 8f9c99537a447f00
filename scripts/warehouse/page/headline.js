// The tiles at the top and the scorecard: what the KPIs said in their last whole period.

import { el } from "./dom.js";
import { sparkline } from "./draw.js";
import { figures, kpi, mart, nameOf } from "./store.js";
import { chosen } from "./state.js";
import { difference, short, unitOf, words } from "./format.js";
import { periodName, pipeline } from "./view.js";
import { metric } from "./prospecting.js";
import { targetText } from "./card.js";
import { downloadButton } from "./table.js";

const TILES = ["kpi_mrr", "kpi_pipeline_bridge", "kpi_win_rate", "kpi_deal_size", "kpi_days_to_close", "kpi_new_opportunities",
  "kpi_lead_response_time", "kpi_quota_team", "kpi_mql", "kpi_nps", "kpi_ltv", "kpi_magic_number", "kpi_sales_by_location"];

// Where a KPI has one figure per pipeline or metric, the one that the page shows.
function detailOf(id) {
  if (id === "kpi_pipeline_bridge") return pipeline();
  if (id === "kpi_quota_team" || id === "kpi_quota_attainment") return metric();
  if (id === "kpi_touchpoints") return "won";
  return null;
}

function rowsOf(id) {
  const scorecard = mart("kpi_scorecard");
  if (!scorecard) return { rows: [] };
  const { dimension, value } = chosen();
  const detail = detailOf(id);
  const select = (where) => scorecard.select({ kpi_id: id, ...where })
    .filter((row) => row.detail === detail).sort((a, b) => (a.period_start < b.period_start ? -1 : 1));
  if (dimension !== "all" && value !== "all") {
    const rows = select({ dimension, dimension_value: value });
    if (rows.length) return { rows, isSliced: true };
    const has = scorecard.select({ kpi_id: id, dimension }).length > 0;
    if (has) return { rows: [], isSliced: true };
  }
  return { rows: select({ dimension: "all" }), isSliced: false };
}

export function arrow(change, direction) {
  if (!change) return { sign: "→", tone: "" };
  const isGood = (change > 0) === (direction !== "down");
  return { sign: change > 0 ? "▲" : "▼", tone: isGood ? "good" : "bad" };
}

// A text that stays on one line.
function whole(text) {
  return el("span", { class: "whole" }, text);
}

function tile(id) {
  const entry = kpi(id);
  const { rows, isSliced } = rowsOf(id);
  if (!entry || !rows.length) return null;
  const row = rows.filter((item) => item.is_complete_period && item.value !== null).at(-1);
  if (!row) return null;
  const unit = unitOf(entry.headline_column, row);
  const { sign, tone } = arrow(row.change, entry.direction);
  const detail = detailOf(id);
  const before = row.previous_value;
  const relative = row.change !== null && before && unit !== "share" && unit !== "points" ? `(${row.change > 0 ? "+" : ""}${short(row.change / before, "share")})` : "";
  const isTotal = chosen().dimension !== "all" && !isSliced;
  const status = { on_target: ["✓ on target", "good"], off_target: ["✗ off target", "bad"] }[row.status];
  return el("li", { class: "tile", "data-kpi": id },
    el("a", { href: `#${id}`, onclick: (event) => {
      // The address holds the choices, so the jump is ours.
      event.preventDefault();
      const card = document.querySelector(`.card[data-kpi="${id}"]`);
      card?.scrollIntoView({ behavior: "smooth", block: "start" });
      card?.querySelector("svg")?.focus({ preventScroll: true });
    } }, entry.name, el("span", { class: "what" }, [words(entry.headline_column), detail && words(detail)].filter((text) => text && text.toLowerCase() !== entry.name.toLowerCase()).join(", "))),
    el("span", { class: "value" }, short(row.value, unit)),
    el("span", { class: `change ${tone}` }, row.change === null || row.change === undefined ? "no earlier period to compare" : [whole(`${sign} ${difference(row.change, unit)}`), relative && " ", relative && whole(relative)]),
    el("span", { class: "period" }, periodName(row.period_grain, row.period_start), row.change === null || row.change === undefined ? "" : ` against the ${row.period_grain} before`, isTotal ? " · total" : ""),
    sparkline(rows.slice(-13).map((item) => ({ value: item.value, isComplete: item.is_complete_period }))),
    status ? el("span", { class: `status ${status[1]}` }, whole(status[0]), " ", whole(`(${targetText(entry)})`)) : el("span", { class: "status" }, "no target"));
}

export function tiles() {
  return TILES.map(tile).filter(Boolean).slice(0, 12);
}

// Every KPI with a single headline figure, in its last whole period.
export function scorecard() {
  const scored = mart("kpi_scorecard");
  if (!scored) return [];
  return figures().catalogue.filter((entry) => entry.headline_column).flatMap((entry) => {
    const { rows } = rowsOf(entry.kpi_id);
    const row = rows.filter((item) => item.is_complete_period && item.value !== null).at(-1);
    return row ? [{ entry, row }] : [];
  });
}

export function scorecardTable() {
  const found = scorecard();
  if (!found.length) return el("p", { class: "nothing" }, "No KPI has a headline figure for a whole period yet.");
  return el("div", {},
    el("div", { class: "tools" }, downloadButton("kpi_scorecard", found.map(({ row }) => row))),
    el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Scorecard" }, el("table", { id: "scorecard-table" },
      el("caption", {}, "Each KPI in its last whole period"),
      el("thead", {}, el("tr", {}, ["KPI", "Figure", "Of", "Period", "Value", "Change", "Target", "Status"].map((name, index) => el("th", { scope: "col", class: index === 4 || index === 5 ? "number" : null }, name)))),
      el("tbody", {}, found.map(({ entry, row }) => {
        const unit = unitOf(entry.headline_column, row);
        const { sign, tone } = arrow(row.change, entry.direction);
        return el("tr", { "data-kpi": entry.kpi_id },
          el("th", { scope: "row" }, entry.name), el("td", {}, words(entry.headline_column)),
          el("td", {}, [row.dimension === "all" ? "total" : nameOf(row.dimension, row.dimension_value), row.detail && words(row.detail)].filter(Boolean).join(", ")),
          el("td", {}, periodName(row.period_grain, row.period_start)),
          el("td", { class: "number", "data-value": String(row.value) }, short(row.value, unit)),
          el("td", { class: `number ${tone}` }, row.change === null || row.change === undefined ? "–" : `${sign} ${difference(row.change, unit)}`),
          el("td", {}, targetText(entry) || "–"),
          el("td", { class: row.status === "on_target" ? "good" : row.status === "off_target" ? "bad" : "" }, { on_target: "✓ on target", off_target: "✗ off target" }[row.status] ?? "no target"));
      })))));
}

