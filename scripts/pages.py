"""What MkDocs makes besides the pages of docs/: tables of keys and metrics, notebooks, llms.txt.

mkdocs.yml names this file as a hook; ``make docs`` runs it.
"""

import re
from pathlib import Path

import yaml
from mkdocs.structure.files import File
from nbconvert import MarkdownExporter

from tabgan.config.manual import Key, first_sentence, keys_of, read_conf
from tabgan.metrics.registry import METRICS, VALIDATION
from tabgan.paths import conf_dir

COMMANDS = ("train", "sample", "evaluate", "impute", "explore", "audit", "blackbox", "tune")
COMMANDS += ("study", "bench")
GROUPS = {  # folders of conf/, and what their keys are called on the command line
    "data": "data", "model": "model", "encoder": "encoder", "refiner": "refiner", "loss": "loss",
    "penalty": "penalty", "tool": "tool", "optimizer": "model.generator_optimizer",
    "trainer": "trainer", "callbacks": "callbacks", "logger": "logger", "blackbox": "blackbox",
    "traffic": "traffic",
}  # fmt: skip
RECIPES = {"experiment": "train", "sweep": "train", "debug": "train", "study": "study"}


def on_files(files, config):
    """Notebooks become pages; ``llms.txt`` lists all pages with what each of them is about."""
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        files.remove(notebook)
        text, pictures = converted(Path(notebook.abs_src_path))
        page = notebook.src_uri.replace(".ipynb", ".md")
        files.append(File.generated(config, page, content=text))
        for name, content in pictures.items():
            where = f"{page.rpartition('/')[0]}/{name}"
            files.append(File.generated(config, where, content=content))
    pages = [file for file in files if file.is_documentation_page()]
    files.append(File.generated(config, "llms.txt", content=listing(pages, config)))
    return files


def on_config(config):
    """The navigation names notebooks as they lie in docs/."""
    config.nav = yaml.safe_load(yaml.safe_dump(config.nav).replace(".ipynb", ".md"))
    return config


def on_page_markdown(markdown, **_):
    """The tables that pages leave room for, and links to notebooks as links to their pages."""
    markdown = re.sub(r"\]\(([^)\s]+)\.ipynb\)", r"](\1.md)", markdown)
    markdown = markdown.replace("<!-- keys -->", keys_page())
    return markdown.replace("<!-- metrics -->", metrics_page())


def converted(path: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown with its outputs, and its pictures by name."""
    text, resources = MarkdownExporter().from_filename(str(path))
    pictures = {f"{path.stem}_{name}": data for name, data in resources["outputs"].items()}
    for name in resources["outputs"]:
        text = text.replace(f"({name})", f"({path.stem}_{name})")
    return text, pictures


def listing(pages, config) -> str:
    """The text of ``llms.txt`` (llmstxt.org): a title, a summary, and a line per page."""
    lines = [f"# {config.site_name}", "", f"> {config.site_description}", ""]
    for page in sorted(pages, key=lambda page: page.src_uri):
        title, about = opening(page.content_string)
        lines.append(f"- [{title}]({page.src_uri.replace('.md', '.html')}): {about}")
    return "\n".join(lines) + "\n"


def opening(text: str) -> tuple[str, str]:
    """A page's title, and the first sentence of its first paragraph of prose."""
    title = re.search(r"^# (.*)$", text, re.MULTILINE)[1]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for paragraph in prose.split("\n\n"):
        if re.match(r"\s*[\w`*]", paragraph) and not re.match(r"\s*(\*|\d+\.) ", paragraph):
            plain = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
            return title, re.split(r"(?<=[.:!?]) (?=[A-Z`])", plain, maxsplit=1)[0]
    return title, title


def keys_page() -> str:
    """A section per command, group and kind of recipe of ``conf/``."""
    lines = ["## Commands"]
    for name in COMMANDS:
        path = conf_dir() / f"{name}.yaml"
        lines += ["", f"### `python -m tabgan.{name}`", "", *table(path, "", {}, of_base=True)]
    for group, prefix in GROUPS.items():
        lines += ["", f"## `{group}=`"]
        files = sorted((conf_dir() / group).glob("*.yaml"))
        meanings = {key.name: key.says for path in files for key in own_keys(path) if key.says}
        for path in files:
            lines += ["", f"### `{group}={path.stem}`", ""]
            lines += [*about(path), *table(path, prefix, meanings)]
    for group, command in RECIPES.items():
        lines += ["", f"## `+{group}=`, of `python -m tabgan.{command}`", ""]
        lines += ["| choice | what it is |", "| --- | --- |"]
        for path in sorted((conf_dir() / group).glob("*.yaml")):
            lines.append(f"| `{path.stem}` | {cell(first_sentence(path.read_text('utf-8')))} |")
    return "\n".join(lines)


def about(path: Path) -> list[str]:
    """A file's first sentence, and which files it starts from."""
    text = path.read_text("utf-8")
    entries = (yaml.safe_load(text) or {}).get("defaults") or []
    bases = [f"`{entry}`" for entry in entries if isinstance(entry, str) and entry != "_self_"]
    chosen = [entry for entry in entries if isinstance(entry, dict)]
    files = [f"`{key.split('@')[0].lstrip('/').removeprefix('override ').lstrip('/')}={value}`"
             for entry in chosen for key, value in entry.items()]  # fmt: skip
    lines = [sentence] if (sentence := first_sentence(text)) else []
    if bases or files:
        lines.append(f"Starts from {', '.join([*bases, *files])}.")
    return [" ".join(lines), ""]


def table(path: Path, prefix: str, meanings: dict[str, str], *, of_base: bool = False) -> list[str]:
    """The keys of a file with their values; a meaning may stand in another file of its group.

    ``of_base`` adds those of the file that it starts from.
    """
    keys = [key for key in read_conf(path)[2] if is_of_user(key)] if of_base else own_keys(path)
    if not keys:
        return []
    start = f"{prefix}." if prefix and "@package" not in path.read_text("utf-8") else ""
    rows = [
        f"| `{start}{key.name}` | {code(key.value)} | {cell(key.says or meanings[key.name])} |"
        for key in keys
    ]
    return ["| key | default | meaning |", "| --- | --- | --- |", *rows]


def own_keys(path: Path) -> list[Key]:
    """The keys of a file that a user may want to override."""
    return [key for key in keys_of(path.read_text("utf-8")) if is_of_user(key)]


def is_of_user(key: Key) -> bool:
    """Whether it is a setting, and none of Hydra's own."""
    return not key.name.startswith("hydra") and "{hydra:" not in key.value


def metrics_page() -> str:
    """A table of the figures of a report, and one of the curves on validation rows."""
    return "\n".join([
        "## In a report", "", *metrics_table(METRICS), "",
        "## While a model trains, on validation rows", "", *metrics_table(VALIDATION),
    ])  # fmt: skip


def metrics_table(metrics) -> list[str]:
    """A row per figure."""
    rows = [
        f"| `{name}` | {each.ideal:g} | {each.better} | {each.low:.3g} to {each.high:.3g} "
        f"| {cell(each.says)} |"
        for name, each in metrics.items()
    ]
    return ["| figure | ideal | better | range | what it says |", "| --- | --- | --- | --- | --- |",
            *rows]  # fmt: skip


def code(value: str) -> str:
    """A value in the type of code."""
    return "`" + value.replace("|", "\\|") + "`"


def cell(text: str) -> str:
    """Text that neither ends a cell of a table nor is read as HTML, in code or out of it."""
    text = text.replace("|", "\\|")
    return text if "`" in text else text.replace("<", "&lt;")
