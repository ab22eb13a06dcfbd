"""Viewers: the open event streams of one process, and how bytes get to them.

Under gunicorn's gevent worker a viewer is a bare socket (`Sockets`): the response hands its descriptor over, so that
neither a greenlet nor a connection slot waits for it. Everywhere else it is an ordinary generator (`QueueViewer`).
"""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import gevent
from gevent import monkey
from gevent.socket import socket as GeventSocket

LOST_HOST_MS = 20_000
"""A host that vanished without a word is noticed after this time; the kernel's default takes many minutes."""


class Viewer(Protocol):
    """One open stream. `on_leave` is called once, with the viewer, when it ended for whatever reason.

    `place` is the set of the feed that it stands in. An idle viewer is meant to cost next to nothing, so neither is
    ever a closure of its own.
    """

    on_leave: Callable[[Any], None]
    place: set[Viewer] | None

    def send(self, data: bytes) -> None:
        """Write without ever waiting; a viewer that can't keep up is cut off, and resumes by its id."""

    def close(self) -> None: ...


class QueueViewer:
    """A viewer as a generator, for any WSGI server; iterate it to get its bytes."""

    def __init__(self, limit: int, cut_off: Callable[[], None]) -> None:
        self.on_leave: Callable[[Any], None] = _nothing
        self.place: set[Viewer] | None = None
        self._limit, self._cut_off = limit, cut_off
        self._parts: deque[bytes] = deque()
        self._size, self._open, self._left = 0, True, False
        self._news = threading.Condition()

    def send(self, data: bytes) -> None:
        with self._news:
            if not self._open:
                return
            self._size += len(data)
            self._parts.append(data)
            if self._size > self._limit:
                self._open = False
                self._parts.clear()
                self._cut_off()
            self._news.notify()

    def close(self) -> None:
        """End the stream after what it was sent; the WSGI server calls it, too, when the viewer has left."""
        with self._news:
            self._open = False
            self._news.notify()
        self._leave()

    def _leave(self) -> None:
        if not self._left:
            self._left = True
            self.on_leave(self)

    def __iter__(self) -> Iterator[bytes]:
        try:
            while True:
                with self._news:
                    while self._open and not self._parts:
                        self._news.wait()
                    data, self._size = b"".join(self._parts), 0
                    self._parts.clear()
                if not data:
                    return
                yield data
        finally:
            self._leave()


class SocketViewer:
    """A viewer as a descriptor that we own; made by `Sockets.adopt`."""

    __slots__ = ("fd", "on_leave", "pending", "place", "sockets")

    def __init__(self, sockets: Sockets, fd: int) -> None:
        self.sockets, self.fd = sockets, fd
        self.pending: bytearray | None = None
        self.on_leave: Callable[[Any], None] = _nothing
        self.place: set[Viewer] | None = None

    def send(self, data: bytes) -> None:
        send_all((self,), data) if self.pending is None else self.lag(data)

    def lag(self, data: bytes) -> None:
        """Keep what the socket doesn't take now; above the limit the viewer is cut off."""
        if self.fd not in self.sockets:
            return
        if self.pending is None:
            self.pending = bytearray()
            self.sockets.wait_for(self)
        self.pending += data
        if len(self.pending) > self.sockets.limit:
            self.sockets.cut_off()
            self.close()

    def flush(self) -> None:
        """Send what is pending, now that the socket takes bytes again."""
        assert self.pending is not None
        try:
            sent = os.write(self.fd, self.pending)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        del self.pending[:sent]
        if not self.pending:
            self.pending = None
            self.sockets.wait_for(self)

    def close(self) -> None:
        self.sockets.drop(self)


def _nothing(viewer: Viewer) -> None:
    pass


class Sockets:
    """The descriptors of a gevent process: one epoll on one watcher tells who left and who takes bytes again."""

    def __init__(self, limit: int, cut_off: Callable[[], None]) -> None:
        self.limit, self.cut_off = limit, cut_off
        select: Any = monkey.get_original("select", ["epoll", "EPOLLIN", "EPOLLOUT", "EPOLLRDHUP", "EPOLLET"])
        epoll, self._in, self._out, self._hup, self._edge = select
        self._epoll = epoll()
        self._viewers: dict[int, SocketViewer] = {}
        self._watcher = gevent.get_hub().loop.io(self._epoll.fileno(), 1)
        self._watcher.start(self._ready)

    @staticmethod
    def can_adopt(sock: Any) -> bool:
        """Tell whether this is a plain gevent socket: no TLS, no other server's."""
        return type(sock) is GeventSocket and monkey.is_module_patched("socket")

    def adopt(self, sock: Any) -> SocketViewer:
        """Make a viewer of a duplicate of this socket; its owner may close its own."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) if sock.family != socket.AF_UNIX else None
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, LOST_HOST_MS)
        fd = os.dup(sock.fileno())
        os.set_blocking(fd, False)
        viewer = self._viewers[fd] = SocketViewer(self, fd)
        self._epoll.register(fd, self._in | self._hup | self._edge)
        return viewer

    def __contains__(self, fd: int) -> bool:
        return fd in self._viewers

    def wait_for(self, viewer: SocketViewer) -> None:
        """Watch for room to write while something is pending."""
        out = self._out if viewer.pending is not None else 0
        self._epoll.modify(viewer.fd, self._in | self._hup | self._edge | out)

    def pending_bytes(self) -> int:
        """Tell how many bytes wait for viewers that lag."""
        return sum(len(v.pending) for v in self._viewers.values() if v.pending is not None)

    def drop(self, viewer: SocketViewer) -> None:
        if self._viewers.pop(viewer.fd, None) is None:
            return
        self._epoll.unregister(viewer.fd)
        os.close(viewer.fd)
        viewer.pending = None
        viewer.on_leave(viewer)

    def _ready(self) -> None:
        for fd, what in self._epoll.poll(0, 1024):
            viewer = self._viewers.get(fd)
            if viewer is None:
                continue
            if what & ~(self._in | self._out):  # hung up, or broken
                viewer.close()
            elif what & self._in and not self._said_nothing(fd):
                viewer.close()
            elif what & self._out and viewer.pending is not None:
                viewer.flush()

    @staticmethod
    def _said_nothing(fd: int) -> bool:
        """Drop what a viewer says (it has nothing to say); False when it has closed."""
        try:
            while True:
                data = os.read(fd, 4096)
                if not data:
                    return False
        except BlockingIOError:
            return True
        except OSError:
            return False


def send_all(viewers: Iterable[Viewer], data: bytes) -> None:
    """Send the same bytes to many viewers: `send`, without a call for each that keeps up."""
    write, size = os.write, len(data)
    for viewer in viewers:
        if type(viewer) is SocketViewer and viewer.pending is None:
            try:
                sent = write(viewer.fd, data)
            except BlockingIOError:
                sent = 0
            except OSError:
                viewer.close()
                continue
            if sent != size:
                viewer.lag(data[sent:])
        else:
            viewer.send(data)
