"""Who may see what: what is published holds nobody's address or words, and is for reading only.

The sample, the company of corner cases and a directory full of odd names land in one home; then
every file that readers see is searched for what only the private database may hold.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from edge_company import write_edge_company
from running import warehouse
from warehouse import report, sample
from warehouse.store import quoted

AS_OF = datetime(2025, 6, 30, 6)
ODD_NAME = 'it\'s "odd"; drop table raw_crm.deals; -- [a-z]*?{x,y} $(id) %s \\ ../'
FORMULA = "=cmd|' /C calc'!A0"
# What follows the sign; what stands before it is not looked for, the page is one long line.
AN_ADDRESS = re.compile(r"(?<=[\w.+-])@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}")
# Only in these columns may the id of a contact stand.
CONTACT_COLUMNS = {("fct_nps_responses", "contact_id"), ("fct_activities", "person")}


def write_odd_names(directory: Path) -> Path:
    """People with every kind of personal data, in files and columns with names that mean harm."""
    landing = directory / ODD_NAME.replace("/", "")
    contacts = landing / "contacts"
    contacts.mkdir(parents=True)
    header = f'contact_id,account_id,email,phone,"{ODD_NAME.replace(chr(34), chr(34) * 2)}"\n'
    for number, name in enumerate(("[ab]*.csv", "a.csv", "'; drop table x; --.csv")):
        row = f"canary-{number},,canary-{number}@canary.test,+43 canary {number},canary {FORMULA}\n"
        (contacts / name).write_text(header + row, encoding="utf-8")
    (landing / "nps_responses.csv").write_text(
        "response_id,contact_id,sent_at,responded_at,score,comment\n"
        "canary-nps,canary-0,2025-06-01,2025-06-02,9,call me: canary-words 0664 123\n",
        encoding="utf-8",
    )
    (landing / "employee_responses.csv").write_text(
        "response_id,wave,team,responded_at,question,rating,comment\n"
        "canary-employee,2025-06,,2025-06-02,pay,1,canary-words about my boss\n",
        encoding="utf-8",
    )
    (landing / "users.jsonl").write_text(
        json.dumps(
            {
                "user_id": FORMULA,
                "role": "ae",
                "full_name": "=1+1",
                "email": "canary-user@canary.test",
                "private": "canary street 1",
                ODD_NAME: "canary",
            }
        )
        + "\n",
        encoding="utf-8",
    )
    (landing / "deals'; drop table x; --.csv").write_text("deal_id\nx\n", encoding="utf-8")
    return landing


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("privacy")
    sample.write(work / "sample", deals=150, seed=3, as_of=AS_OF)
    edges = write_edge_company(work / "edges")
    odd = write_odd_names(work)
    home = work / 'the "home" of it\'s; data'
    warehouse(
        home, "refresh", work / "sample", edges.landing, edges.delta, odd,
        "--as-of", AS_OF.isoformat(),
    )  # fmt: skip
    return home


@pytest.fixture(scope="module")
def private(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def cells(home: Path) -> dict[tuple[str, str, str], set[str]]:
    """Every text of every column that is published, by kind of file, table and column."""
    current = home / "published" / "current"
    found: dict[tuple[str, str, str], set[str]] = {}
    with duckdb.connect() as connection:
        path = str(current / "sales_kpi.duckdb").replace("'", "''")
        connection.execute(f"attach '{path}' as sales_kpi (read_only)")
        tables = [
            row[0] for row in connection.execute("show tables from sales_kpi.marts").fetchall()
        ]
        sources = {("duckdb", name): f"sales_kpi.marts.{quoted(name)}" for name in tables}
        for file in sorted((current / "parquet").iterdir()):
            connection.read_parquet(str(file)).create_view(f"parquet_{file.stem}")
            sources["parquet", file.stem] = quoted(f"parquet_{file.stem}")
        for (kind, name), relation in sources.items():
            for column, *_ in connection.execute(f"describe {relation}").fetchall():
                rows = connection.execute(
                    f"select distinct {quoted(column)}::varchar from {relation}"
                    f" where {quoted(column)} is not null"
                ).fetchall()
                found[kind, name, column] = {row[0] for row in rows}
    return found


@pytest.fixture(scope="module")
def texts(home: Path, cells: dict[tuple[str, str, str], set[str]]) -> dict[str, str]:
    """Everything that readers can read, as text: tables, the page and its figures, notes."""
    current = home / "published" / "current"
    page = (current / "report" / "index.html").read_text(encoding="utf-8")
    with duckdb.connect(str(current / "sales_kpi.duckdb"), read_only=True) as connection:
        comments = connection.execute(
            "select comment from duckdb_tables() union all select comment from duckdb_columns()"
        ).fetchall()
    found = {
        "the page": page,
        "the figures of the page": json.dumps(report.unpacked(page), ensure_ascii=False),
        "release.json": (current / "release.json").read_text(encoding="utf-8"),
        "history.jsonl": (home / "published" / "history.jsonl").read_text(encoding="utf-8"),
        "comments": "\n".join(row[0] for row in comments if row[0]),
    }
    for kind in ("duckdb", "parquet"):
        found[kind] = "\n".join(
            text for (where, _, _), values in cells.items() if where == kind for text in values
        )
    assert all(len(text) > 100 for text in found.values())
    return {name: text.lower() for name, text in found.items()}


def landed(connection: duckdb.DuckDBPyConnection, *columns: str) -> set[str]:
    """Every value that ever landed in these columns, each given as schema.table.column."""
    found: set[str] = set()
    for place in columns:
        schema, table, column = place.split(".")
        for name in (table, f"{table}__history"):
            rows = connection.execute(
                f"select distinct {column} from {schema}.{name} where {column} is not null"
            ).fetchall()
            found.update(row[0] for row in rows)
    return found


def test_no_address_is_published(private, texts, home) -> None:
    addresses = landed(private, "raw_crm.users.email", "raw_crm.contacts.email")
    assert len(addresses) > 150 and "canary-user@canary.test" in addresses
    for name, text in texts.items():
        assert [address for address in addresses if address.lower() in text] == [], name
        # Nor one that came in through some other column.
        assert AN_ADDRESS.findall(text) == [], name
    domains = {address.rsplit("@", 1)[1].encode() for address in addresses if "@" in address}
    for path in (home / "published" / "current").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert [domain for domain in domains if b"@" + domain in content] == [], path.name


def test_no_comment_is_published(private, texts, cells) -> None:
    comments = landed(
        private, "raw_survey.nps_responses.comment", "raw_survey.employee_responses.comment"
    )
    assert len(comments) >= 6 and "canary-words about my boss" in comments
    for (_, table, column), values in cells.items():
        assert values & comments == set(), (table, column)
    # Within other text as well, unless a comment is one common word.
    long = [comment.lower() for comment in comments if len(comment) > 8]
    for name, text in texts.items():
        assert [comment for comment in long if comment in text] == [], name
        assert "canary-words" not in text and "canary street" not in text, name


def test_a_contact_is_an_id_and_nothing_more(private, cells) -> None:
    contacts = landed(private, "raw_crm.contacts.contact_id")
    others = landed(
        private, "raw_crm.accounts.account_id", "raw_crm.users.user_id", "raw_crm.deals.deal_id",
        "raw_crm.leads.lead_id", "raw_crm.activities.activity_id",
    )  # fmt: skip
    only_contacts = contacts - others
    assert len(only_contacts) > 100
    places = {(table, column) for (_, table, column), values in cells.items()
              if values & only_contacts}  # fmt: skip
    assert places == CONTACT_COLUMNS
    names = {column for _, _, column in cells}
    assert names & {"email", "phone", "comment", "contact_name", "first_name", "last_name"} == set()
    assert not [name for name in names if name.startswith("_") or "extra" in name]
    # Names of people are those of users, and stand in one place.
    people = landed(private, "raw_crm.users.full_name")
    named = {(table, column) for (_, table, column), values in cells.items() if values & people}
    assert named == {("dim_user", "full_name")}


def test_unknown_columns_stay_private(private, texts) -> None:
    (extra,) = private.execute(
        "select _extra_columns from raw_crm.contacts where contact_id = 'canary-0'"
    ).fetchone()
    assert json.loads(extra) == {"phone": "+43 canary 0", ODD_NAME: f"canary {FORMULA}"}
    for name, text in texts.items():
        assert "+43 canary" not in text and "drop table" not in text, name


def test_names_from_outside_are_names(private, home, cells) -> None:
    """Nothing was run, expanded or dropped: formulas and odd names came through as they are."""
    assert private.execute(
        "select user_id, full_name, email, _extra_columns::json->>? from raw_crm.users "
        "where _source_file like '%users.jsonl'",
        [f"$.{json.dumps(ODD_NAME)}"],
    ).fetchall() == [(FORMULA, "=1+1", "canary-user@canary.test", "canary")]
    files = private.execute(
        "select _source_file from raw_crm.contacts where contact_id like 'canary-%' order by all"
    ).fetchall()
    assert [Path(row[0]).name for row in files] == ["'; drop table x; --.csv", "[ab]*.csv", "a.csv"]
    (deals,) = private.execute("select count(*) from raw_crm.deals").fetchone()
    assert deals > 200
    assert private.execute(
        "select count(*) from duckdb_columns() where column_name like '%odd%'"
    ).fetchone() == (0,)
    assert FORMULA in cells["duckdb", "dim_user", "user_id"]
    newest = json.loads(warehouse(home, "status", "--last", "1", "--json").stdout)["runs"][0]
    assert any("deals'; drop table x; --.csv" in text for text in newest["warnings"])


def test_what_is_published_is_for_everybody_to_read_and_nobody_to_write(home) -> None:
    modes: dict[int, set[str]] = {}
    for path in [home / "published", *(home / "published").rglob("*")]:
        if not path.is_symlink():
            kind = "directory" if path.is_dir() else path.name
            modes.setdefault(stat.S_IMODE(path.stat().st_mode), set()).add(kind)
    assert modes.pop(0o755) == {"directory"}
    assert modes.pop(0o644) == {"history.jsonl"}
    assert {"sales_kpi.duckdb", "release.json", "index.html"} < modes.pop(0o444)
    assert modes == {}
    assert (home / "published" / "current").readlink().parts[0] == "releases"


def test_what_is_private_is_for_its_owner_alone(home) -> None:
    assert stat.S_IMODE(home.stat().st_mode) == 0o755
    open_to_others = [
        str(path.relative_to(home))
        for path in home.rglob("*")
        if "published" not in path.relative_to(home).parts[:1]
        # Inside a directory that nobody may enter, files need no modes of their own.
        and path.parent == home
        and path.stat().st_mode & 0o077
    ]
    assert open_to_others == []
    assert stat.S_IMODE((home / "warehouse.duckdb").stat().st_mode) == 0o600
    for name in ("logs", "target", "data_docs", "tmp"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o700, name
    for path in (home / "logs").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    # Nothing that was unpacked for landing stays behind.
    assert list((home / "tmp").iterdir()) == []
