import json

from tabgan.encoding.layout import RowLayout


def test_blocks_lie_side_by_side():
    layout = RowLayout.from_widths([("age", "continuous", 1), ("job", "discrete", 3)])
    assert [block.span for block in layout.blocks] == [slice(0, 1), slice(1, 4)]
    assert layout.width == 4


def test_a_layout_survives_plain_data():
    layout = RowLayout.from_widths([("age", "continuous", 1), ("job", "discrete", 3)])
    assert RowLayout.from_plain(layout.to_plain()) == layout


def test_places_of_a_kind_are_those_of_its_blocks_in_order():
    layout = RowLayout.from_widths(
        [("age", "continuous", 1), ("job", "discrete", 3), ("pay", "continuous", 1)]
    )
    assert layout.positions("continuous") == [0, 4]
    assert layout.positions("discrete") == [1, 2, 3]


def test_a_layout_of_cells_with_its_target_survives_plain_data():
    layout = RowLayout.from_widths(
        [("age", "discrete", 3, 2, (0, 2)), ("age", "discrete", 4, 4), ("job", "discrete", 2)],
        target="job",
    )
    age, cells, job = layout.blocks
    assert (age.ordered, age.atoms, cells.ordered, job.ordered) == (2, (0, 2), 4, 0)
    assert RowLayout.from_plain(json.loads(json.dumps(layout.to_plain()))) == layout
