"""What ``designer`` does without a window: analyze, export and convert a file."""

import json
import sys

from designer.analysis import Analysis, analyze, as_dict
from designer.files import import_pytorch, load, save
from designer.files.kinds import kind_of
from designer.files.python_source import save_source
from designer.files.report import Report
from designer.model import Network, NetworkError


def analyze_file(path: str, as_json: bool) -> int:
    """Print what each layer does, stores and borrows, and what is wrong; 1 when the network has errors."""
    network, report = open_network(path)
    analysis = analyze(network)
    text = json.dumps(as_dict(analysis), indent=1) if as_json else str(analysis)
    sys.stdout.write(f"{text}\n")
    tell(report)
    return 1 if analysis.errors else 0


def export_file(path: str, output: str) -> int:
    """Write the network's PyTorch source."""
    network, report = open_network(path)
    refuse_errors(path, analyze(network))
    save_source(network, output)
    tell(report)
    return 0


def convert_file(path: str, output: str) -> int:
    """Save the network as a project file."""
    network, report = open_network(path)
    save(network, output)
    tell(report)
    return 0


def open_network(path: str) -> tuple[Network, Report | None]:
    """Open a file that holds layers; with what is to be said about it, when it is not one of ours."""
    if kind_of(path).name == "network":
        return load(path), None
    opened = import_pytorch(path)
    return opened.network, opened.report


def tell(report: Report | None) -> None:
    """Say what became of a foreign file, once all else went well; it compares, which takes a few seconds."""
    if report is not None:
        sys.stdout.flush()
        sys.stderr.write(f"{report}\n")


def refuse_errors(path: str, analysis: Analysis) -> None:
    if analysis.errors:
        first, more = analysis.errors[0].text, len(analysis.errors) - 1
        others = f" ({more} more {'error' if more == 1 else 'errors'})" if more else ""
        raise NetworkError(f"{path} cannot be exported: {first.rstrip('.')}{others}.")
