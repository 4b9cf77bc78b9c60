"""What a network is, computed: shapes, learnables, ties, and problems with fixes."""

from designer.analysis.analyze import analyze, forget
from designer.analysis.permute import permutations
from designer.analysis.report import Analysis, Fix, Problem, Row, as_dict, shape_text

__all__ = ["Analysis", "Fix", "Problem", "Row", "analyze", "as_dict", "forget", "permutations", "shape_text"]
