"""Runs ONNX files with onnxruntime."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from comp.export.networks import Entries


def open_session(path: Path) -> Callable[[Entries], np.ndarray]:
    """A function from the inputs of an ONNX file to its output, on the CPU.

    Inputs that the graph does not use, such as a table without categories, are left out.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    threads = os.environ.get("OMP_NUM_THREADS", "")
    options.intra_op_num_threads = int(threads) if threads.isdecimal() else 0
    session = onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )
    names = {each.name for each in session.get_inputs()}

    def predict(entries: Entries) -> np.ndarray:
        given = {name: values for name, values in entries.items() if name in names}
        out: np.ndarray = session.run(None, given)[0]
        return out

    return predict
