"""Results that are kept: what was put is got, and what is not whole is as good as none."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.disk import RealDisk
from replay.sweep.store import Result, Store, key_of

RUN: dict[str, Any] = {"journal": "j", "build": "b", "configuration": {"x": 1.5, "y": [1, 2]}, "seed": 7}
RESULT = Result({"fills": 3, "pnl": {"pUSD": {"total": "-1.2500"}}}, "")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(RealDisk(), tmp_path / "runs", "writing-1")


def test_what_was_put_is_got_and_nothing_else(store: Store) -> None:
    key = key_of(RUN)

    assert store.get(key) is None
    store.put(key, RUN, RESULT)
    assert store.get(key) == RESULT
    assert store.get(key_of({**RUN, "seed": 8})) is None
    assert [path.name for path in store.folder.rglob("*") if path.is_file()] == [f"{key}.json"]


def test_a_failure_is_kept_like_any_result(store: Store) -> None:
    failed = Result({}, "a strategy called sys.exit; let it return")
    store.put(key_of(RUN), RUN, failed)

    assert store.get(key_of(RUN)) == failed


def test_a_key_depends_on_what_is_said_and_not_on_its_order() -> None:
    assert key_of(dict(reversed(RUN.items()))) == key_of(RUN)
    assert len({key_of({**RUN, name: "other"}) for name in RUN} | {key_of(RUN)}) == len(RUN) + 1


@given(st.data())
def test_a_file_that_was_cut_or_changed_anywhere_is_as_good_as_none(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    store = Store(RealDisk(), tmp_path_factory.mktemp("store"), "writing-1")
    key = key_of(RUN)
    store.put(key, RUN, RESULT)
    whole = store.path(key).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 2), label="at")  # the last byte ends the line
    if data.draw(st.booleans(), label="cut"):
        store.path(key).write_bytes(whole[:at])
    else:
        byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[at]), label="byte")
        store.path(key).write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
    found = store.get(key)

    assert found is None or found == RESULT


def test_another_runs_result_under_a_key_is_none(store: Store) -> None:
    other = {**RUN, "seed": 8}
    store.put(key_of(RUN), RUN, RESULT)
    store.put(key_of(other), other, Result({"fills": 4}))
    store.path(key_of(RUN)).write_bytes(store.path(key_of(other)).read_bytes())

    assert store.get(key_of(RUN)) is None


def test_what_a_killed_process_left_unfinished_is_in_nobodys_way(store: Store) -> None:
    store.folder.mkdir()
    (store.folder / "writing-1.tmp").write_bytes(b'{"schema"')
    store.put(key_of(RUN), RUN, RESULT)

    assert store.get(key_of(RUN)) == RESULT
    assert not (store.folder / "writing-1.tmp").exists()


def test_a_file_says_what_it_is_of(store: Store) -> None:
    store.put(key_of(RUN), RUN, RESULT)
    values = json.loads(store.path(key_of(RUN)).read_text())

    assert values["run"] == RUN
    assert values["schema"] == "refold.run/1"
