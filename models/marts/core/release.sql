select
    {{ as_of() }} as as_of,
    '{{ var("run_id") or invocation_id }}' as run_id,
    {{ built_at() }} as built_at,
    '{{ var("reporting_currency") }}' as reporting_currency
