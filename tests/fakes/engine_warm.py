"""A module that leaves a file when it is imported, in the folder that FOLDER names."""

import os
from pathlib import Path

(Path(os.environ["FOLDER"]) / "imported").touch()
