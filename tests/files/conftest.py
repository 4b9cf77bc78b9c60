"""Writing .pt2 files with torch's own exporter."""

import warnings

import pytest
import torch


@pytest.fixture
def exported(tmp_path):
    """Write a module as a .pt2 file: ``free`` lists the sizes of each input that are left free."""

    def export(module, inputs, free=None, name="model.pt2", eval_mode=True, decomposed=False):
        path = tmp_path / name
        module.train(not eval_mode)
        auto = torch.export.Dim.AUTO
        shapes = None
        if free is not None:
            shapes = {key: dict.fromkeys(free.get(key, ()), auto) or None for key in inputs}
        with warnings.catch_warnings():  # torch's exporter and serializer warn about torch's own code
            warnings.simplefilter("ignore")
            program = torch.export.export(module, (), inputs, dynamic_shapes=shapes, strict=False)
            if decomposed:
                program = program.run_decompositions()
            torch.export.save(program, path)
        return path

    return export


@pytest.fixture(autouse=True)
def _no_fast_path():
    """Attention without gradients takes a way that rounds differently."""
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(True)
