import numpy as np
import pytest

from unroll.fields.video.stretches import without_noise


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([1, 1, 1, 2, 2, 2], [1, 1, 1, 2, 2, 2]),
        ([1, 1, 1, 5, 5, 2, 2, 2], [1, 1, 1, 1, 1, 2, 2, 2]),
        ([5, 1, 1, 1, 5], [1, 1, 1, 1, 1]),
        ([1, 1, 1, 5, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1]),
        ([4, 6, 1, 1, 1], [1, 1, 1, 1, 1]),
        ([4, 6, 6], [6, 6, 6]),
        ([4], [4]),
    ],
)
def test_less_than_a_quarter_of_a_second_belongs_to_the_stretch_before(labels, found):
    assert without_noise(np.array(labels, np.int8), 12.0).tolist() == found
