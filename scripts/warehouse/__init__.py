"""Sales-KPI warehouse: land raw tables, build marts, check, publish, report."""
