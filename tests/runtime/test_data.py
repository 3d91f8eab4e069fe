"""The bundled data set."""

from __future__ import annotations

import datetime
from pathlib import Path

import infonet
import numpy as np
from infonet.inputs.open import open_columns

DATA = Path(infonet.__file__).parent / "data"


def test_weather():
    table = open_columns(DATA / "seattle-weather.csv")
    numbers = ["precipitation", "temp_max", "temp_min", "wind"]
    assert table.names == ("date", *numbers, "weather", "day_of_year")
    assert table.notes[0] == "dates and times are taken as numbers: date"
    assert "weather (5 categories)" in table.notes[1]
    columns = {name: table.load(i) for i, name in enumerate(table.names)}
    assert (np.diff(columns["date"]) == 86_400_000_000).all()  # microseconds
    assert all(c.size == 1461 and np.isfinite(c).all() for c in columns.values())
    assert (columns["temp_min"] <= columns["temp_max"]).all()


def test_day_of_year_follows_from_the_date():
    lines = (DATA / "seattle-weather.csv").read_text().splitlines()[1:]
    dates = [datetime.datetime.strptime(line.split(",")[0], "%Y/%m/%d") for line in lines]
    days = [int(line.rsplit(",", 1)[1]) for line in lines]
    assert days == [date.timetuple().tm_yday for date in dates]
    assert (dates[0].year, dates[-1].year, len(set(dates))) == (2012, 2015, 1461)


def test_source_and_licence_are_named():
    note = (DATA / "README.md").read_text()
    for word in ("NOAA", "public domain", "day_of_year", "vega_datasets"):
        assert word in note
