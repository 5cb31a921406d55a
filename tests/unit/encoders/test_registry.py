import pytest

from foldglass.encoders import builtin, registry
from foldglass.encoders.base import ResidueEncoder
from foldglass.encoders.cache import CachedEncoder
from foldglass.encoders.registry import ENCODERS, encoder_by_name
from foldglass.errors import ModelError
from foldglass.protein import Sequence


def test_names():
    assert ENCODERS == (
        "builtin",
        "prott5",
        "prostt5",
        "esm2-8m",
        "esm2-35m",
        "esm2-150m",
        "esm2-650m",
        "esm2-3b",
        "esm2-15b",
    )


@pytest.mark.parametrize(("name", "near"), [("prot5", "prott5"), ("esm2-650", "esm2-650m"), ("built-in", "builtin")])
def test_unknown_name_suggests_the_nearest(name, near):
    with pytest.raises(ModelError, match=rf"encoder '{name}': no such encoder.*; did you mean {near}\?"):
        encoder_by_name(name)


def test_unknown_name_lists_all():
    with pytest.raises(ModelError) as caught:
        encoder_by_name("zzz")
    assert str(caught.value).endswith(f"expected one of {', '.join(ENCODERS)}, or a folder")


@pytest.mark.parametrize("family", ["prott5", "esm2"])
def test_folder_is_read_by_its_architecture(request, family):
    encoder = encoder_by_name(request.getfixturevalue(f"{family}_folder"), device="cpu")
    assert isinstance(encoder, ResidueEncoder)
    assert encoder.id.startswith(family)


def test_name_asks_the_hub_for_its_checkpoint(monkeypatch, esm2_folder):
    asked = []
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **k: asked.append(name) or str(esm2_folder))
    encoder_by_name("esm2-650m", device="cpu")
    assert asked == ["facebook/esm2_t33_650M_UR50D"]


def test_cache_folder_is_used(esm2_folder, tmp_path):
    encoder = encoder_by_name(esm2_folder, device="cpu", cache=tmp_path, cache_bytes=10_000)
    assert isinstance(encoder, CachedEncoder) and encoder.max_bytes == 10_000
    encoder.encode([Sequence("a", "MKV")])
    assert len(list(tmp_path.glob("*/*/*.emb"))) == 1


def test_options_reach_the_loader(esm2_folder):
    encoder = encoder_by_name(esm2_folder, device="cpu", precision="bfloat16", window=50)
    assert encoder.id.endswith("-w50")
    assert "bfloat16" in {str(w.dtype).removeprefix("torch.") for w in encoder.network.parameters()}


def test_builtin_is_made_by_its_own_module(monkeypatch):
    made = []
    monkeypatch.setattr(builtin, "load_encoder", lambda *, device: made.append(device) or _Toy(), raising=False)
    assert encoder_by_name("builtin", device="cpu").id == "toy"
    assert made == ["cpu"]


class _Toy:
    id, revision, dim = "toy", "1", 3

    def encode(self, proteins):
        return []


def test_folder_of_another_architecture(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match=r"a model of type bert; expected one of t5, esm \(ProtT5, ProstT5, ESM-2\)"):
        encoder_by_name(tmp_path)
    assert set(registry._FAMILIES) == {"t5", "esm"}
