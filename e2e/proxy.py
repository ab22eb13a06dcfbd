"""A reverse proxy that serves our server under a path, as nginx does: `/grist-live/x` is asked for as `/x`."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import threading
from typing import Any
from urllib.parse import urlsplit

PREFIX = "/grist-live"
ONE_HOP = {"connection", "keep-alive", "transfer-encoding"}


class Server(http.server.ThreadingHTTPServer):
    block_on_close = False  # streams go on


class Proxy:
    """Forwards what is under `PREFIX` to `target`, and passes streams on as they come."""

    def __init__(self) -> None:
        self.target = ""
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not self.path.startswith(f"{PREFIX}/"):
                    return self.send_error(404)
                with contextlib.suppress(OSError, http.client.HTTPException):
                    self.forward(self.path.removeprefix(PREFIX))

            do_POST = do_OPTIONS = do_GET

            def forward(self, path: str) -> None:
                onward = http.client.HTTPConnection(urlsplit(proxy.target).netloc)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() not in ONE_HOP}
                onward.request(self.command, path, body or None, headers)
                answer = onward.getresponse()
                self.send_response_only(answer.status, answer.reason)
                for name, value in answer.getheaders():
                    if name.lower() not in ONE_HOP:
                        self.send_header(name, value)
                self.end_headers()
                while part := answer.read1(65_536):
                    self.wfile.write(part)
                onward.close()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{PREFIX}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
