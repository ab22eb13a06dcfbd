"""Access: who may post to a board, who may look at it, and what a viewer may do."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer

from grist_live.board import Board
from grist_live.errors import UserError

SALT = "grist-live viewer"


CAN = ("take",)
"""What a token may allow besides looking: `take`, to make a row one's own."""


class Pass(NamedTuple):
    """What a viewer showed at the door: their name ("" unless the token says it), what they may do, until when
    (epoch seconds; None: for ever)."""

    name: str = ""
    can: tuple[str, ...] = ()
    expires: float | None = None


class DeniedError(UserError):
    """Somebody may not look or post; `status` is the HTTP answer, the message says what to do."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Access:
    """Checks secrets and viewer tokens; several of each may hold while they are being changed."""

    def __init__(
        self, secrets: Sequence[str], token_keys: Sequence[str], clock: Callable[[], float] = time.time
    ) -> None:
        self._secrets = [s.encode() for s in secrets]
        # itsdangerous signs with the last key; our first signs.
        self._signer = URLSafeSerializer(list(reversed(token_keys)), salt=SALT) if token_keys else None
        self._clock = clock

    def check_webhook(self, board: Board, authorization: str | None) -> None:
        """Check what Grist sent in Authorization, in constant time. Raises `DeniedError` (401)."""
        if board.open:
            return
        given = (authorization or "").strip()
        given = given[7:].strip() if given[:7].lower() == "bearer " else given
        # Every secret is compared, so that the time tells nothing of which one nearly fitted.
        fits = [hmac.compare_digest(given.encode(), secret) for secret in self._secrets]
        if not given or not any(fits):
            raise DeniedError("Authorization is missing or wrong: send the board's webhook secret", 401)

    def token(self, board: Board, expires: float | None = None, *, name: str = "", can: Iterable[str] = ()) -> str:
        """Make a viewer token for one board; `expires` in epoch seconds. Raises `DeniedError` without keys."""
        if self._signer is None:
            raise DeniedError("there is no key to sign tokens with: set token_keys", 401)
        payload: dict[str, Any] = {"board": board.name}
        if expires is not None:
            payload["exp"] = int(expires)
        if name:
            payload["name"] = name
        if can := [c for c in CAN if c in can]:
            payload["can"] = can
        return str(self._signer.dumps(payload))

    def check_viewer(self, board: Board, token: str | None) -> Pass:
        """Check that a viewer may look at a board, and tell what they may do there besides: nothing on a public one.

        Raises `DeniedError` (401, or 403 for another board's token).
        """
        if board.access == "public":
            return Pass()
        if not token:
            raise DeniedError("this board needs a viewer token: Authorization: Bearer …, or ?token=…", 401)
        try:
            payload = self._signer.loads(token) if self._signer else None
        except BadSignature:
            payload = None
        if not isinstance(payload, dict):
            raise DeniedError("the viewer token is not valid, or was revoked: ask for a new one", 401)
        expires = payload.get("exp")
        if expires is not None and expires <= self._clock():
            raise DeniedError("the viewer token has expired: ask for a new one", 401)
        if payload.get("board") != board.name:
            raise DeniedError("the viewer token is for another board", 403)
        return Pass(payload.get("name", ""), tuple(payload.get("can", ())), expires)

    def token_ok(self, board: Board, token: str) -> bool:
        try:
            self.check_viewer(board, token)
        except DeniedError:
            return False
        return True
