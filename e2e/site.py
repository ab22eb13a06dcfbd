"""A web server of files: Grist's own interface (grist-static), and our widget where somebody uploaded it."""

from __future__ import annotations

import contextlib
import http.server
import mimetypes
import threading
from pathlib import Path
from typing import Any

DIST = Path(__file__).parent.parent / "node_modules" / "grist-static" / "dist"
DOCUMENT = """<!doctype html><html><head><meta charset="utf-8"><link rel="icon" href="data:,">
<script src="/pipe/bootstrap.js"></script></head>
<body><script>bootstrapGrist({initialFile: "/doc/%s", name: "Interventions"});</script></body></html>"""


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # a page of Grist asks for fifty files at once


class Site:
    """Serves a folder on a port of its own; `documents` are Grist documents, opened by `/open/<name>`.

    `headers` are sent with every answer.
    """

    def __init__(self, folder: Path) -> None:
        self.documents: dict[str, bytes] = {}
        self.headers: dict[str, str] = {}
        site = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def __init__(self, *args: Any) -> None:
                with contextlib.suppress(ConnectionError):
                    super().__init__(*args, directory=str(folder))

            def do_GET(self) -> None:
                with contextlib.suppress(ConnectionError):
                    kind, _, name = self.path.partition("?")[0][1:].partition("/")
                    if kind == "doc" and name in site.documents:
                        self.send_whole(site.documents[name], "application/octet-stream")
                    elif kind == "open" and name in site.documents:
                        self.send_whole((DOCUMENT % name).encode(), "text/html")
                    else:
                        super().do_GET()

            def send_whole(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def end_headers(self) -> None:
                for name, value in site.headers.items():
                    self.send_header(name, value)
                super().end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        mimetypes.add_type("application/wasm", ".wasm")
        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
