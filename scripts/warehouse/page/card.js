// A card: one question, its chart, the table behind it and what the KPI means.

import { el } from "./dom.js";
import { draw, isFlat, isPartial, legendOf } from "./draw.js";
import { figures, kpi } from "./store.js";
import { chosen } from "./state.js";
import { short, words } from "./format.js";
import { View } from "./view.js";
import { table, downloadButton } from "./table.js";
import { metrics } from "./prospecting.js";
import { choose } from "./state.js";

const UNITS = { share: "share", currency: "money", days: "days", ratio: "ratio", points: "points", rating: "rating" };

const MEANING = [
  ["formula", "Definition"],
  ["why", "Why it matters"],
  ["caveats", "Read with care"],
  ["not_for", "Not for"],
  ["differs_from_crm", "Why the CRM may show something else"],
  ["strategic_priority", "Serves the aim"],
  ["owner_role", "Owner"],
  ["feedback_to", "Feedback to"],
  ["cadence", "Looked at every"],
];

export function targetText(entry) {
  const has = (column) => entry[column] !== null && entry[column] !== undefined;
  const unit = UNITS[entry.unit] ?? "count";
  if (has("target_low") && has("target_high")) return `${short(Number(entry.target_low), unit)} to ${short(Number(entry.target_high), unit)}`;
  if (has("target_low")) return `at least ${short(Number(entry.target_low), unit)}`;
  if (has("target_high")) return `at most ${short(Number(entry.target_high), unit)}`;
  return "";
}

function meaning(entry) {
  const facts = MEANING.filter(([column]) => entry[column]).map(([column, name]) => [name, entry[column]]);
  const target = targetText(entry);
  if (target) facts.splice(1, 0, ["Target", target]);
  facts.push(["In the database", `marts.${entry.kpi_id}`]);
  return el("dl", {}, facts.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, String(text))]));
}

export class Card {
  constructor(definition) {
    this.definition = definition;
    const entry = kpi(definition.kpi);
    const id = `chart-${definition.id}`;
    // What lies behind a KPI, such as a distribution, has a mart of its own.
    this.mart = definition.mart ?? definition.kpi;
    this.context = el("p", { class: "context" });
    this.hints = el("ul", { class: "hints" });
    this.controls = el("div", { class: "local" });
    this.legend = el("ul", { class: "legend", "aria-hidden": "true" });
    this.plot = el("div", { class: "plot" });
    this.note = el("p", { class: "note" });
    this.tableBox = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Table: ${definition.title}` });
    this.tableName = el("summary", {}, "Table");
    this.tools = el("div", { class: "tools" });
    this.tableDetails = el("details", { class: "data" }, this.tableName, this.tools, this.tableBox);
    // A table is only built when somebody looks at it.
    this.tableDetails.addEventListener("toggle", () => this.fillTable());
    this.node = el("article", { class: "card", id, "aria-labelledby": `${id}-title`, "data-kpi": definition.kpi, "data-mart": this.mart },
      el("h3", { id: `${id}-title` }, definition.title),
      entry ? el("p", { class: "question" }, entry.question) : null,
      this.context, this.hints, this.controls, this.legend, this.plot, this.note,
      el("div", { class: "more" }, this.tableDetails,
        entry ? el("details", { class: "meaning" }, el("summary", {}, "What it means"), meaning(entry)) : null));
  }

  update() {
    const { definition } = this;
    const view = new View(this.mart);
    const built = view.mart ? definition.build(view) : null;
    this.built = built;
    this.node.classList.toggle("empty", !built);
    this.fillControls(view);
    const ignores = built?.ignoresSlice;
    const hints = [...(built?.hints ?? (ignores ? view.hints.filter((hint) => !hint.startsWith("Shows")) : view.hints))];
    this.hints.replaceChildren(...(built ? hints : []).map((hint) => el("li", {}, hint)));
    this.hints.hidden = !built || !hints.length;
    this.tableDetails.hidden = !built;
    if (!built) {
      this.context.textContent = "";
      this.legend.replaceChildren();
      this.plot.replaceChildren(el("p", { class: "nothing" }, this.whyEmpty(view)));
      this.note.textContent = "";
      return;
    }
    this.context.textContent = built.context.filter(Boolean).join(" · ");
    const partial = isPartial(built.model);
    this.legend.replaceChildren(...legendOf(built.model).map(({ name, color, mark, hasBand, isDashed, isHollow }) => el("li", {},
      el("span", { class: `key ${mark}${hasBand ? " band" : ""}${isDashed ? " dashed" : ""}${isHollow ? " hollow" : ""}`, style: `--hue: var(--${color})` }), name)));
    
    this.isFlat = isFlat(built.model);
    if (this.isFlat) this.legend.replaceChildren();
    this.tableName.textContent = `Table (${built.rows.length} ${built.rows.length === 1 ? "row" : "rows"})`;
    this.draw();
    this.note.textContent = this.isFlat ? "" : [
      this.unfed() ? `${this.unfed()}: what is made of it is 0 or missing.` : "",
      partial ? "Hatched or dashed: not over yet, so not to be compared with whole periods." : "",
      built.note,
      built.model.isCut ? "The axis does not begin at 0." : "",
    ].filter(Boolean).join(" ");
    this.fillTable();
  }

  draw(width = this.plot.clientWidth) {
    if (!this.built || !width) return;
    this.drawnWidth = width;
    if (this.isFlat) {
      this.plot.replaceChildren(el("p", { class: "nothing" }, this.whyFlat()));
      return;
    }
    const chart = draw(this.built.model, width);
    chart.setAttribute("aria-label", `${this.definition.title}. ${this.context.textContent}. Arrow keys read the values; the table below has them all.`);
    this.plot.replaceChildren(chart);
  }

  resized() {
    if (this.plot.clientWidth !== this.drawnWidth) this.draw();
  }

  fillControls(view) {
    const { usesMeasure, usesMetric } = this.definition;
    const buttons = [];
    if (view.mart && usesMeasure) buttons.push(["measure", [["money", "Amount"], ["deals", "Deals"]], chosen().measure]);
    if (view.mart && usesMetric && metrics().length > 1) buttons.push(["metric", metrics().map((name) => [name, words(name)]), chosen().metric ?? (metrics().includes("won_amount") ? "won_amount" : metrics()[0])]);
    this.controls.replaceChildren(...buttons.map(([name, values, current]) => el("div", { class: "segments", role: "group", "aria-label": words(name) },
      values.map(([value, text]) => el("button", { type: "button", "aria-pressed": String(value === current), onclick: (event) => {
        choose({ [name]: value });
        // The buttons were made anew: the focus stays where the reader is.
        const again = [...this.controls.querySelectorAll("button")].find((button) => button.textContent === event.currentTarget?.textContent || button.textContent === text);
        again?.focus();
      } }, text)))));
    this.controls.hidden = !buttons.length;
  }

  fillTable() {
    if (!this.built || !this.tableDetails.open) return;
    const { rows } = this.built;
    this.tableBox.replaceChildren(table(rows, `${this.definition.title}: ${this.context.textContent}`));
    this.tools.replaceChildren(downloadButton(this.mart, rows));
  }

  // The tables that the figures are made of and that did not come, as the begin of a sentence.
  unfed() {
    const tables = figures().unfed[this.definition.kpi];
    return tables ? `Nothing was landed in ${tables.join(" and ")} that counts by ${String(figures().release.as_of).slice(0, 10)}` : "";
  }

  whyFlat() {
    if (this.unfed()) return `Every figure here is 0 or missing. ${this.unfed()}.`;
    if (this.definition.usesMeasure && chosen().measure === "money") return "Every amount here is 0: choose Deals to count them.";
    return "Every figure here is 0.";
  }

  whyEmpty(view) {
    const name = this.mart;
    if (!view.mart) return figures().reasons[this.definition.kpi] ?? `No rows in ${name}.`;
    const { dimension } = chosen();
    if (view.isSliced) return `No figures for ${view.sliceName()} in the periods shown. Choose another ${words(dimension).toLowerCase()} or the total.`;
    return `${name} has rows, but none with figures for what this chart shows.`;
  }
}
