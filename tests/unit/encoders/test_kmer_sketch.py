"""The sketch of 4-mers: known words, near sequences, unknown letters."""

import numpy as np

from foldglass.encoders.kmer_sketch import N_SKETCH, kmer_sketch


def test_one_word_has_unit_length() -> None:
    sketch = kmer_sketch("ACDE")
    assert sketch.shape == (N_SKETCH,)
    assert sketch.dtype == np.float32
    np.testing.assert_allclose(np.abs(sketch), 1 / np.sqrt(N_SKETCH), rtol=1e-6)


def test_residues_of_a_group_are_the_same_and_others_are_not() -> None:
    np.testing.assert_array_equal(kmer_sketch("LKDSLKDT"), kmer_sketch("IRETVRNS"))
    assert abs(kmer_sketch("LKDS") @ kmer_sketch("WKDS")) < 0.2


def test_the_dot_product_is_about_the_shared_share_of_words() -> None:
    rng = np.random.default_rng(0)
    first, second = ("".join(rng.choice(list("LKDSWPHA"), 300)) for _ in range(2))
    half = first[:150] + second[:150]
    assert kmer_sketch(first) @ kmer_sketch(half) > 0.35
    assert abs(kmer_sketch(first) @ kmer_sketch(second)) < 0.25


def test_words_with_unknown_letters_are_left_out() -> None:
    np.testing.assert_array_equal(kmer_sketch("ACDEX"), kmer_sketch("ACDE"))
    assert not kmer_sketch("AXCDX").any()
    assert not kmer_sketch("AC").any()


def test_signs_never_change() -> None:
    np.testing.assert_array_equal(np.sign(kmer_sketch("LLLL"))[:8], [1, 1, 1, 1, -1, -1, 1, -1])
