"""The pages that people read: README.md and docs/."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
OUTSIDE = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES = [*OUTSIDE, *sorted(DOCS.rglob("*.md"))]
OF_THE_SITE = {DOCS / "site.css"}  # in mkdocs.yml
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
LIST = re.compile(r"(\d+\.|[-*]) ")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


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


def navigation(entry) -> list[str]:
    """The pages that a part of mkdocs.yml's navigation names."""
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [page for part in parts for page in navigation(part)]


def test_the_badges_say_what_the_package_says():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    said = {
        "licence": f"licence: {project['license']}",
        "python": f"python: {project['requires-python'].replace('>', '&gt;')}",
    }
    for name, words in said.items():
        badge = (DOCS / "pictures" / f"badge_{name}.svg").read_text("utf-8")
        assert f'aria-label="{words}"' in badge


def test_the_readme_has_9000_bytes_at_most():
    assert len((ROOT / "README.md").read_bytes()) <= 9_000


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_a_file_and_to_a_heading_of_it(page):
    dead = []
    for link in links(page):
        path, _, heading = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.is_file() or (heading and heading not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_list_or_a_table_follows_an_empty_line(page):
    """Without one the site shows it as running text."""
    lines = CODE.sub("", page.read_text("utf-8")).splitlines()
    glued = [
        line
        for before, line in pairwise(lines)
        if before.strip()
        and (
            (LIST.match(line) and before[0] not in "|-* 0123456789<")
            or (line.startswith("| ") and before[0] not in "|<")
        )
    ]
    assert glued == []


def test_the_navigation_of_the_site_has_every_page_once():
    pages = [*DOCS.rglob("*.md"), *DOCS.rglob("*.ipynb")]
    nav = navigation(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"])
    assert sorted(nav) == sorted(str(page.relative_to(DOCS)) for page in pages)


def test_the_first_page_leads_to_every_other_page():
    listed = {link.partition("#")[0] for link in links(DOCS / "index.md")}
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    assert pages - listed == {"index.md"}


def test_every_page_and_every_picture_is_linked_from_another_page():
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in links(page)
        if link.partition("#")[0] not in ("", page.name)
    }
    files = {path.resolve() for path in DOCS.rglob("*") if path.is_file()} - OF_THE_SITE
    assert files - linked == set()
