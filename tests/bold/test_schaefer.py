from __future__ import annotations

from io import BytesIO
from pathlib import Path
from urllib.error import URLError

import nibabel as nib
import numpy as np
import pytest

from bids_eeg2fmri.bold import schaefer as module
from bids_eeg2fmri.bold.schaefer import schaefer
from bids_eeg2fmri.errors import BadDataError, MissingInputError

TABLE = "1\t7Networks_LH_Vis_1\t120\t18\t131\t0\n2\t7Networks_RH_SomMot_1\t70\t130\t180\t0\n"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nilearn's data folder, empty, and a net that is down."""

    def refuse(url: str, timeout: float) -> BytesIO:
        assert timeout <= 10
        raise URLError("no route")

    monkeypatch.setenv("NILEARN_DATA", str(tmp_path))
    monkeypatch.delenv("NILEARN_SHARED_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(module, "urlopen", refuse)
    return tmp_path


def test_without_cache_and_net_the_ways_out_are_named(data: Path) -> None:
    with pytest.raises(MissingInputError, match="no route") as caught:
        schaefer(400)
    assert "--regions FILE.nii.gz" in str(caught.value)
    assert "NILEARN_DATA" in str(caught.value)
    assert "schaefer_2018/Schaefer2018_400Parcels_7Networks_order_FSLMNI152_2mm.nii.gz" in str(caught.value)
    assert not list(data.rglob("*.part.*"))


def test_the_cache_is_used_where_it_has_the_atlas(data: Path) -> None:
    folder = data / "schaefer_2018"
    folder.mkdir()
    image = folder / "Schaefer2018_100Parcels_7Networks_order_FSLMNI152_1mm.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((2, 2, 2), dtype=np.int16), np.eye(4)), image)
    table = folder / "Schaefer2018_100Parcels_7Networks_order.txt"
    table.write_text(TABLE)
    found = schaefer(100)
    assert found.path == image
    assert found.names == {1: "LH_Vis_1", 2: "RH_SomMot_1"}
    table.write_text("<html>not found</html>\n")
    with pytest.raises(BadDataError, match="not the table of the atlas"):
        schaefer(100)


def test_what_is_not_there_is_downloaded_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(url: str, timeout: float) -> BytesIO:
        asked.append(url.rpartition("/")[2])
        return BytesIO(TABLE.encode())

    monkeypatch.setattr(module, "urlopen", answer)
    assert schaefer(200).names[2] == "RH_SomMot_1"
    assert schaefer(200).path.is_file()
    assert asked == [
        "Schaefer2018_200Parcels_7Networks_order.txt",
        "Schaefer2018_200Parcels_7Networks_order_FSLMNI152_2mm.nii.gz",
    ]
