"""The paths of the files that come with the package."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def path_of(text: str | Path) -> Path:
    """A path as somebody wrote it; ``~`` is their home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # nobody has this home, so it is a name
        return Path(text)


def conf_dir() -> Path:
    """The Hydra configuration: inside the package in a wheel, beside it in a checkout."""
    shipped = PACKAGE / "conf"
    return shipped if shipped.is_dir() else PACKAGE.parent / "conf"


def asset(name: str) -> Path:
    """A data file that the package ships."""
    return PACKAGE / "tables" / "assets" / name
