"""What a user can get wrong, and nothing else.

    CompError                what is wrong, the value found, what to do next
    ├── ConfigError          a key, a type or a value of the configuration (all of them at once)
    ├── CompetitionError     no such competition, or a plugin that does not keep the contract
    ├── DataError            missing, damaged or mismatched data
    ├── FoldError            a split that cannot be made, or would leak
    ├── DeviceError          a device or a precision that this machine does not have
    ├── WeightsError         pretrained weights that cannot be had
    ├── DiskError            no room on the disk, or a folder that may not be written
    ├── OutputError          stdout or stderr that cannot be written to
    ├── RunError             a run or a checkpoint that is not there
    ├── SubmissionError      a submission that Kaggle would refuse
    ├── RefusedError         Kaggle said no: credentials, rules, quota, names     (exit 3)
    ├── NetworkError         no answer, or "later"                                (exit 4)
    │   └── UnknownOutcomeError  sent once, and nobody knows what became of it
    ├── AnswerError          an answer of Kaggle's that cannot be read            (exit 4)
    ├── ScoringError         Kaggle scored a submission with an error             (exit 5)
    ├── PendingError         Kaggle has not scored it by the deadline             (exit 6)
    └── StoppedError         a signal stopped a run, which can be gone on with    (exit 130)

The command line prints the message on one line of stderr and exits with `exit_code`, 2 unless it
says otherwise. Every other exception is a bug of ours and keeps its traceback.
"""


class CompError(Exception):
    """A mistake that the user can mend.

    The message is one line: what is wrong, the value found, and what to do next.
    """

    exit_code = 2


class ConfigError(CompError):
    """A configuration that does not validate; the message names every fault."""


class CompetitionError(CompError):
    """An unknown competition, or a plugin that does not keep the contract."""


class DataError(CompError):
    """Data that is missing, damaged, or does not fit together."""


class FoldError(CompError):
    """A split into folds that cannot be made, or that would leak."""


class DeviceError(CompError):
    """A device or a precision that this machine does not have."""


class WeightsError(CompError):
    """Pretrained weights that can be neither fetched nor read."""


class DiskError(CompError):
    """A file that cannot be written: no room, a limit, or no permission."""


class OutputError(CompError, OSError):
    """Printing that fails; an `OSError` too, so that libraries take it as they always do."""


class RunError(CompError):
    """A run or a checkpoint that is not there."""


class SubmissionError(CompError):
    """A submission that differs from the sample submission."""


class RefusedError(CompError):
    """Kaggle refused: credentials, rules, quota, or a name that it does not know.

    `status` is the HTTP status where that is how it said so.
    """

    exit_code = 3
    status: int | None = None


class NetworkError(CompError):
    """Kaggle cannot be reached, does not answer in time, or asks to come later.

    `retry_after` is what it asked to wait, in seconds.
    """

    exit_code = 4
    retry_after: float | None = None


class UnknownOutcomeError(NetworkError):
    """A request that must not be repeated was sent, and its answer is lost."""


class AnswerError(CompError):
    """An answer of Kaggle's that cannot be read."""

    exit_code = 4


class ScoringError(CompError):
    """Kaggle took a submission and could not score it."""

    exit_code = 5


class PendingError(CompError):
    """Kaggle has not scored a submission by the deadline."""

    exit_code = 6


class StoppedError(CompError):
    """A signal stopped a run; `exit_code` is 130 for SIGINT and 143 for SIGTERM."""

    exit_code = 130
