"""How long reading takes and how much memory, against liac-arff; each reading is a new process."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import arff
import pandas as pd
import pytest
from rich.console import Console
from rich.table import Table

from tabgan.tables.readers import read_arff

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
FILES = ("bank-full.arff.gz", "adult-train.arff.gz")
RUNS = 5  # the fastest counts; other programs share the machine

PROGRAM = """
import gzip, json, sys, time
import arff, pandas
from tabgan.tables.readers.arff import read_arff

def ours(path):
    return read_arff(path)

def liac(path):
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return arff.load(stream)

def peak():  # MB; ru_maxrss would begin with what the parent process had
    with open("/proc/self/status") as lines:
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

reader, path, warm, runs = globals()[sys.argv[1]], sys.argv[2], sys.argv[3], int(sys.argv[4])
reader(warm)  # what the libraries load on their first call is no cost of the file
before, seconds = peak(), []
for run in range(runs):
    start = time.perf_counter()
    found = reader(path)
    seconds.append(time.perf_counter() - start)
    memory = memory if run else peak() - before
    del found
print(json.dumps([min(seconds), memory]))
"""


def measure(reader, path, warm):
    command = [sys.executable, "-c", PROGRAM, reader, str(path), str(warm), str(RUNS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


@pytest.mark.bench
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no {SHARED}")
def test_reading_equals_liac_and_prints_its_cost(tmp_path, capsys):
    warm = tmp_path / "warm.arff.gz"
    warm.write_bytes(_packed("@relation r\n@attribute a real\n@attribute b {x, y}\n@data\n1,x\n"))
    shown = Table(title="reading ARFF: fastest of 5, peak memory above the libraries' own")
    for heading in ("file", "reader", "ms", "MB", "times as fast"):
        shown.add_column(heading)
    for name in FILES:
        costs = {reader: measure(reader, SHARED / name, warm) for reader in ("ours", "liac")}
        ratio = costs["liac"][0] / costs["ours"][0]
        for reader, (seconds, memory) in costs.items():
            note = f"{ratio:.1f}" if reader == "ours" else ""
            shown.add_row(name, reader, f"{seconds * 1e3:.0f}", f"{memory:.0f}", note)
    with capsys.disabled():
        Console().print("", shown)
    for name in FILES:
        _assert_equal(SHARED / name)


def _packed(text):
    return gzip.compress(text.encode())


def _assert_equal(path):
    table, schema = read_arff(path)
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        expected = arff.load(stream)
    found = pd.DataFrame(expected["data"], columns=list(schema.names), dtype="object")
    pd.testing.assert_frame_equal(schema.conform(found), table)
