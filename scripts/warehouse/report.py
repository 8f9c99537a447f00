"""The page of a release: one file that works from disk, without a network and without a server.

The texts, styles and scripts lie in `page/`; here they become one file with the figures in it. The
figures are compressed, which keeps the page small; any browser since 2023 unpacks them itself.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path

from warehouse import figures
from warehouse.errors import StepError
from warehouse.store import first_line, literal

PAGE = Path(__file__).parent / "page"
# In the order in which they need each other; each is a plain ES module.
SCRIPTS = (
    "dom.js",
    "format.js",
    "store.js",
    "state.js",
    "view.js",
    "targets.js",
    "shapes.js",
    "scales.js",
    "draw.js",
    "table.js",
    "pipeline.js",
    "prospecting.js",
    "customers.js",
    "market.js",
    "team.js",
    "card.js",
    "headline.js",
    "main.js",
)
# A page that would be larger is written again with fewer slices.
MAX_BYTES = 4_500_000


def write(
    duckdb_path: Path, out_dir: Path, *, options: Mapping[str, str | int | bool] | None = None
) -> Path:
    """Write `out_dir/index.html` from the marts of a published file, which is opened read-only.

    `options` are those of DuckDB: how much memory it may use, and where it puts the rest.
    """
    import duckdb

    try:
        with duckdb.connect(":memory:", config=dict(options or {})) as connection:
            connection.execute(f"attach {literal(str(duckdb_path))} as sales_kpi (read_only)")
            connection.execute("use sales_kpi.marts")
            for values in figures.SLICE_VALUES:
                page = render(figures.read(connection, values=values))
                if len(page) <= MAX_BYTES:
                    break
    except duckdb.Error as error:
        raise StepError(
            f"The report was not written: {duckdb_path} cannot be read ({first_line(error)})."
        ) from error
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / "index.html"
    path.write_bytes(page)
    return path


def render(shown: figures.Figures) -> bytes:
    """The page with these figures in it, in UTF-8; the same figures give the same bytes."""
    parts = {
        "as-of": html.escape(str(shown.release["as_of"])),
        "style": (PAGE / "page.css").read_text(encoding="utf-8"),
        "script": "\n".join(_inlined(PAGE / name) for name in SCRIPTS),
        "figures": packed(shown.content),
    }
    template = (PAGE / "page.html").read_text(encoding="utf-8")
    return re.sub(r"<!--(\S+)-->", lambda found: parts[found[1]], template).encode("utf-8")


def packed(content: object) -> str:
    """JSON, compressed, in letters and digits: no text of the data can end or enter the markup."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode("utf-8"), 6, mtime=0)).decode("ascii")


def unpacked(page: str) -> dict:
    """The figures of a written page: the inverse of `packed`."""
    found = re.search(r'<script id="figures"[^>]*>([^<]*)</script>', page)
    if found is None:
        raise ValueError("The page carries no figures.")
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def _inlined(path: Path) -> str:
    """A module as part of the one script of the page: its imports are there already."""
    lines = []
    is_import = False
    for line in path.read_text(encoding="utf-8").splitlines():
        is_import = is_import or line.startswith("import ")
        if is_import:
            is_import = not line.endswith(";")
        else:
            lines.append(line.removeprefix("export "))
    return "\n".join(lines).strip() + "\n"
