"""The errors that a user can correct.

    CompError                what is wrong, what was found, what to do
    ├── ConfigError          the configuration or an option is wrong (the message lists all faults)
    ├── CompetitionError     the competition is unknown, or its plugin breaks the contract
    ├── DataError            data is missing, damaged or inconsistent
    ├── FoldError            the folds cannot be made, or would leak
    ├── DeviceError          this machine does not have the device or the precision
    ├── WeightsError         the pretrained weights cannot be fetched or read
    ├── DiskError            the disk is full, or a folder is not writable
    ├── OutputError          stdout or stderr cannot be written
    ├── RunError             a run or a checkpoint is missing or in the wrong state
    ├── SubmissionError      Kaggle would not accept the submission
    ├── RefusedError         Kaggle refused: credentials, rules, quota, names      (exit 3)
    ├── NetworkError         no answer from Kaggle, or "later"                     (exit 4)
    │   └── UnknownOutcomeError  a request was sent once and its answer is lost
    ├── AnswerError          an answer from Kaggle cannot be read                  (exit 4)
    ├── ScoringError         Kaggle could not score a submission                   (exit 5)
    ├── PendingError         Kaggle did not score a submission in time             (exit 6)
    └── StoppedError         a signal stopped a run, which can be resumed          (exit 130)

The command line prints the message as one line on stderr and exits with `exit_code`, by default 2.
Every other exception is a bug and keeps its traceback; if it comes from a function of a plugin, one
line for the author of the plugin follows.
"""


class CompError(Exception):
    """An error that the user can correct.

    The message is one line: what is wrong, what was found, what to do.
    """

    exit_code = 2


class ConfigError(CompError):
    """The configuration or an option is wrong; the message lists all faults."""


class CompetitionError(CompError):
    """The competition is unknown, or its plugin breaks the contract."""


class DataError(CompError):
    """Data is missing, damaged or inconsistent."""


class FoldError(CompError):
    """The folds cannot be made, or would leak."""


class DeviceError(CompError):
    """This machine does not have the device or the precision."""


class WeightsError(CompError):
    """The pretrained weights cannot be fetched or read."""


class DiskError(CompError):
    """A file cannot be written: the disk is full, a limit is reached, or permission is missing."""


class OutputError(CompError, OSError):
    """stdout or stderr cannot be written; also an `OSError`, as libraries expect of streams."""


class RunError(CompError):
    """A run or a checkpoint is missing or in the wrong state."""


class SubmissionError(CompError):
    """Kaggle would not accept the submission."""


class RefusedError(CompError):
    """Kaggle refused: wrong credentials, rules not accepted, no quota, or an unknown name.

    `status` is the HTTP status, None if the refusal came in another way.
    """

    exit_code = 3
    status: int | None = None


class NetworkError(CompError):
    """Kaggle cannot be reached, does not answer in time, or asks to try later.

    `retry_after` is the wait in seconds that Kaggle asks for. A `lasting` error is one of this
    machine's settings: another attempt fails in the same way, and nothing was sent.
    """

    exit_code = 4
    retry_after: float | None = None
    lasting: bool = False


class UnknownOutcomeError(NetworkError):
    """A request that must not be repeated was sent, and its answer is lost."""


class AnswerError(CompError):
    """An answer from Kaggle cannot be read."""

    exit_code = 4


class ScoringError(CompError):
    """Kaggle could not score a submission."""

    exit_code = 5


class PendingError(CompError):
    """Kaggle did not score a submission before the deadline."""

    exit_code = 6


class StoppedError(CompError):
    """A signal stopped a run; `exit_code` is 130 for SIGINT and 143 for SIGTERM."""

    exit_code = 130
