import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldglass.errors import InputError
from foldglass.models.calibration import Calibration, PairingCalibration
from foldglass.search import cluster as module
from foldglass.search.cluster import cluster
from foldglass.search.exact import EntryTable
from foldglass.search.protein_map import draw_map


def entries_of(seed, count, width=4):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kinds = rng.choice(["sequence", "structure"], count)
    lengths = rng.integers(50, 60, count)
    return EntryTable([f"p{i}" for i in rng.permutation(count)], lengths, kinds, vectors)


def tm_matrix(entries, calibration):
    cosine = entries.vectors @ entries.vectors.T
    tm = np.empty_like(cosine)
    for i, one in enumerate(entries.kinds):
        for j, other in enumerate(entries.kinds):
            kinds = "-".join(sorted((one, other)))
            tm[i, j] = calibration.tm(cosine[i : i + 1, j], kinds=kinds)[0]
    return tm


MIXED = Calibration({"sequence-structure": PairingCalibration(tm=((-1.0, 0.0, 1.0), (0.0, 0.3, 1.0)))})


def plainly_greedy(entries, similar):
    order = sorted(range(len(entries)), key=lambda i: (-entries.lengths[i], entries.ids[i]))
    chosen, found = [], {}
    for i in order:
        found[i] = next((j for j in chosen if similar[i, j]), i)
        if found[i] == i:
            chosen.append(i)
    return [found[i] for i in range(len(entries))]


def plain_components(entries, similar):
    linked = np.linalg.matrix_power(similar.astype(float), len(similar)) > 0
    return [
        min(np.flatnonzero(linked[i]), key=lambda j: (-entries.lengths[j], entries.ids[j])) for i in range(len(similar))
    ]


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 999), count=st.integers(1, 40), rows=st.integers(1, 9), columns=st.integers(1, 7))
def test_clusters_are_those_of_the_plain_algorithms_whatever_the_blocks(seed, count, rows, columns):
    entries = entries_of(seed, count)
    similar = tm_matrix(entries, MIXED) >= 0.8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ROWS", rows)
        patch.setattr(module, "_COLUMNS", columns)
        assert cluster(entries, MIXED, tm=0.8).tolist() == plainly_greedy(entries, similar)
        found = cluster(entries, MIXED, tm=0.8, method="components").tolist()
        assert found == plain_components(entries, similar)


def test_the_order_of_the_entries_changes_nothing():
    entries = entries_of(3, 30)
    order = np.random.default_rng(0).permutation(30)
    turned = EntryTable(
        [entries.ids[i] for i in order], entries.lengths[order], entries.kinds[order], entries.vectors[order]
    )
    one, other = cluster(entries, MIXED, tm=0.7), cluster(turned, MIXED, tm=0.7)
    assert {entries.ids[i]: entries.ids[j] for i, j in enumerate(one)} == {
        turned.ids[i]: turned.ids[j] for i, j in enumerate(other)
    }


def test_a_score_that_no_pair_reaches_leaves_every_protein_alone():
    never = PairingCalibration(tm=((-1.0, 1.0), (0.0, 0.4)))
    calibration = Calibration({"sequence-sequence": never, "structure-structure": never, "sequence-structure": never})
    assert cluster(entries_of(1, 9), calibration, tm=0.5).tolist() == list(range(9))
    with pytest.raises(InputError, match="a TM-score of 0; expected more than 0, at most 1"):
        cluster(entries_of(1, 9), calibration, tm=0.0)


def test_the_map_says_how_it_was_drawn(tmp_path):
    entries = entries_of(2, 60)
    found = cluster(entries, Calibration(), tm=0.6)
    out = tmp_path / "map.svg"
    method = draw_map(entries.vectors, found, list(entries.ids), out)
    assert method.startswith(("UMAP", "PCA"))
    assert out.read_text().startswith("<?xml")
    assert [path.name for path in tmp_path.iterdir()] == ["map.svg"]
