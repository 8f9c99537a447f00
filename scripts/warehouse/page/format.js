// Numbers and names for people. What a column is measured in follows from its name, so that a
// column looks the same in every chart, tooltip and table.

let currency = "";

export function useCurrency(code) {
  currency = code ?? "";
}

export function currencyCode() {
  return currency;
}

const EXACT = new Map([
  ["lift", "money"], ["lift_low", "money"], ["lift_high", "money"],
  ["test_before", "money"], ["test_during", "money"],
  ["control_before", "money"], ["control_during", "money"],
  ["nps", "points"], ["nps_margin", "points"],
  ["avg_rating", "rating"], ["goal", "rating"], ["gap_to_goal", "rating"],
  ["magic_number", "ratio"], ["ltv_to_cac", "ratio"], ["meeting_acceptance_rate", "ratio"],
  ["touches_per_quarter", "decimal"], ["suggested_weekly_contacts", "decimal"],
  ["avg_calls", "decimal"], ["avg_emails", "decimal"], ["avg_chats", "decimal"],
  ["avg_meetings", "decimal"], ["avg_video_meetings", "decimal"], ["avg_touches", "decimal"],
  ["fx_mrr", "money"], ["recurring_revenue", "money"], ["previous_recurring_revenue", "money"],
]);

const PATTERNS = [
  [/^(period_start|.*_on)$/, "date"],
  [/_at$/, "instant"],
  [/^(is|has)_/, "flag"],
  [/(_rate|_share|^share_.*|^utilisation|^attainment|^pct_.*|_hazard|_retention|_ratio|^price_gap)$/, "share"],
  [/(_change|gross_margin)$/, "share"],
  [/minutes$/, "minutes"],
  [/months(_since_first_purchase)?$/, "months"],
  [/(days|^days_.*|.*_days_.*)$/, "days"],
  [/(amount|mrr|revenue|revenue_to_date|spend|price|arpa|cac|cac_direct)$/, "money"],
  [/^(ltv|clv|avg_revenue|avg_cost|cost|previous_spend|own_avg|avg_amount|previous_avg)/, "money"],
];

export function unitOf(column, row) {
  if (column === "target" || column === "actual") {
    return row?.metric === "won_amount" ? "money" : "count";
  }
  if (column === "days" || column === "account_months") return "count";
  if (EXACT.has(column)) return EXACT.get(column);
  const stem = column.replace(/_(low|high)$/, "");
  if (EXACT.has(stem)) return EXACT.get(stem);
  return PATTERNS.find(([pattern]) => pattern.test(stem))?.[1] ?? "count";
}

const forms = new Map();

function number(value, options) {
  const key = JSON.stringify(options);
  if (!forms.has(key)) forms.set(key, new Intl.NumberFormat("en", options));
  // + 0 makes 0 of a negative zero.
  return forms.get(key).format(value + 0).replace("-", "−");
}

function compact(value) {
  if (Math.abs(value) < 1000) {
    return number(value, { maximumFractionDigits: Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0 });
  }
  return number(value, { notation: "compact", maximumSignificantDigits: 3 });
}

function minutes(value) {
  const size = Math.abs(value);
  if (size >= 2880) return `${number(value / 1440, { maximumFractionDigits: 1 })} d`;
  if (size >= 120) return `${number(value / 60, { maximumFractionDigits: 1 })} h`;
  return `${number(value, { maximumFractionDigits: 1 })} min`;
}

// A value for a chart, a tile or a sentence: short.
export function short(value, unit) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value;
  switch (unit) {
    case "share": {
      const digits = Math.abs(value) < 0.0995 && value !== 0 ? 1 : Math.abs(value) < 10 ? 1 : 0;
      return `${number(value * 100, { maximumFractionDigits: digits })} %`;
    }
    case "money": return currency ? `${currency} ${compact(value)}` : compact(value);
    case "days": return `${number(value, { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 })} d`;
    case "months": return `${number(value, { maximumFractionDigits: 1 })} mo`;
    case "minutes": return minutes(value);
    case "ratio": return `${number(value, { maximumFractionDigits: 2 })} ×`;
    case "rating": return number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    case "points": return number(value, { maximumFractionDigits: 0 });
    case "decimal": return number(value, { maximumFractionDigits: 1 });
    case "flag": return value ? "yes" : "no";
    default: return compact(value);
  }
}

// A tick of an axis: no unit but where the number would mislead without.
export function tick(value, unit) {
  if (unit === "money") return compact(value);
  if (unit === "days" || unit === "months") return number(value, { maximumFractionDigits: 1 });
  if (unit === "ratio" || unit === "rating") return number(value, { maximumFractionDigits: 2 });
  return short(value, unit);
}

// A value for a table: precise, in the unit that its column says.
export function full(value, unit) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return unit === "instant" ? value.slice(0, 16) : value;
  switch (unit) {
    case "share": return `${number(value * 100, { minimumFractionDigits: 1, maximumFractionDigits: 1 })} %`;
    case "money": return number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    case "days": case "minutes": case "months": case "points": case "decimal":
      return number(value, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    case "ratio": case "rating":
      return number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    case "flag": return value ? "yes" : "no";
    default: return number(value, { maximumFractionDigits: 2 });
  }
}

// The difference of two values of a unit, with its sign.
export function difference(value, unit) {
  const size = Math.abs(value);
  if (unit === "decimal" && size < 1) return `${value > 0 ? "+" : "−"}${number(size, { maximumFractionDigits: 2 })}`;
  const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
  if (unit === "share") return `${sign}${number(size * 100, { maximumFractionDigits: 1 })} points`;
  return `${sign}${short(size, unit)}`;
}

const HEADING_UNITS = {
  share: "%", days: "days", months: "months", ratio: "×", points: "points", rating: "1 to 5",
};

// What an axis or a column is measured in.
export function unitName(unit) {
  if (unit === "money") return currency;
  return HEADING_UNITS[unit] ?? "";
}

const WORDS = new Map(Object.entries({
  avg: "average", pct: "share", p90: "90th percentile", mrr: "MRR", cac: "CAC", ltv: "LTV",
  clv: "CLV", nps: "NPS", mqls: "MQLs", sqls: "SQLs", mql: "MQL", sql: "SQL", arpa: "ARPA",
  km: "Kaplan-Meier", fx: "currency effect on", id: "", "6m": "within 6 months",
}));

// A name of the marts as words: days_to_close -> Days to close.
export function words(name) {
  const text = String(name).split("_").map((word) => WORDS.get(word) ?? word)
    .filter(Boolean).join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function columnName(column, row) {
  const unit = unitName(unitOf(column, row));
  const name = words(column);
  return unit && !name.toLowerCase().includes(unit) ? `${name} (${unit})` : name;
}

export function counted(count, noun) {
  return `${number(count, {})} ${count === 1 ? noun : `${noun}s`}`;
}
