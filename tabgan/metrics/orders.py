"""Orders that every real row keeps, such as ``start <= end``, and the rows that break one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabgan.metrics.coding import code_tables
from tabgan.tables.orders import Orders

MOST_NAMED = 5


def broken_orders(real: pd.DataFrame, synthetic: pd.DataFrame) -> str:
    """The orders that synthetic rows break, in words, those broken most first; "" for none.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    one, other = (coded.numbers for coded in code_tables(real=real, synthetic=synthetic))
    names = [*one]
    if not names:
        return ""
    dated = [pd.api.types.is_datetime64_any_dtype(real[name]) for name in names]
    alike = [
        [position for position, is_date in enumerate(dated) if is_date is which]
        for which in (False, True)
    ]
    orders = Orders.found(np.column_stack([*one.values()]), alike)
    broken = orders.broken(np.column_stack([*other.values()]))
    shares = broken.mean(axis=0)
    worst = [position for position in np.argsort(-shares, kind="stable") if shares[position]]
    if not worst:
        return ""
    named = [
        f"{names[a]} <= {names[b]} ({shares[position]:.1%})"
        for position in worst[:MOST_NAMED]
        for a, b in [orders.pairs[position]]
    ]
    more = f" and {len(worst) - MOST_NAMED} more" if len(worst) > MOST_NAMED else ""
    return (
        f"{broken.any(axis=1).mean():.1%} of the synthetic rows break an order that every training "
        f"row keeps: {', '.join(named)}{more}"
    )
