"""Where the package keeps what it ships."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def conf_dir() -> Path:
    """The Hydra configuration: inside the package in a wheel, beside it in a checkout."""
    shipped = PACKAGE / "conf"
    return shipped if shipped.is_dir() else PACKAGE.parent / "conf"


def asset(name: str) -> Path:
    """A data file that the package ships."""
    return PACKAGE / "assets" / name
