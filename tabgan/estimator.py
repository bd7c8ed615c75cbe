"""TableGAN: the commands' training, sampling and evaluation as one scikit-learn object."""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import warnings
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from tabgan.config.composing import compose_run
from tabgan.config.endings import explain
from tabgan.config.opening import OWN_TABLE, Run, chosen_refiner, open_run
from tabgan.config.overrides import as_words, words_of
from tabgan.config.ranges import check_numbers
from tabgan.errors import TabganError, nearest
from tabgan.evaluation.conditions import tell_support
from tabgan.evaluation.gathering import RunData, read_data, test_log_likelihoods
from tabgan.metrics.boosting import THREADS
from tabgan.metrics.panel import evaluate_tables
from tabgan.paths import conf_dir, path_of
from tabgan.report.build import Report, build_report
from tabgan.report.reading import Tables, read_like, table_like
from tabgan.report.rules import rule_figures, rule_shares
from tabgan.runs.callbacks.progress import is_watched
from tabgan.runs.card import CARD, write_card
from tabgan.runs.model_file import SUFFIX, save_model
from tabgan.runs.session import undisturbed
from tabgan.sampling.draw import Tally, draw_chunks
from tabgan.sampling.filling import check_columns, check_how, with_cells_missing, written_schema
from tabgan.sampling.imputing import Imputer
from tabgan.sampling.refiner import Refiner
from tabgan.system.archive import packed, unpack
from tabgan.system.arithmetic import compute_with
from tabgan.tables.conditions import Where, conditions_of
from tabgan.tables.frames import FrameKind, to_pandas
from tabgan.tables.notes import tell_missing
from tabgan.tables.profile import infer_schema
from tabgan.tables.schema import TableSchema
from tabgan.tables.writers import write_table
from tabgan.training.journey import train

if TYPE_CHECKING:
    from pytorch_lightning import Callback
    from sklearn.utils import Tags

log = logging.getLogger(__name__)

INNER = ("tabgan", "logging")  # modules that a warning does not point at
ROWS = 1_000  # that sample draws where nobody says how many


class TableGAN(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A GAN for one table, with scikit-learn's conventions and the commands' code.

    The same table, preset, overrides and seed give the rows that ``python -m tabgan.train`` and
    ``python -m tabgan.sample`` give. Nothing is left in the working folder.

    Args:
        preset: a model of ``conf/model``: "cgan" (the flagship), "cgan_basic", "gan", ...
        seed: of every draw, at least 0.
        overrides: configuration keys as the command line has them, such as
            ``{"model.lr": 5e-4, "trainer.max_epochs": 3, "callbacks": "report"}``.
        constraints: rules that every row keeps, such as ``["start <= end", "total = a + b"]``
            (``tabgan.tables.constraints.reading`` lists them all). Training rows that break one are
            refused; ``overrides={"data.on_violation": "drop"}`` and others go on.
        folder: where the run goes: a folder that is absent or empty. None is a temporary one that
            goes with the object; ``save`` keeps it.
        verbose: True says what is going on, as the commands do; None (the default) shows a
            training's progress in a terminal or a notebook, and nothing elsewhere; False shows
            nothing.

    A pickle (``joblib.dump``) of a fitted model holds its run folder; only unpickle what you trust,
    and give others the folder that ``save`` writes.

    Attributes:
        run_: the run: its ``folder``, ``config``, ``encoder``, ``module`` and ``refiner``.
        feature_names_in_: the training table's columns, the target among them: str [n_columns].
        n_features_in_: how many.

    Examples:
        >>> import pandas as pd
        >>> from tabgan import TableGAN
        >>> people = pd.DataFrame(
        ...     {
        ...         "age": [22, 35, 58, 41] * 60,
        ...         "job": ["cook", "clerk", None, "cook"] * 60,
        ...         "member": ["no", "yes"] * 120,
        ...     }
        ... )
        >>> gan = TableGAN(seed=1, overrides={"trainer.max_epochs": 2})
        >>> gan = gan.fit(people, target="member")
        >>> rows = gan.sample(3, where={"member": "yes"})
        >>> rows["member"].tolist()
        ['yes', 'yes', 'yes']
        >>> rows.dtypes.equals(people.dtypes)
        True
        >>> gan.fit(people.head(200), fine_tune=True).sample(2).shape
        (2, 3)
    """

    run_: Run
    _kind: FrameKind | None
    _figures: dict[str, float] | None

    def __init__(
        self,
        preset: str = "cgan",
        *,
        seed: int = 0,
        overrides: Mapping[str, Any] | None = None,
        constraints: Sequence[Any] = (),
        folder: str | Path | None = None,
        verbose: bool | None = None,
    ) -> None:
        self.preset = preset
        self.seed = seed
        self.overrides = overrides
        self.constraints = constraints
        self.folder = folder
        self.verbose = verbose

    def fit(
        self,
        table: pd.DataFrame | str | Path,
        target: str | None = None,
        *,
        callbacks: Sequence[Callback] = (),
        fine_tune: bool = False,
    ) -> Self:
        """Learn a table; what was learned before is forgotten.

        A tenth of the rows (at most 5,000) is kept aside for validation; all others train.

        Args:
            table: a DataFrame with text for column names, which stays as it is, of pandas, polars,
                pyarrow or another library that exports Arrow; the path of an ARFF, CSV or Parquet
                file; or a named set ("adult"), which brings target and test rows.
            target: the name of the column to predict. Classes become the condition of the rows; a
                quantity is one more column, and so is everything without a target.
            callbacks: Lightning callbacks.
            fine_tune: whether the fitted model goes on instead: its encoder and schema are kept,
                its weights are where training starts. Values that it never saw are refused.

        Raises:
            TabganError: a ValueError, for a mistake in table, target, preset or overrides.
            NotFittedError: for ``fine_tune`` without a fitted model.
            FloatingPointError: when a loss is no longer a number.
        """
        if fine_tune:
            check_is_fitted(self, "run_")
        start = self.run_ if fine_tune else None
        table, kind = _in_pandas(table)
        folder, is_temporary, before = self._make_folder(replace=not fine_tune)
        try:
            with _speaking(self.verbose), undisturbed():
                cfg = self._compose(table, target, folder, start)
                train(cfg, folder, callbacks=callbacks)
                run = open_run(folder)
        except BaseException:
            if is_temporary or before or not (folder / "checkpoints").is_dir():
                shutil.rmtree(folder)  # nothing was learned, or there is an earlier model to keep
            if before:
                before.rename(folder)
            raise
        if before:
            shutil.rmtree(before)
        self._take(run, is_temporary=is_temporary)
        self._kind = kind
        return self

    def sample(
        self,
        n: int | None = None,
        *,
        where: Where | None = None,
        mix: str | Mapping[Any, float] | None = None,
        like: pd.DataFrame | Sequence[Where] | None = None,
        refine: bool | None = None,
        dropped: str = "leave",
        seed: int = 0,
    ) -> Any:
        """``n`` new rows in the dtypes of the training table; the same seed gives the same rows.

        They are a table of the kind that was fitted (polars for polars); pandas after ``load``. Of
        Python's objects texts, booleans, dates and times of day are such again; decimals are
        float64, datetimes datetime64, categories of other objects (such as intervals) of text.
        Text that holds numbers or dates comes back in its form ("$1,200.00").

        Args:
            n: rows, at least 1; None draws one per condition of ``like``, or 1,000.
            where: column -> what every row has there: a value, a list of values, a range
                ``(low, high)`` with both ends in it, or None for missing. What no training row
                has is drawn with a warning, where the training table is still at hand.
            mix: class -> its share of the rows.
            like: one such ``where`` per row, or a table, whose missing cells are free.
            refine: boosted rejection; None refines where the training learned to.
            dropped: what becomes of columns that could not be learned, which ``fit`` has warned
                of: "leave" leaves them out; "empty" gives them without values, in their place.
            seed: of the draw, at least 0.

        Raises:
            NotFittedError: before ``fit``.
            TabganError: for a condition that cannot be met, or ``refine`` without a refiner.
        """
        check_is_fitted(self, "run_")
        schema = self.run_.encoder.written_schema(dropped)
        like = _listed(like)
        n = len(like or range(ROWS)) if n is None else n
        requested: dict[str, Any] = {"where": where, "mix": mix, "like": like}
        refiner, tally = chosen_refiner(self.run_, refine), Tally()
        rows = self._draw(n, refiner, seed=seed, tally=tally, **requested)
        with _speaking(self.verbose):
            tell_support(self.run_, **requested, share=tally.share)
        return _of_kind(schema.restore(schema.extended(rows)), self._kind)

    def impute(
        self, table: Any, n_imputations: int = 1, *, how: str = "draw", seed: int = 0
    ) -> Any:
        """``table`` with its missing cells filled, in the dtypes of the training table.

        Known cells and the index stay; a column without values has all its cells filled.

        Args:
            table: the columns of the training table; what is given back is of its kind.
            n_imputations: how often each cell is drawn; of several a list of tables is given.
            how: "draw" keeps the distribution; "likeliest" takes each cell's most probable
                category or median number, which is right most often and varies too little;
                "sharp" draws categories by the squares of their chances, which is between them.
            seed: of the draws, at least 0.

        Raises:
            NotFittedError: before ``fit``.
            TabganError: for other columns, values that do not fit them, or a model other than
                ``cgan``.
        """
        check_is_fitted(self, "run_")
        check_how(how, n_imputations)
        run, schema = self.run_, self.run_.encoder.schema
        table, kind = _in_pandas(table)
        if not isinstance(table, pd.DataFrame):
            raise TabganError(f"table: expected a DataFrame, got {type(table).__name__}")
        check_columns(table.columns, schema, "table", optional=run.encoder.dropped_)
        known = with_cells_missing(schema, table.columns).conform(table)
        with undisturbed():
            compute_with(run.config.threads)
            imputer = Imputer(run.module, run.encoder, seed=_whole("seed", seed, least=0))
            filled = list(imputer.fill(known, n_imputations, how))
        frames = [_as_trained(one, schema).set_index(table.index) for one in filled]
        tables = [_of_kind(frame, kind) for frame in frames]
        return tables if n_imputations > 1 else tables[0]

    def evaluate(
        self,
        test: pd.DataFrame | str | Path | None = None,
        *,
        n: int | None = None,
        seed: int = 0,
        out: str | Path | None = None,
    ) -> dict[str, float]:
        """The metrics of generated rows by name (``c2st_test_auc_worst``, ``wnmis``, ...).

        Figures of refined rows are prefixed with ``refined.``; ``rules.<rule>`` is the share of
        rows that keep a rule, declared or found in the training rows. What is undefined on
        these tables (a C2ST of a dozen test rows) is absent; with ``verbose`` the log says why.

        Args:
            test: real rows that training never saw, a table or a file; None takes those that the
                run kept (a named set's own).
            n: rows to draw; None draws as many as were trained on.
            seed: of the draw and of every metric.
            out: a folder for ``report.html``, ``report.json`` and ``pictures/``; the anchors of
                real and of independent rows are then measured too (``real_test.``,
                ``independent.``), which takes about twice the time.

        Raises:
            NotFittedError: before ``fit``.
            TabganError: without test rows, or for rows of another table.
        """
        check_is_fitted(self, "run_")
        tables = self._tables(test, n, seed)
        with _speaking(self.verbose):
            if out is None:
                report = _panel(tables, seed)
            else:
                report = build_report(tables, out=path_of(out), seed=seed, threads=THREADS)
        figures = {name: value for name, value in report.items() if not isinstance(value, str)}
        self._figures = figures  # for the model card
        return dict(figures)

    def save(self, path: str | Path) -> None:
        """Keep the model as a run folder, which the commands read too, or as one file.

        A path that ends in ``.tabgan`` is one file: a zip archive of the folder, which takes the
        place of an earlier one in one move; the same model gives the same bytes. In both lies
        ``README.md``, a model card. A DataFrame that was fitted lies in a folder as
        ``table.parquet``: remove that before giving the folder away. A file is without. Only
        evaluation needs those rows.

        Raises:
            NotFittedError: before ``fit``.
            TabganError: when the folder has something in it.
        """
        check_is_fitted(self, "run_")
        path = path_of(path)
        if path.suffix != SUFFIX:
            self._copy(_empty(path))
            return
        if path.is_dir():
            raise TabganError(f"{path}: expected a file to write, got a folder")
        with tempfile.TemporaryDirectory(prefix="tabgan-") as folder:
            self._copy(Path(folder))
            save_model(Path(folder), path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The model of a folder or file that ``save`` left, or of ``python -m tabgan.train``.

        Nothing is unpickled; a file is unpacked into a temporary folder that goes with the object.

        Raises:
            TabganError: when it is no run folder or model file, or has no checkpoint.
        """
        run = open_run(path_of(path))
        gan = cls(_preset(run), seed=run.config.seed, overrides=_overrides(run) or None)
        gan._take(run, is_temporary=False)
        return gan

    def __sklearn_tags__(self) -> Tags:
        """The tags that scikit-learn reads: text, categories and missing values are welcome."""
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.categorical = tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """The state of a pickle: parameters, and of a fitted model its run folder's files."""
        state: dict[str, Any] = dict(super().__getstate__())  # which may be this object's own
        state.pop("_forget", None)
        run = state.pop("run_", None)
        return state if run is None else state | {"_packed": packed(_there(run.folder))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpack the run folder into a temporary one, which goes with the object."""
        state = dict(state)
        files = state.pop("_packed", None)
        kind, figures = state.pop("_kind", None), state.pop("_figures", None)
        super().__setstate__(state)
        if files is not None:
            folder = Path(tempfile.mkdtemp(prefix="tabgan-"))
            unpack(files, folder)
            self._take(open_run(folder), is_temporary=True)
            self._kind, self._figures = kind, figures

    def _copy(self, folder: Path) -> None:
        """The run folder's files in another, with a card that has what was evaluated since."""
        shutil.copytree(_there(self.run_.folder), folder, dirs_exist_ok=True)
        if self._figures or not (folder / CARD).is_file():
            write_card(folder, self._figures)

    def _take(self, run: Run, *, is_temporary: bool) -> None:
        """Be fitted to ``run``, and remove the temporary folder of the run before."""
        if (forget := self.__dict__.pop("_forget", None)) is not None:
            forget()
        if is_temporary:
            self._forget = weakref.finalize(self, shutil.rmtree, run.folder, ignore_errors=True)
        self.run_, self._kind, self._figures = run, None, None
        names = run.encoder.schema.names
        self.feature_names_in_ = np.array(names, dtype=object)
        self.n_features_in_ = len(names)

    def _make_folder(self, *, replace: bool) -> tuple[Path, bool, Path | None]:
        """An empty folder for a run, whether it is a temporary one, and where the run before is.

        That one stands beside, if it had the folder, until there is another.
        """
        if self.folder is None:
            return Path(tempfile.mkdtemp(prefix="tabgan-")), True, None
        folder, before = path_of(self.folder).absolute(), None
        run = self.__dict__.get("run_")
        if replace and run is not None and run.folder == folder:
            before = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
            folder.rename(before)
        _empty(folder).mkdir(parents=True, exist_ok=True)
        return folder, False, before

    def _compose(
        self, table: pd.DataFrame | str | Path, target: str | None, folder: Path, start: Run | None
    ) -> DictConfig:
        """The configuration of a training, whose DataFrame then lies in ``folder``."""
        _check_preset(self.preset)
        data = _data_keys(table, target, folder, start)
        words = [f"model={self.preset}", "data=table", f"seed={self.seed}", *as_words(data)]
        if self.constraints:
            _check_rules(self.constraints)
            words += as_words({"data.constraints": list(self.constraints)})
        words += as_words(self.overrides)
        if start is not None:  # whose schema has no dropped column
            words += as_words({"start": start.folder.absolute(), "data.drop": []})
        try:
            cfg = compose_run(words, folder)
        except (HydraException, OmegaConfBaseException) as error:
            raise TabganError(explain(error, "train", words)) from error
        check_numbers(cfg)
        if self.verbose is False or (self.verbose is None and not is_watched()):
            cfg.callbacks.pop("progress", None)
        return cfg

    def _draw(
        self, n: int, refiner: Refiner | None, *, seed: int, **requested: Any
    ) -> pd.DataFrame:
        """``n`` rows that conform to the schema; ``requested`` goes to ``draw_chunks``."""
        run, n, seed = self.run_, _whole("n", n, least=1), _whole("seed", seed, least=0)
        with undisturbed():
            compute_with(run.config.threads)
            wanted = {"n": n, "seed": seed, "refiner": refiner, **requested}
            chunks = draw_chunks(run.module, run.encoder, **wanted)
            return pd.concat(chunks, ignore_index=True)

    def _tables(self, test: pd.DataFrame | str | Path | None, n: int | None, seed: int) -> Tables:
        """Training, test and drawn rows, in the columns that metrics look at."""
        run, schema = self.run_, self.run_.encoder.schema_
        data = read_data(run)
        n = len(data.train) if n is None else n
        return Tables.of(
            data.title,
            schema,
            train=data.train,
            test=_test_rows(test, data, schema, run.left_out),
            synthetic=self._draw(n, None, seed=seed),
            refined=self._draw(n, run.refiner, seed=seed) if run.refiner else None,
            log_likelihoods=test_log_likelihoods(run, data) if test is None else {},
        )


def _in_pandas(table: Any) -> tuple[Any, FrameKind | None]:
    """A table of any library in pandas, and its kind; anything else as it is."""
    found = to_pandas(table)
    return (table, None) if found is None else found


def _of_kind(rows: pd.DataFrame, kind: FrameKind | None) -> Any:
    return rows if kind is None else kind.of(rows)


def _as_trained(filled: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    """A filled table in the training table's dtypes, which missing cells had made wider."""
    own = written_schema(schema, filled).with_missing(c.name for c in schema.columns if c.missing)
    return own.restore(own.conform(filled))


def _data_keys(
    table: pd.DataFrame | str | Path, target: str | None, folder: Path, start: Run | None
) -> dict[str, Any]:
    """The ``data.`` keys of a table; a DataFrame is written into the run folder."""
    keys: dict[str, Any] = {
        "data.name": None,
        "data.path": None,
        "data.test_path": None,
        "data.schema_path": None,
    }
    if target is not None and not isinstance(target, str):
        raise TabganError(
            f"target: expected the name of a column of the table, got {type(target).__name__}; "
            "what is to be predicted is one of the table's columns"
        )
    if start is not None:
        target = start.encoder.schema.target if target is None else target
    keys |= {"data.target": target, "data.test_fraction": 0.0}
    if isinstance(table, pd.DataFrame):
        path = _write_table(table, target, folder, start)
    elif isinstance(table, str) and (conf_dir() / "data" / f"{table}.yaml").is_file():
        return keys | {"data.name": table, "data.test_fraction": 0.1}
    elif isinstance(table, str | Path):
        path = path_of(table).absolute()
    else:
        raise TabganError(f"table: expected a DataFrame or a path, got {type(table).__name__}")
    return keys | {"data.path": str(path)}


def _write_table(table: pd.DataFrame, target: str | None, folder: Path, start: Run | None) -> Path:
    """A DataFrame as a file of the run folder, in its own schema or in that of the run before.

    Raises:
        TabganError: when it has no columns or wrong ones, or a value does not fit.
    """
    _check_names(table, target)
    if start is None:
        schema = infer_schema(table, name="table", target=target)
        tell_missing(schema, "table")
    else:
        schema = start.encoder.schema_.with_target(target)
        _check_known(table, start)
    write_table(folder / OWN_TABLE, schema.conform(table), schema)
    return folder / OWN_TABLE


def _check_names(table: pd.DataFrame, target: str | None) -> None:
    other = [name for name in table.columns if not isinstance(name, str)]
    if other:
        raise TabganError(
            f"table: expected text for column names, got {other[0]!r} "
            f"({type(other[0]).__name__}); table.columns.astype(str) makes them text"
        )
    if not len(table.columns):
        raise TabganError("table: no columns")
    if target is not None and target not in table.columns:
        raise TabganError(f"target={target!r}: no such column; {nearest(target, table.columns)}")


def _check_known(table: pd.DataFrame, start: Run) -> None:
    known = {*start.encoder.schema.names, *start.left_out}
    if unknown := [name for name in table.columns if name not in known]:
        raise TabganError(
            f"table: the run it starts from has no column {unknown[0]!r} ({len(unknown)} such); "
            "leave out what it does not know"
        )


def _check_rules(constraints: Any) -> None:
    if isinstance(constraints, str | Mapping) or not isinstance(constraints, Sequence):
        raise TabganError(
            f"constraints: expected a list of rules such as ['start <= end'], got {constraints!r}"
        )


def _check_preset(preset: str) -> None:
    presets = sorted(path.stem for path in (conf_dir() / "model").glob("*.yaml"))
    if preset not in presets:
        raise TabganError(f"preset={preset!r}: {nearest(str(preset), presets)}")


def _listed(like: Any) -> Sequence[Where] | None:
    """Conditions, one per row, of a table or of a list of them."""
    like, _ = _in_pandas(like)
    if isinstance(like, pd.DataFrame):
        return conditions_of(like)
    if like is None or (isinstance(like, Sequence) and not isinstance(like, str)):
        return like
    raise TabganError(
        f"like: expected a DataFrame or a list of dicts, one condition per row, "
        f"got {type(like).__name__}"
    )


def _test_rows(
    test: pd.DataFrame | str | Path | None,
    data: RunData,
    schema: TableSchema,
    ignored: Sequence[str],
) -> pd.DataFrame:
    test, _ = _in_pandas(test)
    if isinstance(test, pd.DataFrame):
        return table_like(test, schema, "test", ignored=ignored)
    if test is not None:
        return read_like(path_of(test), schema, ignored=ignored)
    if not len(data.test):
        raise TabganError("the run kept no test rows: give test=<real rows it never saw>")
    return data.test


def _panel(tables: Tables, seed: int) -> Report:
    """The metrics of the drawn and of the refined rows, without the anchors; notes are logged."""
    found: Report = {}
    for prefix in ("", "refined.") if tables.refined is not None else ("",):
        scores, notes = evaluate_tables(tables.comparison(prefix, seed=seed))
        found |= {prefix + name: float(value) for name, value in scores.items()}
        for name, note in notes.items():
            log.info("%s: %s", prefix + name, note)
    figures = rule_figures(rule_shares(tables))
    own = {n: share for n, share in figures.items() if n.startswith(("rules.", "refined."))}
    return found | own


def _preset(run: Run) -> str:
    """The model that a run's words chose."""
    path = run.folder / ".hydra" / "hydra.yaml"
    hydra = OmegaConf.load(path) if path.is_file() else OmegaConf.create()
    return str(OmegaConf.select(hydra, "hydra.runtime.choices.model") or "cgan")


def _overrides(run: Run) -> dict[str, Any]:
    """What else a run was trained with, as ``overrides``."""
    parse = OverridesParser.create().parse_override
    parsed = [parse(word) for word in words_of(run.folder) if not word.startswith("model=")]
    return {word.get_key_element(): word.value() for word in parsed}


def _there(folder: Path) -> Path:
    """``folder``, unless somebody has removed it."""
    if not folder.is_dir():
        raise TabganError(f"{folder}: the run's folder is gone, and the model's files with it")
    return folder


def _whole(name: str, value: Any, *, least: int) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise TabganError(f"{name}={value!r}: expected a whole number, at least {least}")
    return int(value)


def _empty(folder: Path) -> Path:
    """``folder``, in which nothing may be."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TabganError(f"folder={folder}: expected an absent or empty folder")
    return folder


class _AsWarnings(logging.Handler):
    """The package's warnings as Python's, which point at the line outside of it."""

    def emit(self, record: logging.LogRecord) -> None:
        frame, level = sys._getframe(), 1
        while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in INNER:
            frame, level = frame.f_back, level + 1
        warnings.warn(record.getMessage(), UserWarning, stacklevel=level)


@contextmanager
def _speaking(verbose: bool | None) -> Iterator[None]:
    """The package's log on stdout, where ``verbose``; its warnings always, as Python's."""
    logger = logging.getLogger("tabgan")
    level, propagate = logger.level, logger.propagate
    shown = logging.StreamHandler(sys.stdout)
    shown.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    shown.addFilter(lambda record: record.levelno < logging.WARNING)
    warned = _AsWarnings(logging.WARNING)
    logger.addHandler(warned)
    logger.propagate = False
    if verbose:
        logger.addHandler(shown)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(warned)
        logger.removeHandler(shown)
        logger.setLevel(level)
        logger.propagate = propagate
