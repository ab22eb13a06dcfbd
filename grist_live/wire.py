"""A wire: one connection to Redis with nothing but hiredis between us and the socket.

redis-py makes the connection (address, password, TLS, database); what it does around each command costs more than the
command itself (docs: performance). Only the journal's script and the subscription go over wires.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, cast

import hiredis
import redis

_NOT_YET = object()


class Wire:
    """One connection; not shared by threads. Raises redis-py's errors, or `OSError`."""

    def __init__(self, client: redis.Redis) -> None:
        self._connection = cast(Any, client.connection_pool.make_connection())
        self._connection.connect()
        self._socket: Any = self._connection._sock
        self._reader = hiredis.Reader(replyError=_error, notEnoughData=_NOT_YET)

    def timeout(self, seconds: float) -> None:
        """Set how long a reading waits before it raises `TimeoutError`."""
        self._socket.settimeout(seconds)

    def send(self, *command: str | bytes | int) -> None:
        data = hiredis.pack_command(command)  # type: ignore[arg-type]
        sent = self._socket.send(data)
        if sent < len(data):  # gevent's `sendall` asks the system for the buffer's size each time
            self._socket.sendall(data[sent:])

    def read(self) -> Any:
        """Wait for the next reply; an error that Redis answers is returned, not raised."""
        while (reply := self._reader.gets()) is _NOT_YET:
            data = self._socket.recv(65_536)
            if not data:
                raise redis.exceptions.ConnectionError("Redis closed the connection")
            self._reader.feed(data)
        return reply

    def here(self) -> Any:
        """Return a reply that has come already, else None; never waits."""
        reply = self._reader.gets()
        return None if reply is _NOT_YET else reply

    def call(self, *command: str | bytes | int) -> Any:
        """Send a command and return its reply."""
        self.send(*command)
        reply = self.read()
        if isinstance(reply, Exception):
            raise reply
        return reply

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.disconnect()


def _error(text: str) -> redis.exceptions.ResponseError:
    if text.startswith("NOSCRIPT"):
        return redis.exceptions.NoScriptError(text)
    return redis.exceptions.ResponseError(text)


class Wires:
    """The wires of a process: as many as are in use at once, kept for the next."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._idle: list[Wire] = []
        self._pid = os.getpid()

    def call(self, *command: str | bytes | int) -> Any:
        """Call over a wire that is free. A kept one may have died unnoticed: then the call is made once more, on a
        new one, so commands must bear repetition."""
        if self._pid != os.getpid():  # forked: the wires belong to our parent
            self._idle, self._pid = [], os.getpid()
        while self._idle:
            wire = self._idle.pop()
            with contextlib.suppress(redis.exceptions.ConnectionError, OSError):
                return self._over(wire, command)
            self.close()
        return self._over(Wire(self._client), command)

    def _over(self, wire: Wire, command: tuple[str | bytes | int, ...]) -> Any:
        try:
            reply = wire.call(*command)
        except redis.exceptions.ResponseError:
            self._idle.append(wire)
            raise
        except BaseException:  # a greenlet's time-out, too, leaves a reply under way that is not the next one's
            wire.close()
            raise
        self._idle.append(wire)
        return reply

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()
