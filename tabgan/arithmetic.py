"""How torch computes here: its threads, and how exactly it multiplies matrices."""

import torch


def compute_with(threads: int) -> None:
    """Keep torch to ``threads`` threads, and let it multiply float32 matrices the quick way.

    "medium" allows products of bfloat16 parts where the hardware has them: on a CPU with
    avx512_bf16 three such products give float32's own error at 2.2 times its speed. Elsewhere
    nothing changes. Rows are the same to the byte on one machine, not from one kind to another,
    which float32 never promised either.
    """
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("medium")
