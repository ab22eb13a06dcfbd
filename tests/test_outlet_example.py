"""The outlet that the docs show how to add works as it stands there."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from jinja2 import ChoiceLoader, DictLoader

from grist_live.effects import OUTLETS, make_outlet
from grist_live.job import Claim, Job
from grist_live.outbound import OutboundError
from tests.rules_lab import URGENT, board_with

DOCS = Path(__file__).parents[1] / "docs"


def blocks(language: str, kind: str) -> list[str]:
    text = (DOCS / language / "alerts.md").read_text("utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_example_of_the_docs_is_an_outlet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert blocks("en", "python") == blocks("fr", "python") and blocks("en", "jinja") == blocks("fr", "jinja")
    [code], [template] = blocks("en", "python"), blocks("en", "jinja")
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    found: dict[str, type] = {}
    exec(code, found)
    monkeypatch.setitem(OUTLETS, "ntfy", found["Ntfy"])
    got: list[str] = []
    status = [200, 429, 404]

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(status.pop(0))
            self.send_header("Retry-After", "7")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        outlet = make_outlet("ntfy", {"url": f"http://127.0.0.1:{server.server_port}/topic"}, "en")
        environment = outlet.words._environment
        environment.loader = ChoiceLoader([DictLoader({"ntfy.txt": template}), environment.loader])  # type: ignore[list-item]
        job = Job("1-1.urgent.ntfy", "interventions", "urgent", "ntfy", "alert", "1-1", 0.0, 7, URGENT)
        board = board_with()
        assert outlet.send(Claim(job, 0, 0.0, None), board) == {}
        assert got[0].splitlines() == ["urgent: INT-1", "Place: Marseille", "Status: Waiting", "Priority: Urgent"]
        with pytest.raises(OutboundError) as limited:
            outlet.send(Claim(job, 0, 0.0, None), board)
        assert limited.value.limited and limited.value.wait == 7
        with pytest.raises(OutboundError) as gone:
            outlet.send(Claim(job, 0, 0.0, None), board)
        assert gone.value.permanent
        outlet.http.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
