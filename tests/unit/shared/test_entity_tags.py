"""Lists of entity tags, as RFC 9110 has them (sections 8.8.3, 13.1.1, 13.1.2)."""

from __future__ import annotations

import pytest

from shared.web.entity_tags import etag, versions_of


@pytest.mark.parametrize(
    ("lines", "strong", "weak"),
    [
        (['"7"'], {7}, {7}),
        (['"7", "8"'], {7, 8}, {7, 8}),
        (['"7"', '"8"'], {7, 8}, {7, 8}),
        ([', ,"7"\t, ,"8",'], {7, 8}, {7, 8}),
        (['W/"7", "8"'], {8}, {7, 8}),
        (['"x", "a,b", "\\\\", "\xe4", ""'], set(), set()),
        (
            ['"07", "-7", "7.0", "\u0667"'.encode("latin-1", "ignore").decode("latin-1")],
            set(),
            set(),
        ),
        (['"' + "9" * 19 + '"', '"' + "9" * 20 + '"'], {int("9" * 19)}, {int("9" * 19)}),
    ],
)
def test_the_versions_in_a_list(lines: list[str], strong: set[int], weak: set[int]) -> None:
    assert versions_of(lines, weak=False) == frozenset(strong)
    assert versions_of(lines, weak=True) == frozenset(weak)


@pytest.mark.parametrize("lines", [["*"], [" * "]])
def test_a_star_fits_any(lines: list[str]) -> None:
    assert versions_of(lines, weak=False) is None


@pytest.mark.parametrize(
    "text",
    ["", " ", ",", "7", '"7', '7"', '"7" "8"', '"7"8', "*, *", '*, "7"', "w/'7'", 'w/"7"', "W/7",
     'W/ "7"', '"a b"', '"7"\n', '"\x7f"'],
)  # fmt: skip
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(ValueError, match="entity tag"):
        versions_of([text], weak=True)


def test_a_tag_is_read_back() -> None:
    assert versions_of([etag(7)], weak=False) == frozenset({7})
