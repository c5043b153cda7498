"""The libraries in Kaggle's image for notebooks, which a bundle with wheels does not take along.

From the requirements of the image (github.com/Kaggle/docker-python, `kaggle_requirements.txt`, and
the image of Colab that it builds on), as of October 2025. A version is known where the image fixes
it: a library whose version is too old for comp is taken along.
"""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

AS_OF = "October 2025"
IMAGE: dict[str, str | None] = {
    "accelerate": None,
    "catboost": None,
    "certifi": None,
    "click": None,
    "filelock": None,
    "fsspec": None,
    "huggingface-hub": None,
    "jinja2": None,
    "joblib": None,
    "lightgbm": None,
    "markdown-it-py": None,
    "markupsafe": None,
    "matplotlib": None,
    "mdurl": None,
    "numpy": None,
    "opencv-python": None,
    "opencv-python-headless": None,
    "packaging": None,
    "pandas": None,
    "pillow": None,
    "polars": None,
    "psutil": None,
    "pydantic": None,
    "pydantic-core": None,
    "pydicom": None,
    "pygments": None,
    "python-dateutil": None,
    "pyyaml": None,
    "requests": None,
    "rich": None,
    "safetensors": None,
    "scikit-learn": "1.2.2",
    "scipy": None,
    "six": None,
    "threadpoolctl": None,
    "timm": None,
    "torch": None,
    "torchvision": None,
    "tqdm": None,
    "typer": None,
    "typing-extensions": None,
    "xgboost": "2.0.3",
}
"""Name -> the version that the image fixes, None for a recent one."""


def is_in_image(requirement: Requirement) -> bool:
    """Whether the image satisfies a requirement."""
    name = canonicalize_name(requirement.name)
    if name not in IMAGE:
        return False
    version = IMAGE[name]
    return version is None or requirement.specifier.contains(version)
