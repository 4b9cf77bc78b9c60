"""What ``designer`` does without a window: analyze, export and convert a file."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from designer.analysis import Analysis, analyze, as_dict
from designer.files import attach_values, import_pytorch
from designer.files.asking import Choice, NeedsCode, NeedsInputs, Wanted
from designer.files.errors import FileError
from designer.files.given import named_input, named_value
from designer.files.kinds import kind_of
from designer.files.project import read_project
from designer.files.project import save as save_project
from designer.files.python_source import save_source
from designer.files.recorded import MODULE
from designer.files.replace import reason, save_text
from designer.files.report import LONGEST, Report
from designer.files.report_markdown import to_markdown
from designer.files.weights import SUFFIXES, WRITTEN_AS, save_weights
from designer.model import Input, Network, NetworkError
from designer.model.names import plain, shortened
from designer.source.aliases import Style
from designer.source.state_dicts import Names


class Opening(NamedTuple):
    """What the command line says of a file that does not tell all, and where its report goes."""

    inputs: Sequence[str] = ()  # as image=B,3,224,224:float32
    allow_code: bool = False
    name: str | None = None  # of the class that is built
    arguments: Sequence[str] = ()  # as hidden_size=256
    checkpoint: str | None = None
    report: str | None = None  # a file that is written


NOTHING = Opening()


def analyze_file(path: str, as_json: bool, opening: Opening = NOTHING) -> int:
    """Print what each layer does, stores and borrows, and what is wrong; 1 when the network has errors."""
    network, report = open_network(path, opening)
    analysis = analyze(network)
    text = json.dumps(as_dict(analysis), indent=1) if as_json else str(analysis)
    write_report(path, report, opening)
    sys.stdout.write(f"{text}\n")
    tell(report)
    return 1 if analysis.errors else 0


def export_file(
    path: str, output: str, opening: Opening = NOTHING, names: Names | None = None, style: Style | None = None
) -> int:
    """Write the network's PyTorch source; or its weights, where the end of the name says so."""
    weights = Path(output).suffix in SUFFIXES
    if names is not None and not weights:
        raise FileError(f"--names belongs to weights: {Path(output).name} does not end in {WRITTEN_AS}.")
    if style is not None and weights:
        raise FileError(f"--style belongs to source: {Path(output).name} does not end in .py.")
    network, report = open_network(path, opening)
    refuse_errors(path, analyze(network), report)
    if weights:
        save_weights(network, output, names=names or "network")
    else:
        save_source(network, output, style or "wires")
    write_report(path, report, opening)
    tell(report)
    return 0


def convert_file(
    path: str, output: str, opening: Opening = NOTHING, values: str | None = None, by_shape: bool = False
) -> int:
    """Save the network as a project file, with the report of what it was; with the values of another file, if named."""
    network, report = open_network(path, opening)
    said = None
    if values is not None:
        network, said = attach_values(network, values, by_shape)
    if report is not None and report.stamp is not None:
        _ = report.comparison, report.suggestions  # looked for now, so that the project keeps them
    save_project(network, output, report=report)
    write_report(path, report, opening)
    tell(report)
    if said is not None:
        sys.stderr.write(f"{said}\n")
    return 0


def open_network(path: str, opening: Opening = NOTHING) -> tuple[Network, Report | None]:
    """Open a file that holds layers; with what is to be said about it, or was when it was imported."""
    if opening.report is not None:
        check_report(Path(opening.report))
    if kind_of(path).name == "network":
        options = {"--input": opening.inputs, "--class": opening.name, "--arg": opening.arguments}
        for option, given in (*options.items(), ("--checkpoint", opening.checkpoint)):
            if given:
                raise FileError(f"{Path(path).name} is a project, which tells all of its network: leave {option} out.")
        project = read_project(path)
        return project.network, project.report
    inputs = dict(map(named_input, opening.inputs)) or None
    choice = None
    if opening.name is not None:
        checkpoint = Path(opening.checkpoint) if opening.checkpoint else None
        choice = Choice(opening.name, dict(map(named_value, opening.arguments)), checkpoint)
    elif opening.arguments or opening.checkpoint:
        raise FileError("--arg and --checkpoint belong to a class: give its name with --class.")
    try:
        opened = import_pytorch(path, inputs, opening.allow_code, choice)
    except NeedsInputs as error:
        form = " ".join(f"--input {each.name}={_sizes(each)}" for each in error.inputs) or "--input NAME=SIZES"
        told = str(error).rstrip(".") + ";" if inputs else f"{Path(path).name} does not tell its inputs:"
        raise FileError(f"{told} give them as in {form}.") from None
    except NeedsCode as error:
        hint = (
            "--class NAME and --arg NAME=VALUE tell what to build" if opening.allow_code else "--allow-code allows it"
        )
        raise FileError(f"{str(error).rstrip('.')}; {hint}.") from None
    check_inputs(path, opened.network, inputs or {}, opened.report)
    return opened.network, opened.report


def check_inputs(path: str, network: Network, given: Mapping[str, Input], report: Report) -> None:
    """Refuse an input that the network does not have; one that is a list or a dictionary is several of it."""
    named = {*network.inputs, *(("input",) if report.kind == MODULE and len(network.inputs) == 1 else ())}
    unknown = [name for name in given if not any(f"{each}_".startswith(f"{name}_") for each in named)]
    told = report.code or (report.kind == "TorchScript" and len(given) > 1)  # or its reader has; numbers are no inputs
    if unknown and not told:
        takes = ", ".join(network.inputs) or "no inputs"
        raise FileError(f"{Path(path).name} takes {takes}, and not {shortened(unknown[0])}.")


def _sizes(wanted: Wanted) -> str:
    sizes = ",".join(map(str, wanted.shape or ("B", 3, 224, 224)))
    return sizes if wanted.dtype == "float32" else f"{sizes}:{wanted.dtype}"


def tell(report: Report | None) -> None:
    """Say what became of a foreign file, once all else went well; it compares, which takes a few seconds."""
    if report is not None and report.stamp is not None:
        sys.stdout.flush()
        sys.stderr.write(f"{report}\n")
        if report.code:
            sys.stderr.write(f"{unwired(report)}.\n")


def unwired(report: Report) -> str:
    """Why the layers of a module stand without wires, and what allows to wire them."""
    named = ", ".join(report.code[:4]) + (f" and {len(report.code) - 4} more" if len(report.code) > 4 else "")
    said = f"{report.path.name} is wired by the code of {named}; --allow-code runs that with your rights"
    return plain(said, LONGEST)


def check_report(path: Path) -> None:
    """Refuse a place for the report before anything takes long."""
    if path.suffix != ".md":
        raise FileError(f"{path.name} cannot be written: the name of a report ends in .md.")
    if path.exists():
        raise FileError(f"{path.name} cannot be written: there is a file of this name.")


def write_report(path: str, report: Report | None, opening: Opening) -> None:
    """Write the report as Markdown, if that is wanted; all that takes long is done first."""
    if opening.report is None:
        return
    if report is None:
        raise FileError(f"{path} was not imported, so there is no report of that.")
    _ = report.comparison, report.suggestions
    try:
        save_text(to_markdown(report), Path(opening.report))
    except OSError as error:
        raise FileError(f"{Path(opening.report).name} cannot be written: {reason(error)}") from None


def refuse_errors(path: str, analysis: Analysis, report: Report | None) -> None:
    if analysis.errors:
        first, more = analysis.errors[0].text, len(analysis.errors) - 1
        others = f" ({more} more {'error' if more == 1 else 'errors'})" if more else ""
        hint = f"; {unwired(report)}" if report is not None and report.code else ""
        raise NetworkError(f"{path} cannot be exported: {first.rstrip('.')}{others}{hint}.")
