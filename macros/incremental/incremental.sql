{# A table of which a build makes anew only what changed, with the same rows as if it had made all of it. Three ways:

   keyed      `key` names a column, `touched` a macro that selects the keys whose rows may differ from those of the last
              build; the model says where they count by `only_touched`. Their rows are replaced. `aging` gives the
              columns that grow with as_of alone: {column: [the instant since when, SQL of the rows that age]}.
              With `log_changes` it keeps for `summed` models which rows a build replaced.
   summed     the model adds up one view, `adds_up`, of the `rows_of` a keyed table, by the columns `key`; every other column
              is a sum of integers or decimals. What a build replaced in that table is added and taken off.
              `rows_while` says by which of its sums a row still stands for anything.
   by_period  the model has period_grain and period_start, and says by `changed_periods` what it reads and on which date
              a row counts. Checksums per day tell in which periods anything it reads has changed, whatever the cause.
              `looks_back`: how many earlier periods a period reads. `as_of_lags`: so many days before as_of a figure
              changes with as_of alone.

   All of it is made without a last build of the same definition, with --full-refresh, when most of it changed, and
   when the company is small. Periods are made in batches, so that a large company needs no more memory. #}
{% materialization incremental, adapter='duckdb' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- if existing is not none and not existing.is_table -%}
        {%- do adapter.drop_relation(existing) -%}
        {%- set existing = none -%}
    {%- endif -%}
    {%- set strategy = config.require('incremental_strategy') -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- set own = own_definition(sql) -%}
    {%- set small = is_small() -%}
    {%- set why = 'small' if small else why_entirely(own, existing) -%}
    {%- if strategy == 'by_period' and not small -%}
        {%- do take_checksums(sql) -%}
    {%- endif -%}
    {%- if not why and strategy == 'by_period' -%}
        {%- set why = find_changed_periods() -%}
    {%- elif not why and strategy == 'keyed' -%}
        {%- set why = find_touched_keys() -%}
    {%- endif -%}
    {%- set batches = 1 -%}
    {%- if strategy == 'by_period' and not small -%}
        {%- if why -%}
            {%- do take_every_period() -%}
        {%- endif -%}
        {%- set batches = number_batches() -%}
    {%- endif -%}
    {% call statement('main') -%}
        {%- if why and (batches > 1 or is_narrowed(sql) and not small) %}
        {{ create_in_batches(target_relation, sql, batches) }}
        {%- elif why %}
        {{ create_entirely(target_relation, sql) }}
        {{ keep_no_changes(target_relation) if config.get('log_changes') }}
        {%- else %}
        {%- if config.get('contract').enforced %}
        {{ assert_contract(sql) }}
        {%- endif %}
        {%- if strategy == 'by_period' %}
        {{ replace_changed_periods(target_relation, sql, batches) }}
        {{ note_made_anew(by_period=true) }}
        {%- elif strategy == 'keyed' %}
        {{ replace_touched_keys(target_relation, sql) }}
        {{ note_made_anew(by_period=false) }}
        {%- else %}
        {{ add_changes(target_relation, sql) }}
        {%- endif %}
        {%- endif %}
        {{ comments_on(target_relation) }}
        {%- if strategy == 'by_period' and not small %}
        {{ keep_checksums() }}
        {%- endif %}
        {{ note_state(own, 'entirely' if why else 'what changed', why) }}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
