import numpy as np

from foldglass.geometry.secondary import COIL, HELIX, STRAND, UNKNOWN_CLASS, secondary_classes


def helix(length: int) -> np.ndarray:
    angle = np.deg2rad(100) * np.arange(length)
    return np.stack([2.3 * np.cos(angle), 2.3 * np.sin(angle), 1.5 * np.arange(length)], axis=1)


def strand(length: int) -> np.ndarray:
    n = np.arange(length)
    return np.stack([3.3 * n, 0.9 * (-1.0) ** n, 0.1 * n], axis=1)


def test_helix_and_strand_are_told_apart():
    for chain, kind in ((helix(17), HELIX), (strand(17), STRAND)):
        classes = secondary_classes(chain)
        assert (classes[1:-2] == kind).all()
        assert classes[0] == classes[-1] == classes[-2] == UNKNOWN_CLASS


def test_a_left_handed_helix_and_a_straight_line_are_neither():
    assert (secondary_classes(helix(17) * [1, 1, -1])[1:-2] == COIL).all()
    assert (secondary_classes(np.outer(np.arange(9), [3.8, 0.0, 0.0]))[1:-2] == COIL).all()


def test_runs_of_two_are_coil():
    chain = np.concatenate([strand(9), strand(9)[-1] + [3, 3, 3] + helix(5) - helix(5)[0]])
    classes = secondary_classes(chain)
    assert HELIX not in classes and STRAND in classes


def test_a_short_chain_has_no_class():
    assert (secondary_classes(helix(4)) == UNKNOWN_CLASS).all()
