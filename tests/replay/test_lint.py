"""The lint: what it finds, what it leaves alone, and how a finding is allowed."""

import re
from pathlib import Path
from textwrap import dedent, indent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resimulations import NOISY

from replay.lint import lint
from replay.promises import NAMES, PROMISES, broken_by

ROOT = Path(__file__).resolve().parents[2]


def codes(text: str) -> list[str]:
    """The codes of what is found in *text*, in order."""
    return [one.code for one in lint(dedent(text), "mine.py").findings]


def decide(body: str, top: str = "") -> list[str]:
    """What is found in a strategy whose `decide` is *body*, in a file that begins with *top*."""
    return codes(f"{dedent(top)}\n\nclass Mine:\n    def decide(self, view, wake):\n{indent(dedent(body), ' ' * 8)}\n")


BREACHES = [
    ("CLOCK", "import time", "time.time()"),
    ("CLOCK", "from time import time_ns as now", "now()"),
    ("CLOCK", "import datetime", "datetime.datetime.now()"),
    ("CLOCK", "from datetime import datetime as dt, UTC", "dt.now(UTC)"),
    ("CLOCK", "from datetime import date", "date.today()"),
    ("CHANCE", "import random", "random.random()"),
    ("CHANCE", "from random import Random", "Random(7).random()"),
    ("CHANCE", "import secrets", "secrets.token_hex()"),
    ("CHANCE", "from uuid import uuid4", "uuid4()"),
    ("CHANCE", "import os", "os.urandom(8)"),
    ("IO", "", "open('x')"),
    ("IO", "", "input()"),
    ("IO", "from pathlib import Path", "Path('x').read_text()"),
    ("IO", "import os", "os.listdir('.')"),
    ("IO", "import sys", "sys.stdin.read()"),
    ("IO", "import logging", "logging.info('x')"),
    ("NETWORK", "import socket", "socket.socket()"),
    ("NETWORK", "import urllib.request", "urllib.request.urlopen('x')"),
    ("NETWORK", "from http.client import HTTPConnection", "HTTPConnection('x')"),
    ("THREAD", "import threading", "threading.Thread()"),
    ("THREAD", "from concurrent.futures import ThreadPoolExecutor", "ThreadPoolExecutor()"),
    ("THREAD", "import subprocess", "subprocess.run(['x'])"),
    ("ENVIRONMENT", "import os", "os.environ['X']"),
    ("ENVIRONMENT", "from os import getenv", "getenv('X')"),
    ("ENVIRONMENT", "import sys", "sys.argv"),
    ("SET_ORDER", "", "for x in {1, 2}: pass"),
    ("SET_ORDER", "", "for x in set(wake.instruments): pass"),
    ("SET_ORDER", "", "seen = set()\nfor x in seen: pass"),
    ("SET_ORDER", "", "for x in {y for y in wake.instruments}: pass"),
    ("SET_ORDER", "", "return [x for x in frozenset(wake.timers)]"),
    ("SET_ORDER", "", "a = {}\nfor x in a.keys() & {'y'}: pass"),
    ("SET_ORDER", "", "keys: set[str] = view.keys()\nreturn list(keys)"),
    ("SET_ORDER", "", "return ','.join({'a', 'b'})"),
    ("SET_ORDER", "", "s = {1}\nreturn s.pop()"),
    ("SET_ORDER", "", "yield from {1}"),
    ("SET_ORDER", "", "return (*{1},)"),
    ("SET_ORDER", "", "return {x: 1 for x in {1}.union({2})}"),
    ("HASH", "", "hash('x')"),
    ("HASH", "", "id(self)"),
    ("FLOAT", "import math", "math.exp(1)"),
    ("FLOAT", "from math import log", "log(2)"),
    ("FLOAT", "import cmath", "cmath.sqrt(2)"),
    ("FLOAT", "import statistics", "statistics.stdev([1, 2])"),
    ("FLOAT", "", "2.0 ** view.seq"),
    ("FLOAT", "", "view.seq ** -1"),
    ("FLOAT", "", "x = view.seq / 2\nx **= 2"),
    ("FLOAT", "", "pow(0.5, 2)"),
    ("FLOAT_SUM", "", "sum(x / 2 for x in wake.timers)"),
    ("FLOAT_SUM", "", "weights = [0.5, 0.25]\nsum(weights)"),
    ("FLOAT_SUM", "", "sum(wake.timers, 0.0)"),
    ("UNITS", "", "yield Place('k', 0, 0.38, 5)"),
    ("UNITS", "", "yield Place('k', 0, price_ticks=view.seq / 2, lots=5)"),
    ("UNITS", "", "mid = (view.seq + 3) / 2\nyield Place('k', 0, mid, 5)"),
    ("UNITS", "", "yield Place('k', 0, 38, float(5))"),
    ("STATE", "seen = []", "seen.append(1)"),
    ("STATE", "seen = {}", "seen['x'] = 1"),
    ("STATE", "import itertools\nids = itertools.count()", "next(ids)"),
    ("STATE", "", "self.calls = 1"),
    ("STATE", "", "self.calls += 1"),
    ("STATE", "", "self.seen.append(1)"),
    ("STATE", "", "Mine.calls = 1"),
    ("STATE", "calls = 0", "global calls"),
    ("STATE", "def f(a=[]): pass", "f()"),
    ("IMPORT", "import numpy", "pass"),
    ("IMPORT", "from mine_too import helper", "pass"),
    ("IMPORT", "from .other import x", "pass"),
    ("IMPORT", "from decimal import *", "pass"),
    ("IMPORT", "from engine import runtime", "pass"),
    ("IMPORT", "", "import decimal"),
    ("HIDDEN", "", "eval('1')"),
    ("HIDDEN", "import importlib", "importlib.import_module('x')"),
]


@pytest.mark.parametrize(("code", "top", "body"), BREACHES, ids=lambda text: repr(text)[:50])
def test_a_breach_is_found_under_its_code(code: str, top: str, body: str) -> None:
    assert decide(body, top) == [code]


def test_every_rule_is_broken_by_a_test_and_every_name_breaks_a_rule() -> None:
    broken = {code for code, _, _ in BREACHES}

    assert broken | {"ALLOW", "SYNTAX"} == set(PROMISES)
    assert set(NAMES.values()) <= set(PROMISES)


def test_every_rule_is_on_its_page() -> None:
    page = (ROOT / "docs" / "reference" / "lint.md").read_text("utf-8")

    assert re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE) == list(PROMISES)


HONEST = [
    ("", "for x in sorted({2, 1}): pass"),
    ("", "s = {1, 2}\nreturn len(s), min(s), 1 in s, any(x > 1 for x in s), sorted(x for x in s)"),
    ("", "s = {x for x in (1, 2)}\ns.add(3)"),
    ("", "d = {'a': 1}\nfor x in d: pass\nfor x in d.keys(): pass"),
    ("import math", "math.sqrt(2.0) + math.fsum([0.1]) + math.floor(2.5)"),
    ("", "sum(order.rest_lots for order in view.own_orders)"),
    ("", "10 ** 6 + view.seq ** 2"),
    ("", "yield Place('k', 0, view.seq // 2, int(view.seq / 2))"),
    ("", "yield Place('k', 0, price_ticks=view.seq + 1, lots=5, why='x')"),
    ("from datetime import datetime, timedelta, UTC", "datetime.fromtimestamp(view.now_ns // 10**9, UTC)"),
    ("from uuid import uuid5, NAMESPACE_URL", "uuid5(NAMESPACE_URL, 'x')"),
    ("TABLE = {'a': 1}", "TABLE['a']"),
    ("seen = []", "seen = [1]\nseen.append(2)"),
    ("", "self.memory['calls'] += 1"),
    ("", "self.memory = {'calls': 1}"),
    ("", "memory = self.memory\nmemory['seen'].append(1)"),
    ("", "hash = 5\nreturn hash"),
    ("from attrs import frozen\nfrom decimal import Decimal\nfrom engine.kernel.strategy import BUY", "return BUY"),
    ("from engine.kernel import fmath", "fmath.exp(1.0)"),
    ("import sys", "sys.maxsize"),
]


@pytest.mark.parametrize(("top", "body"), HONEST, ids=lambda text: repr(text)[:50])
def test_what_is_allowed_is_not_found(top: str, body: str) -> None:
    assert decide(body, top) == []


@pytest.mark.parametrize("path", sorted((ROOT / "engine" / "strategies").glob("*.py")), ids=lambda path: path.name)
def test_our_own_strategies_are_clean(path: Path) -> None:
    assert lint(path.read_text(), path.name).findings == ()


def test_the_strategy_of_the_tests_uses_id_only_where_it_raises() -> None:
    assert codes(NOISY) == ["HASH"]


def test_a_finding_says_where_what_why_and_what_to_do_instead() -> None:
    text = "import time\n\n\nclass Mine:\n    def decide(self, view, wake):\n        start = time.time_ns()\n"
    (found,) = lint(text, "mine.py").findings

    assert (found.file, found.line, found.column, found.code) == ("mine.py", 6, 17, "CLOCK")
    assert found.message == "time.time_ns reads a clock: a replay runs at another time, so it would decide otherwise"
    assert "view.now_ns" in found.instead


def test_a_text_that_is_no_python_is_one_finding_at_its_place() -> None:
    (found,) = lint("class Mine:\n  def decide(self)\n", "mine.py").findings

    assert (found.code, found.line) == ("SYNTAX", 2)
    assert codes("\0") == ["SYNTAX"]


def test_async_functions_are_found() -> None:
    assert codes("async def wait():\n    await wait()\n") == ["THREAD", "THREAD"]


def test_what_sets_an_object_up_may_set_attributes() -> None:
    text = "class Mine:\n    def __init__(self):\n        self.sizes = []\n        self.sizes.append(1)\n"

    assert codes(text + "    def decide(self, view, wake):\n        return ()\n") == []


def test_a_class_that_is_no_strategy_may_change_itself() -> None:
    assert codes("class Sums:\n    def add(self, x):\n        self.total = x\n") == []


# -- exceptions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "x = hash('a')  # refold: allow HASH compared within one call only",
        "# refold: allow HASH compared within one call only\nx = hash('a')",
        "x = (\n    1,\n    hash('a'),  # refold: allow HASH compared within one call only\n)",
    ],
)
def test_a_comment_with_a_reason_allows_a_finding(body: str) -> None:
    found = lint(body, "mine.py")

    assert found.findings == ()
    assert found.allowed == 1


def test_a_comment_allows_only_its_own_rule() -> None:
    assert codes("x = hash('a')  # refold: allow CLOCK as a test\n") == ["HASH"]


@pytest.mark.parametrize("said", ["HASH", "", "HASHES because", "hash because"])
def test_an_exception_needs_a_rule_and_a_reason(said: str) -> None:
    assert codes(f"x = hash('a')  # refold: allow {said}\n") == ["HASH", "ALLOW"]


def test_a_text_that_speaks_of_an_exception_makes_none() -> None:
    assert codes("x = hash('# refold: allow HASH because')\n") == ["HASH"]


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("os", "IO"),
        ("os.environ.get", "ENVIRONMENT"),
        ("os.urandom", "CHANCE"),
        ("math.sqrt", None),
        ("math.tan", "FLOAT"),
        ("numpy.random.default_rng", "CHANCE"),
        ("numpy.array", None),
        ("osmosis", None),
    ],
)
def test_the_longest_known_beginning_of_a_name_decides(name: str, code: str | None) -> None:
    assert broken_by(name) == code


@given(st.text(max_size=200))
def test_any_text_is_read_to_its_end(text: str) -> None:
    for found in lint(text, "any.py").findings:
        assert found.code in PROMISES
        assert found.line >= 1
        assert found.column >= 1
