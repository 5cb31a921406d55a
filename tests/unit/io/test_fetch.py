"""The archive client against a local server that plays each archive and each failure."""

import gzip
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from foldglass.errors import FetchError, InputError, NotFoundError
from foldglass.io.download import Client, download, recorded_digest, sha256_of
from foldglass.io.fetch import Archives, cache_folder, fetch, looks_like_accession
from foldglass.io.read import read

FASTA = b">sp|P69905|HBA_HUMAN\nMVLSPADKT\n"
PDB = b"ATOM      1  CA  GLY A   1      11.000  12.000  13.000  1.00 10.00           C  \n"


class Server(http.server.ThreadingHTTPServer):
    """Gives the scripted answers of each path in turn; the last one stays."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, list[tuple[int, dict[str, str], bytes]]] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def give(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> None:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(path, []).append((status, sent, body))


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        script = self.server.answers.get(self.path, [(404, {}, b"")])
        status, headers, body = script.pop(0) if len(script) > 1 else script[0]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(waits: list[float]) -> Client:
    return Client(attempts=3, interval=0.0, timeout=5.0, sleep=waits.append)


@pytest.fixture
def archives(server: Server) -> Archives:
    names = ("pdb", "alphafold", "uniprot", "swiss_model")
    return Archives(**{name: f"{server.url}/{name}" for name in names})


def test_the_forms_of_accessions() -> None:
    for text in ("1CRN", "1crn", "pdb_00001crn", "AF-P69905", "AF-P69905-F2", "AF-P69905-2-F1", "P69905", "sm:Q9Y261"):
        assert looks_like_accession(text), text
    for text in ("crn1", "1CRNA", "p69905", "AF-", "sm:1CRN", "P69905.fasta", "a.pdb", "", "1CRN:A", "P6990"):
        assert not looks_like_accession(text), text


@pytest.mark.parametrize(
    ("accession", "path", "kept"),
    [
        ("1crn", "/pdb/1CRN.cif.gz", "pdb/1CRN.cif.gz"),
        ("pdb_00001crn", "/pdb/pdb_00001crn.cif.gz", "pdb/pdb_00001crn.cif.gz"),
        ("P69905", "/uniprot/P69905.fasta", "uniprot/P69905.fasta"),
        ("sm:P69905", "/swiss_model/P69905.pdb", "swiss-model/P69905.pdb"),
    ],
)
def test_each_archive_is_asked_once(
    server: Server, archives: Archives, client: Client, tmp_path: Path, accession: str, path: str, kept: str
) -> None:
    server.give(path, FASTA)
    for _ in range(2):
        found = fetch(accession, cache_dir=tmp_path, client=client, archives=archives)
        assert found == tmp_path / kept
        assert found.read_bytes() == FASTA
    assert server.asked == [path]


def test_alphafold_address_comes_from_its_index(
    server: Server, archives: Archives, client: Client, tmp_path: Path
) -> None:
    addresses = [f"{server.url}/files/AF-P69905-F{n}-model_v6.cif" for n in (1, 2)]
    server.give("/alphafold/P69905", json.dumps([{"cifUrl": a} for a in addresses]).encode())
    server.give("/files/AF-P69905-F1-model_v6.cif", b"data_1")
    server.give("/files/AF-P69905-F2-model_v6.cif", b"data_2")
    assert fetch("AF-P69905", cache_dir=tmp_path, client=client, archives=archives).read_text() == "data_1"
    assert fetch("AF-P69905-F2", cache_dir=tmp_path, client=client, archives=archives).read_text() == "data_2"
    assert fetch("AF-P69905", cache_dir=tmp_path, client=client, archives=archives).name == "AF-P69905-F1.cif"
    assert len(server.asked) == 4
    with pytest.raises(NotFoundError, match="AF-P69905-F3: no entry; expected a fragment of P69905"):
        fetch("AF-P69905-F3", cache_dir=tmp_path, client=client, archives=archives)


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"[1]", b"no json", b'[{"pdbUrl": "x"}]'])
def test_alphafold_index_of_another_form(
    server: Server, archives: Archives, client: Client, tmp_path: Path, answer: bytes
) -> None:
    server.give("/alphafold/P69905", answer)
    with pytest.raises((FetchError, NotFoundError), match=r"AF-P69905: (an answer without model addresses|no entry)"):
        fetch("AF-P69905", cache_dir=tmp_path, client=client, archives=archives)


def test_altered_cache_is_fetched_again(server: Server, archives: Archives, client: Client, tmp_path: Path) -> None:
    server.give("/uniprot/P69905.fasta", FASTA)
    path = fetch("P69905", cache_dir=tmp_path, client=client, archives=archives)
    path.write_bytes(b"altered")
    assert fetch("P69905", cache_dir=tmp_path, client=client, archives=archives).read_bytes() == FASTA
    (tmp_path / "uniprot" / "P69905.fasta.sha256").unlink()
    fetch("P69905", cache_dir=tmp_path, client=client, archives=archives)
    assert len(server.asked) == 3


def test_no_entry(server: Server, archives: Archives, client: Client, tmp_path: Path, waits: list[float]) -> None:
    with pytest.raises(NotFoundError, match=r"9XYZ: no entry at 127\.0\.0\.1:\d+; check the accession"):
        fetch("9XYZ", cache_dir=tmp_path, client=client, archives=archives)
    server.give("/uniprot/P69905.fasta", b"")
    with pytest.raises(NotFoundError, match=r"P69905: no entry at .* \(an empty answer\)"):
        fetch("P69905", cache_dir=tmp_path, client=client, archives=archives)
    assert len(server.asked) == 2
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_passing_failures_are_tried_again(server: Server, client: Client, tmp_path: Path, waits: list[float]) -> None:
    server.give("/a", status=500)
    server.give("/a", status=429, Retry_After="7")
    server.give("/a", b"good")
    assert download(f"{server.url}/a", tmp_path / "a", client=client).read_text() == "good"
    between = [wait for wait in waits if wait > 0]
    assert 0.5 <= between[0] <= 0.75
    assert between[1] == 7.0


@pytest.mark.parametrize("value", ["999999", "Fri, 01 Jan 2999 00:00:00 GMT"])
def test_retry_after_is_at_most_a_minute(server: Server, client: Client, waits: list[float], value: str) -> None:
    server.give("/a", status=503, Retry_After=value)
    server.give("/a", b"good")
    client.get(f"{server.url}/a", subject="a")
    assert max(waits) == 60.0


def test_lasting_failure(server: Server, client: Client, tmp_path: Path) -> None:
    server.give("/a", status=503)
    message = (
        r"no whole answer from 127.* after 3 attempts \(503 Service Unavailable\); check the connection or try later"
    )
    with pytest.raises(FetchError, match=message):
        download(f"{server.url}/a", tmp_path / "a", client=client)
    assert len(server.asked) == 3
    assert list(tmp_path.iterdir()) == []


def test_refusal_is_not_tried_again(server: Server, client: Client) -> None:
    server.give("/a", status=403)
    with pytest.raises(FetchError, match="answered 403 Forbidden"):
        client.get(f"{server.url}/a", subject="a")
    assert len(server.asked) == 1


def test_truncated_answer_is_never_kept(server: Server, client: Client, tmp_path: Path) -> None:
    server.give("/a", b"half", Content_Length="8", Connection="close")
    with pytest.raises(FetchError, match="no whole answer"):
        download(f"{server.url}/a", tmp_path / "a", client=client)
    assert list(tmp_path.iterdir()) == []
    server.answers.clear()
    server.give("/a", b"half of a longer answer", Content_Length="99", Connection="close")
    server.give("/a", b"whole it")
    assert download(f"{server.url}/a", tmp_path / "a", client=client).read_text() == "whole it"


def test_too_large_announced_or_not(server: Server, client: Client, tmp_path: Path) -> None:
    client.max_bytes = 10
    server.give("/announced", b"x" * 300_000)
    server.give("/packed", gzip.compress(b"x" * 10_000), Content_Encoding="gzip")
    with pytest.raises(FetchError, match=r"300000 bytes or more from .*; expected at most 10 \(the client's limit\)"):
        download(f"{server.url}/announced", tmp_path / "a", client=client)
    client.max_bytes = 100
    with pytest.raises(FetchError, match=r"bytes or more from .*; expected at most 100"):
        download(f"{server.url}/packed", tmp_path / "a", client=client)
    assert list(tmp_path.iterdir()) == []


def test_web_page_instead_of_a_file(server: Server, client: Client) -> None:
    server.give("/a", b"<html>", Content_Type="text/html; charset=utf-8")
    with pytest.raises(FetchError, match=r"a web page from .* instead of a file"):
        client.get(f"{server.url}/a", subject="a")


def test_checksum(server: Server, client: Client, tmp_path: Path) -> None:
    server.give("/a", b"weights")
    right = hashlib.sha256(b"weights").hexdigest()
    told: list[tuple[int, int]] = []
    path = download(f"{server.url}/a", tmp_path / "a", sha256=right, client=client, progress=lambda *n: told.append(n))
    assert recorded_digest(path) == sha256_of(path) == right
    assert told == [(7, 7)]
    with pytest.raises(FetchError, match=f"a file with SHA-256 {right}; expected {'0' * 64}; it was not kept"):
        download(f"{server.url}/a", tmp_path / "b", sha256="0" * 64, client=client)
    assert not (tmp_path / "b").exists()


def test_nobody_listens_and_strange_addresses(client: Client, waits: list[float]) -> None:
    with pytest.raises(FetchError, match=r"no whole answer from 127\.0\.0\.1:9 after 3 attempts"):
        client.get("http://127.0.0.1:9/a", subject="a")
    with pytest.raises(FetchError, match="cannot be asked for"):
        client.get("ftp://127.0.0.1/a", subject="a")


def test_requests_to_one_host_keep_their_distance(server: Server, waits: list[float]) -> None:
    client = Client(interval=5.0, sleep=waits.append)
    server.give("/a", b"x")
    client.get(f"{server.url}/a", subject="a")
    client.get(f"{server.url}/a", subject="a")
    assert waits[0] == 0.0
    assert 4.0 < waits[1] <= 5.0


def test_cache_folder_and_archives_by_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    monkeypatch.delenv("FOLDGLASS_CACHE", raising=False)
    assert cache_folder() == tmp_path / "x" / "foldglass"
    monkeypatch.setenv("FOLDGLASS_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.setenv("FOLDGLASS_ARCHIVES", '{"pdb": "http://mirror/pdb"}')
    assert Archives.from_environment() == Archives(pdb="http://mirror/pdb")
    for wrong in ("{", '{"pbd": "x"}', "[1]"):
        monkeypatch.setenv("FOLDGLASS_ARCHIVES", wrong)
        with pytest.raises(
            InputError, match=r"FOLDGLASS_ARCHIVES: .*expected a JSON object with some of pdb, alphafold"
        ):
            Archives.from_environment()


def test_cache_that_cannot_be_made(archives: Archives, client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"the folder cannot be made \(.*\); choose another folder"):
        fetch("1CRN", cache_dir=tmp_path / "file", client=client, archives=archives)


def test_read_takes_accessions(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOLDGLASS_CACHE", str(tmp_path))
    monkeypatch.setenv("FOLDGLASS_ARCHIVES", json.dumps({n: server.url for n in ("pdb", "uniprot", "swiss_model")}))
    server.give("/P69905.fasta", FASTA)
    server.give("/P69905.pdb", PDB)
    server.give(f"/{quote('1CRN.cif.gz')}", PDB)
    assert [s.letters for s in read("P69905")] == ["MVLSPADKT"]
    assert [s.id for s in read("sm:P69905")] == ["P69905"]
    assert [s.chain for s in read("1CRN:A")] == ["A"]
    with pytest.raises(NotFoundError, match="no chain 'B'"):
        read("1CRN:B")
