"""The data that flows between the stages: one frozen dataclass each, shapes checked on the way in.

Units everywhere: seconds, hertz, microvolts, metres (electrodes), millimetres (brain), percent signal change.
"""

from bids_eeg2fmri.records.classes import (
    ClassEvaluation,
    ClassificationResults,
    ClassPredictions,
    ClassScore,
)
from bids_eeg2fmri.records.models import (
    AppliedModel,
    Explanation,
    SavedModel,
    SpatialFilters,
)
from bids_eeg2fmri.records.recordings import (
    BoldRun,
    Entities,
    FoundRun,
    Marker,
    SimultaneousRun,
    TaskEvent,
)
from bids_eeg2fmri.records.scores import (
    MEASURES,
    ControlScore,
    Evaluation,
    GroupMeasure,
    GroupTest,
    LagCurve,
    Measure,
    NullTest,
    Score,
)
from bids_eeg2fmri.records.shapes import (
    Floats,
    Labels,
    column_names,
)
from bids_eeg2fmri.records.signals import (
    CleanEeg,
    RealignedRun,
    RegionSeries,
    RegionSignals,
    TemplatePlace,
    VolumeClock,
)
from bids_eeg2fmri.records.training import (
    AlignedRun,
    Predictions,
    PreparedRun,
    Split,
)

__all__ = [
    "MEASURES",
    "AlignedRun",
    "AppliedModel",
    "BoldRun",
    "ClassEvaluation",
    "ClassPredictions",
    "ClassScore",
    "ClassificationResults",
    "CleanEeg",
    "ControlScore",
    "Entities",
    "Evaluation",
    "Explanation",
    "Floats",
    "FoundRun",
    "GroupMeasure",
    "GroupTest",
    "Labels",
    "LagCurve",
    "Marker",
    "Measure",
    "NullTest",
    "Predictions",
    "PreparedRun",
    "RealignedRun",
    "RegionSeries",
    "RegionSignals",
    "SavedModel",
    "Score",
    "SimultaneousRun",
    "SpatialFilters",
    "Split",
    "TaskEvent",
    "TemplatePlace",
    "VolumeClock",
    "column_names",
]
