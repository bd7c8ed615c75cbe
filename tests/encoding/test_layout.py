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
    assert layout.places("continuous") == [0, 4]
    assert layout.places("discrete") == [1, 2, 3]
