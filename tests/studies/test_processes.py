"""What a command cost, whoever started it."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tabgan.errors import TabganError
from tabgan.studies.contestants import command_of
from tabgan.studies.processes import STOPWATCH, timed


def python(code):
    return [sys.executable, "-c", code]


def test_sleeping_takes_time_and_no_processor(tmp_path):
    costs = timed(python("import time; time.sleep(0.5)"), folder=tmp_path, name="fit")
    assert costs["wall"] >= 0.5
    assert costs["cpu"] < 0.5


@pytest.mark.slow
def test_the_memory_is_the_commands_and_not_that_of_its_starter(tmp_path):
    ours = np.ones(40_000_000)  # 320 MB
    small = timed(python("pass"), folder=tmp_path, name="small")
    large = timed(python("x = b'1' * 200_000_000"), folder=tmp_path, name="large")
    assert len(ours)
    assert small["peak_mb"] < 100
    assert 200 < large["peak_mb"] < 300


def test_the_command_has_one_thread_and_its_own_folder(tmp_path):
    code = "import os; open('said', 'w').write(os.environ['OMP_NUM_THREADS'])"
    timed(python(code), folder=tmp_path, name="fit")
    assert (tmp_path / "said").read_text() == "1"


def test_a_command_of_ours_runs_and_says_what_it_does_in_its_log(tmp_path):
    timed(command_of("sample", "--help"), folder=tmp_path, name="help")
    assert "KEY=VALUE" in (tmp_path / "help.log").read_text("utf-8")


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path):
    with pytest.raises(TabganError, match=r"fit ended with 1: ValueError: no rows \(.*fit\.log\)"):
        timed(python("raise ValueError('no rows')"), folder=tmp_path, name="fit")


def test_a_killed_bench_leaves_no_command_behind(tmp_path):
    code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    words = [sys.executable, str(STOPWATCH), "costs", *python(code)]
    with subprocess.Popen(words, cwd=tmp_path, stdin=subprocess.PIPE) as watch:
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        watch.stdin.close()  # as the system does when the bench is gone
        assert watch.wait(20) == -signal.SIGTERM % 256
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def until(happened):
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)
