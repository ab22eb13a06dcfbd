"""The doors of the web process: webhook, stream, data, pages, status. None knows another."""

from __future__ import annotations

from collections.abc import Mapping

from flask import abort, request

from grist_live.access import Access
from grist_live.board import Board


def find_board(boards: Mapping[str, Board], name: str) -> Board:
    """Return the board of an address, or answer 404."""
    board = boards.get(name)
    if board is None:
        abort(404, f"there is no board {name}; there is: {', '.join(sorted(boards))}")
    return board


def check_viewer(access: Access, board: Board) -> None:
    """Check the token of the request (Authorization first, then ?token=). Raises `DeniedError`."""
    header = request.headers.get("Authorization", "")
    token = header[7:].strip() if header[:7].lower() == "bearer " else request.args.get("token")
    access.check_viewer(board, token)
