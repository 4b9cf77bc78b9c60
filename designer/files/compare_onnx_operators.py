"""Operators that ONNX's own evaluator computes otherwise than ONNX defines them."""

from typing import Any


def corrected() -> list[Any]:
    """Classes for the evaluator, in the place of its own.

    Before version 14 of its operators it runs a BatchNormalization that names a momentum as if it were trained, it
    pools over wrong axes where there are not two, and it takes a signal without a last axis for a batch of numbers.
    """
    import numpy
    from onnx.reference.op_run import OpRun
    from onnx.reference.ops.op_batch_normalization import BatchNormalization_14
    from onnx.reference.ops.op_stft import STFT as OwnSTFT

    class BatchNormalization(BatchNormalization_14):  # type: ignore[misc]
        op_domain = ""

        def _run(
            self,
            x: Any,
            scale: Any,
            bias: Any,
            mean: Any,
            var: Any,
            epsilon: float | None = None,
            momentum: float | None = None,
            training_mode: int | None = None,
            **_: Any,
        ) -> Any:
            near = 1e-5 if epsilon is None else epsilon
            return super()._run(  # type: ignore[no-untyped-call]
                x, scale, bias, mean, var, near, 0.9 if momentum is None else momentum, training_mode or 0
            )

    class GlobalMaxPool(OpRun):  # type: ignore[misc]
        op_domain = ""

        def _run(self, x: Any) -> Any:
            return (x.max(axis=tuple(range(2, x.ndim)), keepdims=True),)

    class STFT(OwnSTFT):  # type: ignore[misc]
        op_domain = ""

        def _run(self, x: Any, step: Any, window: Any = None, length: Any = None, onesided: Any = None) -> Any:
            signal = x[..., numpy.newaxis] if x.ndim == 2 else x
            half = 1 if onesided is None else onesided
            return super()._run(signal, step, window, length, half)  # type: ignore[no-untyped-call]

    return [BatchNormalization, GlobalMaxPool, STFT]
