import pytest
from jinja2 import UndefinedError

from tabgan.report.html import figure_text, inline, page, templates

NASTY = "<script>alert('1')</script>"
EVASION = "studies/templates/evasion.html"


@pytest.fixture(scope="module")
def parts():
    return templates().get_template("report/templates/parts.html").module


def evasion(text, **changed):
    told = {"title": text, "tables": [([text], [[text]])], "legend": [text], "rules": [text]}
    return page(EVASION, **{"picture": b"", **told, **changed})


def test_text_is_escaped_wherever_it_meets_a_page():
    html = evasion(NASTY)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 6  # title twice, head, cell, bullet, rule


def test_an_attribute_cannot_end_early(parts):
    html = parts.picture(b"", '" onerror="alert(1)')
    assert 'alt="&#34; onerror=&#34;alert(1)"' in html


def test_a_group_is_a_heading_over_all_columns(parts):
    assert '<td colspan="2">Group</td>' in parts.group("Group", 2)


def test_numbers_are_set_flush_right(parts):
    html = parts.table(["a", "b"], [["x", 1]], numbers=[1])
    assert '<th scope="col" class="number">b</th>' in html
    assert '<td class="clip">x</td><td class="number">1</td>' in html


def test_a_picture_lies_inside_the_page():
    assert inline(b"\x89PNG") == "data:image/png;base64,iVBORw=="
    assert 'src="data:image/png;base64,iVBORw=="' in evasion("x", picture=b"\x89PNG")


def test_a_page_needs_no_network_and_fits_a_phone():
    html = evasion("x")
    assert "http" not in html.replace("http-equiv", "")
    assert "default-src 'none'" in html
    assert "width=device-width" in html
    assert '<a href="#section-1">What passes</a>' in html
    assert '<h2 id="section-1">What passes</h2>' in html


def test_what_a_template_names_and_nobody_gives_is_an_error():
    with pytest.raises(UndefinedError, match="'legend' is undefined"):
        page(EVASION, title="x", picture=b"", tables=[], rules=[])


def test_a_figure_has_three_digits_behind_the_point_up_to_one_and_a_half():
    assert [figure_text(v) for v in (0.12345, 1.5, 1234.5, None)] == [
        "0.123", "1.50", "1,234.50", "-",
    ]  # fmt: skip
