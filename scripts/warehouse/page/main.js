// The page: its controls, its sections, and what happens when the reader chooses.

import { el } from "./dom.js";
import { figures, mart, nameOf, opened } from "./store.js";
import { choose, chosen, onChoice, restored } from "./state.js";
import { counted, currencyCode, useCurrency, words } from "./format.js";
import { chosenPeriod, periodName, periodsOf, pipeline, pipelines } from "./view.js";
import { Card } from "./card.js";
import { scorecardTable, tiles } from "./headline.js";
import { PIPELINE } from "./pipeline.js";
import { PROSPECTING } from "./prospecting.js";
import { CUSTOMERS } from "./customers.js";
import { MARKET } from "./market.js";
import { TEAM } from "./team.js";

const SECTIONS = [PIPELINE, PROSPECTING, CUSTOMERS, MARKET, TEAM];
// The order in which people look for a slice.
const DIMENSIONS = ["owner", "team", "region", "source", "deal_type", "product", "industry", "segment", "size_band", "channel", "campaign", "location", "wave"];
const cards = [];

const find = (id) => document.getElementById(id);

function valuesOf(dimension) {
  return [...(figures().values[dimension] ?? [])].sort((a, b) => nameOf(dimension, a).localeCompare(nameOf(dimension, b)));
}

function busiest(dimension) {
  const values = figures().values[dimension] ?? [];
  return values.find((value) => value !== "unknown") ?? values[0];
}

function presentDimensions() {
  const present = new Set();
  for (const name of Object.keys(figures().marts)) mart(name)?.distinct("dimension").forEach((dimension) => present.add(dimension));
  return [...DIMENSIONS, ...[...present].filter((name) => !DIMENSIONS.includes(name)).sort()]
    .filter((name) => name !== "all" && present.has(name) && valuesOf(name).length);
}

function options(select, entries, current) {
  select.replaceChildren(...entries.map(([value, text]) => el("option", { value, selected: value === current }, text)));
}

function fillControls() {
  const { grain, dimension, value, theme } = chosen();
  for (const radio of document.querySelectorAll("input[name=grain]")) radio.checked = radio.value === grain;
  const current = chosenPeriod();
  options(find("period"), [...periodsOf(grain)].reverse().map(([start, isOver]) => [start, `${periodName(grain, start)}${isOver ? "" : " – not over yet"}`]), current?.[0]);
  options(find("dimension"), [["all", "Total"], ...presentDimensions().map((name) => [name, words(name)])], dimension);
  find("value").disabled = dimension === "all";
  options(find("value"), dimension === "all" ? [["all", "–"]] : valuesOf(dimension).map((name) => [name, nameOf(dimension, name)]), value);
  const names = pipelines();
  find("pipeline-choice").hidden = names.length < 2;
  options(find("pipeline-name"), names.map((name) => [name, words(name)]), pipeline());
  const isDark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  find("theme").textContent = isDark ? "Light" : "Dark";
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function listen() {
  for (const radio of document.querySelectorAll("input[name=grain]")) {
    radio.addEventListener("change", () => choose({ grain: radio.value, period: null }));
  }
  find("period").addEventListener("change", (event) => {
    const periods = periodsOf(chosen().grain);
    const usual = periods.filter(([, isOver]) => isOver).at(-1)?.[0];
    choose({ period: event.target.value === usual ? null : event.target.value });
  });
  find("dimension").addEventListener("change", (event) => {
    const dimension = event.target.value;
    choose({ dimension, value: dimension === "all" ? "all" : busiest(dimension) });
  });
  find("value").addEventListener("change", (event) => choose({ value: event.target.value }));
  find("pipeline-name").addEventListener("change", (event) => choose({ pipeline: event.target.value }));
  find("reset").addEventListener("click", () => choose({ grain: "month", period: null, dimension: "all", value: "all", pipeline: null, metric: null, measure: "money" }));
  find("theme").addEventListener("click", () => choose({ theme: find("theme").textContent.toLowerCase() }));
  for (const link of document.querySelectorAll("nav a")) {
    link.addEventListener("click", (event) => {
      // The address holds the choices, so the jump is ours.
      event.preventDefault();
      jump(link.hash);
    });
  }
  addEventListener("hashchange", () => {
    if (jump(location.hash)) choose({});
    else choose(checked(restored()));
  });
  // A print is narrower than the screen: the charts are drawn for the paper and back again.
  addEventListener("beforeprint", () => cards.forEach((card) => card.draw(318)));
  addEventListener("afterprint", () => cards.forEach((card) => card.draw()));
  let waiting = null;
  new ResizeObserver(() => {
    clearTimeout(waiting);
    waiting = setTimeout(() => cards.forEach((card) => card.resized()), 80);
  }).observe(find("sections"));
}

// To the section that an address names; false if it names none.
function jump(hash) {
  const section = /^#[\w-]+$/.test(hash) ? document.querySelector(`section${hash}`) : null;
  if (!section) return false;
  section.setAttribute("tabindex", "-1");
  section.scrollIntoView({ behavior: "smooth", block: "start" });
  section.focus({ preventScroll: true });
  return true;
}

// A link may name what this release does not have.
function checked(given) {
  const wanted = { ...given };
  if (!periodsOf(wanted.grain).length) wanted.grain = ["month", "week", "quarter"].find((grain) => periodsOf(grain).length) ?? "month";
  if (wanted.dimension !== "all" && !valuesOf(wanted.dimension).includes(wanted.value)) {
    const usual = busiest(wanted.dimension);
    Object.assign(wanted, usual === undefined ? { dimension: "all", value: "all" } : { value: usual });
  }
  return wanted;
}

function update() {
  fillControls();
  const shown = tiles();
  find("tiles").replaceChildren(...(shown.length ? shown : [el("li", { class: "nothing" }, "No KPI has figures for a whole period of this slice.")]));
  cards.forEach((card) => card.update());
  find("scorecard-box").replaceChildren(scorecardTable());
}

function age(instant) {
  const hours = (Date.now() - Date.parse(`${instant.replace(" ", "T")}Z`)) / 3600000;
  if (hours < 1) return "just now";
  if (hours < 48) return counted(Math.floor(hours), "hour").concat(" ago");
  return counted(Math.floor(hours / 24), "day").concat(" ago");
}

function about() {
  const { release, newest, left_out: leftOut, windows, marts } = figures();
  const asOf = String(release.as_of).slice(0, 16);
  find("as-of").textContent = `${asOf} UTC`;
  const hours = (Date.now() - Date.parse(`${asOf.replace(" ", "T")}Z`)) / 3600000;
  const isOld = hours > 36;
  find("freshness").replaceChildren(
    el("span", { class: `badge ${isOld ? "old" : ""}` }, `${isOld ? "⚠ " : ""}${age(asOf)}`),
    ` · built ${String(release.built_at).slice(0, 16)} UTC`, currencyCode() ? ` · amounts in ${currencyCode()}` : "");
  find("newest").replaceChildren(el("table", {}, el("caption", {}, "The newest entry of each kind up to as of"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "What"), el("th", { scope: "col" }, "Newest (UTC)"))),
    el("tbody", {}, newest.map(({ label, at }) => el("tr", {}, el("th", { scope: "row" }, label), el("td", {}, at === null ? "nothing landed" : at.slice(0, 16)))))));
  const total = Object.values(marts).reduce((sum, one) => sum + one.total, 0);
  const shown = Object.values(marts).reduce((sum, one) => sum + one.shown, 0);
  const limits = (limit) => ["week", "month", "quarter"].map((grain) => counted(limit[grain], grain)).join(", ");
  find("left-out").replaceChildren(...[
    `This page carries ${counted(shown, "row")} of the ${counted(total, "row")} in the KPI marts; the database and the Parquet files beside it have all of them.`,
    `Totals go back ${limits(windows.total)}; slices ${limits(windows.slice)}, each beside the running period. A KPI whose rows end earlier shows its own last periods.`,
    ...leftOut.map(({ dimension, kept, of }) => `${words(dimension)}: the ${kept} with the most rows of ${of}.`),
    "Lists of customers, paths and promotions show their first 25 to 30. Contacts by owner and channel, and sales by location and product together, are in the marts only.",
    "Figures are those of the marts, written with ten significant digits; the page itself computes nothing but relative changes.",
  ].map((text) => el("li", {}, text)));
  find("run").textContent = `Run ${release.run_id}.`;
}

function build() {
  find("sections").replaceChildren(...SECTIONS.map(({ id, title, lead, charts }) => {
    const mine = charts.map((definition) => new Card(definition));
    cards.push(...mine);
    return el("section", { id, "aria-labelledby": `${id}-title` },
      el("h2", { id: `${id}-title` }, title), el("p", { class: "lead" }, lead),
      el("div", { class: "grid" }, mine.map((card) => card.node)));
  }));
}

async function start() {
  await opened();
  useCurrency(figures().release.reporting_currency);
  build();
  about();
  listen();
  onChoice(update);
  const named = location.hash;
  choose(checked(restored()));
  jump(named);
  performance.mark("ready");
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  find("tiles").replaceChildren(el("li", { class: "nothing" }, `This page could not be shown: ${error.message}. It needs a browser of 2023 or later.`));
  throw error;
});
