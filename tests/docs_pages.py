"""What the tests of the documentation read pages with."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
TUTORIAL = DOCS / "tutorial" / "first-divergence.md"
FIRST_STRATEGY = DOCS / "tutorial" / "your-first-strategy.md"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md"), *(ROOT / "adapters").rglob("*.md")])

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def without_fences(text: str) -> str:
    """*text* without its blocks."""
    return _FENCE.sub("", text)


def links(path: Path) -> list[str]:
    """The targets of a page's links within the tree."""
    found = _LINK.findall(without_fences(path.read_text("utf-8")))
    return [target for target in found if "://" not in target]


def fences(path: Path, *languages: str) -> list[str]:
    """The blocks of a page that are marked as one of *languages*."""
    return [body for language, body in _FENCE.findall(path.read_text("utf-8")) if language in languages]


def anchors(path: Path) -> list[str]:
    """The anchors of a page's headings, as they are made on the web."""
    found = re.findall(r"^#+ (.+)$", without_fences(path.read_text("utf-8")), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, without headings' rulers."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def section(path: Path, heading: str) -> str:
    """What stands below *heading*, up to the next one."""
    text = path.read_text("utf-8")
    start = text.index(f"\n{heading}\n") + len(heading) + 2
    following = re.compile(r"^#", re.MULTILINE).search(text, start)
    return text[start : following.start() if following else len(text)]


def typed(path: Path, *languages: str) -> Iterator[str]:
    """The command lines of a page: those behind a prompt, and in blocks without prompt all that begin as ours do."""
    for text in fences(path, *languages):
        for line in text.splitlines():
            prompted = line.startswith("$ ")
            line = line.removeprefix("$ ").strip()
            if line.startswith(("engine ", "make ")) and prompted == ("\n$ " in f"\n{text}"):
                yield re.split(r"\s{3,}| \| | > |; ", line)[0]
