"""Access: Olga owns the board, Victor may look, Paul must see nothing."""

from __future__ import annotations

import pytest
from itsdangerous import URLSafeSerializer

from grist_live.access import Access, DeniedError, Pass
from grist_live.board import load_preset, make_board

BOARD = load_preset("interventions")
OTHER = make_board("other", {"table": "T", "columns": [{"id": "A"}]})
KEY = "a-key-that-signs-tokens"


def test_victor_looks_with_his_token_and_paul_does_not() -> None:
    access = Access((), [KEY])
    access.check_viewer(BOARD, access.token(BOARD))
    for token in (None, "", "paul", access.token(BOARD)[:-1], "a.b.c"):
        with pytest.raises(DeniedError) as error:
            access.check_viewer(BOARD, token)
        assert error.value.status == 401


def test_a_token_is_for_one_board() -> None:
    access = Access((), [KEY])
    with pytest.raises(DeniedError, match="another board") as error:
        access.check_viewer(OTHER, access.token(BOARD))
    assert error.value.status == 403


def test_a_token_ends_when_it_should() -> None:
    now = [1000.0]
    access = Access((), [KEY], clock=lambda: now[0])
    token = access.token(BOARD, expires=1100)
    access.check_viewer(BOARD, token)
    now[0] = 1101
    with pytest.raises(DeniedError, match="expired"):
        access.check_viewer(BOARD, token)


def test_a_token_may_say_whose_it_is_and_what_it_allows() -> None:
    access = Access((), [KEY])
    assert access.check_viewer(BOARD, access.token(BOARD)) == Pass("", (), None)
    assert access.check_viewer(BOARD, access.token(BOARD, 9e9, name="Zoé", can=["take"])) == Pass("Zoé", ("take",), 9e9)
    assert access.check_viewer(BOARD, access.token(BOARD, can=["fly"])).can == ()


def test_tokens_of_the_first_version_stay_valid() -> None:
    payload = {"board": BOARD.name, "exp": 9_000_000_000}
    old = str(URLSafeSerializer([KEY], salt="grist-live viewer").dumps(payload))
    assert Access((), [KEY]).check_viewer(BOARD, old) == Pass("", (), 9_000_000_000)


def test_changing_keys_revokes_when_the_old_one_is_removed() -> None:
    token = Access((), ["old-key"]).token(BOARD)
    assert Access((), ["new-key", "old-key"]).token_ok(BOARD, token)
    assert not Access((), ["new-key"]).token_ok(BOARD, token)
    assert Access((), ["new-key"]).token_ok(BOARD, Access((), ["new-key", "old-key"]).token(BOARD))


def test_without_keys_nobody_looks_and_nothing_is_signed() -> None:
    with pytest.raises(DeniedError):
        Access((), ()).token(BOARD)
    assert not Access((), ()).token_ok(BOARD, Access((), [KEY]).token(BOARD))


def test_everybody_looks_at_a_public_board() -> None:
    Access((), ()).check_viewer(make_board("p", {"table": "T", "columns": [{"id": "A"}], "access": "public"}), None)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer x", "é"])
def test_a_closed_door_without_secrets_stays_closed(header: str | None) -> None:
    for access in (Access((), ()), Access(("a-secret",), ())):
        with pytest.raises(DeniedError):
            access.check_webhook(BOARD, header)
