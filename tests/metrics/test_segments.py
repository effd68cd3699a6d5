import numpy as np
import pytest

from unroll.metrics import segments
from unroll.metrics.segments import Segment

WALK_KICK = np.repeat(np.array([0, 1], np.int8), [10, 10])


def test_segments_are_runs_of_a_label():
    assert segments.segments(np.array([2, 2, 0, 2], np.int8)) == [Segment(2, 0, 2), Segment(0, 2, 3), Segment(2, 3, 4)]
    assert segments.segments([]) == []


def test_overlap_is_the_intersection_over_the_union_of_the_same_label():
    assert Segment(1, 0, 10).overlap(Segment(1, 5, 15)) == pytest.approx(5 / 15)
    assert Segment(1, 0, 10).overlap(Segment(1, 2, 4)) == 0.2
    assert Segment(1, 0, 10).overlap(Segment(1, 10, 20)) == 0
    assert Segment(1, 0, 10).overlap(Segment(0, 0, 10)) == 0


@pytest.mark.parametrize(
    ("found", "score"),
    [
        ([0] * 10 + [1] * 10, 1.0),
        ([0] * 14 + [1] * 6, 1.0),  # 10 / 14 and 6 / 10
        ([0] * 15 + [1] * 5, 1.0),  # 10 / 15 and exactly half
        ([0] * 16 + [1] * 4, 0.5),
        ([1] * 10 + [0] * 10, 0.0),
        ([0] * 20, 2 / 3),  # half of it is right: one of one found, one of two known
        ([0] * 4 + [1] + [0] * 5 + [1] * 10, 2 * 2 / (2 + 4)),  # the second stretch of 0 is half, the first is not
    ],
)
def test_f1_at_half_literally(found, score):
    assert segments.f1([WALK_KICK], [np.array(found, np.int8)], 0.5) == pytest.approx(score)


def test_a_true_segment_makes_only_one_right():
    found = np.array([0] * 5 + [1] + [0] * 4, np.int8)
    assert segments.f1([np.zeros(10, np.int8)], [found], 0.4) == 2 * 1 / (1 + 3)


def test_f1_counts_the_segments_of_all_sequences_together():
    ones = np.ones(4, np.int8)
    assert segments.f1([WALK_KICK, ones], [WALK_KICK, ones * 0], 0.5) == pytest.approx(2 * 2 / (3 + 3))
    assert segments.f1([], [], 0.5) == 0


def test_flicker_costs_segments_and_hardly_frames():
    found = WALK_KICK.copy()
    found[[3, 6, 13, 16]] = 2
    assert (found == WALK_KICK).mean() == 0.8
    assert segments.f1([WALK_KICK], [found], 0.5) == 0
    assert segments.edit_score([WALK_KICK], [found]) == pytest.approx(2 / 10)


def test_edit_score_asks_for_the_order_alone():
    late = np.repeat(np.array([0, 1], np.int8), [18, 2])
    other_way = WALK_KICK[::-1]
    assert segments.edit_score([WALK_KICK], [late]) == 1
    assert segments.edit_score([WALK_KICK, WALK_KICK], [late, other_way]) == pytest.approx((1 + 0) / 2)
    assert segments.edit_score([WALK_KICK], [np.zeros(20, np.int8)]) == 0.5


@pytest.mark.parametrize("seed", range(5))
def test_scores_lie_between_nothing_and_all(seed):
    rng = np.random.default_rng(seed)
    truth, found = (rng.integers(3, size=30).repeat(2) for _ in range(2))
    for score in (segments.f1([truth], [found], 0.5), segments.edit_score([truth], [found])):
        assert 0 <= score < 1
    assert segments.f1([truth], [truth], 1.0) == segments.edit_score([truth], [truth]) == 1
