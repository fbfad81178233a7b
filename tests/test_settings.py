from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from bids_eeg2fmri.errors import MissingInputError, UsageError
from bids_eeg2fmri.settings import EegSettings, Settings, build, load_settings


def load(*assignments: str, config: Path | None = None, **flags: object) -> Settings:
    return load_settings(config_file=config, assignments=assignments, flags=flags)


def test_later_sources_win(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text('random_seed = 4\nmodel = ["ridge"]\n[eeg]\nlowpass = 35\nhighpass = 2\n')
    settings = load("eeg.lowpass=30", config=config, **{"random_seed": 9, "evaluation.cv": None})
    assert settings.eeg == EegSettings(lowpass=30.0, highpass=2.0)
    assert settings.random_seed == 9
    assert settings.model == ("ridge",)
    assert settings.evaluation.cv == "auto"


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("eeg.lowpas=3", "Did you mean 'lowpass'"),
        ("egg.lowpass=3", "Did you mean 'eeg'"),
        ("eeg.lowpass=low", "expected number"),
        ("evaluation.cv=shuffled", "without any coupling give r = 0.5 to 0.7"),
        ("evaluation.cv=loo", "allowed are auto, session, run and block"),
        ("evaluation.min_shift=nan", "expected a finite number"),
        ("bold.radius=inf", "expected a finite number"),
        ("eeg.lowpass=400", "sfreq / 2"),
        ("bold.confounds=motion7", "Did you mean 'motion6'"),
        ("bold.summary=median", "one of mean, pc1"),
        ("random_seed=1.5", "expected whole number"),
        ("random_seed=-1", "0 or more"),
        ("model=[]", "at least one"),
        ("eeg", "expected KEY=VALUE"),
        ("random_seed.x=1", "a single setting|There is no setting|expected"),
    ],
)
def test_wrong_setting_is_refused_with_help(assignment: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load(assignment)


def test_toml_round_trip() -> None:
    settings = load("models.eegnet.window=5", "models.ridge.bands=[[4, 8]]", "sync.eeg_offset=1.5")
    spaced = load('models.x.bands={"low beta"=[12, 18]}')
    assert load(**tomllib.loads(spaced.as_toml())) == spaced
    assert load(**tomllib.loads(settings.as_toml())) == settings
    assert settings.models == {"eegnet": {"window": 5}, "ridge": {"bands": [[4, 8]]}}


def test_config_file_missing_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="--config-file"):
        load(config=tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("a = [")
    with pytest.raises(UsageError, match="not valid TOML"):
        load(config=tmp_path / "bad.toml")


def test_build_converts_nested_values() -> None:
    @dataclass
    class Model:
        bands: tuple[tuple[float, float], ...] = ()
        width: float | None = None

    made = build(Model, {"bands": [[4, 8], [8, 12]], "width": 3}, where="models.x")
    assert made == Model(bands=((4.0, 8.0), (8.0, 12.0)), width=3.0)
    with pytest.raises(UsageError, match=r"models\.x\.bands"):
        build(Model, {"bands": [[4, 8, 1]]}, where="models.x")
