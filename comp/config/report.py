"""The section `report`: what a run writes and says about itself at its end."""

from __future__ import annotations

from pydantic import Field

from comp.config.section import Section


class ReportConfig(Section):
    """The report of a finished run."""

    write: bool = Field(True, description="write report.html in the folder of the run at its end")
    explain: int = Field(
        12,
        ge=0,
        le=100,
        description="how many of the worst samples the report explains with pictures of what the "
        "network looks at; 0: none",
    )
    notes: bool = Field(True, description="print alerts and coach's notes at the end of the run")
