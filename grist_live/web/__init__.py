"""The doors of the web process: webhook, stream, data, pages, status. None knows another."""

from __future__ import annotations

from collections.abc import Mapping

from flask import abort, request

from grist_live.access import Access, Pass
from grist_live.board import Board


def find_board(boards: Mapping[str, Board], name: str) -> Board:
    """Return the board of an address, or answer 404 with those that everybody may know of."""
    board = boards.get(name)
    if board is None:
        known = sorted(other.name for other in boards.values() if other.access == "public")
        abort(404, f"there is no board {name}" + (f"; there is: {', '.join(known)}" if known else ""))
    return board


def check_viewer(access: Access, board: Board) -> Pass:
    """Check the token of the request (Authorization first, then ?token=). Raises `DeniedError`."""
    return access.check_viewer(board, given_token())


def given_token() -> str | None:
    """Return the token of the request, if there is one."""
    return bearer() or request.args.get("token")


def bearer() -> str:
    """Return the token in the request's Authorization."""
    header = request.headers.get("Authorization", "")
    return header[7:].strip() if header[:7].lower() == "bearer " else ""
