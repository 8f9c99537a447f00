// Section Team: are the people who sell well?

import { nameOf } from "./store.js";
import { chosen } from "./state.js";
import { short, words } from "./format.js";
import { snapshot, periodOf } from "./shapes.js";
import { targetOf } from "./targets.js";

const isShown = (row) => !row.is_suppressed;
const HIDDEN = "hidden: too few answers";

function byQuestion(view) {
  const found = snapshot(view, {}, isShown);
  if (!found?.rows.length) return null;
  const rows = found.rows.sort((a, b) => (b.avg_rating ?? 9) - (a.avg_rating ?? 9));
  const goal = rows.find((row) => row.goal !== null)?.goal;
  return {
    model: {
      kind: "rows", unit: "rating", min: 1, max: 5, marks: [1, 2, 3, 4, 5], isPartial: !found.period.isComplete,
      lines: goal ? [{ at: goal, name: `goal ${short(goal, "rating")}` }] : [],
      series: [{ key: "v", name: "Average rating", color: "c1", mark: "dot", isHollow: !found.period.isComplete }],
      rows: rows.map((row) => ({
        label: words(row.question),
        hatched: row.is_suppressed ? HIDDEN : null,
        values: row.is_suppressed ? {} : { v: { value: row.avg_rating, color: row.gap_to_goal >= 0 ? "good" : "bad" } },
        text: row.is_suppressed ? "" : `${short(row.avg_rating, "rating")} · ${short(row.favourable_share, "share")} favourable`,
        details: row.is_suppressed ? [] : [["Answers", short(row.responses)], ["Excellent", short(row.excellent_share, "share")], ["Good", short(row.good_share, "share")]],
      })),
    },
    rows,
    context: [view.sliceName(), view.periodText(found.period), "1 to 5"],
  };
}

function byTeam(view) {
  const period = periodOf(view, { dimension: "team" }, isShown);
  if (!period) return null;
  const rows = view.mart.select({ period_grain: view.grain, period_start: period.start, dimension: "team" });
  const questions = [...new Set(rows.map((row) => row.question))].sort();
  const teams = [...new Set(rows.map((row) => row.dimension_value))].sort();
  return {
    model: {
      kind: "rows", unit: "rating", min: 1, max: 5, marks: [1, 2, 3, 4, 5], lines: targetOf("kpi_employee_satisfaction", "rating"), alwaysLegend: true,
      series: questions.slice(0, 8).map((question, index) => ({ key: question, name: words(question), color: `c${index + 1}`, mark: "dot", isHollow: !period.isComplete })),
      rows: teams.map((team) => {
        const mine = rows.filter((row) => row.dimension_value === team);
        const hidden = mine.filter((row) => row.is_suppressed).length;
        return {
          label: nameOf("team", team),
          isChosen: chosen().dimension === "team" && chosen().value === team,
          hatched: hidden === mine.length ? HIDDEN : null,
          values: Object.fromEntries(mine.filter((row) => row.avg_rating !== null).map((row) => [row.question, { value: row.avg_rating }])),
          text: hidden && hidden < mine.length ? `${hidden} of ${mine.length} hidden` : "",
        };
      }),
    },
    rows: rows.sort((a, b) => (a.dimension_value < b.dimension_value ? -1 : a.dimension_value > b.dimension_value ? 1 : a.question < b.question ? -1 : 1)),
    context: ["By team", view.periodText(period), "groups with few answers are hidden, so that nobody can be recognised"],
    ignoresSlice: true,
  };
}

function overTime(view) {
  const rows = view.series();
  if (!rows.length) return null;
  const axis = view.axis(rows.filter(isShown), { isGapless: false });
  if (!axis.length) return null;
  const questions = [...new Set(rows.map((row) => row.question))].sort();
  const at = new Map(rows.map((row) => [`${row.period_start} ${row.question}`, row]));
  return {
    model: {
      kind: "time", axis,
      panels: [{
        unit: "rating", lines: targetOf("kpi_employee_satisfaction", "rating"),
        series: questions.slice(0, 8).map((question, index) => ({
          name: words(question), color: `c${index + 1}`, mark: "line", spansGaps: true,
          values: axis.map(({ start }) => at.get(`${start} ${question}`)?.avg_rating ?? null),
        })),
      }],
    },
    rows,
    context: [view.sliceName(), `${axis[0].label} to ${axis.at(-1).label}`],
  };
}

export const TEAM = {
  id: "team",
  title: "Team",
  lead: "Are the people who sell doing well?",
  charts: [
    { id: "satisfaction", kpi: "kpi_employee_satisfaction", title: "Employee satisfaction", build: byQuestion },
    { id: "satisfaction-trend", kpi: "kpi_employee_satisfaction", title: "Satisfaction over time", build: overTime },
    { id: "satisfaction-team", kpi: "kpi_employee_satisfaction", title: "Satisfaction by team", build: byTeam },
  ],
};
