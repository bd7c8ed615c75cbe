"""Self-contained pages: everything escaped, pictures inline, no script and no network."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

VOID = ("img", "meta", "link")
# Belt and braces: a browser refuses to load or run anything that is not in the page itself.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --line: #d9dee4;
  --page: #ffffff; --card: #f5f7f9; --good: #00785a; --fair: #8a5a00; --poor: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a3adb8; --line: #39424c;
  --page: #14181c; --card: #1e242a; --good: #4fc3a1; --fair: #f0b357; --poor: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 1.5rem 1.25rem 4rem; color: var(--ink);
  background: var(--page); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans",
  Arial, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; padding-bottom: .25rem;
  border-bottom: 1px solid var(--line); }
p { margin: .5rem 0; max-width: 75ch; }
.soft, figcaption, small { color: var(--soft); }
.headline { font-size: 1.25rem; line-height: 1.4; max-width: 60ch; }
nav { display: flex; flex-wrap: wrap; gap: .2rem .9rem; margin: .8rem 0 0; font-size: .9rem; }
a { color: inherit; }
.cards, .wide { display: grid; gap: 1rem; margin: 1rem 0; }
.cards { grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); }
.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)); }
.pictures { columns: 340px; column-gap: 1rem; margin: 1rem 0; }
.pictures figure { break-inside: avoid; margin: 0 0 1rem; }
.card { background: var(--card); border-radius: 8px; padding: .8rem 1rem;
  border-left: 5px solid var(--soft); }
.card p { margin: .25rem 0; font-size: .92rem; }
.card .answer { font-size: 1.15rem; font-weight: 600; }
.good { border-color: var(--good); } .good .answer { color: var(--good); }
.fair { border-color: var(--fair); } .fair .answer { color: var(--fair); }
.poor { border-color: var(--poor); } .poor .answer { color: var(--poor); }
figure { margin: 0; }
figure.single { max-width: 640px; margin: 1rem 0; }
img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
.pictures img, .wide img { width: 100%; }
figcaption { font-size: .85rem; margin-top: .25rem; }
.scroll { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; font-size: .92rem; overflow-wrap: normal; }
th, td { padding: .32rem .7rem .32rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
td.clip:last-child { min-width: 24ch; }
th:first-child, td:first-child { position: sticky; left: 0; background: var(--page); }
tr.group td { position: static; }
tr.group td { padding-top: 1rem; font-weight: 600; }
.clip { max-width: 44ch; overflow-wrap: break-word; }
pre { background: var(--card); border-radius: 6px; padding: .8rem 1rem; overflow-x: auto;
  font-size: .85rem; }
details summary { cursor: pointer; margin: .6rem 0; }
li { margin: .25rem 0; max-width: 75ch; }
"""


class Html(str):
    """Text that is HTML already; every other text is escaped where it meets a page."""

    __slots__ = ()


def element(tag: str, *children: object, **attributes: str) -> Html:
    """One element; children that are not ``Html`` are escaped, ``class_`` is ``class``."""
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
    )
    if tag in VOID:
        return Html(f"<{tag}{pairs}>")
    inner = "".join(c if isinstance(c, Html) else escape(str(c)) for c in children)
    return Html(f"<{tag}{pairs}>{inner}</{tag}>")


def paragraph(*children: object, class_: str = "") -> Html:
    """A paragraph."""
    return element("p", *children, class_=class_) if class_ else element("p", *children)


def bullets(lines: Iterable[object]) -> Html:
    """A list with one point per line."""
    return element("ul", *(element("li", line) for line in lines))


def picture(png: bytes, *, alt: str, caption: str = "", class_: str = "") -> Html:
    """A PNG inside the page, with what it shows in words."""
    source = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    parts = [element("img", src=source, alt=alt)]
    if caption:
        parts.append(element("figcaption", caption))
    return element("figure", *parts, **({"class_": class_} if class_ else {}))


def gallery(pictures: Iterable[Html], *, wide: bool = False) -> Html:
    """Pictures side by side, as many as the screen has room for; ``wide`` ones in order."""
    return element("div", *pictures, class_="wide" if wide else "pictures")


def table(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[int] = ()
) -> Html:
    """A table that scrolls sideways on a narrow screen.

    Args:
        header: the columns' titles.
        rows: cells in the header's order; a row of one cell is a heading over the rows below.
        numbers: the places of columns that are set flush right.
    """
    right = set(numbers)
    head = (
        element("th", title, scope="col", class_="number" if i in right else "word")
        for i, title in enumerate(header)
    )
    body = [_row(row, len(header), right) for row in rows]
    inner = element("table", element("thead", element("tr", *head)), element("tbody", *body))
    return element("div", inner, class_="scroll")


def details(summary: str, *children: object) -> Html:
    """Something to unfold."""
    return element("details", element("summary", summary), *children)


def section(title: str, *children: object) -> tuple[str, Html]:
    """A section of a page: its title, and its content."""
    return title, Html("".join(c if isinstance(c, Html) else paragraph(c) for c in children))


def page(title: str, opening: Html, sections: Sequence[tuple[str, Html]]) -> str:
    """A whole page: a title, an opening, links to the sections, the sections."""
    links = (
        element("a", name, href=f"#{_anchor(place)}") for place, (name, _) in _numbered(sections)
    )
    bodies = (
        element("section", element("h2", name, id=_anchor(place)), body)
        for place, (name, body) in _numbered(sections)
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Html(STYLE)),
    )
    body = element(
        "body", element("h1", title), opening, element("nav", *links), element("main", *bodies)
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _row(cells: Sequence[object], width: int, right: set[int]) -> Html:
    if len(cells) == 1 and width > 1:
        return element("tr", element("td", cells[0], colspan=str(width)), class_="group")
    return element(
        "tr",
        *(
            element("td", cell, class_="number" if place in right else "clip")
            for place, cell in enumerate(cells)
        ),
    )


def _numbered(sections: Sequence[tuple[str, Html]]) -> Iterable[tuple[int, tuple[str, Html]]]:
    return enumerate(sections, start=1)


def _anchor(place: int) -> str:
    return f"section-{place}"
