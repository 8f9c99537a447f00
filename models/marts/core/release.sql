select
    {{ as_of() }} as as_of,
    '{{ var("run_id") or invocation_id }}' as run_id,
    cast('{{ run_started_at.astimezone(modules.pytz.utc).strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp) as built_at
