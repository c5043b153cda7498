"""What a user can get wrong, and nothing else.

    CompError                what is wrong, the value found, what to do next
    ├── ConfigError          a key, a type or a value of the configuration (all of them at once)
    ├── CompetitionError     no such competition, or a plugin that does not keep the contract
    ├── DataError            missing, damaged or mismatched data
    ├── FoldError            a split that cannot be made, or would leak
    ├── DeviceError          a device or a precision that this machine does not have
    ├── WeightsError         pretrained weights that cannot be had
    ├── RunError             a run or a checkpoint that is not there
    └── SubmissionError      a submission that Kaggle would refuse

The command line prints the message on one line of stderr and exits with `exit_code`. Every other
exception is a bug of ours and keeps its traceback.
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


class RunError(CompError):
    """A run or a checkpoint that is not there."""


class SubmissionError(CompError):
    """A submission that differs from the sample submission."""
