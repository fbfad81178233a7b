"""What a run of the app can be told: frozen dataclasses, filled from defaults, TOML, ``--set`` and flags.

``Settings`` holds all that changes a result. What selects the data (``Selection``) and how the work is done
(``Running``) stands apart, so that the digest of a result does not depend on it.
"""

from bids_eeg2fmri.settings.job import (
    DEFAULT_MODELS,
    Application,
    Job,
    Running,
    Selection,
    Settings,
)
from bids_eeg2fmri.settings.loading import (
    load_settings,
)
from bids_eeg2fmri.settings.preparing import (
    CONFOUNDS,
    BoldSettings,
    EegSettings,
    SyncSettings,
    check_confounds,
    split_localizer,
)
from bids_eeg2fmri.settings.tables import (
    build,
)
from bids_eeg2fmri.settings.testing import (
    ConditionSettings,
    EvaluationSettings,
    LevelsSettings,
    check_scheme,
)

__all__ = [
    "CONFOUNDS",
    "DEFAULT_MODELS",
    "Application",
    "BoldSettings",
    "ConditionSettings",
    "EegSettings",
    "EvaluationSettings",
    "Job",
    "LevelsSettings",
    "Running",
    "Selection",
    "Settings",
    "SyncSettings",
    "build",
    "check_confounds",
    "check_scheme",
    "load_settings",
    "split_localizer",
]
