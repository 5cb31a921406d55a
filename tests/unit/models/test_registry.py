"""Models by name: those in the package, those pulled, those that need training, and folders."""

import pytest

from foldglass.errors import ModelError, UsageError
from foldglass.models import registry
from foldglass.models.checkpoint import save_model


@pytest.fixture
def places(tmp_path, monkeypatch, make_model):
    """One model in the package and one pulled."""
    for place, name in (("package", "alpha"), ("pulled", "beta")):
        save_model(make_model(name=name), tmp_path / place / name, card="")
        (tmp_path / place / "not-a-model").mkdir()
    monkeypatch.setattr(registry, "packaged_folder", lambda: tmp_path / "package")
    monkeypatch.setattr(registry, "pulled_folder", lambda: tmp_path / "pulled")
    return tmp_path


def test_list_names_what_is_here_and_what_needs_training(places):
    infos = registry.list_models()
    assert [(info.name, info.available) for info in infos] == [
        ("alpha", True),
        ("beta", True),
        ("prott5", False),
        ("esm2-650m", False),
    ]
    assert infos[0].path == places / "package" / "alpha"
    assert infos[0].description == "a tiny random model"
    assert infos[2].path is None
    assert "siamese-prott5" in infos[2].description


def test_pulled_model_takes_the_place_of_one_that_needs_training(places, make_model):
    save_model(make_model(name="prott5"), places / "pulled" / "prott5", card="")
    assert [info.name for info in registry.list_models()] == ["alpha", "beta", "prott5", "esm2-650m"]
    assert registry.find("prott5") == places / "pulled" / "prott5"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "something else"),
        (b"{}", "something else"),
        (b"\xff\xfe", "something else"),
        (b"[1]", "something else"),
        (b'{"format": 99}', "format 99"),
        (b'{"format": 1}', "no 'calibration'"),
        (
            b'{"format": 1, "name": "a", "description": 7, "weights_sha256": "0", "towers": {}, "calibration": {}}',
            "is no text",
        ),
    ],
)
def test_a_broken_folder_is_named_in_its_row_and_breaks_no_other(places, content, words):
    config = places / "pulled" / "aaa" / "config.json"
    config.parent.mkdir()
    config.write_bytes(content)
    broken = {info.name: info for info in registry.list_models()}["aaa"]
    assert not broken.available and broken.path == config.parent
    assert broken.description.startswith(f"broken: {config}: ") and words in broken.description
    with pytest.raises(ModelError, match=f"^{config}: "):
        registry.load("aaa")
    assert registry.find("beta") == places / "pulled" / "beta"


def test_load_by_name_and_by_folder(places):
    assert registry.load("beta", device="cpu").name == "beta"
    assert registry.load(str(places / "package" / "alpha"), device="cpu").name == "alpha"


def test_unknown_name_comes_with_the_nearest(places):
    with pytest.raises(
        ModelError,
        match=r"^model 'bata': no such model or folder; expected one of alpha, beta, prott5, esm2-650m, "
        r"or a model's folder; did you mean 'beta'\?$",
    ):
        registry.find("bata")


def test_name_like_nothing_gets_no_suggestion(places):
    with pytest.raises(ModelError, match=r"or a model's folder$"):
        registry.find("zzzzzz")


def test_model_without_weights_says_how_to_train_it(places):
    with pytest.raises(ModelError, match=r"'prott5': no weights: none are distributed .*train it: .*siamese-prott5$"):
        registry.load("prott5")


def test_folder_that_is_no_model_is_named(places):
    with pytest.raises(ModelError, match=r"not-a-model: no config.json; expected a model directory$"):
        registry.load(str(places / "package" / "not-a-model"))


def test_unknown_device_is_refused(places):
    with pytest.raises(UsageError, match="'abacus': an unknown device"):
        registry.load("alpha", device="abacus")
