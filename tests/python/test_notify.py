"""Notifications through apprise to a server in this process."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from small_company import config_of
from warehouse.logs import logging_to
from warehouse.notify import notify

# Of a module that apprise loads on Python 3.11 and 3.12.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict]]]:
    received: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    http = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield f"json://127.0.0.1:{http.server_port}/", received
    http.shutdown()
    thread.join()
    http.server_close()


def test_nothing_is_sent_by_default(tmp_path: Path) -> None:
    assert notify(config_of(tmp_path), "failure", "a", "b") is False


def test_a_wanted_event_is_sent_and_another_is_not(
    tmp_path: Path, server: tuple[str, list[dict]]
) -> None:
    url, received = server
    config = config_of(tmp_path, notify_urls=(url,))
    assert notify(config, "failure", "The refresh failed", "kpi_deals broke") is True
    assert notify(config, "success", "Published", "") is False
    [message] = received
    assert (message["title"], message["message"]) == ("The refresh failed", "kpi_deals broke")


def test_an_address_that_fails_stops_nothing_and_is_not_logged(tmp_path: Path) -> None:
    config = config_of(tmp_path, notify_urls=("json://me:secret@127.0.0.1:1/", "nonsense:secret"))
    config.logs.mkdir()
    with logging_to(config):
        assert notify(config, "failure", "a", "b") is False
    log = (config.logs / "warehouse.jsonl").read_text()
    assert "notification" in log and "secret" not in log
