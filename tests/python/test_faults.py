"""Faults of the machine, for real: each ends in one clear message and the exit code of its kind.

Meanwhile readers keep the last release, and once the fault is gone the next run completes.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

import forked
from running import warehouse
from small_company import config_of, write_landing, write_project
from warehouse import lock, publish, runs, store

AS_OF = ("--as-of", "2025-06-30T00:00:00Z")
STEPS = ("Landing", "Checking", "Building", "Publishing", "Writing the report", "Verifying")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_landing(tmp_path_factory.mktemp("landing"), deals=3)


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lands the night after: one more deal."""
    return write_landing(tmp_path_factory.mktemp("later"), deals=4)


@pytest.fixture(scope="module")
def published(project: Path, landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one release of three deals; tests work on copies of it."""
    home = tmp_path_factory.mktemp("published") / "home"
    warehouse(home, "refresh", landing, *AS_OF, "--project-dir", project)
    return home


@pytest.fixture
def home(published: Path, tmp_path: Path) -> Path:
    return shutil.copytree(published, tmp_path / "home", symlinks=True)


def fails(
    home: Path,
    project: Path,
    later: Path,
    *,
    code: int,
    says: str,
    before: Sequence[str] = (),
    prepare: Callable[[], None] | None = None,
) -> str:
    """The refresh ends with that code and message, and readers still see the three deals.

    `before` are words that the command line begins with, `prepare` is called in the new process.
    """
    call = ["refresh", later, *AS_OF, "--home", home, "--project-dir", project]
    if before:
        call = [*before, sys.executable, "-m", "warehouse.cli", *map(str, call)]
        ran = subprocess.run(call, capture_output=True, text=True, check=False)
    else:
        ran = forked.run(call, prepare=prepare)
    assert (ran.returncode, says in ran.stderr) == (code, True), ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert "Unexpected" not in ran.stderr and "unexpectedly" not in ran.stderr
    assert deals_shown(home) == 3
    return ran.stderr


def completes(home: Path, project: Path, *directories: Path, deals: int = 4) -> str:
    """The next refresh publishes so many deals and leaves nothing unfinished behind."""
    ran = warehouse(home, "refresh", *directories, *AS_OF, "--project-dir", project)
    assert deals_shown(home) == deals
    config = config_of(home)
    newest = runs.history(config)[0]
    release = publish.current(config)
    assert release is not None and release.run_id == newest.run_id
    assert newest.status == runs.PUBLISHED
    publish.verify(config, release)
    left = [*config.releases.glob("*.partial"), *config.published.glob(".current-*")]
    left += [*config.scratch.glob("*"), *config.spill.glob("*")]
    assert left == []
    with duckdb.connect(str(config.warehouse), read_only=True) as connection:
        landed = connection.execute("select count(*) from raw_crm.deals").fetchone()
    assert landed == (deals,)
    return ran.stderr


def deals_shown(home: Path) -> int:
    """What a reader sees, in DuckDB and in Parquet."""
    current = home / "published" / "current"
    with duckdb.connect(str(current / "sales_kpi.duckdb"), read_only=True) as connection:
        (deals,) = connection.execute("select deals from sales_kpi.marts.kpi_deals").fetchone()
    with duckdb.connect() as connection:
        parquet = connection.read_parquet(str(current / "parquet" / "kpi_deals.parquet"))
        assert parquet.fetchall() == [("USD", deals)]
    assert (current / "report" / "index.html").read_text().rstrip().endswith("</html>")
    return deals


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    path = tmp_path / "disk"
    path.mkdir()
    options = "size=64m,mode=755"
    call = ["mount", "-t", "tmpfs", "-o", options, "warehouse-test", str(path)]
    if os.geteuid() != 0 or subprocess.run(call, capture_output=True, check=False).returncode:
        pytest.skip("needs root and the right to mount: a small file system is filled up")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


@contextmanager
def only(disk: Path, free: int) -> Iterator[None]:
    """Fill the disk until so many bytes are left."""
    filler = disk / "filler"
    space = os.statvfs(disk)
    with filler.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, space.f_bavail * space.f_frsize - free)
    yield
    filler.unlink()


# --- faults of the surroundings: nothing is changed ----------------------------------------------


def test_a_full_disk_is_named_in_every_step(
    published: Path, project: Path, later: Path, disk: Path
) -> None:
    home = shutil.copytree(published, disk / "home", symlinks=True)
    steps = set()
    for kilobytes in (0, 100, 1200):
        with only(disk, kilobytes * 1024):
            told = fails(home, project, later, code=4, says="he disk is full")
        steps.add([step for step in ("start", *STEPS) if step in told or step == "start"][-1])
    # Not one step alone was tried.
    assert len(steps) >= 2, steps
    completes(home, project, later)


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_a_file_that_may_not_grow_is_like_a_full_disk(
    home: Path, project: Path, later: Path
) -> None:
    fails(home, project, later, code=4, says="`ulimit -f`", prepare=limited)


def test_a_read_only_disk_is_named(published: Path, project: Path, later: Path, disk: Path) -> None:
    home = shutil.copytree(published, disk / "home", symlinks=True)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    fails(home, project, later, code=4, says="the file system is read-only")
    # Looking needs no writing.
    shown = warehouse(home, "status").stdout
    assert "refresh: published" in shown and "Running now" not in shown
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    completes(home, project, later)


def test_a_home_that_may_not_be_written_is_named(home: Path, project: Path, later: Path) -> None:
    before: list[str] = []
    if os.geteuid() == 0:
        # Root may write anywhere, unless it gives up that right.
        before = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        if shutil.which("setpriv") is None:
            pytest.skip(
                "runs as root, and there is no setpriv to run as somebody with fewer rights"
            )
    (home / "tmp").rmdir()
    home.chmod(0o555)
    told = fails(home, project, later, code=4, says="permission is missing", before=before)
    assert str(home) in told
    home.chmod(0o755)


def test_a_home_that_is_a_file_is_an_error_of_the_call(
    tmp_path: Path, project: Path, later: Path
) -> None:
    home = tmp_path / "home"
    home.write_text("a letter")
    ran = warehouse(home, "refresh", later, "--project-dir", project, expect=2)
    assert "is a file, not a directory" in ran.stderr
    assert home.read_text() == "a letter"


def test_whoever_has_the_home_or_the_database_is_named(
    home: Path, project: Path, later: Path
) -> None:
    config = config_of(home)
    with lock.hold(config, "refresh"):
        told = fails(home, project, later, code=3, says="Another refresh is running")
        assert f"process {os.getpid()}" in told
    with duckdb.connect(str(config.warehouse)):
        told = fails(home, project, later, code=3, says="is open in process")
        assert f"process {os.getpid()}" in told
    # A reader of the private file holds up a writer as well; two refreshes do not wait in line.
    with duckdb.connect(str(config.warehouse), read_only=True):
        fails(home, project, later, code=3, says="is open in process")
    completes(home, project, later)


# --- a damaged warehouse -------------------------------------------------------------------------


def garbage(path: Path) -> None:
    path.write_bytes(b"no database" * 10_000)


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def header_only(path: Path) -> None:
    os.truncate(path, 4096)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def scratched(path: Path) -> None:
    """The disk returns nonsense for all but the headers."""
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(12_288)
        stream.write(os.urandom(size - 12_288))


def test_a_damaged_warehouse_is_named_and_can_be_built_anew(
    home: Path, project: Path, later: Path, landing: Path, tmp_path: Path
) -> None:
    config = config_of(home)
    sound = tmp_path / "backup.duckdb"
    shutil.copyfile(config.warehouse, sound)
    for damage in (garbage, half, header_only, empty, scratched):
        shutil.copyfile(sound, config.warehouse)
        damage(config.warehouse)
        told = fails(home, project, later, code=4, says="Move warehouse.duckdb aside")
        assert "bring back a backup" in told, damage.__name__
    # The remedy works, and says what it costs: what landed before is gone.
    config.warehouse.rename(home / "damaged.duckdb")
    (home / "warehouse.duckdb.wal").write_bytes(b"of the damaged one")
    told = completes(home, project, landing, later)
    assert "was not there, though a release is published" in told
    # So does the other one; what is missing lands again.
    for name in ("warehouse.duckdb.wal", "damaged.duckdb"):
        (home / name).unlink(missing_ok=True)
    shutil.copyfile(sound, config.warehouse)
    assert "was not there" not in completes(home, project, later)


def test_a_damaged_mart_is_built_anew_or_named(home: Path, project: Path, later: Path) -> None:
    config = config_of(home)
    with config.warehouse.open("r+b") as stream:
        stream.seek(-300_000, os.SEEK_END)
        stream.write(os.urandom(200_000))
    ran = forked.run(["refresh", later, *AS_OF, "--project-dir", project, "--home", home])
    assert "Traceback" not in ran.stderr
    if ran.returncode == 0:
        assert deals_shown(home) == 4
    else:
        assert ran.returncode == 4 and "Move warehouse.duckdb aside" in ran.stderr, ran.stderr
        assert deals_shown(home) == 3


# --- what a killed run or a careless hand leaves behind ------------------------------------------


def cut_off(home: Path) -> None:
    """What processes that died leave: half a release, a link, files of their own, half a line."""
    (home / "warehouse.duckdb.wal").write_bytes(b"garbage" * 1000)
    partial = home / "published" / "releases" / "20200101T000000Z-dead.partial"
    (partial / "parquet").mkdir(parents=True)
    (partial / "sales_kpi.duckdb").write_bytes(b"half")
    (home / "published" / ".current-dead").symlink_to("releases/nowhere")
    (home / "tmp" / "warehouse-landing-dead").mkdir(parents=True)
    (home / "tmp" / "warehouse-landing-dead" / "0.csv").write_text("email\nsomebody@example.org\n")
    (home / "warehouse.duckdb.tmp").mkdir(exist_ok=True)
    (home / "warehouse.duckdb.tmp" / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"spilled")
    (home / ".warehouse.duckdb.new").write_bytes(b"")
    (home / ".lock").write_text("{")
    with (home / "logs" / "runs.jsonl").open("a") as stream:
        stream.write('{"run_id": "dead", "comm')
    for path in (home / "target").glob("*.msgpack"):
        os.truncate(path, path.stat().st_size // 2)
    (home / "published" / "history.jsonl").write_text('{"release_id": "de')


def a_broken_link(home: Path) -> None:
    """And everything that can be made again is gone."""
    for name in ("logs", "target", "data_docs", "tmp"):
        shutil.rmtree(home / name, ignore_errors=True)
    (home / "published" / "history.jsonl").unlink()
    (home / ".lock").unlink()
    link = home / "published" / "current"
    link.unlink()
    link.symlink_to("releases/nowhere")


def no_releases(home: Path) -> None:
    shutil.rmtree(home / "published")


@pytest.mark.parametrize("left", [cut_off, a_broken_link, no_releases])
def test_the_next_run_makes_up_for_what_was_left(
    home: Path, project: Path, later: Path, left: Callable[[Path], None]
) -> None:
    left(home)
    # Whoever looks first sees what there is, and no traceback.
    assert "Traceback" not in warehouse(home, "status").stderr
    completes(home, project, later)


def test_a_directory_in_place_of_the_link_is_named(home: Path, project: Path, later: Path) -> None:
    """A copy that followed links has a directory where the link was."""
    link = home / "published" / "current"
    target = link.resolve()
    link.unlink()
    shutil.copytree(target, link)
    told = fails(home, project, later, code=4, says=str(link))
    assert "remove it" in told
    shutil.rmtree(link)
    completes(home, project, later)


# --- a clock that goes back ----------------------------------------------------------------------


def test_a_clock_that_went_back_is_a_warning_and_publishes(
    home: Path, project: Path, later: Path
) -> None:
    """Everything on record is from the future, as after a night with the clock set wrong."""
    config = config_of(home)
    release = publish.current(config)
    assert release is not None
    with duckdb.connect(str(config.warehouse)) as connection:
        for table, column in (
            ("ops.runs", "started_at"),
            ("ops.builds", "started_at"),
            ("ops.builds", "as_of"),
            ("ops.loads", "loaded_at"),
            ("raw_crm.deals", "_loaded_at"),
        ):
            connection.execute(f"update {table} set {column} = {column} + interval 100 year")
    note = release.path / "release.json"
    note.chmod(0o644)
    note.write_text(note.read_text().replace(release.as_of, "2150-01-01T00:00:00"))
    command = ("refresh", later, "--project-dir", project)
    ran = warehouse(home, *command)
    assert "the clock went back" in ran.stderr
    assert deals_shown(home) == 4
    now = publish.current(config)
    assert now is not None and datetime.fromisoformat(now.as_of) < datetime(2150, 1, 1)
    # The one before is still there to go back to, and the next publish is the newest again.
    assert [item.is_current for item in publish.releases(config)] == [True, False]
    warehouse(home, "publish", "--rollback")
    assert deals_shown(home) == 3
    warehouse(home, *command)
    assert deals_shown(home) == 4


# --- a new warehouse -----------------------------------------------------------------------------


def test_a_new_warehouse_is_whole_from_its_first_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies while the database is made leaves no file that cannot be opened."""
    config = config_of(tmp_path / "home")
    store.prepare_home(config)

    def dies(_self: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", dies)
        with store.connect(config):
            pass
    assert not config.warehouse.exists()
    with store.connect(config) as connection:
        connection.execute("create table t as select 1 as a")
    assert config.warehouse.stat().st_mode & 0o777 == 0o600
    assert not list(config.home.glob(".warehouse.duckdb.new*"))
