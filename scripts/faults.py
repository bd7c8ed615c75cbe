"""What disks, mounts, signals, clocks and other processes do to a run: the tests, as one table.

Runs each fault's tests and writes what came of them to outputs/faults.md; exit status 1 where one
fails. Mounting needs root: without it such a fault is skipped, and the table says why.

    make faults
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

RUN, SWEEP = "tests/test_faults.py::test_", "tests/test_sweep.py"
FAULTS = (
    ("disk full while training", "one line that says how to go on; the last checkpoint is whole; "
     "resumed when there is room, equal to the bit to a run that was let be",
     RUN + "a_full_disk_ends_in_one_line_and_the_run_goes_on_when_there_is_room"),
    ("disk full while sampling", "one line; the rows that were there before are as they were",
     RUN + "a_full_disk_while_sampling_leaves_the_rows_that_were_there"),
    ("disk too small for what is asked (n=1e15)", "refused after 10,000 rows, with what it would "
     "take and what to do; nothing is left behind",
     RUN + "more_rows_than_the_disk_holds_are_refused_with_advice"),
    ("disk full under a file being replaced", "the file before is as it was",
     RUN + "a_file_that_cannot_be_written_whole_leaves_the_one_before"),
    ("read-only mount", "one line that names it, before any work",
     RUN + "a_read_only_mount_is_named"),
    ("run folder on a read-only mount", "it is sampled to another place (out=)",
     RUN + "a_run_on_a_read_only_mount_is_sampled_to_another_place"),
    ("event file cannot be made", "one line that names it",
     RUN + "an_event_file_that_cannot_be_made_is_named"),
    ("event file's disk full", "one line that says how to go on; the weights are kept",
     RUN + "an_event_file_whose_disk_is_full_ends_in_one_line_and_the_weights_are_kept"),
    ("worker killed in a sweep (SIGKILL)", "the launch ends; resume finishes what is left",
     SWEEP + "::test_a_killed_worker_ends_the_launch_and_the_rest_can_be_finished"),
    ("clock jumps a day, either way", "the same weights, nothing said",
     RUN + "a_clock_that_jumps_changes_nothing"),
    ("two processes in one run folder", "the second is told who is there; nothing is written",
     RUN + "a_second_process_in_a_run_folder_is_told_who_is_there"),
    ("the holder of a folder killed", "its lock keeps nobody out",
     RUN + "the_lock_of_a_killed_process_keeps_nobody_out"),
    ("two sweeps in one folder", "the second is refused",
     SWEEP + "::test_two_processes_in_the_folder_of_a_sweep_are_refused"),
    ("runs begun in the same second", "each has a folder of its own",
     RUN + "runs_of_the_same_second_get_different_folders"),
)  # fmt: skip
HEADINGS = ("fault", "what happens", "outcome")


def main() -> None:
    """Run the tests and print the table."""
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.xml"
        words = ["-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        tests = [test for *_, test in FAULTS]
        subprocess.run([sys.executable, "-m", "pytest", *words, *tests], check=False)
        cases = list(ElementTree.parse(report).iter("testcase"))
    rows = [(fault, happens, outcome(cases, test)) for fault, happens, test in FAULTS]
    shown = Table(*HEADINGS)
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    lines = [HEADINGS, ["---"] * len(HEADINGS), *rows]
    out = Path("outputs/faults.md")
    out.parent.mkdir(exist_ok=True)
    out.write_text("".join(f"| {' | '.join(line)} |\n" for line in lines), "utf-8")
    sys.exit(any(row[-1].startswith("FAILED") for row in rows))


def outcome(cases: list[ElementTree.Element], test: str) -> str:
    """As asked, skipped and why, or failed."""
    name = test.partition("::")[2]
    mine = [case for case in cases if case.get("name", "").partition("[")[0] == name]
    if not mine or any(c.find("failure") is not None or c.find("error") is not None for c in mine):
        return "FAILED"
    skipped = [case.find("skipped") for case in mine]
    reasons = {entry.get("message", "") for entry in skipped if entry is not None}
    return f"skipped: {'; '.join(sorted(reasons))}" if reasons else "as it should"


if __name__ == "__main__":
    main()
