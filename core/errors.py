"""What a person can put right. One sentence each: what was found, what was needed, what to do.

StudioError
    ConfigError     a knob is out of its range or of the wrong kind
    DataError       a data set, folder or image
    ModelError      a checkpoint or a model card
    ScoreError      an evaluation that cannot be made or compared
      Refused       one metric that has no honest value for these images
    JobError        a background job
    StoreError      the cache folder itself (disk full, not writable)

Only the command line and `core.ui` catch these. Our own broken promises are asserts and crash.
"""


class StudioError(Exception):
    """The message is shown to a person as it stands."""


class ConfigError(StudioError):
    pass


class DataError(StudioError):
    pass


class ModelError(StudioError):
    pass


class ScoreError(StudioError):
    pass


class Refused(ScoreError):
    pass


class JobError(StudioError):
    pass


class StoreError(StudioError):
    pass


def unknown(what: str, name: str, known: object) -> str:
    """The sentence for a name that no table holds."""
    names = ", ".join(sorted(map(str, known))) if known else "none yet"  # type: ignore[call-overload]
    return f"There is no {what} named '{name}'; known: {names}."
