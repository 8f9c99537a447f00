// The figures that travel inside the page: compressed columns, unpacked when the page opens.

let content = null;
const marts = new Map();

export async function opened() {
  const text = document.getElementById("figures").textContent;
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  content = JSON.parse(await new Response(stream).text());
  return content;
}

export function figures() {
  return content;
}

class Mart {
  constructor(name, packed) {
    this.name = name;
    this.total = packed.total;
    this.length = packed.shown;
    this.columns = Object.keys(packed.columns);
    this.packed = packed.columns;
  }

  has(column) {
    return this.columns.includes(column);
  }

  value(column, row) {
    const { texts, codes, values } = this.packed[column];
    return texts ? texts[codes[row]] ?? null : values[row];
  }

  // The rows whose columns have these values, as objects in the order of the mart.
  select(where = {}) {
    const tests = [];
    for (const [column, wanted] of Object.entries(where)) {
      const { texts, codes, values } = this.packed[column];
      if (texts) {
        const code = texts.indexOf(wanted);
        if (code < 0 && wanted !== null) return [];
        tests.push([codes, code]);
      } else tests.push([values, wanted]);
    }
    const found = [];
    for (let row = 0; row < this.length; row += 1) {
      if (tests.every(([cells, wanted]) => cells[row] === wanted)) found.push(this.row(row));
    }
    return found;
  }

  row(index) {
    const row = {};
    for (const column of this.columns) row[column] = this.value(column, index);
    return row;
  }

  // The different values of a column, in order of appearance.
  distinct(column) {
    if (!this.has(column)) return [];
    const { texts, values } = this.packed[column];
    return texts ?? [...new Set(values)];
  }
}

// The mart of that name; null when the release has none or it has no rows.
export function mart(name) {
  if (!marts.has(name)) {
    const packed = content.marts[name];
    marts.set(name, packed && packed.shown ? new Mart(name, packed) : null);
  }
  return marts.get(name);
}

export function kpi(name) {
  return content.catalogue.find((entry) => entry.kpi_id === name) ?? null;
}

// paid_search and the like, as many companies spell their categories.
const SNAKE = /^[a-z0-9]+(_[a-z0-9]+)+$/;

const NAMED = { product_id: "product", from_product_id: "product", to_product_id: "product",
  owner_id: "owner", account_id: "account", location_id: "location",
  control_location_id: "location", competitor: "competitor" };

// What people call a value of a dimension.
export function nameOf(dimension, value) {
  if (value === "all") return "all";
  return content.names[dimension]?.[value] ?? (SNAKE.test(value) ? value.replaceAll("_", " ") : value);
}

// What people call the value of a column of a row.
export function cellName(column, row) {
  const value = row[column];
  if (value === null || value === undefined) return null;
  if (column === "dimension_value") return nameOf(row.dimension, value);
  return NAMED[column] ? nameOf(NAMED[column], value) : value;
}
