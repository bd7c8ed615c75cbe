"""Columns that others decide: left out of the row, and put back exactly."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

import numpy as np

from tabgan.encoding.column import Numbers, State
from tabgan.encoding.computed import Computed
from tabgan.encoding.dependencies import Lookup, find_derived
from tabgan.encoding.joint_blocks import Joint, find_joint
from tabgan.encoding.sums import Reading, Sum, find_sums, holds

CODES = ("onehot", "levels")  # encodings of one block, whose code alone says the value


class Relations:
    """The columns that leave the row, and what puts them back.

    Attributes:
        derived: per column that another decides, or a joint block, that one and the lookup.
        joints: per joint block, by a name of its own, what its codes stand for.
        sums: per number that is a sum of others, the sum; per column that such a sum or the
            condition decides, the reading of it.
        gaps: per number that is learned as its distance to another one below it, that one and the
            name of the distance, in the order in which they are put back.
        notes: each of them in words.
    """

    def __init__(self) -> None:
        self.derived: dict[str, tuple[str, Lookup]] = {}
        self.joints: dict[str, Joint] = {}
        self.sums: dict[str, Sum | Reading | Computed] = {}
        self.gaps: dict[str, tuple[str, str]] = {}
        self.notes: list[str] = []

    @classmethod
    def find(
        cls,
        columns: Mapping[str, Numbers],
        encodings: Mapping[str, str],
        steps: Mapping[str, float],
        *,
        condition: Mapping[str, Numbers],
        masked: bool,
        groups: Sequence[Sequence[str]] = (),
        join: bool = True,
        deciding: Collection[str] = (),
    ) -> Self:
        """Relations that hold on every training row (``dependencies``, ``joint_blocks``, ``sums``).

        Args:
            columns: those in the row, the numbers and discrete ones, float64 [n], NaN for missing.
            encodings: of every column of the table.
            steps: of those in the row that are numbers, the resolution of each.
            condition: the classes, by the condition's name; empty without one.
            masked: whether missing values are missing cells; then only what one other column
                decides.
            groups: columns that are known to go together, and share a block.
            join: whether others, some of whose pairs never occur, share a block too.
            deciding: numbers of many values that come back as training had them, and may decide
                others: a date its weekday.
        """
        found = cls()
        codes = {name: of for name, of in columns.items() if encodings[name] in CODES}
        if masked:
            found._derive(codes, codes, masked=True)
        else:
            found._derive(columns, {*codes, *deciding}, masked=False)
        if not masked:
            found._read(codes, condition)
            left = found.derived.keys() | found.sums.keys()
            free = {n: of for n, of in codes.items() if n not in left}
            found._join(free, encodings, groups, find=join)
            found._add_up(columns, encodings, steps)
        return found

    @property
    def encodings(self) -> dict[str, str]:
        """The encoding's name of each column that is left out of the row."""
        joined = {name for joint in self.joints.values() for name in joint.names}
        derived = {name: "joint" if name in joined else "derived" for name in self.derived}
        sums = {n: "sum" if isinstance(of, Sum) else "computed" for n, of in self.sums.items()}
        return derived | sums

    def gap(self, name: str) -> tuple[str, str] | None:
        """The two columns of a distance of this name, the smaller first; None for no such."""
        return next(((a, b) for b, (a, gap) in self.gaps.items() if gap == name), None)

    def source(self, name: str) -> str:
        """The column or block in the row that says what ``name`` is; of others itself."""
        return self.derived[name][0] if name in self.derived else name

    def give(self, name: str, found: Sum | Computed) -> bool:
        """Leave a column to what gives it from others; False where these are given by it."""
        sums = {**self.sums, name: found}
        ordered: dict[str, Sum | Reading | Computed] = {}
        while len(ordered) < len(sums):
            left = sums.keys() - ordered.keys()
            free = [n for n in sums if n in left and left.isdisjoint(sums[n].terms)]
            if not free:
                return False
            ordered |= {n: sums[n] for n in free}
        self.sums = ordered
        return True

    def hold(self, columns: Mapping[str, Numbers], steps: Mapping[str, float]) -> bool:
        """Whether what one column decides, and every sum, is what would be put back, on every row.

        Args:
            columns: of ``decode_numbers``, by name; joint blocks are not among them.
            steps: the resolution of each sum.
        """
        return all(
            np.array_equal(lookup(columns[deciding]), columns[name], equal_nan=True)
            for name, (deciding, lookup) in self.derived.items()
            if deciding not in self.joints
        ) and all(holds(found, columns, name, steps[name]) for name, found in self.sums.items())

    def state(self) -> State:
        return {
            "derived": {
                name: {"source": source, **lookup.state()}
                for name, (source, lookup) in self.derived.items()
            },
            "joints": {name: joint.state() for name, joint in self.joints.items()},
            "gaps": {name: list(of) for name, of in self.gaps.items()},
            "sums": {
                name: found.state()
                for name, found in self.sums.items()
                if not isinstance(found, Computed)  # which the declared rules give again
            },
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Older runs have no joints, sums and gaps."""
        found = cls()
        found.derived = {
            name: (learned["source"], Lookup().restore(learned))
            for name, learned in state["derived"].items()
        }
        joints, sums = state.get("joints", {}), state.get("sums", {})
        found.gaps = {name: (a, gap) for name, (a, gap) in state.get("gaps", {}).items()}
        found.joints = {name: Joint.restore(learned) for name, learned in joints.items()}
        found.sums = {
            name: Reading.restore(learned) if "source" in learned else Sum.restore(learned)
            for name, learned in sums.items()
        }
        return found

    def _derive(
        self, columns: Mapping[str, Numbers], deciding: Collection[str], *, masked: bool
    ) -> None:
        found = find_derived(columns, masked=masked, deciding=deciding)
        for name, source in found.items():
            deciding, decided = columns[source], columns[name]
            kept = ~(np.isnan(deciding) | np.isnan(decided)) | (not masked)
            self.derived[name] = source, Lookup().fit(deciding[kept], decided[kept])
            self.notes.append(_follows(name, source))

    def _read(self, columns: Mapping[str, Numbers], condition: Mapping[str, Numbers]) -> None:
        """What the condition decides, such as the class in other words."""
        for name, source in find_derived({**condition, **columns}).items():
            if source in condition:
                lookup = Lookup().fit(condition[source], columns[name])
                self.sums[name] = Reading(source, lookup)
                if name in self.derived:
                    self.notes.remove(_follows(name, self.derived.pop(name)[0]))
                self.notes.append(_follows(name, source))

    def _join(
        self,
        columns: Mapping[str, Numbers],
        taken: Collection[str],
        groups: Sequence[Sequence[str]],
        *,
        find: bool,
    ) -> None:
        for names in find_joint(columns, groups, find=find):
            joint = Joint.of(names, columns)
            block = " & ".join(names)
            while block in taken:
                block += "'"
            for derived, (source, lookup) in self.derived.items():
                if source in names:  # a column that one of these decides
                    composed = Lookup().fit(joint.every_code, lookup(joint.values(source)))
                    self.derived[derived] = block, composed
            for name in names:
                self.derived[name] = block, Lookup().fit(joint.every_code, joint.values(name))
            self.joints[block] = joint
            self.notes.append(
                f"columns {', '.join(map(repr, names))} go together: {len(joint.tuples)} "
                "combinations occur, and no other is made"
            )

    def _add_up(
        self,
        columns: Mapping[str, Numbers],
        encodings: Mapping[str, str],
        steps: Mapping[str, float],
    ) -> None:
        numbers = {
            name: columns[name]
            for name in steps
            if name not in self.derived.keys() | self.sums.keys() and encodings[name] != "constant"
        }
        found = find_sums(numbers, steps)
        of_sums = [name for name, (source, _) in self.derived.items() if source in found]
        also = {name: columns[name] for name in of_sums if name in steps}
        if also and also.keys() <= (every := find_sums(numbers | also, steps)).keys():
            found = every  # the total's mean is a sum of the parts, as the total is
        for name, of in found.items():
            if encodings[name] == "levels" and of.is_mixed:
                of.low, of.high = float(np.nanmin(columns[name])), float(np.nanmax(columns[name]))
            self.notes.append(f"column {name!r} is {of}: computed from the others, not learned")
        readings = {name: self.derived.pop(name) for name in of_sums}
        for name in readings.keys() & found.keys():
            self.notes.remove(_follows(name, readings[name][0]))
        self.sums |= found | {
            name: Reading(source, lookup)
            for name, (source, lookup) in readings.items()
            if name not in found
        }


def _follows(name: str, source: str) -> str:
    return f"column {name!r} follows from {source!r}: computed from it, not learned"
