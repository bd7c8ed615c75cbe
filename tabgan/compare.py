"""``python -m tabgan.compare FOLDERS``: one leaderboard over runs, sweeps and seeds."""

import sys

from tabgan.config.endings import end
from tabgan.paths import path_of
from tabgan.system.shell import command

HELP = """\
{command} FOLDERS [out=FOLDER] [mark='KEY=VALUE KEY=VALUE']

One leaderboard over runs: quality, privacy, time; runs that differ only in the seed are one row.
Runs without a report stand in a table of their own, by what training measured on validation rows.

  FOLDERS      run folders, globs, or folders of runs: outputs 'outputs/cgan_*' outputs/x/sweep_1
  out=FOLDER   where leaderboard.csv and .html go; else the innermost folder that holds every run
  mark='...'   words of a name in the leaderboard: its position is said
"""


def main(words: list[str]) -> None:
    """Find the runs that ``words`` name, and set them side by side."""
    outs = [word.removeprefix("out=") for word in words if word.startswith("out=")]
    marks = [word.removeprefix("mark=") for word in words if word.startswith("mark=")]
    folders = [word for word in words if not word.startswith(("out=", "mark="))]
    if not folders or set(words) & {"-h", "--help"}:
        sys.stdout.write(HELP.replace("{command}", command("compare")))
        sys.exit(0 if words else 2)
    from tabgan.report.leaderboard import build_leaderboard  # pandas and matplotlib take seconds

    folders = [str(path_of(folder)) for folder in folders]
    out = path_of(outs[-1]) if outs and outs[-1] else None
    mark = marks[-1].replace(",", " ").split() if marks else ()
    build_leaderboard(folders, out, mark)


def run() -> None:
    """The console command ``tabgan-compare``."""
    try:
        main(sys.argv[1:])
    except Exception as error:
        end(error, None)


if __name__ == "__main__":
    run()
