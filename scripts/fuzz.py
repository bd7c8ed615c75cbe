"""Broken files and words against our readers: the reference's values, or one of our errors.

Of N tables half are ARFF, read beside liac-arff, half CSV, read beside pandas; on top come tables
read in pieces beside the same tables read at once, schema files beside their JSON, conditions
(``where``) beside their grammar, and run folders beside the whole one. Prints a table of outcomes
and writes it to outputs/fuzz.md; exit status 1 where anything else has come of a case.

    make fuzz                            # 10,000 tables
    make fuzz N=1000 SEED=7
    python scripts/fuzz.py --case csv 17 --seed 7    # one case again, its error raised
"""

from __future__ import annotations

import argparse
import codecs
import csv
import gzip
import io
import json
import logging
import math
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import arff
import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tabgan.errors import TabganError
from tabgan.tables.conditions import read_where
from tabgan.tables.markers import is_marker
from tabgan.tables.readers import read_arff, read_csv
from tabgan.tables.readers.csv import delimiter_of
from tabgan.tables.readers.pieces import read_pieces
from tabgan.tables.readers.text import MARKS, WINDOWS
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.spelling import spellings

N = 10_000  # tables
SHARES = {"arff": 0.5, "csv": 0.5, "pieces": 0.1, "schema": 0.2, "where": 0.5, "run": 0.02}
SECONDS = 10.0  # of processor time a case may take
EQUAL, REFUSED, ALONE = "equal", "refused", "read by us alone"
WRONG, HANG, OTHER = "wrong", "hang", "other exception"
FAILURES = (WRONG, HANG, OTHER)

Case = Callable[[random.Random, Path], str]


class Wrong(Exception):  # noqa: N818 - an outcome
    """What came is neither what the reference says nor an error."""


class Hang(BaseException):
    """A case took too long; no ``except Exception`` keeps it."""


# files and words that are whole

ARFF = (
    b"""@relation r
@attribute a numeric
@attribute n integer
@attribute s string
@attribute b {x, 'y z', "w", 9}
@data
1,2,three,x
-1.5e3,?,'four, five','y z'
.5, 6 , "it's" ,w

% seven
?,8,,9
10,11,9,?
""",
    b"""% sparse
@RELATION 'two words'
@ATTRIBUTE "in quotes" REAL
@ATTRIBUTE k {no,yes}
@ATTRIBUTE t STRING
@DATA
{0 1.25, 1 yes, 2 some}
{}
{1 ?, 2 'a, b'}
{0 -3e-2}
""",
    "@relation städte\n@attribute 'größe' real\n@attribute name string\n"
    "@attribute day date 'yyyy-MM-dd'\n@data\n1.5,Köln,2020-02-29\n2,'São Paulo',1999-12-31\n"
    "?,'it\\'s',?\n9007199254740993,\"日本\",2024-01-01\n".encode(),
)
CSV = (
    b"""age,pay,job,member,joined
39,1.5,cook,True,2020-01-31
40,2.25,"night guard",False,2021-02-28
?,,NA,True,1999-12-31
41,-1e3,"say ""hi"", all",False,2020-02-29
42,.5,,True,
""",
    b'name ; size;n\r\n x ; 1 ;9007199254740993\r\n" y; z " ;2;1\r\n"two\nlines";"";0\r\n',
    "stadt\tn\nKöln\t1\nSão Paulo\t2.0\n日本\t?\n\nUlm\t4\n".encode(),
    b"a\n1\n2\n\n3\n",
)
SCHEMA = TableSchema(
    name="pets",
    target="kind",
    columns=(
        Column(name="age", kind="integer", missing=True, dtype="Int16"),
        Column(name="weight", kind="numeric", decimals=2, dtype="float32"),
        Column(name="colour", kind="nominal", categories=("red", "white", "[x]"), missing=True),
        Column(name="born", kind="date", date_format="%Y-%m-%d", missing=True),
        Column(name="tame", kind="boolean", categories=("false", "true"), dtype="bool"),
        Column(name="name", kind="string", key=True),
        Column(name="kind", kind="nominal", categories=("1", "2"), dtype="int64"),
    ),
)
PETS = pd.DataFrame(
    {
        "age": [1, None, 7, 38, -3],
        "weight": [0.25, 60.0, 62.5, 1e9, 70.0],
        "colour": ["red", None, "white", "[x]", "red"],
        "born": ["2020-01-01", "2020-01-02", "1999-12-31", None, "2020-02-29"],
        "tame": ["true", "false", "true", "true", "false"],
        "name": ["Ann", "Bo", "Cy", "Di", "Ed"],
        "kind": ["1", "2", "1", "1", "2"],
    }
)
WHERE = (
    ("age", "38"), ("age", "1..7"), ("age", "..7"), ("age", "[1,7..38,?]"), ("age", "?"),
    ("weight", "60..70"), ("weight", "0.25"), ("weight", "[62.5,1e9]"), ("colour", "[red,?]"),
    ("colour", "[x]"), ("colour", "white"), ("born", "2020-01-01..2020-02-29"), ("born", "?"),
    ("born", "1999-12-31"), ("born", "[1999-12-31,2020-02-29]"), ("tame", "true"), ("kind", "2"),
)  # fmt: skip


# breaking them

TOKENS = (
    *(bytes([mark]) for mark in b",;'\"\\?%\t \n\r\0{}[]:x9.-e\xff\x85\x0b\x0c\x1a\x1c"),
    *(b"\r\n", b"''", b'""', b"\\'", b"\\n", b"\\u00e9", b"\\ud83d", b"\\x", b"..", b"{0 1}\n"),
    *(b"@data\n", b"@attribute z real\n", b"nan", b"inf", b"NA", b"null", b"true", b"None"),
    *(
        b"1",
        b"7",
        b"1",
        b"7",
        b"1e999",
        b"-1e-400",
        b"9" * 25,
        b"9223372036854775808",
        b"1_000",
        b"007",
        b"0x1F",
        b"+7",
        b"1e5",
    ),
    *(b"2020-13-45", b"now", b"1/2/2020", b"0001-01-01", b"99999-01-01", b"T00:00:00+02:00"),
    *("é \uff11 \u0663 \u2028 \u00a0 \ufeff \U0001f600".encode().split(b" ")),
    *(b"x" * 200_000, b"7" * 5_000, b"[" * 5_000),
)
RARE = 3  # of the last tokens; long ones take their time


def mutated(content: bytes, rng: random.Random) -> bytes:
    """One to five mutations, mostly one."""
    for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 3, 5))):
        content = rng.choice(MUTATIONS)(content, rng)
    return content


def span(content: bytes, rng: random.Random, longest: int = 9) -> tuple[int, int]:
    """Where something happens: more often in the second half, where the values are."""
    start = rng.randint(rng.choice((0, 6, 6, 6)) * len(content) // 10, len(content))
    return start, min(start + rng.randint(0, longest), len(content))


def insert(content: bytes, rng: random.Random) -> bytes:
    """A token, put in or put in a place."""
    token = rng.choice(TOKENS if rng.random() < 0.1 else TOKENS[:-RARE])
    start, end = span(content, rng)
    return content[:start] + token + content[end if rng.random() < 0.4 else start :]


def flip(content: bytes, rng: random.Random) -> bytes:
    """One bit."""
    if not content:
        return content
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def delete(content: bytes, rng: random.Random) -> bytes:
    """A few bytes."""
    start, end = span(content, rng)
    return content[:start] + content[end:]


def double(content: bytes, rng: random.Random) -> bytes:
    """A few bytes, once more."""
    start, end = span(content, rng, 30)
    return content[:end] + content[start:end] + content[end:]


def shuffle_lines(content: bytes, rng: random.Random) -> bytes:
    """Double, drop or swap lines."""
    lines = content.splitlines(keepends=True) or [b""]
    one, other = (rng.randrange(len(lines)) for _ in range(2))
    what = rng.randrange(3)
    if what == 0:
        lines.insert(one, lines[other])
    elif what == 1:
        del lines[one]
    else:
        lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def cut(content: bytes, rng: random.Random) -> bytes:
    """The end."""
    return content[: span(content, rng)[0]]


def recode(content: bytes, rng: random.Random) -> bytes:
    """Another encoding, a byte order mark, other line ends."""
    text = content.decode("utf-8", "replace")
    return rng.choice(
        (
            text.encode("latin-1", "replace"),
            text.encode("utf-16"),
            codecs.BOM_UTF8 + content,
            content.replace(b"\n", b"\r\n"),
            content.replace(b"\n", b"\r"),
            content.replace(b",", rng.choice((b";", b"\t", b" , ", b"|"))),
        )
    )


MUTATIONS = (
    *(insert, insert, insert, insert, flip, delete, double, double),
    *(shuffle_lines, shuffle_lines, cut, recode),
)


# what must come of them


def read_broken(
    rng: random.Random, folder: Path, bases: tuple[bytes, ...], suffix: str, read: Callable
) -> tuple[pd.DataFrame, bytes, Path]:
    """Our table of a broken file, and what the file holds; some files are packed."""
    content, path = mutated(rng.choice(bases), rng), folder / f"t{suffix}"
    packed = content
    if rng.random() < 0.05:
        path, packed = folder / f"t{suffix}.gz", gzip.compress(content, 1)
        packed = mutated(packed, rng) if rng.random() < 0.5 else packed
        with suppress(OSError, EOFError, zlib.error):
            content = gzip.decompress(packed)  # doubled, it holds the table twice
    path.write_bytes(packed)
    return read(path)[0], content, path


def of_arff(rng: random.Random, folder: Path) -> str:
    """liac-arff may refuse what Weka allows, and not always with its own exception.

    It knows no dates, which it is given as strings.
    """
    table, content, _ = read_broken(rng, folder, ARFF, ".arff", read_arff)
    lines = re.split(r"\r\n|\r|\n", decoded(content))
    lines = [re.sub(r"(?i)^(@attribute \w+) date '[^']*'", r"\1 string", line) for line in lines]
    try:
        expected = arff.load(iter(lines))
    except Exception:
        return ALONE
    kinds = [kind for _, kind in expected["attributes"]]
    if (len(table), table.shape[1]) != (len(expected["data"]), len(kinds)):
        raise Wrong(f"{table.shape} for {len(expected['data'])} rows of {len(kinds)}")
    for place, kind in enumerate(kinds):
        for row, ours in enumerate(table.iloc[:, place].astype(object)):
            check_arff_value(ours, expected["data"][row][place], kind)
    return EQUAL


def check_arff_value(ours: Any, theirs: Any, kind: Any) -> None:
    """liac-arff cuts 3.7 to 3 in a column that is declared integer."""
    is_missing = theirs is None or theirs != theirs
    if pd.isna(ours) or is_missing:
        same = bool(pd.isna(ours)) == is_missing
    elif isinstance(ours, pd.Timestamp):
        same = ours == pd.Timestamp(theirs)
    elif isinstance(kind, list) or kind == "STRING":
        same = ours == theirs
    else:
        same = float(int(ours) if kind == "INTEGER" else ours) == float(theirs)
    if not same:
        raise Wrong(f"{ours!r} for {theirs!r}")


def of_csv(rng: random.Random, folder: Path) -> str:
    """Beside pandas' texts; numbers, dates and missing marks by our own rules.

    The delimiter is the one that the header uses most; spaces around values are taken off; a
    missing mark is missing; a column with leading zeros (007) is text; between semicolons a
    number may have a decimal comma. What pandas guesses (short rows, two columns of one name,
    columns without a name) is refused.
    """
    table, content, _ = read_broken(rng, folder, CSV, ".csv", read_csv)
    text = decoded(content)
    delimiter = delimiter_of(next(line for line in io.StringIO(text) if line.strip()))
    try:
        expected = pd.read_csv(
            io.StringIO(text, newline=""), sep=delimiter, dtype=str,
            na_filter=False, skipinitialspace=True, index_col=False,
        )  # fmt: skip
    except Exception:
        return ALONE
    if table.shape[1] == 1:  # where a line of spaces and tabs is a missing value, or none
        table, expected = (rows[~rows.iloc[:, 0].astype("str").fillna("").map(is_marker)]
                           for rows in (table, expected))  # fmt: skip
    names = [str(name).strip().removeprefix("\ufeff") for name in expected]
    if names != [name.removeprefix("\ufeff") for name in table] or len(expected) != len(table):
        raise Wrong(f"{list(table)} x {len(table)} for {list(expected)} x {len(expected)}")
    for place in range(table.shape[1]):
        is_exact = not expected.iloc[:, place].str.contains(r"e-\d{3,}", case=False).any()
        padded = expected.iloc[:, place].str.strip(" ").str.fullmatch(r"0[0-9]+").any()
        if padded and pd.api.types.is_numeric_dtype(table.iloc[:, place]):
            raise Wrong(f"{list(table.iloc[:, place])} for {list(expected.iloc[:, place])}")
        for ours, theirs in zip(table.iloc[:, place], expected.iloc[:, place], strict=True):
            is_comma = delimiter == ";" and not isinstance(ours, str)
            told = re.sub(r"^( *[+-]?[0-9]*),([0-9]+ *)$", r"\1.\2", theirs) if is_comma else theirs
            check_csv_value(ours, told, is_exact=is_exact)
    return EQUAL


def check_csv_value(ours: Any, theirs: str, *, is_exact: bool) -> None:
    """A number, date or label of ours beside the text that pandas read.

    A column is no longer exact where a fraction in it, as 1e-400, is nothing to float64.
    """
    bare = theirs.strip(" " if isinstance(ours, str) else " \t")
    if pd.isna(ours):
        same = is_marker(bare)
    elif isinstance(ours, str):
        same = ours.strip(" ") == bare
    elif isinstance(ours, pd.Timestamp):
        same = ours == pd.Timestamp(bare).tz_localize(None)  # as the clock showed it
    elif is_exact and isinstance(ours, int | np.integer) and re.fullmatch(r"[+-]?[0-9]+", bare):
        same = int(bare) == ours  # whole numbers of a column with fractions are float64
    else:
        same = bool(re.fullmatch(r"[0-9eE.+-]+", bare)) and float(bare) == ours
    if not same:
        raise Wrong(f"{ours!r} for {theirs!r}")


def of_pieces(rng: random.Random, folder: Path) -> str:
    """Pieces of a few lines, beside the same file read at once."""
    bases, suffix, read = rng.choice(((ARFF, ".arff", read_arff), (CSV, ".csv", read_csv)))
    table, _, path = read_broken(rng, folder, bases, suffix, read)
    schema = read(path)[1]
    with (
        mock.patch("tabgan.tables.readers.pieces.BLOCK_BYTES", 32),
        mock.patch("tabgan.tables.readers.arff.CHUNK_BYTES", 32),
    ):
        pieces = list(read_pieces(path, schema))
    joined = schema.conform(pd.concat(pieces)) if pieces else table.iloc[:0]
    if not joined.equals(table):
        raise Wrong(f"{joined.to_dict('list')} for {table.to_dict('list')}")
    return EQUAL


ODD = (
    None, True, 0, -1, 1.5, 1e308, math.nan, "", "x", "integer", "%Y-%m", "%Q", "int64", [], [1],
    ["a", "a"], [None], [["a"]], {}, {"a": 1}, "\ud83d", 10**30,
)  # fmt: skip


def of_schema(rng: random.Random, folder: Path) -> str:
    """What the JSON says is what the schema says; a table conforms to it, or is refused."""
    path = folder / "schema.json"
    if rng.random() < 0.5:
        content = mutated(json.dumps(SCHEMA.to_plain()).encode(), rng)
    else:
        content = json.dumps(odd(SCHEMA.to_plain(), rng)).encode()
    path.write_bytes(content)
    schema = TableSchema.load(path)
    plain = json.loads(content)
    if (schema.name, schema.target) != (plain.get("name", "table"), plain.get("target")):
        raise Wrong(f"{schema.name!r}, {schema.target!r}")
    for column, entry in zip(schema.columns, plain["columns"], strict=True):
        for key, said in entry.items():
            if said is None:  # as if it were not said
                continue
            found = asdict(column)[key]
            said = tuple(map(str, said)) if key == "categories" else said
            if type(found) is not type(said) or found != said:
                raise Wrong(f"{column.name!r}: {key}={found!r} for {said!r}")
    schema.save(path)
    if TableSchema.load(path) != schema:
        raise Wrong("another schema when saved and loaded")
    rows = schema.conform(PETS)
    if len(schema.restore(rows)) != len(PETS) or not schema.conform(rows).equals(rows):
        raise Wrong("a table that conforms does not")
    return EQUAL


def odd(plain: Any, rng: random.Random) -> Any:
    """Nested plain data in which one entry is gone, another, or there twice."""
    holder = plain
    while True:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        key = rng.choice(list(keys))
        if isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.9:
            holder = holder[key]
            continue
        what = rng.random()
        if what < 0.6:
            holder[key] = rng.choice(ODD)
        elif what < 0.8:
            del holder[key]
        elif isinstance(holder, list):
            holder.append(holder[key])
        else:
            holder[str(rng.choice(ODD))] = holder[key]
        return plain


@cache
def pets() -> pd.DataFrame:
    """The rows that conditions are asked of."""
    return SCHEMA.conform(PETS)


def of_where(rng: random.Random, folder: Path) -> str:  # noqa: ARG001
    """The rows that match are those that the grammar, read once more below, says."""
    name, text = rng.choice(WHERE)
    text = mutated(text.encode(), rng).decode("utf-8", "replace").removeprefix("\ufeff")
    asked = read_where(SCHEMA, {name: text})[name]
    found = asked.matches(pets()[name])
    column = SCHEMA[name]
    expected = [matches(column, text, value) for value in pets()[name]]
    if found.dtype != bool or found.tolist() != expected:
        raise Wrong(f"where.{name}={text}: {found.tolist()} for {expected}")
    return EQUAL


def matches(column: Column, text: str, value: Any) -> bool:
    """Whether a value is as asked, by the grammar that ``tables.conditions`` promises."""
    if text not in column.categories and text.startswith("[") and text.endswith("]"):
        return any(matches(column, m.strip(), value) for m in text[1:-1].split(",") if m.strip())
    if text == "?":
        return bool(pd.isna(value))
    if pd.isna(value):
        return False
    if column.is_nominal:
        return bool(value == spellings(column.categories, [text])[text])
    low, dots, high = (end.strip() for end in text.partition(".."))
    high = high if dots else low
    return (not low or plain_value(column, low) <= value) and (
        not high or value <= last_value(column, high)
    )


def last_value(column: Column, text: str) -> Any:
    """A number, or the last moment of a date: of a year, a month or a day that of its last day."""
    first, unit = plain_value(column, text), {4: "Y", 7: "M", 10: "D"}.get(len(text))
    return pd.Period(text, unit).end_time if column.kind == "date" and unit else first


def plain_value(column: Column, text: str) -> Any:
    """A number or an ISO 8601 date, and nothing else that Python or pandas would take."""
    text = text.strip()
    if column.kind == "date":
        if not re.match(r"\d{4}(-\d\d(-\d\d|$)|$)", text, re.ASCII):
            raise Wrong(f"{text!r} is taken for a date")
        moment = pd.Timestamp(text)
        return moment.tz_convert("UTC").tz_localize(None) if moment.tz else moment
    if not re.fullmatch(r"[0-9eE.+-]+", text):
        raise Wrong(f"{text!r} is taken for a number")
    single = column.dtype == "float32" and abs(float(text)) < 3e38
    return float(np.float32(text)) if single else float(text)


@dataclass
class Runs:
    """Run folders that are whole: one to break, and one of another table to take parts from."""

    whole: Path
    other: Path

    def __post_init__(self) -> None:
        self.rows = drawn(self.whole)
        self.names = [
            str(path.relative_to(self.whole))
            for path in sorted(self.whole.rglob("*"))
            if path.is_file() and "tensorboard" not in path.parts
        ]

    def __call__(self, rng: random.Random, folder: Path) -> str:
        """The same rows as before, or a refusal.

        One change is to be: where ``best.ckpt`` is gone, or is what ``last.ckpt`` was, the run's
        last weights are its weights.
        """
        run = folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(self.whole, run)
        name, other = rng.choice(self.names), rng.choice(self.names)
        done = self.damage(rng.randrange(5), run, name, other, rng)
        found = drawn(run)
        if not found.equals(self.rows) and not self.has_last(run):
            raise Wrong(f"{done}: other rows")
        return EQUAL

    def damage(self, what: int, run: Path, name: str, other: str, rng: random.Random) -> str:
        path, content = run / name, (run / name).read_bytes()
        if what == 0:
            path.unlink()
            return f"{name} is missing"
        if what == 1:
            path.write_bytes(content[: rng.randrange(len(content) + 1)])
            return f"{name} is cut to {path.stat().st_size} of {len(content)} bytes"
        if what == 2:
            path.write_bytes(b"")
            return f"{name} is empty"
        if what == 3:
            path.write_bytes((run / other).read_bytes())
            (run / other).write_bytes(content)
            return f"{name} and {other} are swapped"
        if (self.other / name).is_file():
            shutil.copy(self.other / name, path)
        return f"{name} is another run's"

    def has_last(self, run: Path) -> bool:
        best, last = (run / "checkpoints" / f"{name}.ckpt" for name in ("best", "last"))
        before = (self.whole / "checkpoints" / "last.ckpt").read_bytes()
        return (best if best.is_file() else last).read_bytes() == before


def drawn(run: Path) -> pd.DataFrame:
    """Twenty rows of a run."""
    from tabgan.config.opening import open_run
    from tabgan.sampling.draw import draw_chunks

    opened = open_run(run)
    (rows,) = draw_chunks(opened.module, opened.encoder, n=20, seed=0, refiner=opened.refiner)
    return rows


def trained(folder: Path) -> Runs:
    """Two small runs in a folder, trained here and now where they are not there."""
    if (folder / "other" / "metrics.json").is_file():
        return Runs(folder / "whole", folder / "other")
    rng = random.Random(0)
    rows = [f"{rng.randint(18, 70)},{rng.gauss(9, 2):.2f},{rng.choice('xyz')},{rng.choice('ny')}\n"
            for _ in range(300)]  # fmt: skip
    words = (
        "data.target=label", "data.batch_size=50", "model=cgan_basic", "model.noise_dim=8",
        "model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]", "refiner.rounds=1",
        "trainer.max_epochs=2", "logger=none",
    )  # fmt: skip
    for name, header in (("whole", "age,pay,job,label\n"), ("other", "n,size,sort,label\n")):
        (folder / f"{name}.csv").write_text(header + "".join(rows[name == "other" :]), "utf-8")
        subprocess.run(
            [sys.executable, "-m", "tabgan.train", f"data.path={folder}/{name}.csv", *words,
             f"hydra.run.dir={folder}/{name}"], check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    return Runs(folder / "whole", folder / "other")


def decoded(content: bytes) -> str:
    """By its byte order mark, UTF-8, or else Windows-1252, as our readers take it."""
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    return content.decode(encoding, WINDOWS).removeprefix("\ufeff")


CASES: dict[str, Case] = {
    "arff": of_arff, "csv": of_csv, "pieces": of_pieces, "schema": of_schema, "where": of_where,
}  # fmt: skip


# a case, and many


def outcome(case: Case, kind: str, seed: int, number: int, folder: Path) -> str:
    """What came of a case: EQUAL, REFUSED or ALONE; anything else is raised."""
    try:
        with limited():
            return case(random.Random(f"{seed}/{kind}/{number}"), folder)
    except TabganError as error:
        if "\n" in str(error) or len(str(error)) > 10_000:
            raise Wrong(f"an error that is no line: {str(error)[:200]!r}") from error
        return REFUSED


@contextmanager
def limited() -> Iterator[None]:
    """Raises ``Hang`` after so much processor time; other programs' time does not count."""

    def stop(*_: Any) -> None:
        raise Hang(f"more than {SECONDS} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def failure(error: BaseException) -> str:
    """The sort of a failure."""
    return {Wrong: WRONG, Hang: HANG}.get(type(error), OTHER)


def fuzz(cases: dict[str, Case], n: int, seed: int, folder: Path, console: Console) -> list[dict]:
    """One row of counts a kind; each failure is printed with the words that repeat it."""
    rows = []
    for kind, case in cases.items():
        counts: Counter[str] = Counter()
        began, count = time.process_time(), max(round(n * SHARES[kind]), 1)
        for number in track(range(count), description=f"{kind:>7}", console=console):
            try:
                counts[outcome(case, kind, seed, number, folder)] += 1
            except (Exception, Hang) as error:
                counts[failure(error)] += 1
                told = f"--case {kind} {number} --seed {seed}: {error!r}"
                console.print(told[:300], markup=False, highlight=False)
        seconds = time.process_time() - began
        rows.append({"of": kind, "cases": count, **counts, "seconds": f"{seconds:.0f}"})
    return rows


HEADINGS = ("of", "cases", EQUAL, REFUSED, ALONE, WRONG, HANG, OTHER, "seconds")


def cells(row: dict[str, Any]) -> list[str]:
    """A row as text."""
    return [f"{row.get(key, 0):,}" if key != "seconds" and key != "of" else row[key]
            for key in HEADINGS]  # fmt: skip


def markdown(rows: list[dict[str, Any]]) -> str:
    """All rows as a table."""
    lines = [HEADINGS, ["---", *["---:"] * (len(HEADINGS) - 1)], *map(cells, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Run all cases, or one again."""
    asked = argparse.ArgumentParser(description="Fuzz the readers.")
    asked.add_argument("--n", type=int, default=N, help="tables")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--only", nargs="*", default=list(SHARES), choices=list(SHARES))
    asked.add_argument("--runs", type=Path, help="a folder to keep two runs in")
    asked.add_argument("--case", nargs=2, metavar=("KIND", "NUMBER"))
    asked.add_argument("--out", type=Path, default=Path("outputs/fuzz.md"))
    words, console = asked.parse_args(), Console()
    warnings.simplefilter("error")
    logging.disable(logging.WARNING)
    csv.field_size_limit(csv.field_size_limit())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        kinds = [words.case[0]] if words.case else words.only
        cases = CASES | ({"run": trained(words.runs or folder)} if "run" in kinds else {})
        if words.case:
            kind, number = words.case[0], int(words.case[1])
            console.print(outcome(cases[kind], kind, words.seed, number, folder))
            return
        cases = {kind: cases[kind] for kind in kinds}
        rows = fuzz(cases, words.n, words.seed, folder, console)
    table = Table(*HEADINGS, title=f"seed {words.seed}")
    for row in rows:
        table.add_row(*cells(row))
    console.print(table)
    words.out.parent.mkdir(parents=True, exist_ok=True)
    words.out.write_text(markdown(rows), "utf-8")
    sys.exit(any(row.get(key) for row in rows for key in FAILURES))


if __name__ == "__main__":
    main()
