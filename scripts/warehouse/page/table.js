// The table behind a chart: the rows of the mart as they are, readable and as CSV.

import { el, saved } from "./dom.js";
import { columnName, full, unitOf, words } from "./format.js";
import { cellName } from "./store.js";

const TEXT = new Set(["date", "instant"]);
const MOST_ROWS = 400;

function columnsOf(rows) {
  const hidden = new Set(["period_grain", "dimension"]);
  if (rows.every((row) => row.dimension_value === "all")) hidden.add("dimension_value");
  return Object.keys(rows[0]).filter((column) => !hidden.has(column));
}

function heading(column, rows) {
  if (column === "dimension_value") return words(rows[0].dimension);
  if (column === "is_complete_period") return "Period is over";
  return columnName(column, rows[0]);
}

export function table(rows, caption) {
  const columns = columnsOf(rows);
  const isText = (column, row) => typeof row[column] === "string" || TEXT.has(unitOf(column, row));
  const numeric = new Set(columns.filter((column) => !rows.some((row) => row[column] !== null && isText(column, row))));
  const shown = rows.slice(-MOST_ROWS);
  return el("table", {},
    el("caption", {}, shown.length < rows.length ? `${caption}. The last ${shown.length} of ${rows.length} rows; the CSV has all.` : caption),
    el("thead", {}, el("tr", {}, columns.map((column) => el("th", { scope: "col", class: numeric.has(column) ? "number" : null, title: column }, heading(column, rows))))),
    el("tbody", {}, shown.map((row) => el("tr", { class: row.is_complete_period === false ? "partial" : null },
      columns.map((column, index) => {
        const text = numeric.has(column) || TEXT.has(unitOf(column, row)) ? full(row[column], unitOf(column, row)) : cellName(column, row) ?? "–";
        const raw = row[column] === null ? "" : String(row[column]);
        const attributes = { class: numeric.has(column) ? "number" : null, "data-column": column, "data-value": raw };
        return index ? el("td", attributes, text) : el("th", { scope: "row", ...attributes }, text);
      })))));
}

// RFC 4180, with every column of the mart and its exact values. A text that a spreadsheet would
// take for a formula gets an apostrophe before it.
export function csv(rows) {
  const columns = Object.keys(rows[0]);
  const cell = (value) => {
    if (value === null || value === undefined) return "";
    const text = typeof value === "string" ? value.replace(/^(?=[=+\-@\t\r\n])/, "'") : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll("\"", "\"\"")}"` : text;
  };
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))]
    .map((cells) => cells.map(cell).join(",")).join("\r\n").concat("\r\n");
}

export function downloadButton(name, rows) {
  return el("button", { type: "button", class: "quiet", onclick: () => saved(`${name}.csv`, "text/csv;charset=utf-8", `\ufeff${csv(rows)}`) }, "Download CSV");
}
