"""Two KPIs as people compute them in notebooks, with pandas: win rate, and time in stage.

    python scripts/bench/notebook.py LANDING_DIR AS_OF

Per owner and month alone: no other slice or grain, no currencies, no reopened deals, no history.
"""

import sys
from pathlib import Path

import pandas as pd


def read(landing: Path, table: str, columns: list[str]) -> pd.DataFrame:
    """A table of the landing directory: Parquet in one file or in parts, CSV when it is small."""
    path = landing / table
    small = path.with_suffix(".csv")
    if small.exists():
        dates = [column for column in columns if column.endswith("_at")]
        return pd.read_csv(small, usecols=columns, parse_dates=dates)
    return pd.read_parquet(path if path.is_dir() else path.with_suffix(".parquet"), columns=columns)


def win_rate(landing: Path, as_of: pd.Timestamp) -> pd.DataFrame:
    """Won and lost deals and their rate, per owner and month of the close."""
    deals = read(landing, "deals", ["deal_id", "pipeline", "stage", "owner_id", "closed_at"])
    stages = read(landing, "pipeline_stages", ["pipeline", "stage", "outcome"])
    closed = deals[deals.closed_at <= as_of].merge(stages, on=["pipeline", "stage"])
    closed["month"] = closed.closed_at.dt.to_period("M")
    counted = closed.groupby(["owner_id", "month"]).outcome.agg(
        won=lambda outcome: (outcome == "won").sum(),
        lost=lambda outcome: (outcome == "lost").sum(),
    )
    counted["win_rate"] = counted.won / (counted.won + counted.lost)
    return counted


def time_in_stage(landing: Path, as_of: pd.Timestamp) -> pd.DataFrame:
    """Visits that ended and their days: mean, median and p90 per owner, stage and month."""
    history = read(landing, "deal_stage_history", ["change_id", "deal_id", "stage", "changed_at"])
    deals = read(landing, "deals", ["deal_id", "owner_id"])
    visits = history[history.changed_at <= as_of].sort_values(
        ["deal_id", "changed_at", "change_id"]
    )
    visits["exited_at"] = visits.groupby("deal_id").changed_at.shift(-1)
    ended = visits.dropna(subset=["exited_at"]).merge(deals, on="deal_id")
    ended["days"] = (ended.exited_at - ended.changed_at).dt.total_seconds() / 86_400
    ended["month"] = ended.exited_at.dt.to_period("M")
    days = ended.groupby(["owner_id", "stage", "month"]).days
    return days.agg(["count", "mean", "median"]).assign(p90=days.quantile(0.9))


if __name__ == "__main__":
    directory, instant = Path(sys.argv[1]), pd.Timestamp(sys.argv[2])
    print(len(win_rate(directory, instant)), len(time_in_stage(directory, instant)))
