import re
from dataclasses import replace

import numpy as np
import pytest

from foldglass.protein import Comparison, Embedding, Sequence, Structure, Superposition
from foldglass.views.columns import columns
from foldglass.views.html import comparison_html, embedding_html
from foldglass.views.text import comparison_text

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def structure(name, letters, numbering=()):
    return Structure(name, letters, ca=np.zeros((len(letters), 3), np.float32), numbering=numbering)


@pytest.fixture
def comparison():
    """Query residues 1, 2 and 4 pair with target residues 0, 1 and 3; 3 and 2 have no partner."""
    lddt = np.array([np.nan, 0.95, 0.65, np.nan, 0.123, np.nan])
    return Comparison(
        structure("<wt>", "MKVLAG", ("7", "8", "8A", "9", "10", "11")),
        Sequence("hit", "KVWA"),
        cosine=0.9,
        tm=0.8,
        tm_query=0.7,
        tm_target=0.9143,
        p_same_fold=0.99,
        alignment=np.array([[1, 0], [2, 1], [4, 3]]),
        lddt=lddt,
        model="toy@00000000",
    )


@pytest.fixture
def measured(comparison):
    exact = Superposition(0.71, 0.93, 1.0, 0.5, comparison.alignment[:2], comparison.lddt, comparison.lddt / 2)
    return replace(comparison, exact=exact)


def test_text_in_full(comparison):
    assert str(comparison).splitlines() == [
        "query   <wt>  (6 residues)",
        "target  hit  (4 residues)",
        "model   toy@00000000",
        "",
        "TM-score by query length          0.700",
        "TM-score by target length         0.914",
        "probability of the same fold      0.990",
        "mean local score                  0.574",
        "identity of aligned residues      1.000",
        "aligned residues                      3",
        "",
        "local score of the query's residues, first decimal (unrelated chains: about 0.7)",
        "",
        "query    8  KVl-A  10",
        "            96  1",
        "target   1  KV-wA  4",
    ]


def test_measured_scores_stand_beside_the_predicted_ones(measured):
    lines = str(measured).splitlines()
    assert "                              predicted  TM-align" in lines
    assert "TM-score by query length          0.700     0.710" in lines
    assert "mean local score                  0.574     0.287" in lines
    assert "aligned residues                      3         2" in lines


def test_repr_fits_one_line(comparison):
    expected = "Comparison('<wt>', 'hit', tm_query=0.700, tm_target=0.914, p_same_fold=0.990, 3 aligned)"
    assert repr(comparison) == expected


def test_colour_changes_no_character(comparison):
    painted = comparison_text(comparison, colour=True).splitlines()
    assert any(ANSI.search(line) for line in painted)
    legend = next(line for line in painted if "below 0.6" in line)
    plain = [ANSI.sub("", line) for line in painted if line != legend]
    assert plain == comparison_text(comparison).splitlines()


def test_long_alignments_are_cut_into_blocks_of_sixty():
    protein = Sequence("long", "ACDEFGHIKL" * 13)
    pairs = np.stack([np.arange(130)] * 2, axis=1)
    comparison = Comparison(protein, protein, 1.0, 1.0, 1.0, 1.0, 1.0, pairs, np.linspace(0, 1, 130))
    rows = [line.split() for line in str(comparison).splitlines() if line.startswith("query ")][1:]
    assert [(first, len(letters), last) for _, first, letters, last in rows] == [
        ("1", 60, "60"),
        ("61", 60, "120"),
        ("121", 10, "130"),
    ]


def test_no_alignment_is_said_in_words(comparison):
    empty = replace(comparison, alignment=np.empty((0, 2), np.int64), lddt=np.full(6, np.nan))
    assert str(empty).endswith("no residue is aligned")
    assert "mean local score                   none" in str(empty)
    assert "No residue is aligned." in comparison_html(empty)


def test_an_aligned_residue_without_a_score_stays_upper_case(comparison):
    unscored = replace(comparison, lddt=np.full(6, np.nan))
    assert "query    8  KVl-A  10" in str(unscored)


def test_a_score_on_a_boundary_belongs_to_the_upper_class(comparison):
    bounded = replace(comparison, lddt=np.array([np.nan, 0.6, 0.9, np.nan, 0.5999, np.nan]))
    assert [column.score_class for column in columns(bounded)] == [1, 4, None, None, 0]


def test_html_escapes_ids_and_colours_aligned_pairs(comparison):
    html = comparison._repr_html_()
    assert "&lt;wt&gt;" in html and "<wt>" not in html
    assert '<span class="s4">K</span><span class="s1">V</span>l-<span class="s0">A</span>' in html
    assert '<span class="s4">K</span><span class="s1">V</span>-w<span class="s0">A</span>' in html
    assert "TM-align" not in html


def test_html_shows_measured_scores(measured):
    assert "<td>TM-score by query length</td><td>0.700</td><td>0.710</td>" in comparison_html(measured)


def test_html_needs_nothing_from_elsewhere(measured):
    assert not re.search(r"https?:|src=|url\(|<script", comparison_html(measured))


def test_embedding_html_names_protein_and_sizes():
    embedding = Embedding(
        structure("a&b", "MKV"), np.zeros(5, np.float32), np.zeros((3, 5), np.float32), model="toy@00000000"
    )
    html = embedding._repr_html_()
    assert html == embedding_html(embedding)
    for words in ("a&amp;b", "structure", "3 × 5", "toy@00000000"):
        assert words in html
