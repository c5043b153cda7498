#!/usr/bin/env bash
# Gather what a machine with a GPU and without internet lacks for comp: a folder of wheels for Python 3.12 on Linux
# x86-64, to be copied there. That machine has torch, torchvision, timm, accelerate, pandas, scikit-learn, OpenCV,
# matplotlib, jinja2, typer, rich and pytest already.
#
#   bash benchmarks/gpu_wheels.sh [FOLDER, wheels if left out]
#
# Run it in an environment that has comp: the versions are the same. The last line says what to do on that machine.
set -euo pipefail
folder=${1:-wheels}
python=${PYTHON:-python3}
limit_mib=60
rm -rf "$folder"
mkdir -p "$folder"

flags=(--quiet --no-deps --only-binary=:all: --python-version 3.12 --implementation cp)
for tag in manylinux_2_28 manylinux_2_27 manylinux_2_24 manylinux_2_17 manylinux2014 manylinux1; do
  flags+=(--platform "${tag}_x86_64")
done
missing=(albumentations albucore stringzilla simsimd pydantic pydantic_core annotated-types typing-inspection polars
  polars-runtime-32 kagglesdk captum tabm)
for name in "${missing[@]}"; do
  version=$("$python" -c "from importlib.metadata import version as v; print(v('$name'))" 2>/dev/null) || version=
  "$python" -m pip download "${flags[@]}" --dest "$folder" "$name${version:+==$version}"
done
# A package of one file, of which there may be no wheel.
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$folder" rtdl-num-embeddings

# The wheel of polars is large; packed again with xz it is half the size. Python opens it, no tool is needed.
for wheel in "$folder"/polars_runtime_32-*.whl; do
  "$python" - "$wheel" "$folder/polars.tar.xz" <<'PYTHON'
import sys, tarfile, zipfile
from io import BytesIO

wheel, packed = sys.argv[1:]
with zipfile.ZipFile(wheel) as source, tarfile.open(packed, "w:xz", preset=2) as target:
    for entry in source.infolist():
        if not entry.is_dir():
            file = tarfile.TarInfo(entry.filename)
            file.size, file.mode = entry.file_size, 0o755
            target.addfile(file, BytesIO(source.read(entry)))
PYTHON
  rm "$wheel"
done

size_mib=$(du -sm "$folder" | cut -f1)
echo "$folder: $size_mib MiB, $(find "$folder" -type f | wc -l) files"
if ((size_mib > limit_mib)); then
  echo "more than $limit_mib MiB: leave a package out" >&2
  exit 1
fi
echo "there: python3 -m pip install --quiet --no-index --no-deps --target site $folder/*.whl &&" \
  "python3 -m tarfile -e $folder/polars.tar.xz site && PYTHONPATH=site:. python3 benchmarks/gpu.py"
