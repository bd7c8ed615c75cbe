import pytest

from tabgan.report.html import Html, bullets, details, element, page, picture, section, table

NASTY = "<script>alert('1')</script>"


def test_text_is_escaped_wherever_it_meets_a_page():
    html = page(
        NASTY,
        element("p", NASTY),
        [section(NASTY, NASTY, table([NASTY], [[NASTY]]), bullets([NASTY]), details(NASTY, NASTY))],
    )
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 11  # title twice, opening, link, heading, and 6 in it


def test_an_attribute_cannot_end_early():
    html = picture(b"", alt='" onerror="alert(1)')
    assert 'alt="&quot; onerror=&quot;alert(1)"' in html


def test_html_is_not_escaped_twice():
    assert element("p", Html("a &lt; b"), " < c") == "<p>a &lt; b &lt; c</p>"


def test_a_row_of_one_cell_is_a_heading_over_all_columns():
    assert '<td colspan="2">Group</td>' in table(["a", "b"], [["Group"], [1, 2]], numbers=[1])


def test_a_picture_lies_inside_the_page():
    assert 'src="data:image/png;base64,iVBORw=="' in picture(b"\x89PNG", alt="nothing")


def test_a_page_needs_no_network_and_fits_a_phone():
    html = page("title", element("p", "words"), [section("one", "text")])
    assert "http" not in html.replace("http-equiv", "")
    assert "default-src &#x27;none&#x27;" in html
    assert "width=device-width" in html
    assert '<a href="#section-1">one</a>' in html


@pytest.mark.parametrize("tag", ["img", "meta"])
def test_void_elements_have_no_end(tag):
    assert element(tag, id="x") == f'<{tag} id="x">'
