"""California housing: the median value of the houses of a district, from the census of 1990.

A table of 8 numbers, one of them with gaps, and a category. Where a district is says most of its
value, so trees and networks also get turned coordinates and distances to centres.
https://www.kaggle.com/datasets/camnugent/california-housing-prices
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from comp.tasks.regression import regression
from comp.tasks.tabular import table

if TYPE_CHECKING:
    import numpy as np


def draw(root: Path, rng: np.random.Generator) -> None:
    """Draw 400 districts between two expensive places in the layout of the data."""
    import numpy as np
    import polars as pl

    n = 400
    west, north = rng.uniform(-124, -114, n), rng.uniform(32.5, 42, n)
    away = np.minimum(np.hypot(west + 122.4, north - 37.8), np.hypot(west + 118.2, north - 34))
    income, homes = rng.gamma(4, 1, n), rng.integers(50, 1500, n)
    bedrooms = np.where(rng.random(n) > 0.02, (homes * rng.uniform(1, 1.2, n)).round(), np.nan)
    value = 50_000 + 40_000 * income - 15_000 * away + rng.normal(scale=20_000, size=n)
    frame = pl.DataFrame(
        {
            "id": range(n),
            "longitude": west.round(2),
            "latitude": north.round(2),
            "housing_median_age": rng.integers(1, 53, n).astype(float),
            "total_rooms": (homes * rng.uniform(3, 7, n)).round(),
            "total_bedrooms": pl.Series(bedrooms).fill_nan(None),
            "population": (homes * rng.uniform(2, 4, n)).round(),
            "households": homes.astype(float),
            "median_income": income.round(4),
            "ocean_proximity": np.where(away < 1, "NEAR OCEAN", "INLAND"),
            "median_house_value": value.clip(15_000, 500_001).round(),
        }
    )
    target = "median_house_value"
    frame[:300].write_csv(root / "train.csv")
    frame[300:].drop(target).write_csv(root / "test.csv")
    blank = frame[300:].select("id", pl.lit(200_000.0).alias(target))
    blank.write_csv(root / "sample_submission.csv")


COMPETITION = table(
    name="housing",
    title="California Housing Prices",
    kaggle="datasets/camnugent/california-housing-prices",
    task=regression(("median_house_value",), limits=(0, 1_000_000)),
    target="median_house_value",
    metric="rmse",
    limits=(0, 1_000_000),
    draw_synthetic=draw,
    defaults={
        "model": ["gbdt", "tabm"],
        "gbdt": {"columns": 0.3},
        "tabm": {"members": 8, "width": 128},
        "columns": {
            "places": ["longitude", "latitude"],
            "pairs": ["total_rooms", "total_bedrooms", "population", "households"],
        },
    },
)
