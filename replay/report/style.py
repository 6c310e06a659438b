"""How the page looks: light and dark as the reader's system says, and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c2126; --quiet: #59636d; --rule: #dde2e6; --soft: #f4f6f8; --hover: #eaf1f9;
  --c1: #0b62bd; --c2: #a84300; --c3: #0a7350; --c4: #7b38a6; --c5: #5c6770; --c6: #b3213c; --c7: #7a6100;
  --good: #0a7350; --bad: #b3213c; --fine: #cfe6da; --caution: #e2b04a; --stop: #c43c51; --link: #0b62bd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181c; --ink: #e4e8ec; --quiet: #a3aeb8; --rule: #323a42; --soft: #1c2228; --hover: #22303e;
    --c1: #6cb2f7; --c2: #f0a064; --c3: #5bcb9b; --c4: #c99cf2; --c5: #a9b4bd; --c6: #f58aa0; --c7: #d9c060;
    --good: #5bcb9b; --bad: #f58aa0; --fine: #24473a; --caution: #b98a2c; --stop: #d2566a; --link: #6cb2f7;
  }
}
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
body { margin: 0; background: var(--paper); color: var(--ink); }
main, header, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .35rem; font-weight: 650; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; overflow-wrap: anywhere; }
p, ul { max-width: 44rem; margin: .4rem 0 .8rem; }
li { margin: .3rem 0; }
a { color: var(--link); }
.sub, .note, figcaption, footer { color: var(--quiet); }
.note, figcaption, footer, .keys, .read, table { font-size: .875rem; }
.mono {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .85em; overflow-wrap: anywhere;
}
.warn { border-left: 3px solid var(--caution); padding: .25rem .75rem; background: var(--soft); }
nav ul { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; list-style: none; padding: 0; max-width: none; }
nav li { margin: 0; }
nav a { text-decoration: none; font-size: .9rem; }
nav a:hover { text-decoration: underline; }

.cards {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: .6rem; margin: 1rem 0; padding: 0;
}
.cards div { background: var(--soft); border-radius: .4rem; padding: .6rem .8rem; }
.cards dt { color: var(--quiet); font-size: .82rem; }
.cards dd {
  margin: 0; font-size: 1.2rem; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
.cards dd.none { font-size: .95rem; font-weight: 400; color: var(--quiet); }
.cards small { display: block; color: var(--quiet); font-weight: 400; font-size: .76rem; line-height: 1.35; }
.good { color: var(--good); } .bad { color: var(--bad); }

.scroll, .plot { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .6rem; text-align: left; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { font-weight: 600; color: var(--quiet); vertical-align: bottom; }
thead th { background: var(--soft); }
td.n, th.n { text-align: right; }
td.n, td.t, table.facts th { white-space: nowrap; }
td.w { overflow-wrap: anywhere; min-width: 9rem; max-width: 26rem; }
tbody tr:hover { background: var(--hover); }
th span { cursor: pointer; }
th span:hover { text-decoration: underline; }
th[aria-sort="ascending"] span::after { content: " \\2191"; }
th[aria-sort="descending"] span::after { content: " \\2193"; }
tbody th { font-weight: 400; vertical-align: top; }
details { margin: .5rem 0 1rem; }
summary { cursor: pointer; color: var(--quiet); }

figure { margin: 1rem 0 1.4rem; }
figcaption b { color: var(--ink); font-weight: 600; }
.keys { color: var(--quiet); margin: .2rem 0; max-width: none; display: flex; flex-wrap: wrap; gap: .1rem 1rem; }
.swatch { width: 16px; height: 12px; vertical-align: -1px; }
.plot svg { display: block; width: 100%; min-width: 36rem; height: auto; }
.read { display: block; min-height: 1.35rem; color: var(--quiet); font-variant-numeric: tabular-nums; }
svg text { font-size: 11px; fill: var(--quiet); font-variant-numeric: tabular-nums; }
svg text.name { fill: var(--ink); }
.grid { stroke: var(--rule); stroke-width: 1; }
.nought { stroke: var(--quiet); stroke-width: 1; }
.bed { fill: var(--soft); }
.c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); } .c4 { --c: var(--c4); }
.c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); }
.k { fill: none; stroke: var(--c); stroke-width: 1.7; stroke-linejoin: round; }
.dash { stroke-dasharray: 5 3; }
.thin { stroke-width: 1; }
.a { fill: var(--c); fill-opacity: .16; stroke: none; }
.b { fill: var(--c); }
.p circle, .s path, .swatch.k path { fill: var(--c); stroke: none; }
.s path { stroke: var(--paper); stroke-width: .8; }
.s.cross path { fill: none; stroke: var(--c); stroke-width: 1.6; }
.hid circle { opacity: 0; }
.h rect { fill: var(--ink); fill-opacity: 0; }
.h rect.on { fill-opacity: .16; stroke: none; }
.p circle.on, .hid circle.on { opacity: 1; r: 4.5px; stroke: var(--paper); stroke-width: 1.5; }
.s path.on, rect.on { stroke: var(--ink); stroke-width: 1.5; }
.swatch line { stroke: var(--c); stroke-width: 2; }
.l0 { fill: var(--fine); } .l1 { fill: var(--caution); } .l2 { fill: var(--stop); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
footer { margin-top: 3rem; padding-bottom: 3rem; }

@media (max-width: 40rem) {
  html { font-size: 15px; }
  main, header, footer { padding-left: .9rem; padding-right: .9rem; }
  .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@media print {
  :root {
    --paper: #fff; --ink: #000; --quiet: #444; --rule: #bbb; --soft: #f3f3f3; --hover: none;
    --c1: #0b62bd; --c2: #a84300; --c3: #0a7350; --c4: #7b38a6; --c5: #5c6770; --c6: #b3213c; --c7: #7a6100;
    --good: #0a7350; --bad: #b3213c; --fine: #cfe6da; --caution: #e2b04a; --stop: #c43c51; --link: #000;
  }
  @page { margin: 16mm 14mm; }
  html { font-size: 10.5pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main, header, footer { max-width: none; padding: 0; }
  nav, .read { display: none; }
  h2, h3 { break-after: avoid; }
  figure, .cards div, tr, li { break-inside: avoid; }
  details:not([open]) { display: none; }
  thead { display: table-header-group; }
  .plot, .scroll { overflow: visible; }
  .plot svg { min-width: 0; }
  table { font-size: 7.5pt; }
  th, td { padding: .12rem .28rem; }
  td.w { min-width: 0; max-width: 55mm; }
}
"""

SCRIPT = """
"use strict";
for (const figure of document.querySelectorAll("figure")) {
  const svg = figure.querySelector(".plot svg"), read = figure.querySelector("output");
  const marks = svg ? [...svg.querySelectorAll("[data-seq]")] : [];
  if (marks.length === 0) continue;
  let at = -1;
  for (const mark of marks) {
    const title = mark.querySelector("title");
    mark.dataset.said = title.textContent;
    title.remove();
  }
  const left = new Map(marks.map((mark) => [mark, mark.getBBox().x]));
  marks.sort((one, other) => left.get(one) - left.get(other));
  const show = (number) => {
    if (at !== -1) marks[at].classList.remove("on");
    at = number;
    if (at !== -1) marks[at].classList.add("on");
    read.textContent = at === -1 ? "" : marks[at].dataset.said;
  };
  const distance = (mark, x, y) => {
    const box = mark.getBoundingClientRect();
    const across = Math.max(box.left - x, 0, x - box.right), down = Math.max(box.top - y, 0, y - box.bottom);
    return across * across + down * down + (mark.parentNode.classList.contains("h") ? 80 : 0);
  };
  let waiting = false;
  svg.addEventListener("pointermove", (event) => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      let best = -1, least = Infinity;
      marks.forEach((mark, number) => {
        const found = distance(mark, event.clientX, event.clientY);
        if (least > found) { least = found; best = number; }
      });
      show(best);
    });
  });
  svg.addEventListener("pointerleave", () => show(-1));
  svg.addEventListener("blur", () => show(-1));
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10 }[event.key];
    const end = { Home: 0, End: marks.length - 1 }[event.key];
    if (step === undefined ? end === undefined : false) return;
    event.preventDefault();
    show(end === undefined ? Math.min(Math.max(at + step, 0), marks.length - 1) : end);
  });
}
for (const table of document.querySelectorAll("table.sort")) {
  const body = table.tBodies[0];
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("span");
    button.setAttribute("role", "button");
    button.tabIndex = 0;
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); button.click(); }
    });
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => row.cells[column].dataset.v || row.cells[column].textContent;
      const number = (text) => parseFloat(text.replace(/,/g, ""));
      const rows = [...body.rows].sort((one, other) => {
        const a = value(one), b = value(other), x = number(a), y = number(b);
        const order = isNaN(x) || isNaN(y) ? a.localeCompare(b) : x - y;
        return up ? order : -order;
      });
      body.replaceChildren(...rows);
    });
  });
}
addEventListener("beforeprint", () => {
  document.querySelectorAll("details.paper:not([open])").forEach((one) => { one.open = true; one.dataset.shut = ""; });
});
addEventListener("afterprint", () => {
  document.querySelectorAll("details[data-shut]").forEach((one) => { one.open = false; delete one.dataset.shut; });
});
"""
