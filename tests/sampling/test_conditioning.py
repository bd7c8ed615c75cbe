"""Rows under conditions: all satisfy them, and their other columns are as they should be."""

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.sampling import conditioning, draw, particles
from tabgan.sampling.draw import Tally, class_weights, draw_chunks, draw_numbers

HEADER = """@relation staff
@attribute grade {a,b,c,d}
@attribute points integer
@attribute age integer
@attribute wage real
@attribute gain real
@attribute joined date 'yyyy-MM-dd'
@attribute member {false,true}
@attribute planet {earth,mars}
@attribute label {no,yes}
@data
"""
POINTS = {"a": 9, "b": 7, "c": 5, "d": 3}  # which grade decides


@pytest.fixture(scope="module")
def staff(tmp_path_factory):
    """2,000 rows: wage missing in one of ten, gain 0 in two of three, joined missing at times.

    Age and wage lean on the grade, label on age; one row in 500 has grade d.
    """
    rng = np.random.default_rng(0)
    lines = []
    for row in range(2_000):
        grade = "d" if row % 500 == 0 else "abc"[int(rng.integers(3))]
        age = int(np.clip(rng.normal(25 + 2 * POINTS[grade], 6), 18, 70))
        wage = "?" if row % 10 == 3 else f"{rng.normal(10 * POINTS[grade], 8):.2f}"
        gain = "0" if rng.random() < 2 / 3 else f"{rng.lognormal(3, 1):.3f}"
        joined = "?" if row % 8 == 5 else np.datetime64("2015-01-01") + int(rng.integers(2_000))
        label = ("no", "yes")[int(rng.random() < age / 80)]
        member = ("false", "true")[int(rng.integers(2))]
        values = (grade, POINTS[grade], age, wage, gain, joined, member, "earth", label)
        lines.append(",".join(map(str, values)) + "\n")
    path = tmp_path_factory.mktemp("staff") / "staff.arff"
    path.write_text(HEADER + "".join(lines), "utf-8")
    return path


@pytest.fixture
def drawing(training, entangled, staff):
    """``drawing(*words, model=...)``: a function that draws rows of a generator on ``staff``.

    The columns of a chain depend on each other at random.
    """

    def make(*words, model="cgan"):
        words = (f"data.path={staff}", *words)
        ran = entangled(*words) if model == "cgan" else training(*words, model=model)
        module, encoder = ran.module.eval(), ran.data.encoder

        def rows(n=300, seed=0, **requested):
            return pd.concat(
                draw_chunks(module, encoder, n=n, seed=seed, **requested), ignore_index=True
            )

        rows.module, rows.encoder = module, encoder
        return rows

    return make


SPRING = ("2016-03-01", "2016-06-30")
CONDITIONS = [
    ({"grade": "[a,c]", "member": True}, lambda t: t.grade.isin(["a", "c"]) & (t.member == "true")),
    ({"age": "30..35", "label": "yes"}, lambda t: t.age.between(30, 35) & (t.label == "yes")),
    ({"age": [30, (40, None)]}, lambda t: (t.age == 30) | (t.age >= 40)),
    ({"points": "[7..9]"}, lambda t: t.points.between(7, 9)),
    ({"points": 7, "grade": ["b", "c"]}, lambda t: (t.points == 7) & t.grade.isin(["b", "c"])),
    ({"wage": "?"}, lambda t: t.wage.isna()),
    ({"wage": "[?,70..75]"}, lambda t: t.wage.isna() | t.wage.between(70, 75)),
    ({"gain": 0}, lambda t: t.gain == 0),
    ({"gain": "5.5..20.25", "grade": "a"}, lambda t: t.gain.between(5.5, 20.25) & (t.grade == "a")),
    ({"gain": "..20"}, lambda t: t.gain <= 20),
    ({"joined": SPRING}, lambda t: t.joined.between(*SPRING)),
    ({"joined": None, "planet": "earth"}, lambda t: t.joined.isna() & (t.planet == "earth")),
    ({"grade": "d", "wage": (20, 45)}, lambda t: (t.grade == "d") & t.wage.between(20, 45)),
]  # fmt: skip


ENCODERS = [
    ("cgan", ()),
    ("cgan", ("encoder.levels=0", "encoder.derive=false")),
    ("cgan", ("encoder.numeric=bins",)),
    ("cgan", ("data.target=null", "model.generator.parents=2")),
    ("cgan", ("model.generator.order=[label,gain,wage,age,joined,member,grade]",)),
    ("cgan_basic", ()),
    ("cgan_report", ("encoder=report",)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "words"), ENCODERS)
def test_every_row_satisfies_its_condition(drawing, model, words):
    rows = drawing(*words, model=model)
    plain, tried = rows(n=2_000, seed=1), 0
    for where, check in CONDITIONS:
        if model != "cgan" and not check(plain).any():
            continue  # plain draws of an untrained net may never give it
        tally = Tally()
        table = rows(n=40, where=where, tally=tally)
        assert len(table) == 40
        assert check(table).all(), where
        if model == "cgan" and "label" not in where:  # draws are cut to what is requested
            assert tally.hit_rate > 0.98, where
        tried += 1
    assert tried >= 8


def test_a_number_that_training_never_had_is_drawn_as_for_its_neighbours(drawing, caplog):
    caplog.set_level("INFO")
    tally = Tally()  # nobody is 58 years old, some are 57 or less and some are 59
    table = drawing()(n=30, where={"age": 58, "member": "true"}, tally=tally)
    assert set(table.age) == {58}
    assert set(table.member) == {"true"}
    assert "where.age=58: training has no such value; such rows are drawn as for 5" in caplog.text
    assert tally.share is None  # that of its neighbours is not its own


def test_a_rare_condition_costs_no_more_than_a_common_one(drawing):
    tally = Tally()
    table = drawing()(n=2_000, where={"grade": "d", "member": "true", "age": "..35"}, tally=tally)
    assert set(table.grade) == {"d"}
    assert tally.share < 0.005  # of the generator's rows; a plain draw would need 400,000 of them
    assert tally.hit_rate == 1
    assert tally.oversampling < 1.2  # a tenth more are tried, in case some are thrown away
    assert 1 <= tally.effective <= tally.particles < 10


WHERE = {"age": "35..44", "member": "true", "wage": "[?,50..90]", "gain": "[0,10..40]"}


@pytest.mark.slow
def test_the_other_columns_are_those_of_plain_rows_that_satisfy_the_condition(drawing):
    rows, tally = drawing(), Tally()
    plain = rows(n=60_000, seed=1)
    inside = plain.age.between(35, 44) & (plain.member == "true")
    inside &= plain.wage.isna() | plain.wage.between(50, 90)
    inside &= (plain.gain == 0) | plain.gain.between(10, 40)
    real, requested = plain[inside], rows(n=6_000, seed=2, where=WHERE, tally=tally)
    assert tally.share == pytest.approx(inside.mean(), rel=0.15)
    for measure in (
        lambda t: t.grade == "a",
        lambda t: t.grade == "b",
        lambda t: t.label == "yes",
        lambda t: t.joined.isna(),
        lambda t: t.joined.dt.year.fillna(2015) - 2015,
        lambda t: t.age,
        lambda t: t.wage.isna(),
        lambda t: t.wage.fillna(70),
        lambda t: t.gain == 0,
        lambda t: t.gain,
        lambda t: (t.grade == "a") * t.age,
        lambda t: (t.label == "yes") * t.gain,
    ):
        one, other = measure(real).astype(float), measure(requested).astype(float)
        error = np.sqrt(one.var() / len(one) + other.var() / len(other))
        assert abs(one.mean() - other.mean()) < 4.5 * error


@pytest.mark.parametrize("model", ["cgan", "cgan_basic"])
def test_without_a_condition_rows_are_the_ones_it_always_gave(drawing, model):
    rows = drawing(model=model)
    weights = class_weights(rows.encoder, {})
    numbers = draw_numbers(
        rows.module, rows.encoder, n=50, address=(3, "sample", 0), weights=weights
    )
    pd.testing.assert_frame_equal(rows(n=50, seed=3), rows.encoder.to_table(numbers))


def test_a_class_that_is_the_condition_is_given_to_the_generator(drawing):
    rows = drawing(model="cgan_basic")
    numbers = draw_numbers(
        rows.module, rows.encoder, n=50, address=(3, "sample", 0), weights=np.array([0.0, 1.0])
    )
    requested = rows(n=50, seed=3, where={"label": "yes"})
    pd.testing.assert_frame_equal(requested, rows.encoder.to_table(numbers))


def test_a_class_that_many_rows_have_is_awaited_and_a_rarer_one_is_shown(drawing, monkeypatch):
    rows, tally = drawing(), Tally()
    plain = rows(n=2_000)
    table = rows(n=500, where={"label": "no"}, tally=tally)
    assert set(table.label) == {"no"}
    trained = rows.module.rows.codes[:, -1]  # the label's
    assert tally.share == pytest.approx(float((trained == 0).float().mean()))
    assert tally.particles == 1
    assert tally.hit_rate == pytest.approx(float((plain.label == "no").mean()), abs=0.05)
    monkeypatch.setattr("tabgan.sampling.conditioning.LEAST_AWAITED", 0.9)
    shown = Tally()
    assert set(rows(n=500, where={"label": "no"}, tally=shown).label) == {"no"}
    assert (shown.particles, shown.hit_rate) == (1, 1)


def test_awaited_rows_are_those_of_their_class_among_rows_without_conditions(drawing):
    rows = drawing()
    plain, awaited = rows(n=6_000), rows(n=1_000, where={"label": "yes"}, seed=1)
    own = plain[plain.label == "yes"]
    counts = [table.member.value_counts(normalize=True)["true"] for table in (own, awaited)]
    assert counts[1] == pytest.approx(counts[0], abs=4 * (0.25 / 1_000 + 0.25 / len(own)) ** 0.5)


@pytest.mark.parametrize("requested", [{"where": WHERE}, {"mix": "yes:0.9,no:0.1"}])
def test_the_same_seed_gives_the_same_rows(drawing, requested):
    rows = drawing()
    first = rows(seed=7, **requested)
    pd.testing.assert_frame_equal(rows(seed=7, **requested), first)
    assert not rows(seed=8, **requested).equals(first)


def test_more_rows_than_a_chunk_come_in_chunks(drawing, monkeypatch):
    monkeypatch.setattr(draw, "CHUNK_ROWS", 100)
    rows = drawing()
    requested = {"where": WHERE, "seed": 0, "n": 250}
    chunks = [*draw_chunks(rows.module, rows.encoder, **requested)]
    assert [len(chunk) for chunk in chunks] == [100, 100, 50]
    assert not chunks[1].equals(chunks[0])
    pd.testing.assert_frame_equal(rows(**requested | {"n": 100}), chunks[0])  # whatever comes after


@pytest.mark.parametrize("model", ["cgan", "cgan_basic"])
def test_a_mix_has_the_shares_it_asks_for_to_the_row(drawing, model):
    table = drawing(model=model)(n=200, mix={"yes": 0.855, "no": 0.145}, where={"age": "30..50"})
    assert table.label.value_counts().to_dict() == {"yes": 171, "no": 29}
    assert table.age.between(30, 50).all()
    assert len(set(table.label[:20])) == 2  # in an order of chance


@pytest.mark.parametrize("model", ["cgan", "cgan_basic"])
def test_row_i_satisfies_row_i_of_the_conditions_and_then_they_begin_anew(drawing, model):
    like = [{"grade": "a", "age": "30..50"}, {}, {"label": "no"}, {"wage": None}]
    table = drawing(model=model)(n=46, like=like, where={"member": "true"})
    assert (table.member == "true").all()
    assert (table.grade[0::4] == "a").all()
    assert table.age[0::4].between(30, 50).all()
    assert (table.label[2::4] == "no").all()
    assert table.wage[3::4].isna().all()
    assert table.wage[1::4].notna().any()


def test_parts_of_a_draw_go_on_in_the_list_of_conditions(drawing):
    like = [{"grade": grade} for grade in "abc"]
    table = drawing()(n=5, first_row=4, like=like)
    assert table.grade.tolist() == [*"bcabc"]


def test_more_conditions_than_are_tried_or_drawn_at_once(drawing, monkeypatch):
    monkeypatch.setattr(conditioning, "TRIED_CONDITIONS", 7)
    monkeypatch.setattr(particles, "MOST_PARTICLES", 1_000)
    like = [{"age": age, "grade": grade} for age in range(30, 45) for grade in "abc"]
    table = drawing()(n=len(like), like=like)
    assert table.age.tolist() == [row["age"] for row in like]
    assert table.grade.tolist() == [row["grade"] for row in like]


class Choosy:
    """A refiner that takes every tenth age alone."""

    total_acceptance = 0.1

    def accept(self, rows, rng):
        return rows[:, 2] % 10 == 0


@pytest.mark.parametrize("model", ["cgan", "cgan_basic"])
def test_rows_that_satisfy_the_condition_are_refined(drawing, model):
    tally = Tally()
    where = {"age": "25..45", "gain": 0}
    table = drawing(model=model)(n=60, where=where, refiner=Choosy(), tally=tally)
    assert set(table.age) <= {30, 40}
    assert (table.gain == 0).all()
    assert tally.returned == 60 <= tally.accepted <= tally.satisfied <= tally.tried


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"age": "90..99"}, r"where.age=90..99: outside the training range \d\d..\d\d"),
        ({"points": "6"}, "where.points=6: training has no such value; the nearest are 5 and 7, "
                          "of the training range 3..9"),
        ({"points": "5", "grade": "a"}, "where.points=5 and where.grade=a contradict each other"),
        ({"planet": "mars"}, "where.planet=mars: training saw no such row"),
        ({"planet": "venus"}, "where.planet: no category 'venus'"),
        ({"gain": "1e7.."}, "where.gain=1e7..: outside the training range 0..\\d+"),
        ({"gain": "0.0001..0.0002"}, "where.gain=0.0001..0.0002: gain holds numbers of 3 decimals; "
                                     "give 0.000, 0.001 or 0.000..0.001$"),
        ({"joined": "2031-01-01"}, "where.joined=2031-01-01: outside the training range 2015-01-"),
        ({"age": "?"}, r"where.age=\?: no value of this column was missing"),
    ],
)  # fmt: skip
def test_what_no_row_can_satisfy_is_refused_before_any_is_drawn(drawing, where, told):
    rows = drawing()
    with pytest.raises(TabganError, match=f"^{told}"):
        draw_chunks(rows.module, rows.encoder, n=5, seed=0, where=where)


def test_a_category_that_training_never_saw_is_refused(drawing, monkeypatch):
    rows = drawing()
    monkeypatch.setattr(conditioning, "LEAST_SHARE", 0.01)
    with pytest.raises(TabganError, match=r"^where.grade=d: training saw no such row, and the mod"):
        rows(where={"grade": "d"})


def test_plain_draws_that_never_satisfy_a_condition_stop(drawing, monkeypatch):
    monkeypatch.setattr(draw, "FRUITLESS_ROWS", 20_000)
    rows = drawing(model="cgan_basic")
    where = {"gain": "11..12", "wage": "60..60.3", "age": 31, "joined": "2016-03-01..2016-04-01"}
    with pytest.raises(TabganError, match=r"where.gain=11..12, .*: of [\d,]+ rows tried 0 sat"):
        rows(n=5, where=where)


def test_like_names_the_row_that_cannot_be(drawing):
    with pytest.raises(TabganError, match=r"^like, row 2: where.grade: no category 'e'"):
        drawing()(like=[{"grade": "a"}, {"grade": "e"}])


@pytest.mark.parametrize(
    ("requested", "told"),
    [
        ({"mix": "yes:1", "where": {"label": "no"}}, "mix and where.label: both ask for classes"),
        ({"mix": "yes:1", "like": [{}]}, "mix and like: both say the rows' conditions"),
        ({"like": [{"age": 30}], "where": {"age": 31}}, "like, row 1: where.age asks the same of"),
    ],
)
def test_words_that_contradict_each_other_are_refused(drawing, requested, told):
    with pytest.raises(TabganError) as error:
        drawing()(**requested)
    assert str(error.value).startswith(told)
