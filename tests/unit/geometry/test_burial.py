"""Contact numbers and half-sphere exposure on arrangements that can be counted by hand."""

import numpy as np

from foldglass.geometry.burial import CONTACT_RADIUS, EXPOSURE_RADIUS, contact_number, half_sphere_exposure


def shell(radius: float, *, up: int, down: int) -> np.ndarray:
    """A bent chain of three around the origin, whose middle points up, and residues above and below it."""
    height = np.float32(radius / np.sqrt(2))
    above = [[height, height, 0]] * up
    below = [[height, -height, 0]] * down
    return np.float32([[-3, -2, 0], [0, 0, 0], [3, -2, 0], *above, *below])


def test_neighbours_are_counted_up_to_the_radius_and_not_the_residue_itself():
    for radius, found in ((CONTACT_RADIUS - 0.1, 7), (CONTACT_RADIUS + 0.1, 2)):
        assert contact_number(shell(radius, up=3, down=2))[1] == found


def test_only_the_side_chains_side_counts():
    assert half_sphere_exposure(shell(EXPOSURE_RADIUS - 0.1, up=4, down=7))[1] == 4
    assert half_sphere_exposure(shell(EXPOSURE_RADIUS + 0.1, up=4, down=7))[1] == 0


def test_a_motion_changes_nothing(make_structure):
    ca = make_structure(37).ca
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    moved = (ca @ turn + 9.0).astype(np.float32)
    for measure in (contact_number, half_sphere_exposure):
        assert measure(ca).tolist() == measure(moved).tolist()
        assert len(set(measure(ca).tolist())) > 3
