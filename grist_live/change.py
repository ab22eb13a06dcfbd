"""Rows and changes, and how they are written: Grist's JSON, the journal's row text, server-sent events.

A *row text* holds the values of the declared columns in the board's order, each as compact JSON followed by a TAB;
an empty value means that the sender said nothing of that column. A raw TAB can't occur in compact JSON, so the
journal splits and compares rows without ever parsing them, and no number loses a digit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec

from grist_live.board import Board

Action = Literal["add", "update", "remove"]
MAX_ROW_ID = 2**53 - 1

_LINE_END = re.compile(r"\r\n|\r|\n")
_FORBIDDEN = re.compile(r"[\r\n\0]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_raw_records = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_raw_record = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.encode
_decode = msgspec.json.decode


class BodyError(ValueError):
    """A body that is no list of records; the message says why."""


@dataclass(slots=True)
class Batch:
    """What one body held: rows to commit, records set aside with the reason, test events."""

    rows: list[tuple[int, bytes]] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    tests: list[bytes] = field(default_factory=list)


def event(type: str, data: Any, id: str | None = None, retry: int | None = None) -> bytes:
    """Write one server-sent event; "" as type is the default event. `data` is a text, or written as JSON.

    Data is split at CR, LF and CRLF only: nothing else ends a line in SSE. Raises `ValueError` for a type or an id
    that would forge a field.
    """
    for text in (type, id):
        if text is not None and _FORBIDDEN.search(text):
            raise ValueError("CR, LF and NUL can't stand in the id or the type of an event")
    lines = [f"event:{type}"] if type else []
    lines += [f"id:{id}"] if id else []
    lines += [f"retry:{int(retry)}"] if retry else []
    body = data if isinstance(data, str) else _encode(data).decode()
    # A reader drops one space after the colon: a text that starts with one gets another.
    lines += [f"data:{' ' if line.startswith(' ') else ''}{line}" for line in _LINE_END.split(body)]
    return ("\n".join(lines) + "\n\n").encode()


def change_frame(id: str, data: bytes) -> bytes:
    """Write a change for the native stream; `data` is one line of JSON from the journal."""
    return b"id:%s\ndata:%s\n\n" % (id.encode(), data)


def read_webhook(body: bytes, board: Board) -> Batch:
    """Read what Grist's webhook posts: a list of flat records, or `{"id", "fields": {…}}` (one, or a list of them).

    Steps:
    1. The body becomes compact, valid UTF-8 JSON; numbers keep their digits.
    2. A record that can't be used is set aside with its reason; the others go on.
    3. A record whose id is no positive integer is a test event.

    Raises `BodyError` when the body as a whole can't be read.
    """
    text = compact(body)
    batch = Batch()
    for place, record in enumerate(_records(text)):
        if isinstance(record, str):
            batch.rejected.append(f"record {place}: {record}")
            continue
        try:
            _sort_in(batch, record, board)
        except (msgspec.DecodeError, ValueError) as error:
            batch.rejected.append(f"record {place}: {error}")
    return batch


def compact(body: bytes) -> bytes:
    """Make JSON compact, valid UTF-8; its numbers keep their digits. Raises `BodyError`."""
    try:
        body.decode()  # msgspec lets invalid UTF-8 pass into raw values
    except UnicodeDecodeError as error:
        raise BodyError(f"the body is not UTF-8 (byte {error.start})") from None
    try:
        return bytes(msgspec.json.format(body, indent=-1))
    except (msgspec.DecodeError, RecursionError) as error:
        if b"\\u" not in body:
            raise BodyError(f"the body is not JSON: {_reason(error)}") from None
    try:
        # JavaScript cuts an emoji in two and sends half of it, which is no character: U+FFFD stands for it.
        return bytes(msgspec.json.format(_ESCAPE.sub(_mend, body), indent=-1))
    except (msgspec.DecodeError, RecursionError) as error:
        raise BodyError(f"the body is not JSON: {_reason(error)}") from None


def _mend(match: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if match[1] else match[0]


def _reason(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _records(text: bytes) -> Iterable[dict[str, msgspec.Raw] | str]:
    """Yield each record, or the reason why it is none."""
    try:
        if text[:1] == b"{":
            return [_raw_record.decode(text)]
        return _raw_records.decode(text)
    except msgspec.ValidationError:
        pass
    except (msgspec.DecodeError, RecursionError) as error:
        raise BodyError(f"the body is not JSON: {_reason(error)}") from None
    try:
        parts = _raw_list.decode(text)
    except msgspec.ValidationError:
        raise BodyError('expected a list of records, or one {"id": …, "fields": {…}}') from None
    return [_raw_record.decode(p) if bytes(p)[:1] == b"{" else "it is no object" for p in parts]


def _sort_in(batch: Batch, record: dict[str, msgspec.Raw], board: Board) -> None:
    if "id" not in record:
        raise ValueError("it has no id")
    fields = record
    inner = record.get("fields")
    if inner is not None and bytes(inner)[:1] == b"{":
        fields = _raw_record.decode(inner)
    id = bytes(record["id"])
    if id.isdigit() and not id.startswith(b"0"):
        row = int(id)
        if row > MAX_ROW_ID:
            raise ValueError(f"its id {id.decode()} is beyond what JSON clients can tell apart")
        batch.rows.append((row, row_text(fields, board.ids)))
    else:
        given = {c: msgspec.Raw(cell(fields[c])) for c in board.ids if c in fields}
        batch.tests.append(_encode({"row": record["id"], "fields": given}))


def row_text(fields: Mapping[str, msgspec.Raw], ids: Iterable[str]) -> bytes:
    """Write the row text of raw JSON values; a column that `fields` lacks is left empty."""
    return b"".join([cell(fields[c]) + b"\t" if c in fields else b"\t" for c in ids])


def cell(raw: msgspec.Raw) -> bytes:
    """Bring a value to the one form that all sources share.

    Text with escapes is written anew, since the same text can be escaped in several ways; an error (`["E", name,
    message, …]`) keeps its name only, because REST tells no more.
    """
    value = bytes(raw)
    if value[:1] == b'"':
        return _encode(_decode(value)) if b"\\" in value else value
    if value[:5] == b'["E",':
        return _encode(_decode(value)[:2])
    return value


class RestRecord(msgspec.Struct):
    """One record of Grist's `GET …/records`."""

    id: int
    fields: dict[str, msgspec.Raw]
    errors: dict[str, str] = {}


class _RestBody(msgspec.Struct):
    records: list[RestRecord]


_rest_body = msgspec.json.Decoder(_RestBody)


def read_records(body: bytes, write: Callable[[Mapping[str, msgspec.Raw]], bytes]) -> list[tuple[int, bytes]]:
    """Read the body of Grist's `GET …/records` into rows; `write` makes a row text of fields. Raises `BodyError`."""
    try:
        records = _rest_body.decode(compact(body)).records
    except msgspec.DecodeError as error:
        raise BodyError(f"Grist's records can't be read: {error}") from None
    rows = []
    for record in records:
        for column, name in record.errors.items():
            record.fields[column] = msgspec.Raw(_encode(["E", name]))
        rows.append((record.id, write(record.fields)))
    return rows


def values(text: bytes) -> list[bytes]:
    """Split a row text into its JSON values."""
    return text.split(b"\t")[:-1]


def fields_json(text: bytes, keys: list[bytes]) -> bytes:
    """Write a stored row as a JSON object; `keys` are `json_keys(board)`."""
    return b"{" + b",".join([k + v for k, v in zip(keys, values(text), strict=True)]) + b"}"


def json_keys(board: Board) -> list[bytes]:
    """Write each column id as the start of a JSON member: `"Statut":`."""
    return [_encode(c) + b":" for c in board.ids]


@lru_cache(64)
def iso(at: float) -> str:
    """Write epoch seconds as `2024-11-17T10:00:00.000Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# The fields of the compatible format: name, role, what stands for a missing value.
_COMPAT = (
    ("agent", "assignee", "Non assigné"),
    ("localisation", "place", "Non spécifié"),
    ("type", "kind", "Autre"),
    ("statut", "status", "En attente"),
    ("priorite", "priority", "Normale"),
    ("commentaire", "comment", ""),
)


def compat_data(row: Any, cells: Mapping[str, Any], board: Board) -> dict[str, Any]:
    """Describe a row as the first version of this system did; `cells` are decoded values by column id."""
    data: dict[str, Any] = {"id": row}
    for name, role, missing in _COMPAT:
        column = board.column(role)
        value = cells.get(column.id) if column else None
        data[name] = missing if value is None or value == "" else value
    return data


def compat_change(row: Any, action: str, text: bytes, at: float, board: Board) -> bytes:
    """Write a change in the compatible format; `text` is the whole row."""
    cells = dict(zip(board.ids, (_decode(v) for v in values(text)), strict=True))
    return compat_message(compat_data(row, cells, board), action, at, board.compat_type)


def compat_message(data: dict[str, Any], action: str, at: float, type: str) -> bytes:
    return _encode(
        {"timestamp": iso(at), "type": type, "action": action, "data": data, "metadata": {"source": "grist"}}
    )
