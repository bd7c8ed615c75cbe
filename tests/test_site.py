"""The documentation site: built strictly, and every page opened in a browser without a network."""

import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.chromium import started

pytest.importorskip("material", reason="the extra docs is not installed")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--v=0", "--virtual-time-budget=300000", "--dump-dom",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
# opens one page after another in a frame, and reports those that have a heading
TOUR = """<!doctype html><iframe id="frame"></iframe><p id="opened"></p><script>
const pages = {pages}; const seen = [];
frame.onload = () => {{ if (frame.contentDocument.querySelector("h1")) seen.push(pages[0]);
  pages.shift(); next(); }};
const next = () => {{ if (pages.length) frame.src = pages[0];
  else opened.textContent = seen.length + " pages"; }};
next();
</script>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site; a dead link, a page out of the navigation or a warning ends the build."""
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return folder


def test_nothing_is_loaded_from_the_net(site):
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        loaded = re.findall(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(https?:[^"]+)"', text)
        assert loaded == [], page.name


def test_every_key_of_conf_has_a_default_and_a_meaning(site):
    page = (site / "reference" / "keys.html").read_text("utf-8")
    rows = re.findall(r"<tr>\s*<td>(.*?)</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>", page, re.DOTALL)
    names = [re.sub("<.*?>", "", name) for name, _, _ in rows]
    assert {"model.lr", "data.path", "where", "refiner.rounds", "trainer.devices"} <= set(names)
    assert [name for name, default, meaning in rows if not default or not meaning] == []


def test_llms_txt_lists_every_page_with_its_first_sentence(site):
    lines = (site / "llms.txt").read_text("utf-8").splitlines()
    pages = {str(page.relative_to(site)) for page in site.rglob("*.html")} - {"404.html"}
    assert {re.search(r"\((.*?\.html)\)", line)[1] for line in lines if "(" in line} == pages
    (conditions,) = (line for line in lines if "guides/sample.html" in line)
    assert conditions.endswith("draws rows from a run, as many as you like, and those you request.")


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_every_page_opens_in_a_browser_without_an_error(site, tmp_path):
    pages = sorted(str(page.relative_to(site)) for page in site.rglob("*.html"))
    (site / "tour.html").write_text(TOUR.format(pages=pages), "utf-8")
    handler = partial(QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/tour.html"
        done = started([CHROMIUM, *FLAGS, address], tmp_path)
        server.shutdown()
    (site / "tour.html").unlink()
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    assert f'<p id="opened">{len(pages)} pages</p>' in done.stdout


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass
