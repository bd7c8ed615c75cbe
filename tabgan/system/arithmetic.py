"""Settings of torch: its threads, its memory, and how exactly it multiplies matrices."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt(3)
KEPT_BYTES = 256 * 2**20


def compute_with(threads: int) -> None:
    """Keep torch to ``threads`` threads, and let it multiply float32 matrices the quick way.

    "medium" allows products of bfloat16 parts where the hardware has them: on a CPU with
    avx512_bf16 three such products are near float32's own error at 2.2 times its speed; where
    that is not near enough there is ``exact_products``. Elsewhere nothing changes. Rows are the
    same to the byte on one machine, not from one kind to another, which float32 never promised.
    """
    torch.set_num_threads(threads)
    keep_freed_memory()
    torch.set_float32_matmul_precision("medium")


@contextmanager
def exact_products() -> Iterator[None]:
    """Float32's own products, for sums that nearly cancel; around a block, or a function.

    A variance, for one, is the small difference of large products: of bfloat16 parts it may be
    negative.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def keep_freed_memory() -> None:
    """Let glibc keep up to 256 MB of freed memory instead of giving each piece back at once.

    By default every large tensor is mapped anew and the kernel clears its pages: more than half
    of the time of a sampling step, whose tensors are all large and short-lived.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:  # other systems' libraries have none
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
