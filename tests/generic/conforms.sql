{# Everything that must hold for the rows of one model, in one query instead of a dozen: a row per broken rule. In the run
   that made a table from what changed, the rows that it made are read; `dbt test` reads all.

   key              columns that are not null and unique together
   not_null         further columns that are never null
   accepted_values  column: list of the values it may have (null is allowed)
   references       column: relation whose column of that name holds every value (null is allowed)
   rules            what is true for every row, in words: the SQL condition; a condition that is null counts as broken.
                    As text (`rules: |`) where no condition has Jinja: dbt makes a template of every value of a mapping #}
{% test conforms(model, key=[], not_null=[], accepted_values={}, references={}, rules={}) %}

{%- set rows_to_read = made_anew(model) -%}
{%- set checks = {} -%}
{%- for column in key + not_null -%}
    {%- do checks.update({column ~ ' is not null': column ~ ' is not null'}) -%}
{%- endfor -%}
{%- for column, values in accepted_values.items() -%}
    {%- set condition = column ~ " is null or " ~ column ~ " in ('" ~ values | join("', '") ~ "')" -%}
    {%- do checks.update({column ~ ' is one of ' ~ values | join(', '): condition}) -%}
{%- endfor -%}
{%- do checks.update(fromyaml(rules) if rules is string else rules) -%}

with rows_checked as (
    select
        {%- for condition in checks.values() %}
        count(case when ({{ condition }}) then null else 1 end) as check_{{ loop.index }},
        {%- endfor %}
        count(*) as all_rows
    from {{ model }}
    where {{ rows_to_read }}
),

broken as (
    {%- if checks %}
    -- Joined to the names of the rules, the rows are read once also where an engine computes a CTE per use.
    select
        rules.rule,
        case rules.place
            {%- for name in checks %}
            when {{ loop.index }} then check_{{ loop.index }}
            {%- endfor %}
        end as failing_rows
    from rows_checked
    cross join (
        values
        {%- for name in checks %}
        ({{ loop.index }}, '{{ name | replace("'", "''") }}'){{ ',' if not loop.last }}
        {%- endfor %}
    ) as rules (place, rule)
    union all
    {%- endif %}
    {%- for column, relation in references.items() %}
    select
        '{{ column }} refers to {{ relation.identifier }}' as rule,
        count(*) as failing_rows
    from {{ model }} as referring
    left join (select distinct {{ column }} from {{ relation }}) as referred
        on referring.{{ column }} = referred.{{ column }}
    where
        referring.{{ column }} is not null
        and referred.{{ column }} is null
    union all
    {%- endfor %}
    select
        'the key is unique' as rule,
        {%- if key %}
        count(*) as failing_rows
    from (
        select 1 as one
        from {{ model }}
        where {{ rows_to_read }}
        group by {{ key | join(', ') }}
        having count(*) > 1
    ) as repeated_keys
        {%- else %}
        0 as failing_rows
        {%- endif %}
)

select
    rule,
    failing_rows
from broken
where failing_rows > 0

{% endtest %}
