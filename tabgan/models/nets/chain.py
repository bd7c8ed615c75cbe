"""A generator that draws a row's columns one after another, each seeing those drawn before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, pad, silu

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.cells import CellTables
from tabgan.models.nets.dropping import ByteDropout
from tabgan.models.nets.entrances import Entrance, Head
from tabgan.models.nets.exclusions import Exclusions
from tabgan.models.nets.gumbel import gumbel_like, soft_choice
from tabgan.models.nets.inputs import ChainColumn, ColumnInputs, chain_columns
from tabgan.models.nets.readout import NEVER, Buckets, Readout
from tabgan.models.nets.relevance import relevance_of_columns
from tabgan.models.nets.walk import HeadNets, Walk

PSEUDO_ROWS = 0.5  # of every code, in the shares that heads start from
DRAW_ROWS = 5_000  # at once: what is made of them stays in the processor's cache


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether it is a CPU that multiplies bfloat16 itself: twice as fast as float32, or more."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict)  # older torch has no such function
    has: dict[str, bool] = capabilities()
    return device.type == "cpu" and bool(has.get("avx512_bf16") or has.get("amx_bf16"))


def quick_products(device: torch.device) -> AbstractContextManager[object]:
    """Products of bfloat16 where the processor has them, float32's own elsewhere."""
    quick = multiplies_bfloat16(device)
    return torch.autocast("cpu", torch.bfloat16) if quick else nullcontext()


class ChainGenerator(nn.Module):
    """p(row) = product of p(code | codes before it), each factor a head with its own hidden layers.

    A head's first layer sees the inputs (``models.nets.inputs``) of columns before its own, scaled
    by how much they matter to it; a cell's head sees its bin too. Training computes all heads of a
    batch at once; drawing goes column by column and costs the same products once.

    Pairs of codes that never go together in training (``models.nets.exclusions``) are never drawn.

    The class, where the layout names a nominal target, is drawn last, given all other columns. It
    is an input of every other head as well, which half of the training rows hide: where it is
    shown, a row of that class is drawn in one pass. A condition is such an input of all heads too;
    zeros show none.

    Args:
        layout: of codes (``encoder=chain``).
        condition_width: of a condition beside the class, which is a column of the row; 0 for none.
        noise_dim: width of a normal vector that all heads see, beside the Gumbel noise of each.
        dropout: probability to drop a hidden position.
        hidden_dim: of every head.
        n_layers: residual layers of a head.
        embed_dim, octaves: of ``ColumnInputs``.
        relevance: whether heads see columns scaled by how much they matter (a tree says so), or
            all alike.
        parents: columns that a head sees at most, those that matter most to its own.
        order: names of all columns, in which they are drawn; None for the layout's.
        temperature: of the Gumbel-softmax in ``forward``.

    Shape:
        noise: [batch, noise_dim]
        condition: [batch, condition_width]
        returns: rows [batch, row_width], hard one-hots with soft gradients, and uniform scalars
    """

    shares_of_class: Tensor

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        noise_dim: int,
        dropout: float,
        hidden_dim: int,
        n_layers: int,
        embed_dim: int,
        octaves: int,
        parents: int,
        relevance: bool,
        order: Sequence[str] | None,
        temperature: float,
    ) -> None:
        super().__init__()
        self.layout, self.noise_dim, self.hidden_dim = layout, noise_dim, hidden_dim
        self.temperature, self.relevance = temperature, relevance
        self.columns = chain_columns(layout, order)
        self.inputs = ColumnInputs(columns=self.columns, embed_dim=embed_dim, octaves=octaves)
        self.heads = list(_heads(self.columns))
        self.class_head = _class_head(self.columns, self.heads, layout.target)
        self.class_width = 0 if self.class_head is None else self.heads[self.class_head].width
        self.condition_width = condition_width
        self.class_at = noise_dim + condition_width  # where in the inputs the shown class stands
        self.first_width = self.class_at + self.class_width  # inputs that every head may see
        ends = [self.first_width + start for start in self.inputs.starts[:-1]]
        self.entrance = Entrance(self.heads, ends, hidden_dim, parents)
        n_heads = len(self.heads)
        self.bias = nn.Parameter(torch.randn(n_heads, 1, hidden_dim) * 0.1)
        square = n_heads, hidden_dim, hidden_dim
        self.layers = nn.ParameterList(
            torch.randn(square) / hidden_dim**0.5 for _ in range(n_layers)
        )
        self.layer_biases = nn.ParameterList(
            torch.zeros(n_heads, 1, hidden_dim) for _ in range(n_layers)
        )
        self.dropout = ByteDropout(dropout)
        self.readout = Readout(self.heads, hidden_dim)
        self.cells = CellTables(
            [c for c in self.columns if c.cells is not None], self.inputs, hidden_dim
        )
        self.exclusions = Exclusions(self.columns, layout.exclusions)
        self.register_buffer("shares_of_class", torch.zeros(self.class_width))
        self.cell_heads = [at for at, head in enumerate(self.heads) if head.is_cell]

    @torch.no_grad()
    def learn(self, rows: CodedRows) -> None:
        """Start from the marginals of training rows, and see which columns matter to which."""
        self.inputs.learn(rows)
        if self.relevance:
            self.entrance.learn(relevance_of_columns(rows, self.columns, self.inputs))
        self.cells.learn(rows)
        self.exclusions.learn(rows)
        for at, head in enumerate(self.heads):
            if not head.is_cell:
                codes = rows.codes[:, head.code].long()
                counts = torch.bincount(codes[codes >= 0], minlength=head.width)
                self.readout.start_from(at, counts.double() + PSEUDO_ROWS)
                if at == self.class_head:
                    self.shares_of_class.copy_(counts / counts.sum().clamp(min=1))

    def class_shares(self) -> Tensor:
        """The classes' shares of the training rows, float64 [class_width]."""
        return self.shares_of_class.double()

    def cell_shares(self, column: ChainColumn) -> Tensor | None:
        """The cells' shares of each bin's training rows, [n_bins, n_cells]; None without cells."""
        return None if column.cells is None else self.cells.shares_of(column)

    def log_likelihood(
        self,
        codes: Tensor,
        *,
        shown: Tensor | None = None,
        noise: Tensor | None = None,
        condition: Tensor | None = None,
    ) -> Tensor:
        """The logarithm of p(row), float32 [n]; of rows whose class is shown, p(row | class).

        An unknown cell adds nothing, and later heads see that it is unknown.

        Args:
            codes: [n, blocks], as ``CodedRows`` has them; -1 for an unknown cell.
            shown: bool [n], rows whose class the heads see; None for none.
            noise: [n, noise_dim]; None for zeros.
            condition: [n, condition_width]; None for zeros, which show none.
        """
        logs = self.log_shares(codes, shown=shown, noise=noise, condition=condition)
        chosen = self.readout.chosen(logs, codes)  # [heads, n]
        if shown is not None and self.class_head is not None:
            own = torch.arange(len(self.heads), device=codes.device)[:, None] == self.class_head
            chosen = chosen.masked_fill(own & shown[None, :], 0.0)
        return chosen.sum(dim=0)

    def log_shares(
        self,
        codes: Tensor,
        *,
        shown: Tensor | None = None,
        noise: Tensor | None = None,
        condition: Tensor | None = None,
        as_drawn: bool = False,
    ) -> Buckets:
        """Log p(each code | the row's codes before) of every head: per bucket [heads, n, width].

        With ``as_drawn`` codes that a row's other codes rule out have no share, as in a draw; the
        rest is of ``log_likelihood``.
        """
        with quick_products(codes.device):
            hidden = self._hidden(codes, self._first(codes, shown, noise, condition))
            logits = self.readout(hidden)
            if self.cell_heads:
                logits = self.readout.added(logits, self.cell_heads, self.cells.logits(codes))
        if as_drawn:
            logits = self._possible(logits, codes)
        return [each.float().log_softmax(dim=2) for each in logits]

    def _possible(self, logits: Buckets, codes: Tensor) -> Buckets:
        """The logits, ``NEVER`` where a row's codes before rule a code out."""
        tables = self.exclusions.tables()
        if not any(tables):
            return logits
        never = [torch.zeros_like(each, dtype=torch.bool) for each in logits]
        for at, head in enumerate(self.heads):
            bucket, position = self.readout.position[at]
            for earlier, table in [] if head.is_cell else tables[head.column]:
                code = codes[:, self.columns[earlier].bins_at].long()
                never[bucket][position, :, : head.width] |= table[code]
        return [each.masked_fill(no, NEVER) for each, no in zip(logits, never, strict=True)]

    def first(self, noise: Tensor, condition: Tensor) -> Tensor:
        """The inputs that every head sees where no class is shown, [n, first_width].

        A condition [n, 0] is one of zeros.
        """
        given = torch.cat([noise, condition], dim=1)
        return pad(given, (0, self.first_width - given.shape[1]))

    def _first(
        self, codes: Tensor, shown: Tensor | None, noise: Tensor | None, condition: Tensor | None
    ) -> Tensor:
        """``first`` with the class of the rows that are shown theirs."""
        if noise is None:
            noise = torch.zeros(len(codes), self.noise_dim, device=codes.device)
        first = self.first(noise, noise[:, :0] if condition is None else condition)
        if shown is not None and self.class_head is not None:
            label = codes[:, self.heads[self.class_head].code].long()
            seen = (shown & (label >= 0))[:, None]
            first[:, self.class_at :] = one_hot(label.clamp(min=0), self.class_width) * seen
        return first

    def _hidden(self, codes: Tensor, first: Tensor) -> Tensor:
        """What the heads' categories are drawn from, [heads, n, hidden_dim]."""
        inputs = torch.cat([first, self.inputs(codes)], dim=1)
        hidden = self.entrance(inputs) + self.bias
        if self.cell_heads:
            at = torch.tensor(self.cell_heads, device=codes.device)
            hidden = hidden.index_add(0, at, self.cells.of_bins(codes).to(hidden.dtype))
        hidden = silu(hidden)
        for weight, bias in zip(self.layers, self.layer_biases, strict=True):
            hidden = self.dropout(hidden)
            hidden = hidden + silu(torch.baddbmm(bias, hidden, weight))
        dropped: Tensor = self.dropout(hidden)
        return dropped

    @torch.no_grad()
    def draw(
        self, noise: Tensor, condition: Tensor, rng: torch.Generator | None = None
    ) -> CodedRows:
        """Rows as codes; a condition [n, 0] is one of zeros."""
        rows = CodedRows.empty(len(noise), self.layout, device=noise.device)
        nets = self.taken_apart(noise.device)
        for start in range(0, len(noise), DRAW_ROWS):
            some = slice(start, start + DRAW_ROWS)
            walk = Walk(nets, self.first(noise[some], condition[some]))
            for head in range(len(self.heads)):
                walk.draw(head, rng)
            end = start + DRAW_ROWS
            rows.codes[start:end] = walk.codes.to(rows.codes.dtype)
            shape = rows.scalars[start:end].shape
            rows.scalars[start:end] = torch.rand(shape, generator=rng, device=noise.device)
        return rows

    @torch.no_grad()
    def taken_apart(self, device: torch.device) -> HeadNets:
        """The heads one by one, for a ``Walk``."""
        return HeadNets(self, torch.bfloat16 if multiplies_bfloat16(device) else torch.float32)

    def forward(
        self, noise: Tensor, condition: Tensor, rng: torch.Generator | None = None
    ) -> Tensor:
        """Rows [batch, row_width] whose gradient goes back through every draw."""
        nets = HeadNets(self, torch.float32)
        inputs, drawn = self.first(noise, condition), dict[int, Tensor]()
        for head, own in enumerate(self.heads):
            column = self.columns[own.column]
            bins = drawn[column.bins_at] if own.is_cell else None
            logits = nets.nets[head].logits(inputs.t(), bins)
            perturbed = logits + gumbel_like(logits, rng)
            drawn[own.code] = soft_choice(perturbed, self.temperature, hard=True)
            if own.column < len(nets.tables) and (own.is_cell or column.cells is None):
                joint = drawn[column.bins_at]
                if own.is_cell:
                    joint = (joint[:, :, None] * drawn[own.code][:, None, :]).flatten(1)
                inputs = torch.cat([inputs, joint @ nets.tables[own.column]], dim=1)
        return self._rows(drawn, rng)

    def _rows(self, drawn: dict[int, Tensor], rng: torch.Generator | None) -> Tensor:
        """One-hots, and scalars that are uniform, as the layout has them."""
        n, parts, code = len(drawn[0]), [], 0
        for block in self.layout.blocks:
            if block.kind == "discrete":
                parts.append(drawn[code])
                code += 1
            else:
                uniform = torch.rand(n, block.width, generator=rng, device=drawn[0].device)
                parts.append(uniform)
        return torch.cat(parts, dim=1)


def _heads(columns: Sequence[ChainColumn]) -> Iterator[Head]:
    """Heads in the order they are drawn."""
    for at, column in enumerate(columns):
        yield Head(column=at, code=column.bins_at, width=column.bins.width, is_cell=False)
        if column.cells is not None:
            yield Head(column=at, code=column.cells_at, width=column.n_cells, is_cell=True)


def _class_head(
    columns: Sequence[ChainColumn], heads: Sequence[Head], target: str | None
) -> int | None:
    """The position of the head that draws the class; None without a target of few classes."""
    for at, head in enumerate(heads):
        if columns[head.column].name == target and columns[head.column].cells is None:
            return at
    return None
