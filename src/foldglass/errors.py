"""Every error that foldglass raises on purpose.

    FoldglassError                 base; its text is one line for a person
    ├── InputError                 a file, record or argument cannot be used
    │   └── NotFoundError          a file, record, chain or accession is not there
    ├── FetchError                 a remote archive did not give what was asked for
    ├── ModelError                 a model directory is incomplete, altered or of another version
    ├── MissingExtraError          an optional package is not installed
    └── UsageError                 arguments contradict each other (the command line exits with 2)

Every message names the subject, what was got, what was expected and how to go on.
"""


class FoldglassError(Exception):
    """Base of all foldglass errors.

    Examples
    --------
    >>> str(FoldglassError("a.pdb", got="no C-alpha atom", expected="a protein chain"))
    'a.pdb: no C-alpha atom; expected a protein chain'
    >>> str(FoldglassError("a.tsv", got="the heading '\\x1b[2J\\x00'"))
    "a.tsv: the heading '?[2J?'"
    """

    exit_code = 1

    def __init__(self, subject: str, *, got: str, expected: str = "", remedy: str = "") -> None:
        self.subject, self.got, self.expected, self.remedy = subject, got, expected, remedy
        parts = [f"{subject}: {got}"]
        if expected:
            parts.append(f"expected {expected}")
        if remedy:
            parts.append(remedy)
        line = " ".join("; ".join(parts).split())
        super().__init__("".join(letter if letter.isprintable() else "?" for letter in line))

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way back from a worker process, which the keyword arguments alone would not."""
        return type(self).__new__, (type(self), *self.args), self.__dict__


class InputError(FoldglassError):
    """A file, record or argument cannot be used."""


class NotFoundError(InputError):
    """A file, record, chain or accession is not there."""


class FetchError(FoldglassError):
    """A remote archive did not give what was asked for."""


class ModelError(FoldglassError):
    """A model directory is incomplete, altered or of another version."""


class MissingExtraError(FoldglassError):
    """An optional package is not installed."""

    def __init__(self, subject: str, *, package: str, extra: str) -> None:
        super().__init__(
            subject,
            got=f"the package {package} is not installed",
            remedy=f"install it with: pip install 'foldglass[{extra}]'",
        )


class UsageError(FoldglassError):
    """Arguments contradict each other."""

    exit_code = 2


class SkippedWarning(UserWarning):
    """Something in the input was left out; the text says what and why."""
