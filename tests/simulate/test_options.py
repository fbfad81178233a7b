import pytest

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.simulate.options import SimulationOptions


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("participants", 0),
        ("sessions", 0),
        ("runs", 100),
        ("volumes", 39),
        ("tr", 0.2),
        ("tr", float("nan")),
        ("channels", 7),
        ("channels", 129),
        ("seed", -1),
        ("distractors", -1),
        ("distractors", 201),
    ],
)
def test_out_of_range_is_refused_with_the_range(option, value):
    with pytest.raises(UsageError, match=rf"--{option} .* is out of range: \S+ to \S+ is allowed"):
        SimulationOptions(**{option: value})


def test_unknown_coupling_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'task-only'"):
        SimulationOptions(coupling="task")  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "value"), [("eeg", "rawr"), ("clocks", "lock")])
def test_unknown_recordings_are_refused(name, value):
    with pytest.raises(UsageError, match=rf"There is no {name} '{value}'; choose one of .* Did you mean"):
        SimulationOptions(**{name: value})


def test_run_without_imagery_is_refused():
    with pytest.raises(UsageError, match="last 20 s"):
        SimulationOptions(volumes=40, tr=0.5)
