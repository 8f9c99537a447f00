// Section Prospecting: do we reach people, fast enough, and does it lead to business?

import { mart, nameOf } from "./store.js";
import { chosen } from "./state.js";
import { short, unitOf, words } from "./format.js";
import { trend, comparison, snapshot, periodOf } from "./shapes.js";
import { boundsOf, targetOf } from "./targets.js";

// Of the metrics that have quotas: the reader's, else won amount, else the first.
export function metric() {
  const present = mart("kpi_quota_attainment")?.distinct("metric") ?? [];
  return [chosen().metric, "won_amount", present[0]].find((name) => present.includes(name)) ?? null;
}

export function metrics() {
  return [...(mart("kpi_quota_attainment")?.distinct("metric") ?? [])].sort();
}

function gridFor(view, wanted) {
  // A metric has quotas by month or by quarter: show the grain that it has.
  const present = new Set(view.mart.select({ metric: wanted }).map((row) => row.period_grain));
  if (!present.has(view.grain)) {
    view.grain = [...present][0];
    view.hints = [...view.hints.filter((hint) => !hint.startsWith("By ")), `By ${view.grain}: quotas for ${words(wanted).toLowerCase()} are set by ${view.grain}`];
  }
}

function attainment(view) {
  const wanted = metric();
  gridFor(view, wanted);
  const { dimension, value } = chosen();
  const period = periodOf(view, { metric: wanted });
  if (!period) return null;
  const rows = view.mart.select({ period_grain: view.grain, period_start: period.start, metric: wanted })
    .sort((a, b) => (b.attainment ?? -1) - (a.attainment ?? -1));
  const shown = rows.filter((row) => row.attainment !== null).slice(0, 20);
  if (!shown.length) return null;
  return {
    model: {
      kind: "rows", unit: "share", isPartial: !period.isComplete, lines: [{ at: 1, name: "quota" }],
      series: [{ key: "v", name: "Attainment", color: "c1" }],
      rows: shown.map((row) => ({
        label: nameOf("owner", row.dimension_value),
        isChosen: dimension === "owner" && value === row.dimension_value,
        isFaded: dimension === "owner" && value !== "all" && value !== row.dimension_value,
        values: { v: { value: row.attainment, color: row.attainment >= 1 ? "good" : "c1" } },
        text: `${short(row.attainment, "share")} of ${short(row.target, unitOf("target", row))}`,
        details: [["Actual", short(row.actual, unitOf("actual", row))], ["Target", short(row.target, unitOf("target", row))]],
      })),
    },
    rows,
    context: [words(wanted), view.periodText(period), shown.length < rows.length ? `the first ${shown.length} of ${rows.length}, all in the table` : ""],
    ignoresSlice: dimension === "owner" || dimension === "all",
  };
}

function teamAtQuota(view) {
  const wanted = metric();
  gridFor(view, wanted);
  return trend(view, [{
    unit: "share", min: 0, max: 1,
    bands: boundsOf("kpi_quota_team", { below: ["quota too high", "bad"], above: ["quota too low", "c4"] }),
    series: [{ column: "pct_at_quota", name: "Reps at quota", color: "c1", mark: "bar", note: (row) => `${row.reps_at_quota} of ${row.reps_with_quota}${row.quota_signal ? ` · ${words(row.quota_signal).toLowerCase()}` : ""}` }],
  }], { where: { metric: wanted }, context: words(wanted) });
}

function byTouches(view) {
  const rows = view.mart.select(view.where).sort((a, b) => a.touch_number - b.touch_number);
  if (!rows.length) return null;
  return {
    model: {
      kind: "time",
      axis: rows.map((row) => ({ label: row.touch_number === 20 ? "20+" : String(row.touch_number), isComplete: true })),
      panels: [
        { title: "Became a customer right after this touch", unit: "share", series: [{ name: "Acquisition hazard", color: "c1", mark: "bar", values: rows.map((row) => row.acquisition_hazard), notes: rows.map((row) => `${row.acquired_here} of ${row.leads_reached}`) }] },
        { title: "Leads that got so many touches", unit: "count", height: 80, series: [{ name: "Leads reached", color: "c5", mark: "bar", values: rows.map((row) => row.leads_reached) }] },
      ],
    },
    rows,
    context: [view.sliceName(), "touches 1 to 20, all leads up to as of"],
  };
}

function suggested(view) {
  view.grain = "week";
  const period = periodOf(view, { dimension: "owner" });
  if (!period) return null;
  const rows = view.mart.select({ period_grain: "week", period_start: period.start, dimension: "owner" })
    .sort((a, b) => b.unique_contacts - a.unique_contacts);
  const shown = rows.slice(0, 20);
  const { dimension, value } = chosen();
  return {
    model: {
      kind: "rows", unit: "count", isPartial: !period.isComplete, alwaysLegend: true,
      series: [{ key: "v", name: "People contacted", color: "c1" }, { key: "s", name: "Suggested, from this rep's own successful weeks", color: "c4", mark: "tick", unit: "decimal" }],
      rows: shown.map((row) => ({
        label: nameOf("owner", row.dimension_value),
        isChosen: dimension === "owner" && value === row.dimension_value,
        isFaded: dimension === "owner" && value !== "all" && value !== row.dimension_value,
        values: { v: { value: row.unique_contacts }, s: { value: row.suggested_weekly_contacts } },
        text: row.suggested_weekly_contacts === null ? `${row.unique_contacts}` : `${row.unique_contacts} / ${short(row.suggested_weekly_contacts, "decimal")}`,
      })),
    },
    rows,
    context: ["By owner", `week of ${view.periodText(period)}`, shown.length < rows.length ? `the first ${shown.length} of ${rows.length}, all in the table` : ""],
    hints: chosen().grain === "week" ? [] : ["By week: the suggestion is a weekly one"],
    ignoresSlice: true,
  };
}

function responses(view) {
  const found = snapshot(view);
  if (!found?.rows.length) return null;
  const rows = found.rows.sort((a, b) => a.class_number - b.class_number);
  const minutes = (value) => short(value, "minutes");
  const nameOfClass = ({ over_minutes: over, up_to_minutes: upTo }) => {
    if (over === null) return "no answer";
    if (upTo === null) return `over ${minutes(over)}`;
    return over === 0 ? `within ${minutes(upTo)}` : `${minutes(over)} to ${minutes(upTo)}`;
  };
  return {
    model: {
      kind: "rows", unit: "count", isPartial: !found.period.isComplete,
      series: [{ key: "v", name: "Leads", color: "c1" }],
      rows: rows.map((row) => ({
        label: nameOfClass(row),
        values: { v: { value: row.leads, color: row.over_minutes === null ? "bad" : "c1" } },
        text: `${short(row.leads)} · ${short(row.share_of_leads, "share")}`,
      })),
    },
    rows,
    context: [view.sliceName(), `leads created in ${view.periodText(found.period)}`],
  };
}

function capacity(loadColumn, loadName, kpiName) {
  return (view) => trend(view, [
    { title: `${loadName} against what the team can take`, unit: "count", series: [
      { column: "capacity", name: "Capacity", color: "muted", mark: "bar", isOutlined: true, group: "load" },
      { column: loadColumn, name: loadName, color: "c1", mark: "bar", group: "load", isInside: true },
    ] },
    { title: "Utilisation", unit: "share", bands: boundsOf(kpiName, { within: ["matched", "good"] }), height: 96, series: [{ column: "utilisation", name: "Utilisation", color: "c2", mark: "line", note: (row) => [row.reps !== null ? `${row.reps} reps` : "", words(row.capacity_signal ?? "").toLowerCase()].filter(Boolean).join(", ") }] },
  ]);
}

function touchpoints(view) {
  const found = snapshot(view);
  if (!found?.rows.length) return null;
  const kinds = [["avg_calls", "Calls"], ["avg_emails", "E-mails"], ["avg_chats", "Chats"], ["avg_meetings", "Meetings"], ["avg_video_meetings", "Video meetings"]];
  const rows = found.rows.sort((a, b) => (a.outcome < b.outcome ? 1 : -1));
  return {
    model: {
      kind: "rows", unit: "decimal", isPartial: !found.period.isComplete,
      series: kinds.map(([key, name], index) => ({ key, name, color: `c${index + 1}`, stack: true })),
      rows: rows.map((row) => ({
        label: words(row.outcome), values: Object.fromEntries(kinds.map(([key]) => [key, { value: row[key] }])),
        text: `${short(row.avg_touches, "decimal")} · ${row.deals} deals`,
      })),
    },
    rows,
    context: [view.sliceName(), "touches per deal", `closed in ${view.periodText(found.period)}`],
  };
}

const rate = (column, name, numerator, denominator, extra = {}) => ({
  unit: "share", min: 0, max: 1, ...extra,
  series: [{ column, name: `${name} with 95 % interval`, color: "c1", mark: "line", interval: true, note: (row) => `${row[numerator]} of ${row[denominator]}` }],
});

export const PROSPECTING = {
  id: "prospecting",
  title: "Prospecting",
  lead: "Do we reach people, fast enough, and does it lead to business?",
  charts: [
    { id: "new", kpi: "kpi_new_opportunities", title: "New leads and deals", build: (view) => trend(view, [
      { unit: "count", series: [{ column: "new_leads", name: "New leads", color: "c5", mark: "bar" }, { column: "new_deals", name: "New deals", color: "c1", mark: "bar" }] },
    ]) },
    { id: "response", kpi: "kpi_lead_response_time", title: "Lead response time", build: (view) => trend(view, [
      { ...rate("within_target_rate", "Answered in time", "within_target", "leads_due"), title: "Answered in time", lines: targetOf("kpi_lead_response_time", "share") },
      { title: "Time to the first answer", unit: "minutes", log: true, series: [{ column: "median_minutes", name: "Median", color: "c1", mark: "line" }, { column: "avg_minutes", name: "Average", color: "c4", mark: "line", isDashed: true }, { column: "p90_minutes", name: "9 of 10 faster than", color: "bad", mark: "line", isDashed: true }] },
    ]) },
    { id: "response-by", kpi: "kpi_lead_response_time", title: "Answered in time, compared", build: (view) => comparison(view, {
      preferred: ["team", "owner", "source"], column: "within_target_rate", interval: true, sort: "leads", max: 1, text: (row) => `${row.within_target} of ${row.leads_due}`, lines: [],
    }) },
    { id: "response-distribution", kpi: "kpi_lead_response_time", mart: "lead_response_distribution", title: "How long new leads wait", build: responses },
    { id: "quota", kpi: "kpi_quota_attainment", title: "Quota attainment", usesMetric: true, build: attainment },
    { id: "quota-team", kpi: "kpi_quota_team", title: "Is the quota right?", usesMetric: true, build: teamAtQuota },
    { id: "acquisition", kpi: "kpi_acquisition_rate", title: "Acquisition rate", build: (view) => trend(view, [rate("acquisition_rate", "Contacted leads that became customers", "acquired_leads", "contacted_leads")], { note: "Leads of the last periods have had less time to become customers." }) },
    { id: "touches", kpi: "kpi_acquisition_by_touches", title: "When does persistence pay?", build: byTouches },
    { id: "contacts", kpi: "kpi_contact_volume", title: "Contact volume", build: (view) => trend(view, [
      { unit: "count", series: [{ column: "touches", name: "Outreaches", color: "c5", mark: "bar" }, { column: "unique_contacts", name: "People contacted", color: "c1", mark: "bar" }] },
    ]) },
    { id: "suggested", kpi: "kpi_contact_volume", title: "Contacts against a good week", build: suggested },
    { id: "appointments", kpi: "kpi_appointment_rate", title: "Appointment rate", build: (view) => trend(view, [rate("appointment_rate", "Contacted people with an appointment", "with_appointment", "contacted")]) },
    { id: "replies", kpi: "kpi_reply_rate", title: "Replies to outreach", build: (view) => trend(view, [
      { ...rate("positive_reply_rate", "Positive replies", "positive_leads", "contacted_leads"), title: "Positive replies" },
      { title: "Contacted leads", unit: "count", height: 90, series: [{ column: "positive_leads", name: "Positive", color: "good", mark: "bar", stack: "l" }, { column: "negative_leads", name: "Replied, none positive", color: "bad", mark: "bar", stack: "l" }, { column: "no_reply_leads", name: "No reply", color: "muted-fill", mark: "bar", stack: "l" }] },
    ]) },
    { id: "meetings", kpi: "kpi_meeting_acceptance", title: "Meetings set and held", build: (view) => trend(view, [
      { title: "Meetings set per reply", unit: "ratio", fromZero: true, series: [{ column: "meeting_acceptance_rate", name: "Meetings set per reply", color: "c1", mark: "line", note: (row) => `${row.meetings_set} meetings, ${row.replies} replies` }] },
      { title: "Held, of the meetings set", unit: "share", min: 0, max: 1, height: 90, series: [{ column: "held_rate", name: "Held", color: "c2", mark: "line", note: (row) => `${row.held} of ${row.meetings_set}` }] },
    ]) },
    { id: "mql", kpi: "kpi_mql", title: "MQL to SQL", build: (view) => trend(view, [
      { ...rate("mql_to_sql_rate", "MQLs that became SQLs", "sqls", "mqls"), title: "MQLs that became SQLs" },
      { title: "Leads", unit: "count", height: 90, series: [{ column: "mqls", name: "MQLs", color: "c5", mark: "bar" }, { column: "sqls", name: "of these, SQLs", color: "c1", mark: "bar" }] },
    ]) },
    { id: "bdr", kpi: "kpi_bdr_capacity", title: "BDR capacity against load", build: capacity("mqls", "MQLs", "kpi_bdr_capacity") },
    { id: "ae", kpi: "kpi_ae_capacity", title: "AE capacity against load", build: capacity("won_deals", "Won deals", "kpi_ae_capacity") },
    { id: "touchpoints", kpi: "kpi_touchpoints", title: "Touchpoints of won and lost deals", build: touchpoints },
  ],
};
