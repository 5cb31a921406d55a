import pytest
import torch

from foldglass.encoders.windows import merge, split
from foldglass.errors import UsageError


def test_two_windows_cross_fade_linearly():
    windows = split(8, limit=5, overlap=2)
    assert windows == [(0, 5), (3, 8)]
    merged = merge([torch.zeros(5, 1), torch.ones(5, 1)], windows, 8)
    torch.testing.assert_close(merged[:, 0], torch.tensor([0, 0, 0, 1 / 3, 2 / 3, 1, 1, 1]))


def test_three_windows_may_cover_one_residue():
    windows = [(0, 5), (2, 7), (4, 9)]
    merged = merge([torch.full((5, 1), 1.0), torch.full((5, 1), 2.0), torch.full((5, 1), 6.0)], windows, 9)
    # Residue 4 is 1, 3 and 1 from the nearest cut of the three windows.
    torch.testing.assert_close(merged[4, 0], torch.tensor((1 * 1 + 3 * 2 + 1 * 6) / 5))


def test_windows_without_overlap_follow_each_other():
    assert split(6, limit=3, overlap=0) == [(0, 3), (3, 6)]


@pytest.mark.parametrize(("limit", "overlap"), [(10, 6), (10, -1), (0, 0)])
def test_overlap_over_half_the_limit_is_refused(limit, overlap):
    with pytest.raises(UsageError, match=rf"windows: overlap {overlap} with limit {limit}; expected 0 to half"):
        split(20, limit=limit, overlap=overlap)
