"""Quality checks at both edges: what is measured, what is expected, and who judges.

A suite is code: `landing` and `marts` measure, each thing in one aggregate over a table, and say
between which bounds it has to lie (`reading`). `thresholds.yml` holds every bound that is a choice.
`gate` gives the readings to Great Expectations, one expectation each, and takes its verdicts;
`engine` is how Great Expectations reads DuckDB. `store` keeps results, `page` shows them.
"""
