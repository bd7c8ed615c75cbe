"""Numbers in the forms that people write: $71,964.00, 12.5 %, 1 234,5 kr, (5.00), 63.0.

A form is how 1234567.5 is written in it::

    $1,234,567.50       at least two digits after the point
    1 234 567,# kr      as many as it takes, after a comma
    12,34,567.#         lakh and crore
    1234567.5           plain, at least one digit: 63.0
    1,234,567.50;(1,234,567.50)   and behind a semicolon -1234567.5, if not by a minus in front
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabgan.errors import TabganError
from tabgan.tables.numbers import format_numbers, parse_numbers

_BLANKS = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"
_MINUS = "-\N{MINUS SIGN}"
_GROUPS = (",", ".", "'", "\N{RIGHT SINGLE QUOTATION MARK}", *_BLANKS)
_EXAMPLE = re.compile(
    r"(?P<before>[^\d]*)(?:1(?P<group>[^\d]?)234(?P=group)567|12(?P<lakh>[^\d])34(?P=lakh)567)"
    r"(?P<mark>[.,])(?P<digits>50*|\#)(?P<after>[^\d]*)"
)
_CELL = re.compile(
    rf"(?P<before>[^\d.,]*)(?P<body>[.,]?\d(?:[\d{''.join(_GROUPS)}]*\d)?)(?P<after>[^\d]*)"
)
_CURRENCIES = (
    r"[A-Z]{0,3}[$€£¥₹₽₩₺₫₪₴₦฿¢]|Rs\.?|[Kk]r\.?|Kč|zł|Ft|lei|[Ee]uros?|EUR|USD|GBP|CHF|JPY|CNY|RMB|CAD"
    r"|AUD|NZD|INR|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|BRL|MXN|ZAR|SGD|HKD|KRW|THB|ILS"
)
_MONEY = re.compile(f"(?:{_CURRENCIES})?")
_UNIT = re.compile(r"[%‰]|[A-Za-zµ°²³·/]{1,8}")
MOST_WRITTEN_OUT = 1e21  # larger numbers keep their exponent
_FEWEST_MEASURED = 20  # more different numbers than these are measured; few may be labels: 3 rooms


@dataclass(frozen=True)
class NumberForm:
    """The form of a column's numbers as text.

    Attributes:
        above: what stands before and behind a positive number.
        below: before and behind a negative one, a minus among it.
        group: between thousands, or "".
        mark: between whole and fraction.
        least: digits after the mark at least.
        lakh: whether groups are of two digits but for the last, as in India.
    """

    above: tuple[str, str] = ("", "")
    below: tuple[str, str] = ("-", "")
    group: str = ""
    mark: str = "."
    least: int = 0
    lakh: bool = False

    @classmethod
    def of(cls, example: str) -> NumberForm:
        """The form that writes 1234567.5 as the example says.

        Raises:
            TabganError: for any other text.
        """
        one, _, other = example.partition(";")
        above, below = _EXAMPLE.fullmatch(one), _EXAMPLE.fullmatch(other or f"-{one}")
        if above is None or below is None:
            raise TabganError(
                f"number_format {example!r}: expected how 1234567.5 is written, such as "
                "'$1,234,567.50', '1 234 567,# kr' or '1234567.5;(1234567.5)'"
            )
        return cls(
            above=(above["before"], above["after"]),
            below=(below["before"], below["after"]),
            group=above["lakh"] or above["group"] or "",
            mark=above["mark"],
            least=0 if above["digits"] == "#" else len(above["digits"]),
            lakh=above["lakh"] is not None,
        )

    @property
    def example(self) -> str:
        """The number 1234567.5 in this form, as ``of`` reads it."""
        whole = self.group.join(("12", "34", "567") if self.lakh else ("1", "234", "567"))
        body = f"{whole}{self.mark}{'5'.ljust(self.least, '0') if self.least else '#'}"
        one, other = (before + body + after for before, after in (self.above, self.below))
        return one if other == f"-{one}" else f"{one};{other}"

    @property
    def is_plain(self) -> bool:
        """Whether it reads as any number does, and only writes more digits."""
        return self == NumberForm(least=self.least)

    def parse(self, text: pa.Array) -> tuple[pa.Array, np.ndarray]:
        """Numbers from text in this form or plain ones, and where there is none.

        See ``parse_numbers``.
        """
        if self.is_plain:
            return parse_numbers(text)
        found = pc.extract_regex(text, self._pattern())
        above, below = pc.struct_field(found, "above"), pc.struct_field(found, "below")
        body = pc.if_else(pc.equal(above, ""), pc.binary_join_element_wise("-", below, ""), above)
        if self.group:
            body = pc.replace_substring(body, self.group, "")
        body = pc.replace_substring(body, self.mark, ".")
        return parse_numbers(pc.coalesce(body, text))

    def write(self, values: pd.Series, decimals: int | None) -> pa.Array:
        """Numbers as text, missing is null; see ``format_numbers``."""
        text = format_numbers(values, decimals)
        if self.is_plain:
            return self._filled(text)
        text = self._filled(_without_exponents(text))
        below, body = pc.starts_with(text, "-"), pc.utf8_ltrim(text, "-")
        body = self._grouped(pc.replace_substring(body, ".", self.mark))
        around = [pc.if_else(below, *ends) for ends in zip(self.below, self.above, strict=True)]
        return pc.binary_join_element_wise(around[0], body, around[1], "")

    def joined(self, other: NumberForm) -> NumberForm | None:
        """The form of cells that are in either form; None where there is no such."""
        for one, two in ((self, other), (other, self)):
            if one == NumberForm() and two.above == one.above:  # whole numbers have no mark
                return replace(two, least=0)
        grouped, signed = (self if self.group else other), (self if self._is_signed else other)
        both = replace(
            self,
            below=signed.below,
            group=grouped.group,
            lakh=grouped.lakh,
            least=min(self.least, other.least),
        )
        fits = (self.above, self.mark) == (other.above, other.mark)
        return both if fits and (not other.group or other.group == both.group) else None

    @property
    def _is_signed(self) -> bool:
        """Whether negative numbers have a form of their own."""
        return self.below != ("-" + self.above[0], self.above[1])

    def _pattern(self) -> str:
        group, mark = re.escape(self.group), re.escape(self.mark)
        whole = rf"\d{{1,3}}(?:{group}\d{{2,3}})+|\d+" if group else r"\d+"
        body = rf"(?:{whole})(?:{mark}\d*)?|{mark}\d+"
        ways = (("above", self.above), ("below", self.below))
        either = (f"{_loose(b)}(?P<{name}>{body}){_loose(a)}" for name, (b, a) in ways)
        return f"^[{_BLANKS}]*(?:{'|'.join(either)})[{_BLANKS}]*$"

    def _filled(self, text: pa.Array) -> pa.Array:
        """Plain numbers with zeros, so that as many digits as must be follow the point."""
        if not self.least:
            return text
        point = pc.find_substring(text, ".")
        pointed = pc.if_else(pc.less(point, 0), pc.binary_join_element_wise(text, ".", ""), text)
        point = pc.if_else(pc.less(point, 0), pc.binary_length(text), point)
        length = pc.add(point, 1 + self.least)
        zeros = pc.max_element_wise(pc.subtract(length, pc.binary_length(pointed)), 0)
        filled = pc.binary_join_element_wise(pointed, pc.binary_repeat("0", zeros), "")
        return pc.if_else(pc.match_substring(text, "e"), text, filled)  # 1e+300 stays

    def _grouped(self, body: pa.Array) -> pa.Array:
        if not self.group:
            return body
        group = self.group.replace("\\", r"\\")
        ahead = rf"^(\d+)(\d{{3}})($|{re.escape(self.mark)})"  # the last three digits
        grouped = pc.replace_substring_regex(body, ahead, rf"\1{group}\2\3")
        further = rf"^(\d+)(\d{{{2 if self.lakh else 3}}}{re.escape(self.group)})"
        while not grouped.equals(body):
            body, grouped = grouped, pc.replace_substring_regex(grouped, further, rf"\1{group}\2")
        return grouped


def _without_exponents(text: pa.Array) -> pa.Array:
    """1e+16 as 10000000000000000; so do people write, up to a point."""
    if not pc.any(pc.match_substring(text, "e")).as_py():
        return text
    return pa.array(
        [
            one if one is None or abs(float(one)) >= MOST_WRITTEN_OUT or "e" not in one
            else np.format_float_positional(float(one), trim="-")
            for one in text.to_pylist()
        ],
        pa.string(),
    )  # fmt: skip


def found_number_form(texts: Sequence[str]) -> NumberForm | None:
    """The form in which most of some texts are numbers, or None; plain numbers have none.

    Args:
        texts: different ones, of which a few may be anything.
    """
    cells = [match for text in texts if (match := _CELL.fullmatch(text.strip()))]
    if 2 * len(cells) <= len(texts):
        return None
    around, n = Counter(map(_core, cells)).most_common(1)[0]
    is_money = _is_money(*around)
    is_unit = not is_money and not around[0] and bool(_UNIT.fullmatch(around[1]))
    if 2 * n <= len(texts) or not (is_money or is_unit or around == ("", "")):
        return None
    mine = [cell for cell in cells if _core(cell) == around]
    bodies = [cell["body"] for cell in mine]
    found = _separators(bodies, is_money)
    if found is None:
        return None
    group, mark, lakh = found
    may_be_labels = (
        around[1] not in "%‰" if is_unit else not is_money and (group, mark) == ("", ",")
    )
    if may_be_labels and len(set(bodies)) <= _FEWEST_MEASURED:
        return None
    above, below = _signs(mine)
    least = min(len(body.partition(mark)[2]) for body in bodies)
    form = NumberForm(above, below, group, mark, least, lakh)
    return None if form.is_plain else form


def plain_number_form(text: pa.Array) -> NumberForm | None:
    """The form of plain numbers with a digit or more after each point: 63.0; None for others."""
    known = text.drop_null()
    point = pc.find_substring(known, ".")
    digits = pc.if_else(pc.less(point, 0), 0, pc.subtract(pc.binary_length(known), point))
    least = (pc.min(digits).as_py() or 0) - 1
    if least < 1 or pc.any(pc.match_substring(known, "e", ignore_case=True)).as_py():
        return None
    return NumberForm(least=least)


def _separators(bodies: Sequence[str], is_money: bool) -> tuple[str, str, bool] | None:
    """Group, mark and whether groups are lakhs, of numbers without what stands around them."""
    seen = set("".join(bodies)) - set("0123456789")
    best, most = None, 0.9 * len(bodies)
    for group, mark, lakh in _ways(seen, is_money):
        between = f"(?:{re.escape(group)}\\d{{{2 if lakh else 3}}})"
        last = rf"{re.escape(group)}\d{{3}}" if lakh else ""
        first = r"[1-9]\d?" if lakh else r"[1-9]\d{0,2}"
        grouped = rf"{first}{between}{'*' if lakh else '+'}{last}|0|[1-9]\d{{0,2}}"
        whole = grouped if group else r"0|[1-9]\d*"
        number = re.compile(rf"(?:{whole})?(?:{re.escape(mark)}\d+)?")
        n = sum(number.fullmatch(body) is not None for body in bodies)
        if n > most:
            best, most = (group, mark, lakh), n
    return best


def _ways(seen: set[str], is_money: bool) -> Iterator[tuple[str, str, bool]]:
    """How separators may be meant, the likelier first: 1.234 € is no price of three decimals."""
    marks = [mark for mark in (".", ",") if mark in seen] or ["."]
    ungrouped = [("", mark, False) for mark in marks]
    grouped = [
        (group, mark, lakh)
        for group in _GROUPS
        if group in seen
        for mark in (".", ",")
        for lakh in (False, True)
        if mark != group and (mark in seen or mark == ("," if group == "." else "."))
    ]
    point = [way for way in ungrouped if way[1] == "." and not is_money]
    yield from (*point, *grouped, *(way for way in ungrouped if way not in point))


def _signs(cells: Sequence[re.Match[str]]) -> tuple[tuple[str, str], tuple[str, str]]:
    """What stands around positive and around negative numbers."""
    positive = Counter((c["before"], c["after"]) for c in cells if not _is_below(c))
    negative = Counter((c["before"], c["after"]) for c in cells if _is_below(c))
    first = (negative or positive).most_common(1)[0][0]
    bare = first[0].strip(f"{_MINUS}("), first[1].strip(f"{_MINUS})")
    above = positive.most_common(1)[0][0] if positive else bare
    return above, first if negative else (f"-{above[0].lstrip('+')}", above[1])


def _is_below(cell: re.Match[str]) -> bool:
    """Whether a number is below zero: by a minus, or in parentheses."""
    before, after = cell["before"], cell["after"]
    return ("(" in before and ")" in after) or any(mark in before + after for mark in _MINUS)


def _core(cell: re.Match[str]) -> tuple[str, str]:
    """What stands before and behind a number, without signs and blanks."""
    signs = f"{_BLANKS}{_MINUS}+"
    before, after = cell["before"].strip(signs), cell["after"].strip(signs)
    if before.startswith("(") and after.endswith(")"):
        before, after = before[1:].strip(signs), after[:-1].strip(signs)
    return before, after


def _is_money(before: str, after: str) -> bool:
    return bool(before or after) and all(_MONEY.fullmatch(text) for text in (before, after))


def _loose(text: str) -> str:
    """An expression for what stands around a number: blanks of any kind, a plus or none."""
    blank = f"[{_BLANKS}]"
    text = re.sub(f"{blank}+", f"{blank}*", re.escape(text).replace("\\ ", " "))
    return text.replace(r"\+", r"\+?") if r"\+" in text else text
