"""The guard: what a strategy may not use while it is called, and that nothing else notices."""

import gc
import os
import random
import tempfile
import threading
import time
import uuid
from pathlib import Path
from textwrap import dedent, indent

import pytest
from resimulations import JOINING, Setting, sample_recording
from resimulations import resimulate as played

from engine.kernel import kinds
from replay.guard import Forbidden, guarding
from replay.resimulation import Simulated
from replay.run import StrategySource
from replay.strategies import BadStrategy, make, module_of

FILE = """
{top}

class Mine:
    def __init__(self, size=1):
        {init}

    def decide(self, view, wake):
{body}
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of one market."""
    return sample_recording(tmp_path_factory.mktemp("base") / "recording", frames=40, markets=1, losses=0)


def strategy(body: str, top: str = "", init: str = "pass") -> StrategySource:
    """A strategy whose `decide` is *body*."""
    source = FILE.format(top=dedent(top), init=init, body=indent(dedent(body), " " * 8))
    return StrategySource("mine", "Mine", source, "market_making")


def run(recording: Path, source: StrategySource) -> Simulated:
    """A guarded run of it."""
    return played(recording, Setting(source.source, "Mine"))


BREACHES = [
    ("CLOCK", "time.time()", "import time", "time.time()"),
    ("CLOCK", "time.time_ns()", "from time import time_ns as now", "now()"),
    ("CLOCK", "time.monotonic()", "", "import time\ntime.monotonic()"),
    ("CLOCK", "time.sleep", "import time", "time.sleep(0)"),
    ("CLOCK", "datetime.now()", "import datetime", "datetime.datetime.now()"),
    ("CLOCK", "datetime.now()", "from datetime import UTC, datetime as dt", "dt.now(UTC)"),
    ("CLOCK", "date.today()", "from datetime import date", "date.today()"),
    ("CHANCE", "random.random()", "import random", "random.random()"),
    ("CHANCE", "random.randint()", "from random import randint", "randint(1, 2)"),
    ("CHANCE", "random.Random", "import random\ndice = random.Random(7)", "dice.random()"),
    ("CHANCE", "random.Random", "import random\ndice = random.Random(7)", "dice.choice([1, 2])"),
    ("CHANCE", "random.SystemRandom", "import random", "random.SystemRandom().randint(1, 2)"),
    ("CHANCE", "secrets.token_hex()", "import secrets", "secrets.token_hex()"),
    ("CHANCE", "uuid.uuid4()", "from uuid import uuid4", "uuid4()"),
    ("CHANCE", "os.urandom()", "import os", "os.urandom(3)"),
    ("IO", "open('nowhere')", "", "open('nowhere')"),
    ("IO", "open('nowhere')", "from pathlib import Path", "Path('nowhere').read_text()"),
    ("IO", "os.stat()", "import os.path", "os.path.exists('nowhere')"),
    ("IO", "os.listdir", "import os", "os.listdir('.')"),
    ("IO", "os.mkdir", "from pathlib import Path", "Path('nowhere').mkdir()"),
    ("NETWORK", "socket.__new__", "import socket", "socket.socket()"),
    ("NETWORK", "socket.getaddrinfo", "import socket", "socket.getaddrinfo('localhost', 1)"),
    ("THREAD", "threading.Thread.start", "import threading", "threading.Thread(target=print).start()"),
    ("THREAD", "subprocess.Popen", "import subprocess", "subprocess.run(['true'])"),
    ("THREAD", "os.system", "import os", "os.system('true')"),
    ("ENVIRONMENT", "os.environ", "import os", "os.environ['HOME']"),
    ("ENVIRONMENT", "os.environ", "from os import getenv", "getenv('HOME')"),
    ("ENVIRONMENT", "os.getpid()", "import os", "os.getpid()"),
    ("IMPORT", "import setuptools_nowhere", "", "import setuptools_nowhere"),
]


@pytest.mark.parametrize(("code", "used", "top", "body"), BREACHES, ids=lambda text: repr(text)[:50])
def test_a_breach_is_that_strategys_fault(code: str, used: str, top: str, body: str, recording: Path) -> None:
    made = run(recording, strategy(f"{body}\nreturn ()", top))

    assert made.counts[kinds.name(kinds.STRAT_FAULT)] == 1
    assert f"replay.guard.Forbidden: {used}" in made.faults[0]
    assert f"({code})" in made.faults[0]


def test_a_breach_that_is_caught_by_the_strategy_is_its_fault_too(recording: Path) -> None:
    body = "try:\n    time.time()\nexcept Exception:\n    pass\nreturn ()"

    assert "time.time() reads a clock" in run(recording, strategy(body, "import time")).faults[0]


def test_a_breach_while_a_generator_is_drained_is_found(recording: Path) -> None:
    assert "time.time() reads a clock" in run(recording, strategy("yield time.time()", "import time")).faults[0]


def test_what_a_strategy_may_do_is_not_refused(recording: Path) -> None:
    top = """
        import math, json, decimal
        from datetime import datetime, date, timedelta, UTC
        START = datetime(2020, 1, 1, tzinfo=UTC)
    """
    body = """
        now = datetime.fromtimestamp(view.now_ns // 10**9, UTC)
        assert isinstance(now, datetime) and isinstance(START, datetime) and not isinstance(now.date(), datetime)
        assert isinstance(now.date(), date) and issubclass(datetime, date)
        assert datetime.strptime("2020-01-01", "%Y-%m-%d") < now.replace(tzinfo=None)
        assert now - START > timedelta(days=1)
        import fractions
        json.dumps([math.sqrt(2), str(decimal.Decimal(1))])
        view.draws("x").below(view.draw_key, 0, 5)
        print(end="")
        return ()
    """

    assert run(recording, strategy(body, top)).faults == []


def test_a_clock_read_while_the_strategy_is_made_refuses_it() -> None:
    source = strategy("return ()", "import time", "self.start = time.time()")
    with guarding([source]), pytest.raises(BadStrategy, match=r"strategy 'mine': time.time\(\) reads a clock"):
        make(source)


# -- nothing else notices ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [Setting(), JOINING], ids=["noisy", "joining"])
def test_a_run_is_the_same_with_the_guard_and_without(setting: Setting, tmp_path: Path) -> None:
    base = sample_recording(tmp_path / "base", frames=300)
    alone = played(base, setting, tmp_path / "alone", guard=False)
    guarded = played(base, setting, tmp_path / "guarded", guard=True)

    assert guarded.kernel.checkpoint() == alone.kernel.checkpoint()
    assert (guarded.submitted, guarded.fills) == (alone.submitted, alone.fills)
    for path in (tmp_path / "alone").glob("*.wal"):
        assert (tmp_path / "guarded" / path.name).read_bytes() == path.read_bytes()


def standing() -> list[object]:
    """What the guard replaces, as it stands now."""
    owners = (time, random, uuid, os, random.Random, random.SystemRandom, type(os.environ), threading.Thread)
    return [value for owner in owners for value in vars(owner).values()]


def test_everything_is_put_back_also_after_an_error() -> None:
    source = strategy("return ()", "from time import time\nfrom datetime import datetime\nimport datetime as dates")
    module = module_of(source)
    before = standing(), dict(vars(module)), dict(vars(module.Mine))
    for error in (None, KeyError("x")):
        try:
            with guarding([source]), guarding([source]):
                assert standing() != before[0]
                assert time.time() > 0
                if error is not None:
                    raise error
        except KeyError:
            assert error is not None
        after = standing(), dict(vars(module)), dict(vars(module.Mine))
        assert [a is b for a, b in zip(before[0], after[0], strict=True)].count(False) == 0
        assert before[1:] == after[1:]
        assert module.datetime is __import__("datetime").datetime


def test_outside_of_a_call_nothing_is_refused(tmp_path: Path) -> None:
    with guarding([strategy("return ()")]):
        assert time.time_ns() > 0
        assert 0 <= random.random() < 1
        assert random.Random(7).random() == 0.32383276483316237
        assert os.environ["PATH"]
        assert os.stat in os.supports_follow_symlinks
        (tmp_path / "x").write_text("y")
        with tempfile.TemporaryFile() as file:
            file.write(b"x")


def test_another_thread_goes_on_while_a_strategy_is_called(recording: Path) -> None:
    """The strategy waits (in a way that no strategy should) until a thread has read a clock and a file."""
    came: list[float] = []
    go, done = threading.Event(), threading.Event()

    def other() -> None:
        go.wait(10)
        came.append(time.time())
        came.append(len(Path(__file__).read_bytes()))
        done.set()

    source = strategy("meeting.go.set()\nmeeting.done.wait(10)\nreturn ()", "meeting = None")
    module = module_of(source)
    module.meeting = type("Meeting", (), {"go": go, "done": done})  # type: ignore[attr-defined]
    thread = threading.Thread(target=other)
    thread.start()
    made = run(recording, source)
    thread.join()

    assert made.faults == []
    assert len(came) == 2


class Leaving:
    """Part of a cycle: the collector comes upon it whenever it likes, and it reads a clock then."""

    def __init__(self, came: list[float]) -> None:
        self.me, self.came = self, came

    def __del__(self) -> None:
        self.came.append(time.time())


def test_somebody_elses_object_may_end_while_a_strategy_is_called(recording: Path) -> None:
    came: list[float] = []

    def meeting() -> None:
        Leaving(came)
        gc.collect()

    source = strategy("meeting()\nreturn ()", "meeting = None")
    module_of(source).meeting = meeting  # type: ignore[attr-defined]
    made = run(recording, source)

    assert made.faults == []
    assert came != []


def test_a_strategy_leaves_its_clock_to_no_object_of_its_own(recording: Path) -> None:
    top = """
        import time

        class Leaving:
            def __del__(self):
                try:
                    time.time()
                except Exception:
                    pass
    """
    made = run(recording, strategy("Leaving()\nreturn ()", top))

    assert "time.time() reads a clock" in made.faults[0]


def test_a_class_of_the_strategys_file_is_found_for_its_memory() -> None:
    top = "from attrs import frozen\n@frozen\nclass Kept:\n    x: int = 0"
    source = strategy("return ()", top, "self.memory = Kept()")
    with guarding([source]):
        mine = make(source)

        assert type(mine).decide.__globals__["Kept"] is type(mine.memory)


# -- lines -------------------------------------------------------------------------------------------------------------


def test_the_guard_knows_the_line_of_each_intent() -> None:
    text = """
        class Mine:
            def decide(self, view, wake):
                yield 1
                yield from self.more()

            def more(self):
                yield 2
    """
    text = dedent(text).lstrip()
    source = StrategySource("mine", "Mine", text, "market_making")
    with guarding([source]) as guard:
        mine = make(source)

        assert guard.yielded(mine) == []
        assert mine.decide(None, None) == (1, 2)
        assert guard.yielded(mine) == [(3, 1), (7, 2)]


def test_a_call_that_fails_leaves_the_guard_outside() -> None:
    source = strategy("yield 1\nraise ValueError('x')")
    with guarding([source]) as guard:
        with pytest.raises(ValueError, match="x"):
            make(source).decide(None, None)

        assert not guard.inside


def test_the_error_names_the_promise() -> None:
    error = Forbidden("CLOCK", "time.time()")

    assert (error.code, error.used) == ("CLOCK", "time.time()")
    assert "view.now_ns" in str(error)
