"""The command as a Boutiques descriptor (https://boutiques.github.io): ``python -m bids_eeg2fmri.boutiques``.

Made from the options themselves, whenever it is asked for: a file kept beside them would one day say
something else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import click

from bids_eeg2fmri import __version__
from bids_eeg2fmri.cli import command
from bids_eeg2fmri.errors import Eeg2FmriError

#: Folders that are written: they need not exist, which a Boutiques "File" must.
_WRITTEN = ("output_dir", "work_dir", "bids_database_dir")
#: Values to choose from as the help spells them: ``auto|raw|corrected``, ``{participant|group}``.
_CHOICES = re.compile(r"\{?([a-z0-9]+(?:\|[a-z0-9]+)+)\}?")


def describe_command(*, image: str = "", image_type: str = "docker") -> dict[str, Any]:
    """Return the descriptor of the command, in version 0.5 of the schema.

    Parameters
    ----------
    image : str
        Container image to run the command in; none where empty.
    image_type : str
        ``docker`` or ``singularity`` (which Boutiques also uses for Apptainer).
    """
    options = [param for param in command.params if param.expose_value]
    inputs = [_describe(param) for param in options]
    descriptor: dict[str, Any] = {
        "name": "bids_eeg2fmri",
        "description": (command.help or "").strip().splitlines()[0],
        "tool-version": __version__,
        "schema-version": "0.5",
        "author": "The bids_eeg2fmri developers",
        "command-line": " ".join(["bids_eeg2fmri", *(entry["value-key"] for entry in inputs)]),
        "inputs": inputs,
        "output-files": [
            {
                "id": "results",
                "name": "The derivative dataset",
                "description": "Predicted and measured BOLD, scores, trained models and reports",
                "path-template": "[OUTPUT_DIR]",
                "optional": False,
            },
            {
                "id": "group_report",
                "name": "Report of the group level",
                "path-template": "[OUTPUT_DIR]/group.html",
                "optional": True,
            },
        ],
        "error-codes": _error_codes(),
        "tags": {"domain": ["neuroinformatics", "eeg", "fmri"], "app": ["bids"]},
    }
    if image:
        descriptor["container-image"] = {"type": image_type, "image": image}
    return descriptor


def _describe(param: click.Parameter) -> dict[str, Any]:
    """Return the input of one option or argument."""
    name = str(param.name)
    entry: dict[str, Any] = {
        "id": name,
        "name": name.replace("_", " "),
        "value-key": f"[{name.upper()}]",
        "optional": not param.required,
        **_kind(param),
    }
    if isinstance(param, click.Option):
        flag = max(param.opts, key=len)
        entry["command-line-flag"] = "-v" if param.count else flag
        entry["description"] = param.help or ""
        if param.multiple:
            several = (param.metavar or "").endswith("...")
            # Most lists follow one flag; of the others, each value has its own.
            entry |= {"list": True} | ({} if several else {"list-separator": f" {flag} "})
    return entry


def _kind(param: click.Parameter) -> Mapping[str, Any]:
    """Return the type of an input and the values it can have."""
    if isinstance(param, click.Option) and (param.is_flag or param.count):
        return {"type": "Flag"}
    match = _CHOICES.fullmatch(param.metavar or "")
    if match:
        return {"type": "String", "value-choices": match[1].split("|")}
    if isinstance(param.type, click.Choice):
        return {"type": "String", "value-choices": [str(choice) for choice in param.type.choices]}
    if isinstance(param.type, click.Path):
        return {"type": "String" if param.name in _WRITTEN else "File"}
    if isinstance(param.type, click.types.IntParamType):
        least = getattr(param.type, "min", None)
        return {"type": "Number", "integer": True} | ({} if least is None else {"minimum": least})
    return {"type": "Number" if param.type is click.FLOAT else "String"}


def _error_codes() -> list[dict[str, Any]]:
    """Return the exit statuses, in the words of the errors that lead to them."""
    codes = [{"code": 1, "description": "At least one participant failed."}]
    for error in sorted(Eeg2FmriError.__subclasses__(), key=lambda error: error.exit_status):
        text = (error.__doc__ or "").splitlines()[0].replace("``", "")
        codes.append({"code": error.exit_status, "description": text})
    return codes


@click.command()
@click.option("--image", default="", metavar="NAME", help="Container image to run the command in [none].")
@click.option(
    "--image-type", type=click.Choice(["docker", "singularity"]), default="docker", help="Kind of image."
)
def main(image: str, image_type: str) -> None:
    """Print the Boutiques descriptor of bids_eeg2fmri."""
    click.echo(json.dumps(describe_command(image=image, image_type=image_type), indent=2))


if __name__ == "__main__":
    main()
