"""
What a strategy promises, rule by rule: why, and what to do instead. `lint` finds breaches in the text of a strategy,
`guard` while it runs, and both say the same of them.
"""

from typing import Final

from attrs import frozen


@frozen
class Promise:
    """One rule: its *code*, what breaks it, the *reason* it is one, and what to do *instead*."""

    code: str
    breach: str
    reason: str
    instead: str


_ALL = (
    Promise(
        "CLOCK",
        "reads a clock",
        "a replay runs at another time, so it would decide otherwise",
        "view.now_ns is the time of the input being answered; SetTimer wakes you later",
    ),
    Promise(
        "CHANCE",
        "draws chance from outside the run",
        "a replay would draw something else",
        "view.draws(purpose) draws from the run's seed, keyed by view.draw_key",
    ),
    Promise(
        "IO",
        "uses files or devices",
        "what stands there may differ when the run is replayed, and waiting for it stops the engine",
        "hand it in as a parameter: parameters are recorded with the run",
    ),
    Promise(
        "NETWORK",
        "uses the network",
        "nobody answers a replay the same way, and waiting stops the engine",
        "decide from the view; what else matters has to come in as a recorded input",
    ),
    Promise(
        "THREAD",
        "starts or uses threads, processes or coroutines",
        "who runs first is up to the machine",
        "do the work within the call; use SetTimer to go on later",
    ),
    Promise(
        "ENVIRONMENT",
        "asks the machine or the process about itself",
        "a replay may run elsewhere",
        "make it a parameter: parameters are recorded with the run",
    ),
    Promise(
        "SET_ORDER",
        "depends on the order of a set",
        "texts hash differently in every process, so a set's order does too",
        "sort it: for x in sorted(s); or use a dict, which keeps the order in which it was filled",
    ),
    Promise(
        "HASH",
        "uses hash() or id()",
        "both differ from process to process",
        "compare the values themselves, or use a key that the venue or the kernel gave",
    ),
    Promise(
        "FLOAT",
        "uses a float function that is not the same everywhere",
        "the C library rounds it differently from machine to machine, or Python from version to version",
        "use + - * / and math.sqrt, or exp, log and tanh of engine.kernel.fmath",
    ),
    Promise(
        "FLOAT_SUM",
        "adds floats with sum()",
        "since Python 3.12 sum() compensates rounding errors, so 3.11 and 3.12 differ",
        "use math.fsum, which rounds once",
    ),
    Promise(
        "UNITS",
        "asks for a price or size that is no whole number",
        "prices are ints in ticks and sizes ints in lots; admission refuses a float",
        "count in ticks: market.best_bid + 1; divide with //",
    ),
    Promise(
        "STATE",
        "keeps something outside its memory",
        "only self.memory is in a checkpoint; what is kept elsewhere is lost there, and a replay from it differs",
        "keep it in self.memory, a plain object set in __init__",
    ),
    Promise(
        "IMPORT",
        "imports what the run does not record, or imports within a function",
        "nothing else is recorded with this file's text; another version of it would decide otherwise",
        "import the standard library, attrs, engine.kernel and names from modules of engine.strategies, at the top; "
        "copy the rest into the file",
    ),
    Promise(
        "HIDDEN",
        "runs code that cannot be read here",
        "neither a reader nor this lint can see what it does",
        "write out what it does",
    ),
    Promise(
        "ALLOW",
        "allows something in words that do not hold",
        "an exception needs a rule that exists and a reason that a reader can judge",
        "write # refold: allow CODE reason",
    ),
    Promise("SYNTAX", "is no Python", "it cannot run", "correct it"),
)

PROMISES: Final[dict[str, Promise]] = {one.code: one for one in _ALL}
"""Every rule by its code."""

NAMES: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            *("time", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"),
            *("datetime.date.today", "timeit"),
        ),
        "CLOCK",
    ),
    **dict.fromkeys(
        ("random", "secrets", "uuid.uuid1", "uuid.uuid4", "uuid.getnode", "os.urandom", "os.getrandom", "numpy.random"),
        "CHANCE",
    ),
    **dict.fromkeys(
        (
            *("open", "input", "breakpoint", "io.open", "io.FileIO", "os", "pathlib", "shutil", "tempfile", "glob"),
            *("fileinput", "logging", "sqlite3", "dbm", "shelve", "mmap", "zipfile", "tarfile", "fcntl", "syslog"),
            *("sys.stdin", "sys.stdout", "sys.stderr", "linecache", "webbrowser", "gzip.open", "bz2.open", "lzma.open"),
        ),
        "IO",
    ),
    **dict.fromkeys(
        (
            *("socket", "ssl", "http", "urllib.request", "ftplib", "smtplib", "poplib", "imaplib", "xmlrpc"),
            *(
                "socketserver",
                "select",
                "selectors",
                "requests",
                "httpx",
                "aiohttp",
                "urllib3",
                "websocket",
                "websockets",
            ),
        ),
        "NETWORK",
    ),
    **dict.fromkeys(
        (
            *("threading", "_thread", "concurrent", "multiprocessing", "subprocess", "asyncio", "signal", "sched"),
            *("os.fork", "os.system", "os.popen", "os.posix_spawn", "os.kill", "contextvars", "queue"),
        ),
        "THREAD",
    ),
    **dict.fromkeys(
        (
            *("os.environ", "os.environb", "os.getenv", "os.putenv", "os.getpid", "os.cpu_count", "os.getcwd"),
            *("os.uname", "os.getlogin", "platform", "locale", "getpass", "sysconfig", "site", "resource"),
            *("sys.argv", "sys.platform", "sys.version", "sys.version_info", "sys.flags", "sys.path", "sys.modules"),
            "sys.getsizeof",
        ),
        "ENVIRONMENT",
    ),
    **dict.fromkeys(("hash", "id"), "HASH"),
    **dict.fromkeys(
        (
            *("math", "cmath", "statistics.stdev", "statistics.pstdev", "statistics.variance", "statistics.pvariance"),
            *("statistics.NormalDist", "statistics.quantiles", "statistics.linear_regression"),
            *("statistics.correlation", "statistics.covariance", "statistics.geometric_mean", "statistics.kde"),
        ),
        "FLOAT",
    ),
    **dict.fromkeys(
        ("exec", "eval", "compile", "__import__", "globals", "importlib", "ctypes", "gc", "weakref", "inspect"),
        "HIDDEN",
    ),
}
"""Which rule the use of a name breaks, by the longest beginning of it that stands here."""

EXACT: Final = frozenset(
    (
        *(
            "math.sqrt",
            "math.fsum",
            "math.floor",
            "math.ceil",
            "math.trunc",
            "math.fabs",
            "math.copysign",
            "math.isnan",
        ),
        *(
            "math.isinf",
            "math.isfinite",
            "math.isclose",
            "math.gcd",
            "math.lcm",
            "math.isqrt",
            "math.comb",
            "math.perm",
        ),
        *("math.factorial", "math.fmod", "math.modf", "math.frexp", "math.ldexp", "math.remainder", "math.prod"),
        *("math.nextafter", "math.ulp", "math.inf", "math.nan", "math.pi", "math.e", "math.tau"),
    )
)
"""Of `math`, what IEEE 754 or whole numbers fix to the last bit."""


def broken_by(name: str) -> str | None:
    """The code of the promise that using *name* (dotted, as imported) breaks; None for a name that breaks none."""
    if name in EXACT:
        return None
    while name:
        if name in NAMES:
            return NAMES[name]
        name = name.rpartition(".")[0]
    return None
