"""The lines of Python that load an exported file and predict an image, for the model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FILTERS = {"area": "BOX"}
"""Pillow's names of filters that have another name here."""


def loading(described: Mapping[str, Any]) -> str:
    """How to load the file and predict, as Markdown.

    Args:
        described: the contents of model.json.
    """
    by_format = {"onnx": _onnx, "torchscript": _torchscript, "safetensors": _safetensors}
    table = described["to"] == "onnx" and _is_table(described)
    lines = _table(described) if table else by_format[described["to"]](described)
    words = [_code(lines)]
    if described["to"] == "safetensors":
        return words[0]
    words += [_OF_TABLE] if table else _several(described)
    decision = described["decision"]["numpy"]
    if decision:
        params = described["decision"]["params"]
        first = [f"params = {params}"] if params else []
        words += ["From prediction to answer:", _code([*first, *decision.splitlines()])]
    words += _copies(described)
    return "\n\n".join(words)


_OF_TABLE = (
    "Each file has its own treatment of the columns, as its training rows say, and `share` is its "
    "weight in the mean. The treatment needs comp, and the rows are texts or numbers by the name "
    "of the column."
)


def _is_table(described: Mapping[str, Any]) -> bool:
    files = described["files"]
    return "image" not in described["inputs"] and all("columns" in file for file in files)


def _table(described: Mapping[str, Any]) -> list[str]:
    """The lines that predict rows of a table with all files, and average them."""
    names = {name for file in described["files"] for name in file["inputs"]}
    trees, networks = "treatment.for_trees(rows)", "treatment.for_network(rows)"
    matrix = trees if names == {"values"} else networks
    if "values" in names and len(names) > 1:
        matrix = f'{trees} if "values" in file["inputs"] else {networks}'
    return [
        "import csv, json, onnxruntime",
        "from pathlib import Path",
        "from comp.data.columns.treatment import Treatment",
        'rows, prediction = list(csv.DictReader(Path("test.csv").read_text().splitlines())), 0',
        'for file in json.loads(Path("model.json").read_text())["files"]:',
        '    treatment = Treatment.load(Path(file["columns"]))',
        f"    matrix = {matrix}",
        '    session = onnxruntime.InferenceSession(file["file"])',
        "    inputs = {each.name: getattr(matrix, each.name) for each in session.get_inputs()}",
        f'    prediction = prediction + file["share"] * session.run(None, inputs)[0]  '
        f"# {_shape(described)}",
    ]


def _onnx(described: Mapping[str, Any]) -> list[str]:
    return [
        "import numpy as np",
        "import onnxruntime",
        *(["from PIL import Image, ImageOps"] if _reads(described) else []),
        "",
        f'session = onnxruntime.InferenceSession("{described["files"][0]["file"]}")',
        *_inputs(described),
        f"prediction = session.run(None, {{{_given(described)}}})[0]  # {_shape(described)}",
    ]


def _torchscript(described: Mapping[str, Any]) -> list[str]:
    values = ", ".join(f"torch.from_numpy({name})" for name in described["inputs"])
    return [
        "import numpy as np",
        "import torch",
        *(["from PIL import Image, ImageOps"] if _reads(described) else []),
        "",
        f'network = torch.jit.load("{described["files"][0]["file"]}")',
        *_inputs(described),
        "with torch.inference_mode():",
        f"    prediction = network({values}).numpy()  # {_shape(described)}",
    ]


def _safetensors(described: Mapping[str, Any]) -> list[str]:
    run, file = described["run"], described["files"][0]["file"]
    return [
        "from safetensors import safe_open",
        "",
        f'with safe_open("{file}", framework="pt") as file:',
        "    header = file.metadata()  # class and backbone of the network, mean, std, labels",
        "    weights = {name: file.get_tensor(name) for name in file.keys()}",
        f"# network = ... as the class in the header, in comp {described['comp']} for "
        f"{run['competition']}",
        "network.load_state_dict(weights)",
    ]


def _reads(described: Mapping[str, Any]) -> bool:
    """Whether the lines can read a file: squashed images of one or three channels, which the
    pipeline of the plugin does not change."""
    before = described["preprocessing"]
    plain = before.get("equalize", "none") == "none" and "range" not in before
    plain = plain and not before.get("steps") and before.get("interpolation") != "nearest"
    own = str(before.get("read", "")).startswith("by ")
    fits = before.get("resize", "squash") == "squash" and before.get("channels", 3) in (1, 3)
    return "image" in described["inputs"] and plain and fits and not own


def _inputs(described: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, spec in described["inputs"].items():
        shape = ", ".join(map(str, spec["shape"]))
        if name == "image" and _reads(described):
            lines += _read_image(described["preprocessing"])
        else:
            lines.append(f"{name} = ...  # {spec['type']} ({shape}), as model.json says")
    return lines


def _read_image(before: Mapping[str, Any]) -> list[str]:
    grey = before.get("channels", 3) == 1
    lines = [  # upright, and on white where it is transparent, as comp reads it
        'file = ImageOps.exif_transpose(Image.open("image.png")).convert("RGBA")',
        'file = Image.alpha_composite(Image.new("RGBA", file.size, "white"), file)'
        f'.convert("{"L" if grey else "RGB"}")',
    ]
    if "height" in before:
        name = before["interpolation"]
        filter_ = f"Image.Resampling.{FILTERS.get(name, name.upper())}"
        for size in (f"{before['width']}, file.height", f"{before['width']}, {before['height']}"):
            lines.append(f"file = file.resize(({size}), {filter_}, reducing_gap=3)")
    channel = "[None, :, :, None]" if grey else "[None]"
    return [*lines, f"image = np.asarray(file, np.uint8){channel}"]


def _given(described: Mapping[str, Any]) -> str:
    return ", ".join(f'"{name}": {name}' for name in described["inputs"])


def _shape(described: Mapping[str, Any]) -> str:
    return f"({', '.join(map(str, described['output']['shape']))})"


def _several(described: Mapping[str, Any]) -> list[str]:
    """How to treat columns, and to average several files."""
    files = described["files"]
    if "columns" not in files[0]:
        return []
    words = [
        "`numbers` and `categories` are treated columns: the file of the columns has the treatment "
        "that the fold was trained with. With comp installed:",
        _code(
            [
                "from pathlib import Path",
                "from comp.data.columns.treatment import Treatment",
                "",
                f'treatment = Treatment.load(Path("{files[0]["columns"]}"))',
                'matrix = treatment.for_network([{"column": 1.0, ...}])',
                "numbers, categories = matrix.numbers, matrix.categories",
            ]
        ),
    ]
    if len(files) > 1:
        words.append(
            f"The run averages its {len(files)} files; each has its own treatment, so give each "
            "file its own columns, and add the predictions times `share` in model.json."
        )
    return words


def _copies(described: Mapping[str, Any]) -> list[str]:
    """How to average mirrored and turned copies, as the run does."""
    tta = described["tta"]
    if tta["key"] == "none" or "image" not in described["inputs"]:
        return []
    undo = [
        "    out = np.flip(out, flip) if flip else out",
        "    out = out.swapaxes(1, 2) if transpose else out",
    ]
    copies = [(copy["transpose"], tuple(copy["flip"])) for copy in tta["copies"]]
    call = "predict(np.ascontiguousarray(one))"
    return [
        f"The run also averages copies (`{tta['key']}`), which costs {len(copies)} times the time. "
        "With `predict`, the call above as a function of the image:",
        _code(
            [
                "total = 0",
                f"for transpose, flip in {copies}:",
                "    one = image.swapaxes(1, 2) if transpose else image",
                f"    {'out' if tta['undo'] else 'total'} {'=' if tta['undo'] else '+='} "
                + call.replace("one", "np.flip(one, flip) if flip else one"),
                *([*undo, "    total = total + out"] if tta["undo"] else []),
                f"prediction = total / {len(copies)}",
            ]
        ),
    ]


def _code(lines: list[str]) -> str:
    return "\n".join(["```python", *lines, "```"])
