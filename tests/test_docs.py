"""The pages that people read: README.md and docs/."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def links(page: Path) -> list[str]:
    """Relative links of a page, those in code left out."""
    found = LINK.findall(CODE.sub("", page.read_text("utf-8")))
    return [link for link in found if "://" not in link]


def anchors(page: Path) -> set[str]:
    """What links to headings of a page end in, as GitHub makes them."""
    words = [
        heading.lower().replace(" ", "-") for heading in HEADING.findall(page.read_text("utf-8"))
    ]
    return {re.sub(r"[^\w-]", "", each) for each in words}


def test_the_readme_has_9000_bytes_at_most():
    assert len((ROOT / "README.md").read_bytes()) <= 9_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file_and_to_a_heading_of_it(page):
    dead = []
    for link in links(page):
        path, _, heading = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.is_file() or (heading and heading not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_every_page_and_every_picture_is_linked_from_another_page():
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in links(page)
        if link.partition("#")[0] not in ("", page.name)
    }
    files = {path.resolve() for path in (ROOT / "docs").iterdir()}
    assert files - linked == set()
