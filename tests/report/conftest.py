import html
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabgan.report.reading import Tables
from tests.chromium import started

NASTY = "<script>alert(1)</script>"
CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--v=0", "--virtual-time-budget=8000", "--dump-dom",
)  # fmt: skip
# counts the pictures of a page that lies in a frame; the page itself may run no script
WRAPPER = """<!doctype html><iframe id="frame" srcdoc="{page}"></iframe><p id="told"></p><script>
frame.onload = () => {{ const all = [...frame.contentDocument.images];
  const wide = frame.contentDocument.documentElement;
  told.textContent = `${{all.length}} pictures, ${{all.filter(i => !i.naturalWidth).length}} broken`
    + `, ${{wide.scrollWidth - wide.clientWidth}} pixels too wide`; }};
</script><style>iframe {{ width: 400px; height: 800px }}</style>"""


def draw_people(n: int, seed: int) -> pd.DataFrame:
    """Rows of every kind; one column's name is a script; pay and label follow it."""
    rng = np.random.default_rng(seed)
    job = rng.integers(0, 3, n)
    return pd.DataFrame(
        {
            NASTY: pd.Categorical.from_codes(job, categories=["cook", "clerk", "<b>baker</b>"]),
            "pay": np.where(rng.random(n) < 0.1, np.nan, 3.0 * job + rng.normal(size=n)),
            "age": rng.integers(18, 80, n).astype("float64"),
            "born": pd.Timestamp(0) + pd.to_timedelta(rng.integers(0, 9_000, n), unit="D"),
            "legs": np.full(n, 2.0),
            "label": pd.Categorical.from_codes(
                (job + rng.random(n) > 1.4).astype(int), categories=["no", "yes"]
            ),
        }
    )


@pytest.fixture(scope="session")
def people() -> Tables:
    train, test, synthetic = (draw_people(300, seed) for seed in range(3))
    return Tables(title="people", train=train, test=test, synthetic=synthetic, target="label")


@pytest.fixture(scope="session")
def make_people():
    return draw_people


@pytest.fixture
def browse(tmp_path):
    """Open a page in Chromium: what it said on its console, and about the page's pictures."""

    def opened(path: Path) -> tuple[list[str], str]:
        if CHROMIUM is None:
            pytest.skip("chromium is not installed")
        wrapper = tmp_path / "wrapper.html"
        wrapper.write_text(WRAPPER.format(page=html.escape(path.read_text("utf-8"))), "utf-8")
        done = started([CHROMIUM, *FLAGS, f"file://{wrapper}"], tmp_path)
        told = re.search(r'<p id="told">(.*?)</p>', done.stdout)
        return [line for line in done.stderr.splitlines() if "CONSOLE" in line], told[1]

    return opened


@pytest.fixture
def printed_pages(tmp_path):
    """The number of pages that Chromium prints a page on."""

    def printed(path: Path) -> int:
        if CHROMIUM is None:
            pytest.skip("chromium is not installed")
        pdf = tmp_path / "printed.pdf"
        words = [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={pdf}",
            "--no-pdf-header-footer", f"file://{path}",
        ]  # fmt: skip
        started(words, tmp_path)
        return len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))

    return printed
