"""Starts a local Apache Superset on the published marts: `make superset`.

    .venv-superset/bin/python scripts/superset/serve.py [--home DIR] [--port N]

Everything that Superset keeps lies in <home>/superset; it listens on 127.0.0.1 alone. The dashboard
is imported anew at each start. A publish needs nothing: each query opens the release that is current.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import bundle
import requests

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
BIN = Path(sys.executable).parent
USER = "admin"
_PATIENCE_SECONDS = 180


class SupersetError(Exception):
    """Superset did not do what it was asked to."""


def main() -> int:
    """Prepare, start, import, and stay until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    home = os.environ.get("WAREHOUSE_HOME") or REPOSITORY / "var"
    parser.add_argument("--home", type=Path, default=home, help="state of the warehouse")
    parser.add_argument("--port", type=int, default=8088)
    given = parser.parse_args()
    database = given.home.resolve() / "published" / "current" / "sales_kpi.duckdb"
    if not database.exists():
        print(f"Nothing is published in {given.home} yet: run `make refresh`.", file=sys.stderr)
        return 2
    if not is_free(given.port):
        print(f"Port {given.port} is taken: name another with --port N.", file=sys.stderr)
        return 2
    state = given.home.resolve() / "superset"
    environment = prepare(state)
    server = start(state, environment, given.port)
    # Whoever stops it, the server stops with it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        client = Client(f"http://127.0.0.1:{given.port}", password_of(state), server)
        client.import_assets(bundle.write(database))
        print(f"Superset: http://127.0.0.1:{given.port}/superset/dashboard/sales-kpis/")
        print(f"Sign in as {USER}; the password is in {state / 'admin_password'}. Ctrl-C stops it.")
        sys.stdout.flush()
        return server.wait()
    except KeyboardInterrupt:
        return 0
    except SupersetError as error:
        print(f"{error} Its log is {state / 'server.log'}.", file=sys.stderr)
        return 4
    finally:
        server.terminate()
        server.wait(timeout=30)


def prepare(state: Path) -> dict[str, str]:
    """Make Superset's own database and its user, once per version; returns its environment."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("secret_key", "admin_password"):
        path = state / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24), encoding="utf-8")
    environment = {
        **os.environ,
        "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
        "SUPERSET_HOME": str(state),
        "SALES_KPI_SUPERSET_STATE": str(state),
        "FLASK_APP": "superset.app:create_app()",
        # Superset's package counts its installations otherwise.
        "SCARF_ANALYTICS": "false",
    }
    # An environment that runs unoptimised code is slow to start: Superset is large.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    ready = state / "ready_for"
    wanted = version("apache-superset")
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        print("Preparing Superset's own database (once, a minute or two) ...", flush=True)
        _superset(state, environment, "db", "upgrade")
        names = ["--username", USER, "--firstname", "Sales", "--lastname", "KPIs"]
        names += ["--email", "admin@localhost", "--password", password_of(state)]
        _superset(state, environment, "fab", "create-admin", *names)
        _superset(state, environment, "init")
        ready.write_text(wanted, encoding="utf-8")
    return environment


def is_free(port: int) -> bool:
    """Whether nobody listens there; another Superset would answer in our place."""
    with socket.socket() as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            ours.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def password_of(state: Path) -> str:
    """The password that was made up for this home."""
    return (state / "admin_password").read_text(encoding="utf-8").strip()


def start(state: Path, environment: dict[str, str], port: int) -> subprocess.Popen:
    """Start the server; what it says goes to `server.log`."""
    call = [str(BIN / "gunicorn"), "--bind", f"127.0.0.1:{port}", "--workers", "1"]
    call += ["--worker-class", "gthread", "--threads", "8", "--timeout", "120"]
    call += ["--no-control-socket"]
    with (state / "server.log").open("ab") as log:
        return subprocess.Popen(
            [*call, "superset.app:create_app()"], env=environment, stdout=log, stderr=log
        )


def _superset(state: Path, environment: dict[str, str], *arguments: str) -> None:
    log = state / "prepare.log"
    with log.open("ab") as output:
        code = subprocess.call(
            [str(BIN / "superset"), *arguments], env=environment, stdout=output, stderr=output
        )
    if code:
        raise SystemExit(f"superset {arguments[0]} {arguments[1:2]} failed: see {log}.")


class Client:
    """Superset's REST API, signed in."""

    def __init__(self, url: str, password: str, server: subprocess.Popen | None = None) -> None:
        """Wait until the server answers, then sign in."""
        self.url = url
        self.session = requests.Session()
        # Proxies of the environment have no business between us and ourselves.
        self.session.trust_env = False
        self._wait(server)
        answer = self._call(
            "POST",
            "/api/v1/security/login",
            json={"username": USER, "password": password, "provider": "db", "refresh": False},
        )
        self.session.headers["Authorization"] = f"Bearer {answer['access_token']}"
        token = self._call("GET", "/api/v1/security/csrf_token/")["result"]
        self.session.headers.update({"X-CSRFToken": token, "Referer": url})

    def import_assets(self, archive: bytes) -> None:
        """Create or replace everything that the archive holds."""
        files = {"bundle": ("bundle.zip", archive, "application/zip")}
        self._call("POST", "/api/v1/assets/import/", files=files)

    def charts(self) -> dict[str, int]:
        """Number of each chart by its title."""
        found = self._call("GET", "/api/v1/chart/?q=(page_size:100)")["result"]
        return {chart["slice_name"]: chart["id"] for chart in found}

    def chart_data(self, number: int) -> list[dict]:
        """The rows that a chart shows."""
        return self._call("GET", f"/api/v1/chart/{number}/data/")["result"][0]["data"]

    def sql(self, query: str) -> list[dict]:
        """Rows of a query in SQL Lab."""
        databases = self._call("GET", "/api/v1/database/?q=(page_size:100)")["result"]
        number = next(one["id"] for one in databases if one["database_name"] == bundle.DATABASE)
        asked = {"database_id": number, "sql": query, "schema": "marts", "runAsync": False}
        return self._call("POST", "/api/v1/sqllab/execute/", json=asked)["data"]

    def _wait(self, server: subprocess.Popen | None) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if server is not None and server.poll() is not None:
                raise SupersetError("Superset stopped while it started.")
            try:
                if self.session.get(f"{self.url}/health", timeout=10).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.5)
        raise SupersetError(f"Superset did not answer within {_PATIENCE_SECONDS} seconds.")

    def _call(self, method: str, path: str, **content: object) -> dict:
        answer = self.session.request(method, f"{self.url}{path}", timeout=120, **content)
        if not answer.ok:
            raise SupersetError(f"{method} {path}: {answer.status_code} {answer.text[:500]}.")
        return answer.json()


if __name__ == "__main__":
    sys.exit(main())
