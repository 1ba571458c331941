import numpy as np
import pytest

from costmodel.fit.lack_of_fit import influences, lack_of_fit

RNG = np.random.default_rng(7)
MATRIX = RNG.uniform(0.2, 2.0, (30, 3))
MISSED_BY = RNG.normal(0, 0.1, 30)
TARGETS = MATRIX @ (3.0, 1.0, 2.0) + MISSED_BY
ROWS = np.eye(3) * 0.7


def solved(matrix: np.ndarray, targets: np.ndarray, rows: np.ndarray) -> np.ndarray:
    both = np.vstack([matrix, rows]), np.hstack([targets, rows @ np.full(3, 2.0)])
    found: np.ndarray = np.linalg.lstsq(*both, rcond=None)[0]
    return found


@pytest.mark.parametrize("rows", [np.zeros((0, 3)), ROWS], ids=["free", "held"])
def test_influence_of_a_cell_is_what_leaving_it_out_changes(rows: np.ndarray) -> None:
    whole = solved(MATRIX, TARGETS, rows)
    found = influences(MATRIX, TARGETS - MATRIX @ whole, rows)
    for i in range(len(MATRIX)):
        others = solved(np.delete(MATRIX, i, 0), np.delete(TARGETS, i), rows)
        assert found.parts[i] == pytest.approx(whole - others, abs=1e-12)
        assert found.missed[i] == pytest.approx(TARGETS[i] - MATRIX[i] @ others)


def test_a_cell_that_alone_decides_a_coefficient_says_nothing_of_others() -> None:
    matrix = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    found = influences(matrix, np.array([0.0, 0.1, -0.1]))
    assert found.missed == pytest.approx([0, 0.2, -0.2])
    assert np.all(found.parts[:, 0] == 0)


def test_what_explains_every_time_lacks_nothing() -> None:
    found = influences(MATRIX, np.zeros(30))
    lack = lack_of_fit(found.parts, found.missed, np.ones(30))
    assert lack.scatter == 0
    assert np.all(lack.half_widths() == 0)


def test_intervals_cover_the_truth_and_unseen_programs_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    truth = np.array([3.0, 1.0, 2.0])
    inside, unseen, rounds = np.zeros(3), 0, 400
    for _ in range(rounds):
        matrix = rng.uniform(0.2, 2.0, (41, 3))
        times = matrix @ truth * (1 + rng.normal(0, 0.1, 41))
        seen, scales = matrix[:-1] / times[:-1, None], times[:-1]
        found = np.linalg.lstsq(seen, np.ones(40), rcond=None)[0]
        each = influences(seen, 1 - seen @ found)
        lack = lack_of_fit(each.parts, each.missed * scales, matrix[:-1] @ found)
        # Relative weights lean on the programs that happened to be fast, by the square of the scatter.
        inside += np.abs(found * 1.01 - truth) <= lack.half_widths()
        predicted = matrix[-1] @ found
        half = lack.t * np.hypot(lack.scatter * predicted, np.linalg.norm(lack.parts_ps @ matrix[-1]))
        unseen += abs(times[-1] - predicted) <= half
    assert (inside / rounds).tolist() == pytest.approx([0.95] * 3, abs=0.03)
    assert unseen / rounds == pytest.approx(0.95, abs=0.03)
