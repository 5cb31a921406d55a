import errno
import os
from pathlib import Path

import pytest

from foldglass.errors import InputError, NotFoundError
from foldglass.io.atomic import replacing


def test_success_replaces_and_leaves_no_other_file(tmp_path: Path) -> None:
    out = tmp_path / "a.tsv"
    out.write_text("old")
    with replacing(out) as part:
        assert part.parent == out.parent
        part.write_text("new")
        assert out.read_text() == "old"
    assert out.read_text() == "new"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("failure", [ValueError("no"), KeyboardInterrupt()])
def test_failure_keeps_the_old_file(tmp_path: Path, failure: BaseException) -> None:
    out = tmp_path / "a.tsv"
    out.write_text("old")
    with pytest.raises(type(failure)), replacing(out) as part:
        part.write_text("half")
        raise failure
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    out = tmp_path / "a.tsv"
    message = r"a\.tsv: cannot be written \(No space left on device\); free some space"
    with pytest.raises(InputError, match=message), replacing(out) as part:
        part.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.EACCES, "choose a folder where you may write"), (errno.EROFS, "choose a folder"), (errno.EIO, "")],
)
def test_other_failures_of_the_output(tmp_path: Path, number: int, remedy: str) -> None:
    message = rf"a\.tsv: cannot be written \({os.strerror(number)}\)(; {remedy})?"
    with pytest.raises(InputError, match=message), replacing(tmp_path / "a.tsv") as part:
        raise OSError(number, os.strerror(number), str(part))


def test_errors_of_other_files_pass_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"elsewhere"), replacing(tmp_path / "a.tsv"):
        (tmp_path / "elsewhere").read_text()


def test_missing_folder_and_folder_as_target(tmp_path: Path) -> None:
    message = r"the folder .*nowhere does not exist; create it"
    with pytest.raises(NotFoundError, match=message), replacing(tmp_path / "nowhere" / "a.tsv"):
        pass
    with pytest.raises(InputError, match=r"a folder; expected a file to write"), replacing(tmp_path):
        pass


def test_a_device_is_not_replaced() -> None:
    with pytest.raises(InputError, match=r"/dev/null: a device or pipe; expected a file"), replacing("/dev/null"):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    message = r"cannot be written \(Permission denied\); choose a folder"
    with pytest.raises(InputError, match=message), replacing(tmp_path / "a.tsv") as part:
        part.write_text("x")
