"""comp: a workflow for image competitions.

Importing this package imports none of the heavy libraries; `comp.pipeline.run` is the pipeline.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
