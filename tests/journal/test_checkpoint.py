"""Checkpoint files: read back whole, or refused in one sentence and bounded memory."""

from hashlib import blake2b
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from simulated_disk import SimulatedDisk

from journal.checkpoint import (
    MAGIC,
    MOST_HEAD,
    MOST_STATE,
    VERSION,
    BadCheckpoint,
    Head,
    checkpoint_path,
    folder_of,
    list_checkpoints,
    read_checkpoint,
    read_head,
    write_checkpoint,
)
from journal.disk import RealDisk

FOLDER = Path("/journal/checkpoints")
STATE = bytes(range(256)) * 40
HEAD = Head(
    journal_id="ab" * 16,
    build="0123456789abcdef",
    run_seq=1,
    input_seq=4156,
    digest_seq=4157,
    recv_ns=5,
    inputs=4096,
    rolling="0" * 15 + "7",
    state="cd" * 32,
)


def written(state: bytes = STATE, head: Head = HEAD, beside: bytes = b"") -> tuple[SimulatedDisk, Path]:
    disk = SimulatedDisk()
    disk.make_dir(FOLDER)
    return disk, write_checkpoint(disk, FOLDER, head, state, beside)


@given(st.binary(max_size=5000), st.binary(max_size=50), st.integers(1, 2**62), st.integers(0, 2**62))
def test_a_checkpoint_is_read_back_with_what_it_says_of_itself(
    state: bytes, beside: bytes, input_seq: int, base_next: int
) -> None:
    head = attrs.evolve(HEAD, input_seq=input_seq, digest_seq=input_seq + 1, base_next=base_next)
    disk, path = written(state, head, beside)
    found, kept, kept_beside = read_checkpoint(disk, path)

    assert (kept, kept_beside) == (state, beside)
    assert attrs.evolve(found, state_bytes="", size=0, beside=0) == head
    assert found.size == len(state)
    assert read_head(disk, path) == found
    assert path == checkpoint_path(FOLDER, input_seq)
    assert list_checkpoints(disk, FOLDER) == [input_seq]


def test_checkpoints_lie_in_the_journal_s_folder_or_beside_its_file(tmp_path: Path) -> None:
    assert folder_of(RealDisk(), tmp_path) == tmp_path / "checkpoints"
    assert folder_of(RealDisk(), tmp_path / "journal.zst") == tmp_path / "journal.zst.checkpoints"


def test_only_checkpoints_are_listed_in_order_and_none_where_there_is_no_folder() -> None:
    disk, _ = written()
    for name in (
        "readme",
        "5.checkpoint",
        f"{12:019d}.checkpoint",
        f"{12:019d}.checkpoint.tmp",
        f"{7:020d}.checkpoint",
    ):
        disk.put(FOLDER / name, b"")

    assert list_checkpoints(disk, FOLDER) == [12, 4156]
    assert list_checkpoints(disk, Path("/elsewhere")) == []


def test_a_newer_checkpoint_takes_the_place_of_an_older_one_and_of_what_a_crash_left() -> None:
    disk, path = written(b"old")
    disk.put(path.with_name(path.name + ".tmp"), b"half")
    write_checkpoint(disk, FOLDER, HEAD, b"new")

    assert read_checkpoint(disk, path)[1] == b"new"
    assert disk.names(FOLDER) == [path.name]


def test_a_crash_leaves_the_old_checkpoint_the_new_one_or_none_that_is_believed() -> None:
    for seed in range(200):
        disk = SimulatedDisk()
        disk.put(FOLDER / "x", b"")
        path = write_checkpoint(disk, FOLDER, HEAD, b"old")
        disk.sync_dir(FOLDER)
        write_checkpoint(disk, FOLDER, HEAD, STATE)
        choices = iter(range(seed, seed + 1000))
        after = disk.crash(lambda n, choices=choices: next(choices) * 7919 % n)  # type: ignore[misc]
        if after.exists(path):
            assert read_checkpoint(after, path)[1] in (b"old", STATE)


def test_a_state_too_large_is_not_kept() -> None:
    class Large(bytes):
        def __len__(self) -> int:
            return MOST_STATE + 1

    with pytest.raises(ValueError, match="above the limit"):
        write_checkpoint(SimulatedDisk(), FOLDER, HEAD, Large())


@pytest.mark.parametrize("fails", range(6))
def test_a_disk_that_fails_leaves_no_checkpoint_and_says_so(fails: int) -> None:
    disk = SimulatedDisk()
    disk.make_dir(FOLDER)
    calls: list[str] = []
    disk.hook = lambda operation, path: calls.append(operation)
    write_checkpoint(disk, FOLDER, HEAD, STATE)
    if fails >= len(calls):
        return
    failing = SimulatedDisk()
    failing.make_dir(FOLDER)
    failing.fail(fails, 5)

    with pytest.raises(OSError, match="injected"):
        write_checkpoint(failing, FOLDER, HEAD, STATE)
    assert list_checkpoints(failing, FOLDER) == []


# -- damage ------------------------------------------------------------------------------------------------------------


@given(st.data())
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:
    disk, path = written(b"some state")
    whole = bytearray(disk.get(path))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1), label="bit")
    whole[bit // 8] ^= 1 << bit % 8
    disk.put(path, bytes(whole))

    with pytest.raises(BadCheckpoint):
        read_checkpoint(disk, path)


def test_a_checkpoint_cut_anywhere_or_with_something_behind_it_is_refused() -> None:
    disk, path = written(b"some state")
    whole = disk.get(path)
    for cut in range(len(whole)):
        disk.put(path, whole[:cut])
        with pytest.raises(BadCheckpoint):
            read_checkpoint(disk, path)
    for more in (b"x", whole, bytes(5000)):
        disk.put(path, whole + more)
        with pytest.raises(BadCheckpoint):
            read_checkpoint(disk, path)


def with_head(fields: dict[str, Any] | list[Any] | bytes, body: bytes = b"") -> bytes:
    """A file whose head is intact, whatever it says."""
    text = fields if isinstance(fields, bytes) else orjson.dumps(fields)
    start = MAGIC + VERSION.to_bytes(4, "little") + len(text).to_bytes(4, "little") + text
    return start + blake2b(start, digest_size=32).digest() + body


FIELDS = attrs.asdict(attrs.evolve(HEAD, state_bytes="ef" * 32, size=6, beside=4))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes"),
        (b"JRNLSEG1" + bytes(200), "it starts with b'JRNLSEG1'"),
        (MAGIC + (VERSION + 1).to_bytes(4, "little") + bytes(200), f"version {VERSION + 1}"),
        (
            MAGIC + VERSION.to_bytes(4, "little") + (MOST_HEAD + 1).to_bytes(4, "little") + bytes(MOST_HEAD + 99),
            "a head of",
        ),
        (MAGIC + VERSION.to_bytes(4, "little") + (2**32 - 1).to_bytes(4, "little"), "a head of 4294967295 bytes"),
        (with_head(b"no JSON"), "its head is no JSON"),
        (with_head(b"[" * 5000), "its head is no JSON"),
        (with_head([]), "fields of this version"),
        (with_head({**FIELDS, "more": 1}), "fields of this version"),
        (with_head({name: value for name, value in FIELDS.items() if name != "build"}), "fields of this version"),
        (with_head({**FIELDS, "size": MOST_STATE + 1}), "no sensible size"),
        (with_head({**FIELDS, "size": -1}), "no sensible size"),
        (with_head({**FIELDS, "beside": MOST_STATE + 1}), "no sensible beside"),
        (with_head({**FIELDS, "input_seq": True}), "no sensible input_seq"),
        (with_head({**FIELDS, "input_seq": 2**63}), "no sensible input_seq"),
        (with_head({**FIELDS, "recv_ns": "5"}), "no sensible recv_ns"),
        (with_head({**FIELDS, "rolling": "g" * 16}), "no sensible rolling"),
        (with_head({**FIELDS, "state": "ab"}), "no sensible state"),
        (with_head({**FIELDS, "build": 7}), "no sensible build"),
        (with_head(FIELDS), "no zstd frame starts here"),
        (with_head(FIELDS, zstandard.compress(b"0123456789")), "carries no checksum"),
    ],
)
def test_a_hostile_file_is_refused_in_one_sentence(content: bytes, reason: str) -> None:
    disk = SimulatedDisk()
    path = checkpoint_path(FOLDER, 4156)
    disk.put(path, content)

    with pytest.raises(BadCheckpoint) as raised:
        read_checkpoint(disk, path)
    assert reason in str(raised.value)
    assert str(path) in str(raised.value)


def frame(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True, write_content_size=True).compress(data)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (frame(b"0123456789"), "its digest does not fit its state"),
        (frame(bytes(11)), "states 11 bytes, expected 10"),
        (frame(bytes(1 << 30 >> 6)), "states 16777216 bytes, expected 10"),
        (frame(b"0123456789") * 2, "does not decompress"),
    ],
)
def test_a_bomb_or_another_state_is_refused(body: bytes, reason: str) -> None:
    disk = SimulatedDisk()
    path = checkpoint_path(FOLDER, 4156)
    disk.put(path, with_head(FIELDS, body))

    with pytest.raises(BadCheckpoint, match=reason):
        read_checkpoint(disk, path)


def test_a_link_or_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / f"{1:019d}.checkpoint").symlink_to(tmp_path / "real")
    (tmp_path / f"{2:019d}.checkpoint").mkdir()
    for number in (1, 2):
        with pytest.raises(OSError):
            read_checkpoint(RealDisk(), checkpoint_path(tmp_path, number))
