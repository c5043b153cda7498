"""Weights and activations as int8, by onnxruntime: smaller and faster, and a little wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from comp.errors import RunError
from comp.export.libraries import quiet
from comp.export.networks import Entries

Method = Literal["static", "dynamic"]
"""How activations get their ranges: measured on samples before, or for each input anew."""
OPERATORS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""What becomes int8; everything else stays float32."""
SAMPLES = 64
"""Samples on which the ranges are measured."""


def quantize(graph: Path, path: Path, method: Method, samples: Sequence[Entries]) -> None:
    """Write the int8 form of a graph: weights per channel, int8.

    Args:
        samples: inputs of single samples, for the ranges of a static quantisation.

    Raises:
        RunError: onnxruntime cannot.
    """
    from onnxruntime.quantization import QuantType, quant_pre_process, quantize_dynamic

    prepared = path.with_suffix(".prepared")
    try:
        with quiet():
            quant_pre_process(str(graph), str(prepared), skip_symbolic_shape=True)
            if method == "static":
                _static(prepared, path, samples)
            else:
                quantize_dynamic(
                    str(prepared),
                    str(path),
                    per_channel=True,
                    weight_type=QuantType.QInt8,
                    op_types_to_quantize=["Gemm", "MatMul"],
                )
    except Exception as error:  # onnxruntime raises many kinds
        line = str(error).strip().splitlines()[0][:160] if str(error).strip() else repr(error)
        raise RunError(
            f"onnxruntime cannot make this network int8 ({method}: {line}): leave out --int8"
        ) from error
    finally:
        prepared.unlink(missing_ok=True)


def _static(graph: Path, path: Path, samples: Sequence[Entries]) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    quantize_static(
        str(graph),
        str(path),
        _reader(samples),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=list(OPERATORS),
    )


def _reader(samples: Sequence[Entries]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Samples(CalibrationDataReader):  # type: ignore[misc]
        """The inputs one after the other."""

        def __init__(self) -> None:
            self._left: Iterator[Entries] = iter(samples)

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self._left, None)

    return Samples()
