"""Matrix, and so Tchap: a message into a room, once (Client-Server API v1.11, `PUT …/send/m.room.message/{txnId}`).

The homeserver remembers a transaction id for a device and answers a repeated one with the first event. It forgets it
after a day, so a job is given up before (`sender.GIVE_UP`), and the token, hence the device, is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from grist_live.board import Board
from grist_live.effects.message import Words
from grist_live.effects.outlet import Do, Options, Outlet, Receipt
from grist_live.job import Claim
from grist_live.logs import hide
from grist_live.outbound import Outbound, OutboundError, Reply, check

CLEAR_FOR = 60.0
"""Seconds for which a room is believed to be in clear still: encryption can be switched on at any time, never off."""


class MatrixOptions(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[outlets.<name>]` of a Matrix homeserver; `rooms`: priority → room, for those that don't go to `room`."""

    url: str
    room: str = ""
    rooms: dict[str, str] = {}
    token: str = ""
    token_file: str = ""
    link: bool = True

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url is the homeserver's address, https://…")
        if not self.token and not self.token_file:
            raise ValueError("token_file names the file that holds the account's access token")
        if not self.room and not self.rooms:
            raise ValueError('room is the room\'s id, "!…", as its settings show it')
        for room in filter(None, (self.room, *self.rooms.values())):
            _check_room(room)


class MatrixDo(Do, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`do` of a rule: a room of its own."""

    room: str = ""

    def __post_init__(self) -> None:
        if self.room:
            _check_room(self.room)


def _check_room(room: str) -> None:
    if not room.startswith("!") or len(room) < 2 or any(c.isspace() for c in room):
        raise ValueError(f"{room!r} is no room id: it begins with ! (an alias, #…, is none)")


class Matrix(Outlet):
    """Sends into rooms that aren't encrypted, what the board declares public."""

    Options = MatrixOptions
    Do = MatrixDo

    def __init__(
        self,
        name: str,
        options: MatrixOptions,
        words: Words,
        http: Outbound,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name, options, words, http)
        self.options: MatrixOptions = options
        self._clock = clock
        self._host = urlsplit(options.url).netloc
        self._looked_up: dict[str, tuple[bool, float]] = {}

    def send(self, claim: Claim, board: Board) -> Receipt:
        """Send into the room of the thread, of the rule, of the row's priority, or the usual one."""
        job = claim.job
        room = (claim.thread or {}).get("room") or job.do.get("room") or self._room(job.cells, board)
        if not room:
            raise OutboundError("no room for this priority: set room, or add it to rooms", permanent=True)
        if self._is_encrypted(room):
            raise OutboundError(
                f"room {room} is encrypted, and nothing is sent into it in clear: name a room without encryption "
                "(an encrypted room can't be turned back)",
                permanent=True,
            )
        content: dict[str, Any] = {
            "msgtype": "m.text",
            "body": self.words.write("matrix.txt", job, board, link=self.options.link),
            "format": "org.matrix.custom.html",
            "formatted_body": self.words.write("matrix.html", job, board, link=self.options.link),
            "m.mentions": {},  # a cell with "@room" in it must not ring at everybody's
        }
        if claim.thread:
            event = claim.thread["event"]
            content["m.relates_to"] = {
                "rel_type": "m.thread",
                "event_id": event,
                "is_falling_back": True,
                "m.in_reply_to": {"event_id": event},
            }
        path = f"rooms/{quote(room, safe='')}/send/m.room.message/{quote(job.unique, safe='')}"
        reply = self._call("PUT", path, content)
        event = reply.json().get("event_id")
        if reply.status != 200 or not isinstance(event, str):
            raise self._error(reply, room)
        return {"room": room, "event": event}

    def legs(self, claim: Claim, board: Board) -> Iterator[tuple[str, Any]]:
        """Ask who the token is, then send to each room."""
        yield "token", self._whoami
        rooms = dict.fromkeys(filter(None, (self.options.room, *self.options.rooms.values())))
        for place, room in enumerate(rooms):
            job = msgspec.structs.replace(claim.job, id=f"{claim.job.id}.{place}", do={**claim.job.do, "room": room})
            yield f"room {room}", lambda job=job: self.send(claim._replace(job=job), board)["event"]

    def _whoami(self) -> str:
        reply = self._call("GET", "account/whoami")
        if reply.status != 200:
            raise self._error(reply, "")
        return f"{reply.json().get('user_id')}, device {reply.json().get('device_id')}"

    def _room(self, cells: dict[str, Any], board: Board) -> str:
        column = board.column("priority")
        priority = cells.get(column.id) if column else None
        return self.options.rooms.get(str(priority), "") or self.options.room

    def _is_encrypted(self, room: str) -> bool:
        """Look up whether a room is encrypted: the server itself would take clear text into it."""
        known, at = self._looked_up.get(room, (False, float("-inf")))
        if known or self._clock() - at < CLEAR_FOR:
            return known
        reply = self._call("GET", f"rooms/{quote(room, safe='')}/state/m.room.encryption/")
        clear = reply.status == 404 and reply.json().get("errcode") == "M_NOT_FOUND"
        if not clear and reply.status != 200:
            raise self._error(reply, room)
        self._looked_up[room] = (not clear, self._clock())
        return not clear

    def _call(self, method: str, path: str, content: dict[str, Any] | None = None) -> Reply:
        headers = {"Authorization": f"Bearer {self._token()}"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        url = f"{self.options.url.rstrip('/')}/_matrix/client/v3/{path}"
        return self.http.send(method, url, headers, msgspec.json.encode(content) if content is not None else None)

    def _token(self) -> str:
        """Return the token; its file is read each time, so that a new one holds at once."""
        token = self.options.token
        if self.options.token_file:
            try:
                token = Path(self.options.token_file).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise OutboundError(f"token_file {self.options.token_file}: {reason}", permanent=True) from None
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise OutboundError("the access token is empty, or none: log the account in and keep it", permanent=True)
        hide(token)
        return token

    def _error(self, reply: Reply, room: str) -> OutboundError:
        """Say what an answer means, and what to do."""
        found = reply.json()
        code = "".join(c for c in str(found.get("errcode", "")) if c.isalnum() or c in "._")
        words = " ".join("".join(c for c in str(found.get("error", "")) if c.isprintable()).split())
        told = f"{self._host} says: {code} {words[:200]}".strip()
        where = self.options.token_file or f"outlets.{self.name}.token"
        if reply.status == 401:
            return OutboundError(
                f"the access token is not valid (any more): log the account in once, put its new token into {where}, "
                f"then `grist_live retry`. {told}",
                permanent=True,
            )
        if reply.status == 403:
            return OutboundError(
                f"the account may not write in room {room}: invite it there, accept the invitation with it, give it "
                f"the right to write, then `grist_live retry`; or correct the room id. {told}",
                permanent=True,
            )
        if reply.status == 429:
            wait = found.get("retry_after_ms")
            seconds = wait / 1000 if isinstance(wait, int | float) and wait >= 0 else reply.wait()
            return OutboundError(told, whole=True, wait=seconds or 1.0, limited=True)
        if not code and reply.status in (200, 404, 405):
            return OutboundError(f"{self.options.url} is no Matrix homeserver: correct url", permanent=True)
        try:
            check(reply, self._host)
        except OutboundError as error:
            return OutboundError(f"{error}. {told}" if code else str(error), permanent=error.permanent,
                                 whole=error.whole, wait=error.wait)  # fmt: skip
        return OutboundError(told, permanent=True)
