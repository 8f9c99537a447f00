"""Arithmetic: exact on fractions, floats only where a root or a power forces them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta
from fractions import Fraction

MICROSECOND = timedelta(microseconds=1)


def days(elapsed: timedelta) -> Fraction:
    """Exact elapsed seconds / 86 400."""
    return Fraction(elapsed // MICROSECOND, 86_400_000_000)


def minutes(elapsed: timedelta) -> Fraction:
    """Exact elapsed seconds / 60."""
    return Fraction(elapsed // MICROSECOND, 60_000_000)


def present(values: Iterable) -> list:
    """The values that are not null."""
    return [value for value in values if value is not None]


def total(values: Iterable[Fraction | None]) -> Fraction:
    """The sum of what is not null; over nothing 0."""
    return sum(present(values), Fraction(0))


def ratio(numerator: Fraction | int | None, denominator: Fraction | int | None) -> Fraction | None:
    """numerator / denominator; null when either is missing or there is no base."""
    if numerator is None or denominator is None or denominator == 0:
        return None
    return Fraction(numerator) / Fraction(denominator)


def average(values: Iterable[Fraction | None]) -> Fraction | None:
    """The mean of what is not null; over nothing null."""
    known = present(values)
    return ratio(total(known), len(known))


def percentile(values: Iterable[Fraction | None], share: Fraction) -> Fraction | None:
    """The percentile by linear interpolation between the two nearest ranks."""
    known = sorted(present(values))
    if not known:
        return None
    place = (len(known) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(known) - 1)
    return known[below] + (known[above] - known[below]) * (place - below)


def median(values: Iterable[Fraction | None]) -> Fraction | None:
    """The 50th percentile."""
    return percentile(values, Fraction(1, 2))


def p90(values: Iterable[Fraction | None]) -> Fraction | None:
    """The 90th percentile."""
    return percentile(values, Fraction(9, 10))


def wilson(successes: int, trials: int) -> tuple[float | None, float | None]:
    """The 95 % Wilson interval of a share, z = 1.96; null over nothing."""
    if trials == 0:
        return None, None
    z = 1.96
    share = successes / trials
    base = 1 + z * z / trials
    centre = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return (centre - reach) / base, (centre + reach) / base


def with_interval(name: str, successes: int, trials: int) -> dict:
    """The rate and its Wilson interval under the contract's three names."""
    low, high = wilson(successes, trials)
    return {name: ratio(successes, trials), f"{name}_low": low, f"{name}_high": high}


def kaplan_meier_median(times: list[tuple[Fraction, bool]]) -> Fraction | None:
    """The smallest t with S(t) <= 0.5 (within 1e-9) of (time, ended) pairs; null if never.

    Whoever is censored at t was still at risk at t.
    """
    survival = Fraction(1)
    for moment in sorted({time for time, ended in times if ended}):
        at_risk = sum(1 for time, _ in times if time >= moment)
        ends = sum(1 for time, ended in times if ended and time == moment)
        survival *= Fraction(at_risk - ends, at_risk)
        if survival <= Fraction(1, 2) + Fraction(1, 10**9):
            return moment
    return None


def variance(values: list[Fraction]) -> Fraction:
    """The sample variance (n - 1); needs two values."""
    mean = total(values) / len(values)
    return total((value - mean) ** 2 for value in values) / (len(values) - 1)


def welch_margin(before: list[Fraction], during: list[Fraction], t_975) -> float | None:
    """Half the width of the 95 % Welch interval of mean(during) - mean(before).

    `t_975` gives Student's t at 0.975 for whole degrees of freedom, which are the
    Welch-Satterthwaite ones rounded down. Null with fewer than two days or no variance at all.
    """
    if min(len(before), len(during)) < 2:
        return None
    first, second = variance(before) / len(before), variance(during) / len(during)
    spread = first + second
    if spread == 0:
        return None
    df = spread**2 / (first**2 / (len(before) - 1) + second**2 / (len(during) - 1))
    return t_975(math.floor(df + Fraction(1, 10**9))) * math.sqrt(spread)
