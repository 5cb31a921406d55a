import multiprocessing
import os
import time
import warnings

import pytest
import torch

from foldglass.encoders.base import ResidueEncoder
from foldglass.encoders.cache import CachedEncoder, CacheWarning
from foldglass.errors import InputError
from foldglass.protein import Sequence

DIM = 7


class Counting:
    """Vectors from the letters, and a record of what was asked."""

    def __init__(self, id="toy", revision="1", scale=1.0):
        self.id, self.revision, self.dim, self.scale = id, revision, DIM, scale
        self.asked = []

    def encode(self, proteins):
        self.asked += [p.letters for p in proteins]
        return [self._one(p.letters) for p in proteins]

    def _one(self, letters):
        codes = torch.tensor([float(ord(c)) for c in letters])
        return (codes[:, None] * torch.arange(1, DIM + 1) / 300 + self.revision.__len__()) * self.scale


def entries(folder):
    return sorted(folder.glob("*/*/*.emb"))


def chain(n):
    return Sequence(f"s{n}", "MKVLAAGWCDEFHIPQRSTY"[: 5 + n])


def test_is_an_encoder_like_the_one_behind(tmp_path):
    cached = CachedEncoder(Counting(), tmp_path)
    assert isinstance(cached, ResidueEncoder)
    assert (cached.id, cached.revision, cached.dim) == ("toy", "1", DIM)


def test_second_call_and_second_object_compute_nothing(tmp_path):
    encoder = Counting()
    first = CachedEncoder(encoder, tmp_path).encode([chain(0), chain(3)])
    later = CachedEncoder(encoder, tmp_path).encode([chain(3), chain(0)])
    assert encoder.asked == [chain(0).letters, chain(3).letters]
    assert torch.equal(first[0], later[1]) and torch.equal(first[1], later[0])
    assert all(v.dtype == torch.float32 for v in [*first, *later])


def test_miss_is_rounded_like_a_hit(tmp_path):
    encoder = Counting()
    (miss,) = CachedEncoder(encoder, tmp_path).encode([chain(2)])
    (exact,) = encoder.encode([chain(2)])
    assert torch.equal(miss, exact.half().float()) and not torch.equal(miss, exact)


def test_equal_chains_are_computed_once_in_a_call(tmp_path):
    encoder = Counting()
    one, two, three = CachedEncoder(encoder, tmp_path).encode(
        [Sequence("a", "MKV"), Sequence("b", "AAAA"), Sequence("c", "MKV")]
    )
    assert encoder.asked == ["MKV", "AAAA"]
    assert torch.equal(one, three) and two.shape == (4, DIM)


@pytest.mark.parametrize("other", [Counting(id="other"), Counting(revision="22")])
def test_another_encoder_or_revision_shares_nothing(tmp_path, other):
    CachedEncoder(Counting(), tmp_path).encode([chain(0)])
    CachedEncoder(other, tmp_path).encode([chain(0)])
    assert other.asked == [chain(0).letters]


@pytest.mark.parametrize("damage", [lambda b: b[:-3], lambda b: b"", lambda b: b[:-1] + bytes([b[-1] ^ 1])])
def test_damaged_entry_is_computed_again_and_repaired(tmp_path, damage):
    encoder = Counting()
    (good,) = CachedEncoder(encoder, tmp_path).encode([chain(1)])
    (path,) = entries(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    (again,) = CachedEncoder(encoder, tmp_path).encode([chain(1)])
    assert torch.equal(good, again)
    CachedEncoder(encoder, tmp_path).encode([chain(1)])
    assert len(encoder.asked) == 2


def test_least_recently_used_go_first_and_the_size_is_kept(tmp_path):
    encoder = Counting()
    size = 32 + 128 + 2 * DIM * 20
    limit = 5 * size
    cached = CachedEncoder(encoder, tmp_path, max_bytes=limit)
    chains = [Sequence(c, c * 20) for c in "ACDEFGHIKL"]
    for number, protein in enumerate(chains[:4]):
        cached.encode([protein])
        os.utime(cached._path(protein.letters), (number, number))
    cached.encode([chains[0]])  # used just now
    for protein in chains[4:7]:
        cached.encode([protein])
        assert sum(p.stat().st_size for p in entries(tmp_path)) <= limit
    encoder.asked.clear()
    cached.encode([chains[0], chains[1]])
    assert encoder.asked == [chains[1].letters]


def test_limit_counts_what_other_objects_wrote(tmp_path):
    size = 32 + 128 + 2 * DIM * 20
    for letter in "ACDEFGHIKLMN":
        CachedEncoder(Counting(id=letter), tmp_path, max_bytes=4 * size).encode([Sequence("a", "M" * 20)])
    assert sum(p.stat().st_size for p in entries(tmp_path)) <= 4 * size


def test_entry_over_the_limit_is_not_kept(tmp_path):
    cached = CachedEncoder(Counting(), tmp_path, max_bytes=100)
    assert len(cached.encode([chain(0)])[0]) == 5
    assert entries(tmp_path) == []


def test_values_over_float16_are_returned_and_not_kept(tmp_path):
    encoder = Counting(scale=1e6)
    (vectors,) = CachedEncoder(encoder, tmp_path).encode([chain(0)])
    assert vectors.isfinite().all() and vectors.max() > 1e6
    assert entries(tmp_path) == []


def test_full_disk_ends_the_cache_and_not_the_run(tmp_path, monkeypatch):
    cached = CachedEncoder(Counting(), tmp_path)

    def full(path):
        raise InputError(str(path), got="cannot be written (No space left on device)")

    monkeypatch.setattr("foldglass.encoders.cache.replacing", full)
    with pytest.warns(CacheWarning, match=r"nothing more is cached .*No space left"):
        assert len(cached.encode([chain(0)])[0]) == 5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cached.encode([chain(1)])


def test_leftovers_of_killed_processes_go(tmp_path):
    cached = CachedEncoder(Counting(), tmp_path)
    cached.encode([chain(0)])
    shelf = entries(tmp_path)[0].parent
    old, new = shelf / ".x.emb.0.part", shelf / ".y.emb.1.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    CachedEncoder(Counting(), tmp_path).encode([chain(1)])
    assert not old.exists() and new.exists()


def test_entry_that_another_process_takes_away_is_not_counted(tmp_path):
    cached = CachedEncoder(Counting(), tmp_path)
    cached.encode([chain(0)])
    (entries(tmp_path)[0].parent / "gone.emb").symlink_to(tmp_path / "nowhere")  # listed, and then not there
    CachedEncoder(Counting(), tmp_path).encode([chain(1)])
    assert len([path for path in entries(tmp_path) if path.exists()]) == 2


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"no cache folder can be made .*; name another folder"):
        CachedEncoder(Counting(), tmp_path / "file" / "cache")


def test_limit_must_be_positive(tmp_path):
    with pytest.raises(InputError, match=r"a limit of 0 bytes; expected a positive number"):
        CachedEncoder(Counting(), tmp_path, max_bytes=0)


def _work(folder, seed):
    cached = CachedEncoder(Counting(), folder, max_bytes=1500)  # small, so that processes evict under each other
    plain = Counting()
    for step in range(40):
        protein = chain((step * seed) % 11)
        (vectors,) = cached.encode([protein])
        assert torch.equal(vectors, plain.encode([protein])[0].half().float())


def test_processes_share_a_folder(tmp_path):
    context = multiprocessing.get_context("spawn" if os.name == "nt" else "fork")
    workers = [context.Process(target=_work, args=(tmp_path, seed)) for seed in (1, 3, 7)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # forking a process that has threads
        for worker in workers:
            worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert not list(tmp_path.glob("*/*/.*.part"))
