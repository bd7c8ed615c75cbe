"""Pairs of codes that never go together: no row of a chain has one.

A husband is not female, a flat without internet has no online security. Empty cells of a table of
two columns that are no accident are what statistics calls structural zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import Exclusion
from tabgan.models.nets.inputs import ChainColumn

EXPECTED = 30.0  # rows that independent columns would have there; e^-30 is the chance of none
FEW, FEW_SHARE = 2, 0.05  # rows of a cell that is nearly empty, and such cells per empty one
MOST_PAIRS = 30_000  # of columns that are looked at


class Exclusions(nn.Module):
    """The codes of a column that a code of another column rules out.

    Codes are those of a column's first block: categories, discrete values, bins. A cell of two
    columns' table is ruled out if training rows have none there, and would have 30 at least if
    the columns were independent; but not where many a cell of the two columns' table is nearly
    empty, for then others are empty by chance. Beside these stands
    what the table's rules rule out.

    Args:
        columns: of a chain, in its order.
        of_rules: the exclusions of its layout.

    Attributes:
        cells: int64 [m, 4]: an earlier column, its code, a later column, and the code ruled out.
    """

    cells: Tensor

    def __init__(self, columns: Sequence[ChainColumn], of_rules: Sequence[Exclusion] = ()) -> None:
        super().__init__()
        self.columns = list(columns)
        self.register_buffer("cells", torch.empty(0, 4, dtype=torch.long))
        self._of_rules = dict[tuple[int, int], Tensor]()
        at = {column.name: position for position, column in enumerate(self.columns)}
        for one, other, spans in of_rules:
            earlier, later = sorted((at[one], at[other]))
            table = self._table(self._of_rules, earlier, later)
            table = table if at[one] == earlier else table.T
            for code, first, last in spans:
                table[code, first:last] = True
        self.take(self.cells)

    @torch.no_grad()
    def learn(self, rows: CodedRows) -> None:
        """Take them from training rows."""
        codes = rows.codes.long()
        found = []
        for later in range(1, len(self.columns)):
            if later * (later + 1) // 2 > MOST_PAIRS:
                break
            for earlier in range(later):
                cells = _empty(codes, self.columns[earlier], self.columns[later])
                where = torch.tensor([earlier, later], device=cells.device).expand(len(cells), 2)
                found.append(torch.stack([where[:, 0], cells[:, 0], where[:, 1], cells[:, 1]], 1))
        self.take(torch.cat(found) if found else self.cells.new_empty(0, 4))

    def take(self, cells: Tensor) -> None:
        """These pairs, int64 [m, 4], instead of those that are known."""
        self.cells, cells = cells.to(self.cells.device), cells.cpu()
        tables = {pair: table.clone() for pair, table in self._of_rules.items()}
        for earlier, later in cells[:, [0, 2]].unique(dim=0).tolist():
            mine = cells[(cells[:, 0] == earlier) & (cells[:, 2] == later)]
            self._table(tables, earlier, later)[mine[:, 1], mine[:, 3]] = True
        self._tables: list[list[tuple[int, Tensor]]] = [[] for _ in self.columns]
        for (earlier, later), table in tables.items():  # once, so that no step waits for a device
            self._tables[later].append((earlier, table))

    def _table(self, tables: dict[tuple[int, int], Tensor], earlier: int, later: int) -> Tensor:
        """The table of two columns, bool [codes, codes], there from now on."""
        if (earlier, later) not in tables:
            widths = self.columns[earlier].bins.width, self.columns[later].bins.width
            tables[earlier, later] = torch.zeros(widths, dtype=torch.bool)
        return tables[earlier, later]

    def tables(self) -> list[list[tuple[int, Tensor]]]:
        """Per column the earlier ones that rule codes out, each with bool [its codes, codes]."""
        device = self.cells.device
        return [[(at, table.to(device)) for at, table in own] for own in self._tables]

    def by_class(self, column: int) -> dict[int, Tensor]:
        """Per earlier column what each code of ``column`` rules out, bool [codes + 1, its codes].

        The last row, that of -1, rules nothing out.
        """
        found = {}
        for earlier, table in self.tables()[column]:
            nothing = table.new_zeros(1, len(table))
            found[earlier] = torch.cat([table.T, nothing])
        return found

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *rest: Any, **more: Any
    ) -> None:
        """As many cells as the state has."""
        key = f"{prefix}cells"
        if key in state_dict:
            self.take(state_dict[key].clone())
        super()._load_from_state_dict(state_dict, prefix, *rest, **more)


def _empty(codes: Tensor, first: ChainColumn, second: ChainColumn) -> Tensor:
    """The empty cells of two columns' table that are no accident, int64 [m, 2]."""
    a, b = codes[:, first.bins_at], codes[:, second.bins_at]
    known = (a >= 0) & (b >= 0)
    a, b = a[known], b[known]
    n_a, n_b, n = first.bins.width, second.bins.width, max(len(a), 1)
    counts = torch.bincount(a * n_b + b, minlength=n_a * n_b).view(n_a, n_b)
    expected = torch.outer(counts.sum(1).double(), counts.sum(0).double()) / n
    full = expected >= EXPECTED
    empty, nearly = full & (counts == 0), full & (counts > 0) & (counts <= FEW)
    if nearly.sum() > FEW_SHARE * empty.sum():  # then the empty ones are such cells by chance
        return counts.new_empty(0, 2)
    return empty.nonzero()
