import http.server
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from foldglass.errors import FetchError, InputError, ModelError, NotFoundError
from foldglass.io.download import Client
from foldglass.models.checkpoint import load_model, save_model
from foldglass.models.model import Model
from foldglass.models.pull import pull
from foldglass.models.registry import find

FILES = ["card.md", "config.json", "model.safetensors", "versions.json"]


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("FOLDGLASS_CACHE", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


@pytest.fixture
def published(tmp_path: Path, make_model: Callable[..., Model]) -> Path:
    folder = tmp_path / "site" / "tiny"
    save_model(make_model(), folder, card="# tiny\n")
    return folder


@pytest.fixture
def url(published: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=published.parent)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/tiny"
        server.shutdown()
        thread.join()


@pytest.fixture
def client() -> Client:
    return Client(attempts=1, interval=0.0)


def test_pulled_model_is_whole_and_known_by_its_name(cache: Path, published: Path, url: str, client: Client) -> None:
    told: list[tuple[int, int]] = []
    folder = pull(f"{url}/", client=client, progress=lambda done, total: told.append((done, total)))
    assert folder == cache / "models" / "tiny" == find("tiny")
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert load_model(folder).digest == load_model(published).digest
    size = (published / "model.safetensors").stat().st_size
    assert told[-1] == (size, size)
    assert [path.name for path in cache.iterdir()] == ["models"]


def test_the_same_weights_are_not_fetched_again_and_others_do_not_replace_them(
    cache: Path, published: Path, url: str, client: Client, make_model: Callable[..., Model]
) -> None:
    folder = pull(url, client=client)
    (published / "model.safetensors").unlink()
    assert pull(url, client=client) == folder
    save_model(make_model(seed=1), published, card="# other\n")
    with pytest.raises(ModelError, match=r"other weights are already in .*tiny; give another --name"):
        pull(url, client=client)
    assert pull(url, name="second", client=client) == cache / "models" / "second"


def test_pulling_again_mends_altered_weights_and_a_broken_folder_is_left_to_its_owner(
    cache: Path, published: Path, url: str, client: Client
) -> None:
    folder = pull(url, client=client)
    (folder / "model.safetensors").write_bytes(b"cut")
    assert load_model(pull(url, client=client)).digest == load_model(published).digest
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match=rf"config.json: something else; expected .*; remove {folder}$"):
        pull(url, client=client)


def _altered(published: Path) -> None:
    (published / "model.safetensors").write_bytes(b"others")


def _without_card(published: Path) -> None:
    (published / "card.md").unlink()


def _empty(published: Path) -> None:
    shutil.rmtree(published)


def _no_checksum(published: Path) -> None:
    config = json.loads((published / "config.json").read_text())
    (published / "config.json").write_text(json.dumps({**config, "weights_sha256": "none"}))


def _named_upwards(published: Path) -> None:
    config = json.loads((published / "config.json").read_text())
    (published / "config.json").write_text(json.dumps({**config, "name": "../../up"}))


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        (_altered, FetchError, "it was not kept"),
        (_without_card, NotFoundError, "no entry at"),
        (_empty, NotFoundError, "no entry at"),
        (_no_checksum, ModelError, "the checksum 'none'; expected a SHA-256"),
        (_named_upwards, InputError, r"the name '\.\./\.\./up'; expected letters"),
    ],
)
def test_nothing_is_installed_by_halves(
    cache: Path,
    published: Path,
    url: str,
    client: Client,
    damage: Callable[[Path], None],
    error: type[Exception],
    words: str,
) -> None:
    damage(published)
    with pytest.raises(error, match=words):
        pull(url, client=client)
    assert not [path for path in cache.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["builtin", "score"])
def test_the_name_of_a_packaged_model_is_taken(cache: Path, url: str, client: Client, name: str) -> None:
    with pytest.raises(InputError, match=f"the name '{name}', which is that of a model in the package"):
        pull(url, name=name, client=client)
