"""The one HTTP client: retries, limits, whole files with their checksum."""

import hashlib
import io
import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from foldglass.errors import FetchError, InputError, NotFoundError
from foldglass.io.atomic import replacing
from foldglass.typing import PathLike

if TYPE_CHECKING:
    import httpx

_PASSING = {408, 425, 429, 500, 502, 503, 504}
_ABSENT = {404, 410}
_LONGEST_WAIT = 60.0


class _PassingError(Exception):
    """A failure that may pass; `wait` is what the server asked for, in seconds."""

    def __init__(self, text: str, wait: float | None = None) -> None:
        super().__init__(text)
        self.wait = wait


@dataclass
class Client:
    """How to ask: patience, rate and size.

    Parameters
    ----------
    attempts : int
        Tries per address. Between them the wait doubles from `backoff` seconds, plus up to half of it at random,
        or is what the server's `Retry-After` says; a minute at most.
    interval : float
        Least seconds between two requests to one host.
    max_bytes : int
        A longer answer is refused.
    timeout : float
        Seconds without any byte after which a try is given up.
    """

    attempts: int = 5
    backoff: float = 0.5
    interval: float = 0.1
    max_bytes: int = 4 * 1024**3
    timeout: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    _last: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def get(self, url: str, *, subject: str) -> bytes:
        """The whole answer in memory; raises like `transfer`."""
        sink = io.BytesIO()
        self.transfer(url, sink, subject=subject)
        return sink.getvalue()

    def transfer(
        self, url: str, sink: io.BufferedIOBase, *, subject: str, progress: Callable[[int, int], None] | None = None
    ) -> str:
        """Write the answer to `sink` and return its SHA-256; `progress` is told bytes so far and in all (0: unknown).

        Raises
        ------
        NotFoundError
            If there is no such entry or it is empty.
        FetchError
            If the host cannot be reached, refuses, or gives a web page, a part or too much.
        """
        host = urlsplit(url).netloc
        for attempt in range(1, self.attempts + 1):
            sink.seek(0)
            sink.truncate()
            try:
                return self._once(url, host, sink, subject, progress)
            except _PassingError as error:
                if attempt == self.attempts:
                    raise FetchError(
                        subject,
                        got=f"no whole answer from {host} after {attempt} attempts ({error})",
                        remedy="check the connection or try later",
                    ) from error
                doubled = self.backoff * 2 ** (attempt - 1) * random.uniform(1.0, 1.5)
                self.sleep(min(error.wait if error.wait is not None else doubled, _LONGEST_WAIT))
        raise AssertionError("attempts must be at least 1")

    def _once(
        self, url: str, host: str, sink: io.BufferedIOBase, subject: str, progress: Callable[[int, int], None] | None
    ) -> str:
        import httpx

        self.sleep(max(0.0, self._last.get(host, -self.interval) + self.interval - time.monotonic()))
        self._last[host] = time.monotonic()
        digest, size = hashlib.sha256(), 0
        try:
            with httpx.stream("GET", url, follow_redirects=True, timeout=self.timeout, verify=_tls()) as response:
                total = self._check(response, host, subject)
                for part in response.iter_bytes():
                    size += len(part)
                    if size > self.max_bytes:
                        raise self._too_large(subject, host, size)
                    sink.write(part)
                    digest.update(part)
                    if progress:
                        progress(size, total)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects) as error:
            raise FetchError(subject, got=f"{url} cannot be asked for ({error})") from error
        except httpx.RequestError as error:
            raise _PassingError(str(error) or type(error).__name__) from error
        if not size:
            raise NotFoundError(subject, got=f"no entry at {host} (an empty answer)", remedy="check the accession")
        return digest.hexdigest()

    def _check(self, response: "httpx.Response", host: str, subject: str) -> int:
        """The announced length of a good answer, 0 where it is not announced."""
        status = response.status_code
        if status in _ABSENT:
            raise NotFoundError(subject, got=f"no entry at {host}", remedy="check the accession")
        if status in _PASSING:
            raise _PassingError(f"{status} {response.reason_phrase}", _retry_after(response.headers.get("retry-after")))
        if status != 200:
            raise FetchError(subject, got=f"{host} answered {status} {response.reason_phrase}")
        if response.headers.get("content-type", "").startswith("text/html"):
            raise FetchError(
                subject, got=f"a web page from {host} instead of a file", remedy="check the address or the network"
            )
        announced = response.headers.get("content-length", "")
        total = int(announced) if announced.isdigit() else 0
        if total > self.max_bytes:
            raise self._too_large(subject, host, total)
        return total

    def _too_large(self, subject: str, host: str, size: int) -> FetchError:
        return FetchError(
            subject, got=f"{size} bytes or more from {host}", expected=f"at most {self.max_bytes} (the client's limit)"
        )


@cache
def _tls() -> ssl.SSLContext:
    """One context for all requests: reading the certificates takes longer than a request."""
    import httpx

    return httpx.create_ssl_context()


def _retry_after(value: str | None) -> float | None:
    """Seconds that a `Retry-After` header asks for, given as a number or as a date."""
    if value is None:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def download(
    url: str,
    path: PathLike,
    *,
    sha256: str | None = None,
    subject: str = "",
    client: Client | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Put the file at `url` to `path`, whole or not at all, and its SHA-256 beside it as `<path>.sha256`.

    Raises
    ------
    InputError
        If `path` cannot be written.
    NotFoundError
        If the host has no such file.
    FetchError
        If the host cannot be reached or the checksum is not `sha256`.
    """
    target = Path(path)
    subject = subject or url
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            str(target.parent),
            got=f"the folder cannot be made ({error.strerror})",
            remedy="choose another folder, for fetched entries with FOLDGLASS_CACHE",
        ) from error
    with replacing(target) as part:
        with part.open("wb") as sink:
            found = (client or Client()).transfer(url, sink, subject=subject, progress=progress)
        if sha256 is not None and found != sha256.lower():
            raise FetchError(
                subject,
                got=f"a file with SHA-256 {found}",
                expected=sha256.lower(),
                remedy="it was not kept; the source has changed or the download was altered",
            )
    with replacing(_digest_path(target)) as part:
        part.write_text(f"{found}  {target.name}\n")
    return target


def recorded_digest(path: Path) -> str:
    """The SHA-256 noted beside a downloaded file, empty if there is none."""
    beside = _digest_path(path)
    return beside.read_text(errors="replace").split(" ")[0] if beside.is_file() else ""


def sha256_of(path: PathLike) -> str:
    """The SHA-256 of a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")
