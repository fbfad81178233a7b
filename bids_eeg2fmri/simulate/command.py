"""The command ``bids_eeg2fmri_simulate``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bids_eeg2fmri import __version__
from bids_eeg2fmri.errors import Eeg2FmriError, UsageError
from bids_eeg2fmri.simulate.options import BOLD_KINDS, CLOCKS, COUPLINGS, EEGS, SimulationOptions


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__)
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--participants", type=int, default=4, help="Number of participants.")
@click.option("--sessions", type=int, default=1, help="Sessions of each participant.")
@click.option("--runs", type=int, default=3, help="Runs of each session.")
@click.option("--volumes", type=int, default=150, help="BOLD volumes of each run.")
@click.option("--tr", type=float, default=2.0, help="Seconds from volume to volume.")
@click.option("--channels", type=int, default=32, help="EEG channels; an ECG comes on top.")
@click.option(
    "--coupling",
    type=click.Choice(COUPLINGS),
    default="power",
    help="power, log-power, spectral-shift, bursts: what BOLD follows of motor rhythms. mixed: each of these "
    "in other regions. task-only: EEG and BOLD both respond to the task and share nothing else. motion: both "
    "are disturbed by the same head movements and share nothing else. none: BOLD does not respond to the "
    "task either.",
)
@click.option(
    "--eeg",
    type=click.Choice(EEGS),
    default="corrected",
    help="corrected: 250 Hz, without scanner artefacts. raw: 5 kHz, with gradient and pulse artefacts.",
)
@click.option(
    "--clocks",
    type=click.Choice(CLOCKS),
    default="locked",
    help="Of raw EEG: whether the amplifier's clock follows the scanner's.",
)
@click.option(
    "--bold",
    type=click.Choice(BOLD_KINDS),
    default="preprocessed",
    help="preprocessed: with output in the shape of fMRIPrep's. raw: raw BOLD only, in the scanner's space, "
    "of a head that is shifted, turned, scaled and moves.",
)
@click.option("--t1w", is_flag=True, help="Write a T1w image too (with --bold raw).")
@click.option("--noise", type=float, default=1.0, help="What the noise of the BOLD is multiplied by.")
@click.option(
    "--distractors",
    type=int,
    default=0,
    help="Sources of rhythms all over the cortex that no region follows, beside the eight there always are: "
    "with many of them sources outnumber the electrodes.",
)
@click.option("--seed", type=int, default=0, help="Same seed, same bytes.")
def simulate(out: Path, **options: Any) -> None:
    """Write to OUT a simulated BIDS dataset of simultaneous EEG and fMRI with known coupling.

    Blocks of 20 s of rest and of motor imagery in turn. OUT/derivatives/fmriprep has the shape of fMRIPrep
    output (not with --bold raw); OUT/derivatives/truth holds what was put in.
    """
    chosen = SimulationOptions(**options)
    # Imported here: MNE and nilearn take seconds, which a mistyped option should not cost.
    from bids_eeg2fmri.simulate.dataset import simulate_dataset  # noqa: PLC0415

    n_runs = chosen.participants * chosen.sessions * chosen.runs
    with _report_progress(n_runs) as progress:
        simulate_dataset(out, chosen, progress)
    click.echo(f"Wrote {n_runs} runs of {chosen.participants} participants to {out}.")


@contextmanager
def _report_progress(n_runs: int) -> Iterator[Callable[[str], None]]:
    """Yield a function to call after each run: a bar on a terminal, a line per run elsewhere."""
    if not sys.stderr.isatty():
        done = iter(range(1, n_runs + 1))
        yield lambda name: click.echo(f"{name} ({next(done)} of {n_runs})", err=True)
        return
    from tqdm import tqdm  # noqa: PLC0415

    with tqdm(total=n_runs, unit="run") as bar:

        def advance(name: str) -> None:
            bar.set_postfix_str(name)
            bar.update()

        yield advance


def main(args: Sequence[str] | None = None) -> None:
    """Run the command and exit with the status of the BIDS execution specification."""
    try:
        simulate.main(args, prog_name="bids_eeg2fmri_simulate", standalone_mode=False)
    except click.UsageError as error:
        # Exit status 64 is what the specification has for usage; click's own is 2.
        click.echo(f"{error.format_message()}\nTry 'bids_eeg2fmri_simulate --help'.", err=True)
        sys.exit(UsageError.exit_status)
    except Eeg2FmriError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_status)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped; nothing was left behind.", err=True)
        sys.exit(130)
