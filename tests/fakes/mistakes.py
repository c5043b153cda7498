"""Settings that `comp run` refuses, with words of its message."""

from __future__ import annotations

RUN = (
    *("run", "denoising", "--device", "cpu", "--folds", "2", "--max-steps", "1"),
    *("--set", "options.crop=32"),
)
"""A short run, which the settings below are added to; its data has four clean pages."""
SETTINGS: list[tuple[tuple[str, ...], list[str]]] = [
    (("--folds", "1"), ["folds = 1", "greater than or equal to 2"]),
    (("--folds", "5"), ["folds = 5", "only 4 clean pages", "--folds 4"]),
    (("--fold", "7"), ["no fold 7", "folds = 2", "0 to 1"]),
    (("--fold", "-1"), ["no fold -1", "0 to 1"]),
    (("--precision", "fp16"), ["fp16", "cpu", "fp32"]),
    (("--precision", "fp8"), ["precision = 'fp8'", "'bf16'"]),
    (("--device", "tpu"), ["device 'tpu'", "cpu"]),
    (("--budget", "soon"), ["budget = 'soon'", "1h30m"]),
    (("--budget", "0s"), ["budget = ", "greater than 0"]),
    (("--max-steps", "0"), ["max_steps = 0"]),
    (("--seed", "-1"), ["seed = -1"]),
    (("--set", "epochs"), ["--set", "key=value", "'epochs'"]),
    (("--set", "scheme=plain"), ["scheme = plain", "leak", "clean page", "grouped"]),
    (("--set", "scheme=stratified"), ["scheme = stratified", "stratified-grouped"]),
    (("--set", "scheme=stratified-grouped"), ["no classes", "auto"]),
    (("--set", "backbone=resnet3"), ["unknown backbone 'resnet3'"]),
    (("--set", "optim.name=adamm"), ["unknown optimizer 'adamm'", "adam"]),
    (
        ("--set", "backbone=resnet18", "--set", "weights=gone.safetensors"),
        ["no weights at /", "/gone.safetensors"],
    ),
    (("--config", "gone.toml"), ["gone.toml", "No such file"]),
    (("--repeat", "20200101"), ["no run '20200101'", "no runs yet"]),
]
