"""The page in a real browser: its script works, it asks for nothing, and it looks as the reader's system says."""

import json
import re
import shutil
import struct
import subprocess
import zlib
from html import unescape
from pathlib import Path

import pytest

from replay.report.charts import Chart, Line, Marks
from replay.report.page import Card, Cards, Column, Section, Table, page
from replay.report.scales import SECOND_NS, Point
from replay.report.strips import Interval, Strips

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no chromium, chromium-browser or google-chrome on PATH: the page is not tried in a browser"
)
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=900,700"),
)
START_NS = 1_700_000_000 * SECOND_NS
TRIED = """
<script>
const fail = [];
window.requestAnimationFrame = (draw) => draw();  // a browser without a window may never draw a frame
addEventListener("error", (event) => fail.push(event.message));
addEventListener("load", () => {
  const svg = document.querySelector(".plot svg"), out = [];
  const press = (key) => svg.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const said = () => document.querySelector("figure output").textContent;
  svg.focus();
  press("ArrowRight"); out.push(said());
  press("End"); out.push(said());
  const box = svg.getBoundingClientRect();
  const move = { clientX: box.left + box.width * 0.5, clientY: box.top + box.height * 0.5, bubbles: true };
  svg.dispatchEvent(new PointerEvent("pointermove", move));
  out.push(said());
  const heads = document.querySelectorAll("th span");
  heads[1].click();
  out.push([...document.querySelectorAll("tbody td:first-child")].map((one) => one.textContent).join());
  heads[1].click();
  out.push([...document.querySelectorAll("tbody td:first-child")].map((one) => one.textContent).join());
  out.push(performance.getEntriesByType("resource").length, document.querySelectorAll("svg title").length);
  out.push(document.documentElement.scrollWidth - document.documentElement.clientWidth, ...fail);
  document.title = "TRIED " + JSON.stringify(out);
});
</script>
"""


def made() -> bytes:
    points = [Point(100 + at, START_NS + at * SECOND_NS, float(at % 7)) for at in range(200)]
    chart = Chart("Equity", "pUSD", [Line("equity", points, step=True)], [Marks("bought", points[50:51], 3, "up")])
    strips = Strips(
        "Gates", [("one", [Interval(9, points[0].time_ns, points[-1].time_ns, "CLOSED", 2)])], (0, START_NS)
    )
    table = Table([Column("name", False), Column("value")], [("a", 10), ("b", 9), ("c", -1)])
    return page("A page", "", [Section("s", "S", [Cards([Card("Return", "1 %")]), chart, strips, table])])


def browse(folder: Path, *words: str) -> bytes:
    """What the browser says, with a profile of its own and no host to be found."""
    assert BROWSER is not None
    command = [
        BROWSER,
        *FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        *words,
    ]
    return subprocess.run(command, capture_output=True, timeout=120, check=True).stdout


def test_pointing_keys_and_sorting_work_and_nothing_is_asked_for(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    target.write_bytes(made().replace(b"<script>", TRIED.encode() + b"<script>", 1))
    dom = browse(tmp_path, "--dump-dom", target.as_uri()).decode()
    found = re.search(r"<title>TRIED (.*?)</title>", dom)
    assert found is not None, dom[-2000:]
    first, last, pointed, up, down, loaded, titles, sideways, *failures = json.loads(unescape(found[1]))

    assert failures == []
    assert first == "equity 0, 2023-11-14 22:13:20.000, record 100"
    assert last.endswith("record 299")
    assert re.search(r", record (19|20)\d$", pointed)
    assert (up, down) == ("c,b,a", "a,b,c")
    assert (loaded, titles, sideways) == (0, 0, 0)


def pixels(picture: bytes) -> bytes:
    """The first pixel of a PNG of eight bits a channel: that of the page's corner."""
    data, at = b"", 8
    while at < len(picture):
        (size,), kind = struct.unpack(">I", picture[at : at + 4]), picture[at + 4 : at + 8]
        data += picture[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    return zlib.decompress(data)[1:4]


@pytest.mark.parametrize(("scheme", "corner"), [(1, "ffffff"), (0, "14181c")], ids=["light", "dark"])
def test_the_page_follows_the_scheme_of_the_system(tmp_path: Path, scheme: int, corner: str) -> None:
    (tmp_path / "page.html").write_bytes(made())
    picture = tmp_path / "page.png"
    browse(
        tmp_path,
        f"--blink-settings=preferredColorScheme={scheme}",
        f"--screenshot={picture}",
        (tmp_path / "page.html").as_uri(),
    )

    assert pixels(picture.read_bytes()).hex() == corner
