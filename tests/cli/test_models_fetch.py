import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address at which it is served."""
    folder = tmp_path / "site"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_list_and_show(run: Any, tiny: Path) -> None:
    listed = [json.loads(line) for line in run("models", "list", "--format", "jsonl").stdout.splitlines()]
    assert list(listed[0]) == ["name", "available", "licence", "path", "description"]
    assert {"prott5", "esm2-650m"} <= {row["name"] for row in listed if row["available"] == "no"}
    assert run("models", "list", "-o", "-", "--format", "tsv").stdout.startswith("name\tavailable\t")
    (shown,) = json.loads(run("models", "show", tiny, "--format", "json").stdout)
    assert shown["id"] == f"tiny@{shown['weights_sha256'][:8]}"
    assert shown["towers"] == "sequence and structure"
    assert shown["card"].startswith("# tiny")


def test_a_broken_pulled_model_is_a_row_and_no_obstacle(run: Any, globins: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "cut"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"format": 1, "name":')
    cache = {"FOLDGLASS_CACHE": str(tmp_path)}
    listed = run("models", "list", **cache)
    (row,) = [line.split("\t") for line in listed.stdout.splitlines() if line.startswith("cut\t")]
    assert row[1] == "no" and row[4].startswith(f"broken: {folder}/config.json: something else") and not listed.stderr
    assert "name  " in run("models", "show", "builtin", "--format", "table", **cache).stdout
    assert run("search", globins, globins, "--model", "cut", code=1, **cache).stderr.count("\n") == 1


def test_pull_installs_whole_models_only(run: Any, tiny: Path, site: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = site
    cache = tmp_path / "cache"
    shutil.copytree(tiny, folder / "good")
    shutil.copytree(tiny, folder / "altered")
    (folder / "altered" / "model.safetensors").write_bytes(b"others")

    def pull(*arguments: str, code: int = 0) -> Any:
        return run("models", "pull", *arguments, code=code, FOLDGLASS_CACHE=str(cache))

    assert "it was not kept" in pull(f"{url}/altered", code=1).stderr
    assert not list(cache.rglob("*.*"))
    assert pull(f"{url}/good/").stdout.strip() == str(cache / "models" / "tiny")
    files = {path.name for path in (cache / "models" / "tiny").iterdir()}
    assert files == {"config.json", "model.safetensors", "card.md", "versions.json"}
    assert [path.name for path in cache.iterdir()] == ["models"]
    listed = run("models", "list", FOLDGLASS_CACHE=str(cache)).stdout
    assert any(line.startswith("tiny\tyes") for line in listed.splitlines())


def test_fetch_says_where_files_are_and_which_failed(run: Any, site: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = site
    (folder / "P69905.fasta").write_text(">P69905\nMVLSPADKT\n")
    mirror = {"FOLDGLASS_ARCHIVES": json.dumps({"uniprot": url})}
    done = run("fetch", "P69905", "P00000", "nonsense", "-o", tmp_path / "copies", code=1, **mirror)
    copy = tmp_path / "copies" / "P69905.fasta"
    assert done.stdout == f"accession\tpath\nP69905\t{copy}\n"
    assert copy.read_text() == ">P69905\nMVLSPADKT\n"
    assert [line.split(":")[1].strip() for line in done.stderr.splitlines()] == ["P00000", "nonsense"]
    done = run("fetch", "P69905", "-o", copy, code=1, **mirror)
    assert done.stderr == (f"foldglass: {copy}: no folder can be made there (File exists); choose another for -o\n")
