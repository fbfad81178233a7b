"""Making a participant's report again from what was kept of it: new figures and words, the same results."""

from __future__ import annotations

from typing import Literal

from bids_eeg2fmri import __version__
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.formats.completion import is_finished, replace_pages
from bids_eeg2fmri.report.keeping import remake_pages
from bids_eeg2fmri.settings import Job


def remake_report(job: Job, participant: str) -> tuple[Literal["done", "nothing to do"], str]:
    """Write the page and the figures of a finished participant again; nothing is read but what was kept.

    Raises
    ------
    Eeg2FmriError
        If what was kept cannot be read, or the report cannot be written.
    """
    outputs = Outputs(root=job.output_dir)
    mark = outputs.completion(participant)
    if not is_finished(mark):
        return "nothing to do", "it has no finished results"
    written = remake_pages(
        outputs.report_content(participant),
        version=__version__,
        html_path=outputs.report(participant),
        figures_dir=outputs.figures(participant),
    )
    replace_pages(mark, written, job.output_dir)
    return "done", "report made again"
