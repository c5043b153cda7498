"""Histograms of a look as charts."""

from __future__ import annotations

from comp.exploration.histogram import Histogram
from comp.exploration.panels.names import named
from comp.page.charts import Histogram as Chart
from comp.page.words import Text, say


def shares_chart(title: Text, shares: Histogram, x_label: Text) -> Chart:
    """The shares of a histogram; its series are classes, except "train" and "test"."""
    series = [(named(name), values) for name, values in shares.shares.items()]
    return Chart(
        title=title, edges=shares.edges, counts=series, x_label=x_label, y_label=say("share")
    )
