"""
A strategy's memory as canonical bytes: plain values only, so that a checkpoint holds all a strategy knows.

int, bool, None, str, bytes, float (as its IEEE bytes), tuple, list, dict (in insertion order) and frozen attrs classes
of these, the latter by qualified name. Anything else is refused: it could not be restored, or not alike everywhere.
"""

from typing import Any, Final

from librt.strings import BytesWriter, read_f64_le, read_i64_le, write_f64_le, write_i64_le
from mypy_extensions import i64

from engine.kernel.pack import Malformed

DEEPEST: Final[i64] = 64

_NONE: Final[i64] = 0
_FALSE: Final[i64] = 1
_TRUE: Final[i64] = 2
_INT: Final[i64] = 3
_STR: Final[i64] = 4
_BYTES: Final[i64] = 5
_FLOAT: Final[i64] = 6
_TUPLE: Final[i64] = 7
_LIST: Final[i64] = 8
_DICT: Final[i64] = 9
_ATTRS: Final[i64] = 10


class UnfitMemory(Exception):
    """A strategy keeps something that cannot be encoded."""


def encode_memory(value: object) -> bytes:
    """
    The canonical bytes of *value*.

    Raises:
        UnfitMemory: it holds a type that is not listed above, or is nested deeper than 64 (or in itself).
    """
    writer = BytesWriter()
    _put(writer, value, 0)
    return writer.getvalue()


def decode_memory(data: bytes, classes: dict[str, Any]) -> Any:
    """
    The value whose bytes are *data*; *classes* finds attrs classes by qualified name.

    Raises:
        Malformed: the bytes are no memory, or name a class that is not there.
    """
    value, at = _take(data, 0, classes)
    if at != len(data):
        raise Malformed(f"{len(data) - at} bytes of a strategy's memory were not read")
    return value


def _put(writer: BytesWriter, value: object, depth: i64) -> None:
    if depth > DEEPEST:
        raise UnfitMemory("a strategy's memory is nested too deeply")
    if value is None:
        writer.append(_NONE)
    elif isinstance(value, bool):
        writer.append(_TRUE if value else _FALSE)
    elif type(value) is int:
        _put_int(writer, value)
    elif type(value) is str:
        _put_sized(writer, _STR, value.encode("utf-8", "surrogatepass"))
    elif type(value) is bytes:
        _put_sized(writer, _BYTES, value)
    elif type(value) is float:
        writer.append(_FLOAT)
        write_f64_le(writer, value)
    elif type(value) is tuple:
        writer.append(_TUPLE)
        write_i64_le(writer, len(value))
        for item in value:
            _put(writer, item, depth + 1)
    elif type(value) is list:
        writer.append(_LIST)
        write_i64_le(writer, len(value))
        for item in value:
            _put(writer, item, depth + 1)
    elif type(value) is dict:
        writer.append(_DICT)
        write_i64_le(writer, len(value))
        for key, item in value.items():
            _put(writer, key, depth + 1)
            _put(writer, item, depth + 1)
    else:
        _put_attrs(writer, value, depth)


def _put_int(writer: BytesWriter, value: int) -> None:
    size = (value.bit_length() + 8) // 8
    _put_sized(writer, _INT, value.to_bytes(size, "little", signed=True))


def _put_sized(writer: BytesWriter, kind: i64, data: bytes) -> None:
    writer.append(kind)
    write_i64_le(writer, len(data))
    writer.write(data)


def _put_attrs(writer: BytesWriter, value: object, depth: i64) -> None:
    kind: Any = type(value)
    fields: Any = getattr(kind, "__attrs_attrs__", None)
    if fields is None:
        raise UnfitMemory(f"a strategy's memory holds a {kind.__qualname__}, which has no canonical bytes")
    if getattr(kind.__setattr__, "__name__", "") != "_frozen_setattrs":
        raise UnfitMemory(f"a strategy's memory holds a {kind.__qualname__}, which is not frozen")
    _put_sized(writer, _ATTRS, kind.__qualname__.encode())
    write_i64_le(writer, len(fields))
    for field in fields:
        _put(writer, getattr(value, field.name), depth + 1)


def _size(data: bytes, at: i64) -> i64:
    """The i64 at *at*, which must not lead beyond the bytes."""
    if at + 8 > len(data):
        raise Malformed("a strategy's memory ends early")
    size = read_i64_le(data, at)
    if size < 0 or size > i64(len(data)) - at:
        raise Malformed("a strategy's memory ends early")
    return size


def _take(data: bytes, at: i64, classes: dict[str, Any]) -> tuple[Any, i64]:
    if at >= i64(len(data)):
        raise Malformed("a strategy's memory ends early")
    kind: i64 = data[at]
    at += 1
    if kind == _NONE:
        return None, at
    if kind <= _TRUE:
        return kind == _TRUE, at
    if kind == _FLOAT:
        if at + 8 > i64(len(data)):
            raise Malformed("a strategy's memory ends early")
        return read_f64_le(data, at), at + 8
    size = _size(data, at)
    at += 8
    if kind in (_INT, _STR, _BYTES, _ATTRS):
        if at + size > i64(len(data)):
            raise Malformed("a strategy's memory ends early")
        raw = data[at : at + size]
        at += size
        if kind == _INT:
            return int.from_bytes(raw, "little", signed=True), at
        if kind == _STR:
            return raw.decode("utf-8", "surrogatepass"), at
        if kind == _BYTES:
            return raw, at
        return _take_attrs(data, at, raw.decode(), classes)
    if kind in (_TUPLE, _LIST):
        items, at = _take_items(data, at, size, classes)
        return (tuple(items) if kind == _TUPLE else items), at
    if kind != _DICT:
        raise Malformed(f"a strategy's memory holds a value of unknown kind {kind}")
    flat, at = _take_items(data, at, 2 * size, classes)
    found: dict[Any, Any] = {}
    for n in range(0, len(flat), 2):
        found[flat[n]] = flat[n + 1]
    return found, at


def _take_items(data: bytes, at: i64, count: i64, classes: dict[str, Any]) -> tuple[list[Any], i64]:
    items: list[Any] = []
    while i64(len(items)) < count:
        item, at = _take(data, at, classes)
        items.append(item)
    return items, at


def _take_attrs(data: bytes, at: i64, name: str, classes: dict[str, Any]) -> tuple[Any, i64]:
    kind: Any = classes.get(name)
    fields: Any = getattr(kind, "__attrs_attrs__", None)
    if fields is None:
        raise Malformed(f"a strategy's memory names the class {name}, which is not there")
    count = _size(data, at)
    if count != len(fields):
        raise Malformed(f"a strategy's memory has {count} fields for {name}, which has {len(fields)}")
    values, at = _take_items(data, at + 8, count, classes)
    # Past the class's own __init__: converters and validators saw these values when they were first set.
    found: Any = kind.__new__(kind)
    for field, value in zip(fields, values, strict=True):
        object.__setattr__(found, field.name, value)
    return found, at
