"""Which kinds of things a bundle needs: of networks, readers, rows. predict.py has no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from comp.bundle.parts.blended import members_of

PARTS = "comp.bundle.parts"


def needed_kinds(bundle: Mapping[str, Any]) -> dict[str, set[str]]:
    """The entries of each registry of the parts that predict.py looks up.

    Args:
        bundle: what bundle.json says.
    """
    members = members_of(bundle)
    reads = [member["read"] for member in members]
    predicts = [member["predict"] for member in members]
    specs = [spec for part in bundle["networks"] for spec in _specs(part["network"])]
    rows = bundle["rows"]["kind"]
    outputs = {predict["output"] for predict in predicts}
    return {
        f"{PARTS}.main.RUNS": {"several" if len(members) > 1 else "one"},
        f"{PARTS}.main.OUTPUTS": outputs,
        f"{PARTS}.samples.SEARCHES": {"alike"} if bundle["data"]["alike"] else set(),
        f"{PARTS}.networks.NETWORKS": {spec["kind"] for spec in specs},
        f"{PARTS}.networks.HEADS": set(_heads(specs)),
        f"{PARTS}.activate.ACTIVATIONS": _used(member["activation"] for member in members),
        f"{PARTS}.decide.DECISIONS": _used([bundle["decision"]]),
        f"{PARTS}.read.READERS": {read["kind"] for read in reads},
        f"{PARTS}.read.DEPTHS": {"more bits" if r["value_range"] else "8 bits" for r in reads},
        f"{PARTS}.read.DECODERS": set(_decoders(reads)),
        f"{PARTS}.rows.ROWS": {rows},
        f"{PARTS}.dense.PLACES": {rows} & {"pixels"},
        "comp.data.images.resize.RESIZES": {r["policy"] for r in reads if "policy" in r},
        "comp.inference.forward.FORWARDS": outputs,
        "comp.inference.tta.SYMMETRIES": {predict["tta"] for predict in predicts},
    }


def _specs(spec: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """A description of a network, and those inside it."""
    while spec:
        yield spec
        spec = spec.get("network")


def _heads(specs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for spec in specs:
        if spec["kind"] == "classifier" and spec["pool"] != "own":
            yield "pool"
        if spec["kind"] == "classifier" and spec["cosine"] is not None:
            yield "cosine"


def _decoders(reads: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The formats that Pillow alone does not decode. The reader of a plugin may read any file."""
    for read in reads:
        yield from (
            ("NPY", "TIFF") if read["kind"] == "own" else {"NPY", "TIFF"} & {*read["formats"]}
        )


def _used(sections: Iterable[Mapping[str, Any]]) -> set[str]:
    return {section["kind"] for section in sections} - {"none"}
