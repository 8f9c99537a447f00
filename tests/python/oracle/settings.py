"""What a person may choose: the reporting settings and the seeds, at their documented defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from datetime import date
from fractions import Fraction


def fraction(value: object) -> Fraction:
    """A setting as the exact number a person wrote: 0.05 is 1/20, not its nearest binary float."""
    return Fraction(str(value))


@dataclass(frozen=True)
class Settings:
    """The reporting choices (dbt vars), named as the vars are."""

    reporting_timezone: str = "UTC"
    reporting_currency: str = "USD"
    fiscal_year_start_month: int = 1
    lead_response_target_minutes: Fraction = Fraction(5)
    nps_min_tenure_days: Fraction = Fraction(90)
    employee_satisfaction_goal: Fraction = Fraction(4)
    survey_min_group: int = 5
    price_match_threshold: Fraction = Fraction(1, 20)
    quota_too_high_below: Fraction = Fraction(3, 10)
    quota_too_low_above: Fraction = Fraction(9, 10)
    max_lifetime_months: Fraction = Fraction(60)

    @classmethod
    def of(cls, chosen: dict | None) -> Settings:
        """Settings from a dict of vars; an unknown name is an error, `as_of` is ignored."""
        chosen = {name: value for name, value in (chosen or {}).items() if name != "as_of"}
        kinds = {each.name: each.type for each in fields(cls)}
        unknown = sorted(set(chosen) - set(kinds))
        if unknown:
            raise ValueError(f"no such setting: {', '.join(unknown)}")
        readers = {"str": str, "int": int, "Fraction": fraction}
        return cls(**{name: readers[kinds[name]](value) for name, value in chosen.items()})


@dataclass(frozen=True)
class Seeds:
    """The small lists that a person maintains. `t_quantiles` maps df to t at 0.975."""

    deal_size_bands: tuple[tuple[str, Fraction], ...] = (
        ("small", Fraction(0)),
        ("medium", Fraction(10_000)),
        ("large", Fraction(50_000)),
        ("enterprise", Fraction(250_000)),
    )
    holidays: frozenset[date] = frozenset()
    t_quantiles: dict[int, float] = field(default_factory=dict)

    def size_band(self, amount: Fraction | None) -> str:
        """The highest band whose lower bound the amount reaches; below every bound the lowest;
        without an amount `unknown`."""
        if amount is None:
            return "unknown"
        bands = sorted(self.deal_size_bands, key=lambda band: band[1])
        reached = [name for name, lower in bands if amount >= lower]
        return reached[-1] if reached else bands[0][0]

    def t_975(self, df: int) -> float:
        """Student's t at 0.975 for whole degrees of freedom; above 200 the normal 1.96."""
        if df > 200:
            return 1.96
        return self.t_quantiles.get(df) or round(student_t_975(df), 6)


def student_t_975(df: int) -> float:
    """Student's t at 0.975, by bisection on the closed form of the distribution for whole df."""
    low, high = 1.0, 20.0
    for _ in range(80):
        middle = (low + high) / 2
        if _two_sided_probability(middle, df) < 0.95:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _two_sided_probability(t: float, df: int) -> float:
    """P(|T| <= t): the finite trigonometric series of Abramowitz and Stegun 26.7.3 and 26.7.4."""
    theta = math.atan(t / math.sqrt(df))
    cosine, sine = math.cos(theta), math.sin(theta)
    if df == 1:
        return 2 * theta / math.pi
    if df % 2:
        term = total = cosine
        for k in range(3, df - 1, 2):
            term *= cosine * cosine * (k - 1) / k
            total += term
        return 2 / math.pi * (theta + sine * total)
    term = total = 1.0
    for k in range(2, df - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    return sine * total
