"""Self-contained pages: everything escaped, pictures inline, no script and no network."""

from __future__ import annotations

import base64
from functools import cache

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined


def page(template: str, **context: object) -> str:
    """A whole page; a text of the context is escaped where it meets it.

    Args:
        template: a file of the package, which extends ``report/templates/page.html``.
        context: what it names.
    """
    return templates().get_template(template).render(context)


def figure_text(value: float | None) -> str:
    """A figure as a person reads it."""
    if value is None or pd.isna(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 1.5 else f"{value:,.2f}"


def inline(png: bytes) -> str:
    """The address of a picture that lies inside the page."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


@cache
def templates() -> Environment:
    """The templates of all pages, which lie in the folders of their reports."""
    found = Environment(
        loader=PackageLoader("tabgan", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"figure": figure_text, "inline": inline}
    return found
