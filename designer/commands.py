"""What ``designer`` does without a window: analyze, export and convert a file."""

import json
import sys

from designer.analysis import Analysis, analyze, as_dict
from designer.files.errors import FileError
from designer.files.kinds import kind_of
from designer.files.project import load, save
from designer.files.python_source import save_source
from designer.model import Network, NetworkError


def analyze_file(path: str, as_json: bool) -> int:
    """Print what each layer does, stores and borrows, and what is wrong; 1 when the network has errors."""
    analysis = analyze(open_network(path))
    text = json.dumps(as_dict(analysis), indent=1) if as_json else str(analysis)
    sys.stdout.write(f"{text}\n")
    return 1 if analysis.errors else 0


def export_file(path: str, output: str) -> int:
    """Write the network's PyTorch source."""
    network = open_network(path)
    refuse_errors(path, analyze(network))
    save_source(network, output)
    return 0


def convert_file(path: str, output: str) -> int:
    """Save the network as a project file."""
    save(open_network(path), output)
    return 0


def open_network(path: str) -> Network:
    """Open a file of any kind that holds layers; what an import has to report goes to stderr."""
    kind = kind_of(path)
    if kind.refusal:
        raise FileError(kind.refusal)
    if kind.name == "network":
        return load(path)
    from designer import import_pytorch

    network, report = import_pytorch(path)
    sys.stderr.write(f"{report}\n")
    return network


def refuse_errors(path: str, analysis: Analysis) -> None:
    if analysis.errors:
        first, more = analysis.errors[0].text, len(analysis.errors) - 1
        others = f" ({more} more {'error' if more == 1 else 'errors'})" if more else ""
        raise NetworkError(f"{path} cannot be exported: {first.rstrip('.')}{others}.")
