"""The stream door: `text/event-stream` for viewers, native and compatible, behind flask-sse's face."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from flask import Response, request
from flask_sse import Message as FlaskMessage
from flask_sse import ServerSentEventsBlueprint

from grist_live.access import Access
from grist_live.change import event
from grist_live.filters import parse
from grist_live.hub import Hub
from grist_live.journal import UNKNOWN, Journal, parse_id
from grist_live.settings import Settings
from grist_live.viewers import Sockets, Viewer
from grist_live.web import check_viewer, find_board

log = logging.getLogger(__name__)
HEADERS = {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx holds events back without it
    "Content-Type": "text/event-stream; charset=utf-8",
}


class Message(FlaskMessage):  # type: ignore[misc]
    """flask-sse's message, written by `change.event`.

    Its own splits text at U+2028 and other characters that end no line in SSE, and lets CR and LF in `type` and `id`
    forge fields.
    """

    def __init__(self, data: Any, type: str | None = None, id: str | None = None, retry: int | None = None) -> None:
        super().__init__(data, type=type, id=id, retry=retry)
        str(self)  # refuses now what could forge an event

    def __str__(self) -> str:
        return event(self.type or "", self.data, id=self.id, retry=self.retry).decode()


class StreamResponse(Response):
    """A response that never ends. `join` makes a viewer one of the feed's; what it is given
    besides (the HTTP headers) is sent first.

    Under gunicorn's gevent worker the socket itself becomes the viewer: we write the headers, keep a duplicate of the
    descriptor, and end the request; gunicorn closes its own. Elsewhere it is an ordinary generator.
    """

    automatically_set_content_length = False

    def __init__(self, hub: Hub, join: Callable[[Viewer, bytes], None]) -> None:
        super().__init__(headers=HEADERS)
        self._hub, self._join = hub, join

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        sock = environ.get("gunicorn.socket")
        if environ["REQUEST_METHOD"] != "GET":
            return super().__call__(environ, start_response)
        if sock is None or not Sockets.can_adopt(sock) or environ.get("HTTP_VERSION") == "2":
            viewer = self._hub.queue_viewer()
            self._join(viewer, b"")
            self.response = viewer
            return super().__call__(environ, start_response)
        self._hand_over(sock, environ)
        # What gunicorn's async workers take for: this connection is done.
        raise StopIteration

    def _hand_over(self, sock: Any, environ: dict[str, Any]) -> None:
        headers = self.get_wsgi_headers(environ)
        headers["Connection"] = "close"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.to_wsgi_list())
        self._join(self._hub.socket_viewer(sock), f"HTTP/1.1 {self.status}\r\n{lines}\r\n".encode("latin-1"))
        # gunicorn's access log never sees this request. Five thousand may come at once after a restart: no INFO.
        log.debug("stream opened", extra={"path": environ.get("PATH_INFO"), "address": environ.get("REMOTE_ADDR")})


class Stream(ServerSentEventsBlueprint):  # type: ignore[misc]
    """flask-sse's blueprint, with the hub in place of its reading side; `publish` is flask-sse's own."""

    def __init__(self, settings: Settings, journal: Journal, hub: Hub, access: Access) -> None:
        super().__init__("stream", __name__)
        self._settings, self._journal, self._hub, self._access = settings, journal, hub, access
        self.add_url_rule("/boards/<name>/stream", "native", self.stream)
        for path in ("/webhook/sse-stream", "/sse-stream"):
            self.add_url_rule(path, "compat", self.compat_stream)

    @property
    def redis(self) -> Any:
        return self._journal.redis

    def publish(
        self,
        data: Any,
        type: str | None = None,
        id: str | None = None,
        retry: int | None = None,
        channel: str = "sse",
    ) -> Any:
        """Publish an event to a board's `sse_channel`; refuses what could forge another event."""
        Message(data, type=type, id=id, retry=retry)
        return super().publish(data, type=type, id=id, retry=retry, channel=channel)

    def stream(self, name: str) -> Response:
        """Open a board's stream in the native format."""
        return self._open(name, compat=False)

    def compat_stream(self) -> Response:
        """Open the default board's stream in the format of the first version of this system."""
        return self._open(self._settings.default_board, compat=True)

    def _open(self, name: str, compat: bool) -> Response:
        board = find_board(self._settings.boards, name)
        until = check_viewer(self._access, board).expires
        filter = parse(board, request.args.items(multi=True)) if not compat else None
        given = request.headers.get("Last-Event-ID") or request.args.get("last_event_id")
        last = (parse_id(given) or UNKNOWN) if given else None
        hub, address = self._hub, request.remote_addr or ""
        hub.start()
        return StreamResponse(
            hub, lambda viewer, head: hub.join(name, viewer, compat, filter, last, address, head, until)
        )
