"""Ways to damage a file: bytes, lines, values and fields put out of order, each drawn and each repeatable."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

#: What stands in place of a number: absurd, negative, not a number at all, or of another script.
NUMBERS = (
    *(b"0", b"-1", b"1e300", b"-1e300", b"1e-300", b"nan", b"inf", b"-inf", b"n/a", b"", b"NaN", b"1e9"),
    *(b"1000000", b"1000000000000", b"99999999999999999999", b"9" * 5000, b"0x10", b"1,5", b"1_000", b"true"),
    *("٣".encode(), b"null", b"-0.0", b"2147483648", b"1e-9", b"3.5", b"\x00", b"0.0000001", b"65536"),
)
#: What stands in place of a text.
TEXTS = (
    *(b"", b"\x00", b"..", b"../../../etc/passwd", b"/etc/passwd", b"C:\\Windows\\x", b"$(id)", b"`id`"),
    *(
        b"\x1b[31mred\x1b[0m",
        b"<script>alert(1)</script>",
        b"a\tb",
        b"a\nb",
        b"a\r\nb",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
    ),
    *(
        "\u202egnp".encode(),
        "\U0001d518\u0300".encode(),
        b"\xed\xa0\x80",
        b"A" * 20_000,
        b"{",
        b"[",
        b'"',
        b"'",
        b"%s%n",
        b"$x$",
    ),
    *(
        b"=",
        b"[Comment]",
        b"[Common Infos]",
        b"[Marker Infos]",
        b"\xa0",
        b"\x0c",
        b"n/a",
        b"-",
        b"None",
        b"~",
    ),
)
#: JSON in place of a value.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**30, -(10**400), float("nan"), float("inf"), "", "x", "n/a", "2.0"),
    *(
        [],
        {},
        [None],
        [[]],
        [1, "a"],
        {"a": {}},
        [0.0] * 1000,
        "\x1b[2J",
        "\ud800",
        "<b>",
        1e300,
        1e-300,
        "../x",
    ),
)
_NUMBER = re.compile(rb"-?\d+\.?\d*(?:[eE][-+]?\d+)?")
#: Numbers for fields of binary headers, as formats of struct and values.
_FIELDS: tuple[tuple[str, Any], ...] = (
    *(("h", -1), ("h", 0), ("h", 32767), ("i", -1), ("i", 2**31 - 1), ("q", 2**62), ("B", 255), ("B", 0)),
    *(
        ("f", float("nan")),
        ("f", float("inf")),
        ("f", -1.0),
        ("f", 0.0),
        ("f", 1e30),
        ("I", 2**32 - 1),
        ("d", 1e300),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change: an operation, the place as a share of the file, and two numbers that choose."""

    operation: str
    where: float
    first: int
    second: int


def apply_edits(content: bytes, edits: Sequence[Edit]) -> bytes:
    """Return a content after all edits, one after the other."""
    for edit in edits:
        content = OPERATIONS[edit.operation](content, edit)
    return content


def _place(content: bytes, edit: Edit) -> int:
    return min(len(content), int(edit.where * (len(content) + 1)))


def _byte(content: bytes, edit: Edit) -> bytes:
    k = _place(content, edit)
    return content[:k] + bytes([edit.first % 256]) + content[k + 1 :]


def _cut(content: bytes, edit: Edit) -> bytes:
    return content[: _place(content, edit)]


def _remove(content: bytes, edit: Edit) -> bytes:
    k = _place(content, edit)
    return content[:k] + content[k + 1 + edit.first % 200 :]


def _repeat(content: bytes, edit: Edit) -> bytes:
    k = _place(content, edit)
    part = content[k : k + 1 + edit.first % 200]
    return content[:k] + part * (2 + edit.second % 50) + content[k + len(part) :]


def _insert(content: bytes, edit: Edit) -> bytes:
    k = _place(content, edit)
    return content[:k] + TEXTS[edit.first % len(TEXTS)] + content[k:]


def _number(content: bytes, edit: Edit) -> bytes:
    found = list(_NUMBER.finditer(content[:100_000]))
    if not found:
        return _insert(content, edit)
    match = found[int(edit.where * len(found)) % len(found)]
    return content[: match.start()] + NUMBERS[edit.first % len(NUMBERS)] + content[match.end() :]


def _line(content: bytes, edit: Edit) -> bytes:
    lines = content.split(b"\n")
    k = int(edit.where * len(lines)) % len(lines)
    other = edit.first % len(lines)
    kind = edit.second % 4
    if kind == 0:
        del lines[k]
    elif kind == 1:
        lines[k:k] = [lines[k]] * (1 + edit.first % 20)
    elif kind == 2:
        lines[k], lines[other] = lines[other], lines[k]
    else:
        lines[k] = TEXTS[edit.first % len(TEXTS)]
    return b"\n".join(lines)


def _cell(content: bytes, edit: Edit) -> bytes:
    """Put a text in place of a cell of a table, or of a value behind a key."""
    parts = re.split(rb"([\t=,:\n])", content[:100_000])
    k = 2 * (int(edit.where * len(parts)) // 2) % max(len(parts), 1)
    tokens = TEXTS + NUMBERS
    parts[k - k % 2] = tokens[edit.first % len(tokens)]
    return b"".join(parts) + content[100_000:]


def _json(content: bytes, edit: Edit) -> bytes:
    """Set, rename or remove an entry of JSON, also of lists and objects within."""
    try:
        root = json.loads(content)
    except (ValueError, RecursionError):
        return _cell(content, edit)
    if not isinstance(root, dict | list):
        return _cell(content, edit)
    places: list[tuple[Any, Any]] = []
    pending = [root]
    while pending:
        node = pending.pop()
        keys = list(node) if isinstance(node, dict) else range(min(len(node), 50))
        places += [(node, key) for key in keys]
        pending += [node[key] for key in keys if isinstance(node[key], dict | list)]
    value = VALUES[edit.first % len(VALUES)]
    if not places or edit.second % 20 == 0:
        root = value
    else:
        node, key = places[int(edit.where * len(places)) % len(places)]
        if edit.second % 5 == 1:
            del node[key]
        elif edit.second % 5 == 2 and isinstance(node, dict):
            node[str(value)] = node.pop(key)
        else:
            node[key] = value
    return json.dumps(root).encode("utf-8")


def _deep(content: bytes, edit: Edit) -> bytes:
    """Nest a content deeply, or put a wide or long thing at its end."""
    kind = edit.first % 4
    if kind == 0:
        return b"[" * 100_000 + content
    if kind == 1:
        return b'{"a":' * 5000 + b"1" + b"}" * 5000
    if kind == 2:
        return content + b"\t" * 100_000
    return content + b"x" * 1_000_000


def _field(content: bytes, edit: Edit) -> bytes:
    """Write a number into the first bytes, where binary formats have their header."""
    kind, value = _FIELDS[edit.first % len(_FIELDS)]
    order = "<>"[edit.second % 2]
    number = struct.pack(order + kind, value)
    k = int(edit.where * min(len(content), 400))
    return content[:k] + number + content[k + len(number) :]


def _empty(content: bytes, edit: Edit) -> bytes:
    return (
        b"",
        b"\n",
        b" ",
        b"\x00" * 600,
        content[::-1],
        content * 2,
        content.decode("latin-1").encode("utf-16"),
    )[edit.first % 7]


OPERATIONS: dict[str, Callable[[bytes, Edit], bytes]] = {
    "byte": _byte,
    "cut": _cut,
    "remove": _remove,
    "repeat": _repeat,
    "insert": _insert,
    "number": _number,
    "line": _line,
    "cell": _cell,
    "json": _json,
    "deep": _deep,
    "field": _field,
    "empty": _empty,
}
TEXT_OPERATIONS = ("byte", "cut", "remove", "repeat", "insert", "number", "line", "cell", "deep", "empty")
TABLE_OPERATIONS = (*TEXT_OPERATIONS, "cell", "cell", "number", "number", "line")
JSON_OPERATIONS = (*TEXT_OPERATIONS, "json", "json", "json", "json", "json", "json", "number", "number")
BINARY_OPERATIONS = (
    "byte",
    "byte",
    "cut",
    "remove",
    "repeat",
    "insert",
    "field",
    "field",
    "field",
    "field",
    "empty",
)
