from __future__ import annotations

import numpy as np
import pytest

from bids_eeg2fmri.bold.confounds import read_motion

AXES = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]


def write(path, header, rows):
    path.write_text("\n".join("\t".join(row) for row in [header, *rows]) + "\n")
    return path


def test_motion_is_read_in_order_and_only_where_it_fits(tmp_path):
    header = ["csf", *reversed(AXES)]
    rows = [["1", *(str(k + v) for k in range(6))] for v in range(3)]
    path = write(tmp_path / "a.tsv", header, rows)
    motion = read_motion(path, 3)
    assert motion is not None
    np.testing.assert_array_equal(motion[0], [5, 4, 3, 2, 1, 0])
    assert read_motion(path, 4) is None
    assert read_motion(None, 3) is None
    assert read_motion(write(tmp_path / "b.tsv", ["csf"], [["1"]] * 3), 3) is None


@pytest.mark.parametrize("value", ["n/a", "nan"])
def test_what_is_missing_is_no_motion(tmp_path, value):
    path = write(tmp_path / "a.tsv", AXES, [["2", *[value] * 5], ["1"] * 6])
    motion = read_motion(path, 2)
    assert motion is not None
    np.testing.assert_array_equal(motion, [[2, 0, 0, 0, 0, 0], [1] * 6])
