"""The command: parse, build the job, call one function, answer with the exit status.

Nothing heavy is imported before the arguments are parsed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from bids_eeg2fmri import __version__
from bids_eeg2fmri.errors import Eeg2FmriError, UsageError, printable
from bids_eeg2fmri.options import LEVELS, build_job
from bids_eeg2fmri.registry import MODELS, REGION_SETS

_EPILOG = """\b
Exit status:
  0   everything asked for succeeded
  1   at least one participant failed (all failed alike: 65 or 66)
  16  the input is not BIDS          17  unknown analysis level
  18  nothing selected               64  wrong usage
  65  bad data                       66  input missing
  73  output cannot be created
"""


class _BidsAppCommand(click.Command):
    """A command whose list options take several values at once: --participant-label 01 02."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give every value of a list option its own option; leave the three arguments their places."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        lists = {name for o in options if o.multiple and (o.metavar or "").endswith("...") for name in o.opts}
        flags = {name for o in options if o.is_flag or o.count for name in o.opts}
        return super().parse_args(ctx, spread_lists(args, lists, flags))


def spread_lists(args: Sequence[str], lists: Collection[str], flags: Collection[str]) -> list[str]:
    """Return ``--model a b`` as ``--model a --model b``, for the options in ``lists``.

    Where that would swallow the positional arguments (options given first), only the first value is taken.
    """
    greedy, n_positional = _spread(args, lists, flags, most=None)
    return greedy if n_positional >= len(LEVELS) + 1 else _spread(args, lists, flags, most=1)[0]


def _spread(
    args: Sequence[str], lists: Collection[str], flags: Collection[str], *, most: int | None
) -> tuple[list[str], int]:
    """Return the arguments with list options spread, and how many stand outside any option."""
    out: list[str] = []
    option, n_taken, n_positional, awaits_value = "", 0, 0, False
    for arg in args:
        if arg.startswith("-") and arg != "-":
            out += [option] if option and not n_taken else []  # click says that a value is missing
            is_long = arg.startswith("--")
            name = arg.partition("=")[0].replace("_", "-") if is_long else arg[:2]
            holds_value = "=" in arg if is_long else len(arg) > 2
            option = name if name in lists and not holds_value else ""
            awaits_value = not option and not holds_value and name not in flags
            n_taken = 0
            out += [] if option else [arg]
        elif option and (most is None or n_taken < most):
            out += [option, arg]
            n_taken += 1
        else:
            n_positional += not awaits_value
            awaits_value = False
            option = ""
            out.append(arg)
    out += [option] if option and not n_taken else []
    return out, n_positional


@click.command(
    cls=_BidsAppCommand,
    epilog=_EPILOG,
    no_args_is_help=True,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda token: token.replace("_", "-"),
        "max_content_width": 100,
    },
)
@click.argument("bids_dir", type=click.Path(path_type=Path))
@click.argument("output_dir", type=click.Path(path_type=Path))
@click.argument("analysis_level", metavar="{participant|group}")
@click.option("--participant-label", multiple=True, metavar="LABEL...", help="Participants to work on [all].")
@click.option(
    "--exclude-participant-label", multiple=True, metavar="LABEL...", help="Participants to leave out."
)
@click.option("--session-label", multiple=True, metavar="LABEL...", help="Sessions to work on [all].")
@click.option("--task-label", multiple=True, metavar="LABEL...", help="Tasks to work on [all].")
@click.option("--run-label", multiple=True, metavar="LABEL...", help="Runs to work on [all].")
@click.option(
    "--bids-filter-file",
    type=click.Path(path_type=Path),
    help='JSON with entities for "eeg" and "bold", for example {"bold": {"acquisition": "mb2"}}.',
)
@click.option(
    "-d",
    "--derivatives",
    multiple=True,
    metavar="[NAME=]PATH",
    help="Output of fMRIPrep or another pipeline [those in BIDS_DIR/derivatives].",
)
@click.option(
    "--pair-task",
    multiple=True,
    metavar="EEG=BOLD",
    help="A task labelled differently in the two modalities, for example IMAGON=IMAG.",
)
@click.option(
    "--bids-database-dir",
    type=click.Path(path_type=Path),
    help="Keeps pybids' index for later runs; a folder outside BIDS_DIR.",
)
@click.option(
    "--skip-bids-validation",
    is_flag=True,
    help="Taken as other BIDS-Apps take it; what is used is checked in any case, the rest never.",
)
@click.option(
    "--regions",
    metavar="NAME|FILE",
    help=f"Region set ({', '.join(REGION_SETS)}), TSV of coordinates, or NIfTI of labels or maps [motor].",
)
@click.option(
    "--localizer",
    metavar="[task=NAME,]contrast=A-B",
    help="Keep the voxels of a region that respond most, by a task of its own or the training runs.",
)
@click.option("--model", multiple=True, metavar="NAME...", help=f"Models ({', '.join(MODELS)}) [all].")
@click.option(
    "--objective", metavar="bold|levels|condition", help="BOLD, its levels, or the condition [bold]."
)
@click.option(
    "--conditions", multiple=True, metavar="NAME...", help="Conditions to tell apart [all, if two or three]."
)
@click.option(
    "--cv", metavar="auto|session|run|block", help="What is held out [auto: the strictest possible]."
)
@click.option("--n-nulls", type=click.IntRange(min=1), help="Draws of each null [1000].")
@click.option(
    "--refit-nulls", type=click.IntRange(min=0), help="Draws for which cheap models are fitted anew [0]."
)
@click.option("--controls", is_flag=True, help="Run negative controls too (two to three times as long).")
@click.option("--train-task", metavar="LABEL", help="Learn from this task and test on --test-task.")
@click.option("--test-task", metavar="LABEL", help="The task to test on.")
@click.option("--events", metavar="auto|eeg|bold", help="Where the task events come from [auto].")
@click.option("--eeg-offset", type=float, help="First volume, s after the EEG begins [from its markers].")
@click.option(
    "--apply",
    "models_path",
    type=click.Path(path_type=Path),
    metavar="MODEL_DIR|FILE",
    help="Train nothing: apply the models of an earlier OUTPUT_DIR (or one file) to EEG, BOLD or not.",
)
@click.option(
    "--eeg-state",
    metavar="auto|raw|corrected",
    help="Whether the gradient artefact is still in the EEG [auto: told from the recording].",
)
@click.option("--config-file", type=click.Path(path_type=Path), help="Settings in TOML.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="One setting: eeg.lowpass=30.")
@click.option("-w", "--work-dir", type=click.Path(path_type=Path), help="Keeps cleaned data for later runs.")
@click.option(
    "--clean-workdir", is_flag=True, help="First remove what earlier runs have kept in the work folder."
)
@click.option("--nprocs", type=click.IntRange(min=1), help="Participants at a time [1].")
@click.option("--omp-nthreads", type=click.IntRange(min=1), default=1, help="Threads per participant [1].")
@click.option("--mem", metavar="AMOUNT", help="Memory for all of them: 8GB, 8000MB [as much as is allowed].")
@click.option(
    "--dask-scheduler", metavar="ADDRESS", help="Work on the workers of this Dask cluster: tcp://HOST:8786."
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="For networks [auto]."
)
@click.option("--random-seed", type=int, help="Seed of every random draw [0].")
@click.option("--dry-run", is_flag=True, help="List the runs and what would be done; write nothing.")
@click.option(
    "--reports-only", is_flag=True, help="Make the reports of finished participants again; train nothing."
)
@click.option("--stop-on-first-crash", is_flag=True, help="Start no participant after one has failed.")
@click.option("-v", "--verbose", count=True, help="More messages; -vv also shows tracebacks.")
@click.version_option(__version__, prog_name="bids_eeg2fmri")
def command(**options: Any) -> None:
    """Predict the BOLD of brain regions from simultaneous EEG, per participant, and test it across people.

    BIDS_DIR is the raw dataset, OUTPUT_DIR the derivative dataset that is written. Run the participant level
    first, for all participants or some at a time, then the group level.
    """
    job, level = build_job(options)
    if job.running.dry_run:
        from bids_eeg2fmri.planning import show_plan  # noqa: PLC0415

        sys.exit(show_plan(job, level, _say))
    from bids_eeg2fmri.scheduling.levels import run_group_level, run_participant_level  # noqa: PLC0415

    if level == "participant":
        sys.exit(run_participant_level(job, say=_say, show=_show))
    sys.exit(run_group_level(job, say=_say))


def _show(outcomes: Iterator[Any], n_outcomes: int) -> Iterator[Any]:
    """Return the outcomes, with a progress bar where there is a terminal to draw it on."""
    if not sys.stderr.isatty():
        yield from outcomes
        return
    from tqdm import tqdm  # noqa: PLC0415  (not for --help)
    from tqdm.contrib.logging import logging_redirect_tqdm  # noqa: PLC0415

    with logging_redirect_tqdm():
        yield from tqdm(outcomes, total=n_outcomes, unit="participant", leave=False)


def _say(text: str) -> None:
    """Print a line, above the progress bar where there is one."""
    text = printable(text)  # names from the dataset may hold what a terminal obeys
    try:
        if not sys.stderr.isatty():
            click.echo(text)
            return
        from tqdm import tqdm  # noqa: PLC0415  (not for --help)

        tqdm.write(text, file=sys.stdout)
        sys.stdout.flush()
    except OSError:  # a full disk or nobody who reads: the work goes on, and the exit status says how it went
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(args: Sequence[str] | None = None, entry: Callable[..., Any] = command.main) -> None:
    """Run the command and end the process with its exit status."""
    arguments = list(sys.argv[1:] if args is None else args)
    try:
        entry(args=arguments, prog_name="bids_eeg2fmri", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(UsageError.exit_status)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except Eeg2FmriError as error:
        if arguments.count("-v") > 1 or "-vv" in arguments or "-vvv" in arguments:
            raise
        with suppress(OSError):
            click.echo(f"bids_eeg2fmri: {error}", err=True)
        sys.exit(error.exit_status)
