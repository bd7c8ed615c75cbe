"""GANOversampler: new rows of the rare classes, as an imbalanced-learn sampler."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from tabgan.encoding.ordinal import Matrix, OrdinalCodes
from tabgan.errors import TabganError
from tabgan.estimator import TableGAN
from tabgan.models.nets.boosted import MIN_REAL_ROWS
from tabgan.sampling.refiner import Refiner
from tabgan.seeding import rng_at, seed32, seed_at
from tabgan.tables.profile import infer_schema
from tabgan.tables.schema import TableSchema

try:
    from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC
    from imblearn.over_sampling.base import BaseOverSampler
    from imblearn.utils import check_target_type
except ImportError as error:
    raise ImportError(
        "tabgan.imbalance needs imbalanced-learn: pip install 'tabgan-lightning[imbalance]'"
    ) from error

PRESETS = {"conditional": "cgan", "gan_smote": "gan_smote"}  # of TableGAN, of modes that train one
MODES = (*PRESETS, "filtered_smote")
MOST_REPEATS = 10  # of a rare row, in training; more of them, and generated rows are nearly its own
REFINED_FROM = 2_000  # rows of a table; below, what trees could reject is not worth their time
ROUNDS, POOL_FACTOR = 3, 3.0  # of filtered_smote's refiner, as in conf/refiner/boosted.yaml
SPARE = 1.2  # candidates drawn for one that is expected to pass

Codes = NDArray[np.int64]


class GANOversampler(BaseOverSampler):  # type: ignore[misc]  # it has no types
    """Oversampling with rows that a GAN makes, or that SMOTE makes and a critic accepts.

    It learns from what ``fit_resample`` gets and from nothing else, so in imbalanced-learn's
    ``Pipeline`` a cross-validation never lets it see the rows that are scored. The rows that came
    stay as they are, at the top; new ones follow, class by class, in the dtypes that came. Numbers
    stay in the class's or the table's range and at their decimals; integers stay integers.

    ``mode="conditional"`` trains the class-conditional GAN of ``TableGAN`` (the preset ``cgan``
    with boosted refinement) on all rows and asks it for rows of the rare classes
    (after Douzas and Bacao 2018, doi:10.1016/j.eswa.2017.09.030). The rare classes' rows are
    repeated for the training, as often as ``sampling_strategy`` asks and ten times at most: a class
    that is a hundredth of the table would hardly be seen, and its rows drawn much like the others.
    It takes missing values. New rows of a class of very few rows lie near those.

    ``mode="gan_smote"`` trains a GAN for each class on that class's rows alone (GAN-SMOTE, Scott
    and Plested 2019; ``models.gan_smote``). It takes missing values.

    ``mode="filtered_smote"`` interpolates between neighbours of a class as SMOTE does (Chawla et
    al. 2002; SMOTENC where there are categories, SMOTEN where there is nothing else; distances in
    standardised numbers), and keeps a candidate with the probability that a critic gives it: the
    refiner's boosted trees, which learn to separate real rows of the class from candidates in up
    to three rounds. This is discriminator rejection sampling (Azadi et al. 2019,
    arXiv:1810.06758) with SMOTE for the generator: no net is trained. A class of fewer than 200
    rows is too small for a critic, and gets SMOTE's rows as they are. Missing numbers are refused.

    ``conditional`` and ``filtered_smote`` are not refined on a table of fewer than 2,000 rows.

    A class that is too small is reported in one warning. The modes that train a GAN repeat the
    rows of a class with at most ``k_neighbors`` of them; ``filtered_smote`` lowers ``k_neighbors``
    for it, and repeats a single row.

    Args:
        mode: "conditional", "gan_smote" or "filtered_smote".
        sampling_strategy: which classes get how many rows, as everywhere in imbalanced-learn.
        random_state: the same gives the same rows, to the byte; None another set each time.
        k_neighbors: of SMOTE, at least 1.
        overrides: of ``TableGAN``, for the modes that train one:
            ``{"trainer.max_epochs": 20, "refiner.rounds": 1}``.

    Attributes:
        sampling_strategy_: class -> rows to add.
        n_features_in_: columns.
        feature_names_in_: their names, where all are text: str [n_features_in_].

    Examples:
        >>> import numpy as np
        >>> import pandas as pd
        >>> from tabgan.imbalance import GANOversampler
        >>> rows = pd.DataFrame({"age": np.arange(60) % 17, "job": ["cook", "clerk", "smith"] * 20})
        >>> rare = np.arange(60) % 5 == 0
        >>> more, labels = GANOversampler(mode="filtered_smote").fit_resample(rows, rare)
        >>> len(more), int(labels.sum()), more.dtypes.equals(rows.dtypes)
        (96, 48, True)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseOverSampler._parameter_constraints,
        "mode": [StrOptions(set(MODES))],
        "k_neighbors": [Interval(Integral, 1, None, closed="left")],
        "overrides": [Mapping, None],
    }

    def __init__(
        self,
        mode: str = "conditional",
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = 0,
        k_neighbors: int = 5,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.mode = mode
        self.random_state = random_state
        self.k_neighbors = k_neighbors
        self.overrides = overrides

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = self.mode in PRESETS
        return tags

    def _check_X_y(self, X: Any, y: Any, accept_sparse: Any = None) -> tuple[Any, Any, bool]:  # noqa: N802, N803
        """Rows as a DataFrame or an array of any dtype, labels as an array."""
        y, one_against_all = check_target_type(y, indicate_one_vs_all=True)
        if not isinstance(X, pd.DataFrame):
            X = check_array(X, dtype=None, ensure_all_finite="allow-nan")  # noqa: N806
        check_consistent_length(X, y)
        validate_data(self, X=X, y=y, reset=True, skip_check_array=True)
        return X, y, one_against_all

    def _fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, Any]:  # noqa: N803
        if params:
            raise TabganError(f"fit_resample: unexpected {sorted(params)}")
        classes, codes = np.unique(y, return_inverse=True)
        wanted = {
            int(np.flatnonzero(classes == label)[0]): int(n)
            for label, n in self.sampling_strategy_.items()
            if n > 0
        }
        table = _as_table(X)
        schema = infer_schema(table, name="table")
        _refuse_text(schema)
        given = self.random_state
        given = seed32(given) if isinstance(given, int) else given
        seed = int(check_random_state(given).randint(2**31 - 1))
        made = self._make(schema, schema.conform(table), codes, wanted, classes, seed)
        labels = [np.repeat(y[codes == code][:1], len(rows)) for code, rows in made.items()]
        rows = _appended(X, [schema.restore(rows) for rows in made.values()])
        return rows, np.concatenate([y, *labels])

    def _make(
        self, schema: TableSchema, table: pd.DataFrame, codes: Codes, wanted: dict[int, int],
        classes: NDArray[Any], seed: int,
    ) -> dict[int, pd.DataFrame]:  # fmt: skip
        """Code of a class -> its new rows, conforming to the schema."""
        counts = np.bincount(codes)
        least = self.k_neighbors + 1 if self.mode in PRESETS else 2
        repeated = {code: n for code, n in wanted.items() if counts[code] < least}
        learned = {code: n for code, n in wanted.items() if code not in repeated}
        self._warn(classes, counts, wanted)
        made = {code: _repeated(table[codes == code], n, seed) for code, n in repeated.items()}
        if learned and self.mode in PRESETS:
            made |= self._generated(schema, table, codes, learned, seed)
        elif learned:
            coder = OrdinalCodes.fit(schema, table)
            for code, n in learned.items():
                rows = coder.encode(table[codes == code])
                k = min(self.k_neighbors, len(rows) - 1)
                critic = Refiner() if len(table) >= REFINED_FROM else None
                drawn = _accepted(coder, rows, n, k, critic, seed_at(seed, "smote", code))
                made[code] = coder.decode(drawn)
        return {code: made[code] for code in wanted}

    def _generated(
        self,
        schema: TableSchema,
        table: pd.DataFrame,
        codes: Codes,
        wanted: dict[int, int],
        seed: int,
    ) -> dict[int, pd.DataFrame]:
        """The GAN's rows of each class."""
        label = "class"
        while label in table:
            label += "_"
        words = [str(code) for code in range(codes.max() + 1)]
        labelled = table.assign(**{label: pd.Categorical.from_codes(codes, words)})
        if self.mode == "conditional":  # a GAN for each class has no share of others to fear
            repeats = _repeats(labelled, codes, wanted, seed)
            labelled = pd.concat([labelled, *repeats], ignore_index=True)
        settings = _settings(len(labelled)) | dict(self.overrides or {})
        gan = TableGAN(PRESETS[self.mode], seed=seed, overrides=settings)
        gan.fit(labelled, target=label)
        drawn = {
            code: gan.sample(n, where={label: words[code]}, seed=seed_at(seed, "class", code))
            for code, n in wanted.items()
        }
        return {code: schema.conform(rows.drop(columns=label)) for code, rows in drawn.items()}

    def _warn(self, classes: NDArray[Any], counts: Codes, wanted: dict[int, int]) -> None:
        """One warning that names every class which is too small, and what is done about it."""
        few = [code for code in wanted if counts[code] <= self.k_neighbors]
        if not few:
            return
        named = ", ".join(f"{classes[code]!s} ({counts[code]})" for code in few)
        done = "interpolated between all of them; a single row is repeated"
        if self.mode in PRESETS:
            done = "too few to learn from: their rows are repeated"
        warnings.warn(
            f"classes with at most k_neighbors={self.k_neighbors} rows: {named}; {done}",
            UserWarning,
            stacklevel=2,
        )


def _as_table(rows: Any) -> pd.DataFrame:
    """Rows with text for names, without sparse columns; a new index."""
    table = pd.DataFrame(rows).reset_index(drop=True)
    table.columns = table.columns.astype("str")
    sparse = [n for n, dtype in table.dtypes.items() if isinstance(dtype, pd.SparseDtype)]
    return table.assign(**{str(name): table[name].sparse.to_dense() for name in sparse})


def _refuse_text(schema: TableSchema) -> None:
    text = [column.name for column in schema.columns if column.kind == "string"]
    if text:
        raise TabganError(
            f"column {text[0]!r}: text with very many distinct values cannot be oversampled; drop "
            "it, or encode it before (ColumnTransformer)"
        )


def _appended(rows: Any, parts: list[pd.DataFrame]) -> Any:
    """``rows`` with the parts below, in its own kind and dtypes."""
    if isinstance(rows, pd.DataFrame):
        named = [part.set_axis(rows.columns, axis="columns").astype(rows.dtypes) for part in parts]
        return pd.concat([rows, *named], ignore_index=True)
    return np.concatenate([rows, *(part.to_numpy().astype(rows.dtype) for part in parts)])


def _settings(n_rows: int) -> dict[str, Any]:
    """What shortens the training of a small table."""
    settings: dict[str, Any] = {"logger": "none"}
    return settings | ({"refiner.rounds": 0} if n_rows < REFINED_FROM else {})


def _repeats(
    rows: pd.DataFrame, codes: Codes, wanted: dict[int, int], seed: int
) -> list[pd.DataFrame]:
    """The rows of each class again, as many as are asked for, each ten times at most."""
    counts = np.bincount(codes)
    return [
        _repeated(rows[codes == code], min(n, MOST_REPEATS * int(counts[code])), seed)
        for code, n in wanted.items()
    ]


def _repeated(rows: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    positions = rng_at(seed, "repeat").integers(len(rows), size=n)
    return rows.iloc[positions].reset_index(drop=True)


def _accepted(
    coder: OrdinalCodes, rows: Matrix, n: int, k: int, critic: Refiner | None, seed: int
) -> Matrix:
    """``n`` rows interpolated from a class [m, n_columns], those that ``critic`` accepts."""

    def draw(size: int, position: int) -> Matrix:
        drawn = _interpolated(rows, coder.nominal, size, k, seed_at(seed, position))
        return coder.encode(coder.decode(drawn))  # rounded, or every fraction would betray it

    if critic is None or len(rows) < MIN_REAL_ROWS:
        return draw(n, 0)
    critic.fit(rows, draw, rounds=ROUNDS, pool_factor=POOL_FACTOR, seed=seed)
    kept, n_kept, position = [], 0, 0
    while n_kept < n:
        size = int(SPARE * (n - n_kept) / critic.total_acceptance) + 10
        candidates = draw(size, seed_at(seed, "kept", position))
        kept.append(candidates[critic.accept(candidates, rng_at(seed, "accept", position))])
        n_kept, position = n_kept + len(kept[-1]), position + 1
    return np.concatenate(kept)[:n]


def _interpolated(rows: Matrix, nominal: NDArray[np.bool_], n: int, k: int, seed: int) -> Matrix:
    """``n`` rows between neighbours, by imbalanced-learn's SMOTE for these kinds of columns."""
    options = {
        "sampling_strategy": {1: len(rows) + n},
        "k_neighbors": k,
        "random_state": seed % 2**32,
    }
    if not nominal.any():
        sampler = SMOTE(**options)
    elif nominal.all():
        sampler = SMOTEN(**options)
    else:
        sampler = SMOTENC(categorical_features=np.flatnonzero(nominal).tolist(), **options)
    # a sampler wants a second class, which it then leaves alone
    stacked, labels = np.vstack([rows, rows[:1]]), np.repeat([1, 0], [len(rows), 1])
    return np.asarray(sampler.fit_resample(stacked, labels)[0][len(stacked) :], dtype=np.float64)
