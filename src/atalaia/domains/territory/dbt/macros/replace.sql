{#
  Incremental strategy `replace`: brings a table the migrations made to exactly what the model
  says, in one transaction. The table is never dropped, so what depends on it stands; rows that did
  not change are not written. The model's unique_key is the table's primary key.
#}
{% macro get_incremental_replace_sql(arg_dict) %}
    {%- set target, new = arg_dict["target_relation"], arg_dict["temp_relation"] -%}
    {%- set columns = arg_dict["dest_columns"] | map(attribute="quoted") | join(", ") -%}
    {%- set same_key -%}
        {%- for column in arg_dict["unique_key"] %}
        old.{{ column }} = new.{{ column }} {{- " and" if not loop.last }}
        {%- endfor %}
    {%- endset -%}

    analyze {{ new }};

    delete from {{ target }} as old
    where not exists (
        select from {{ new }} as new
        where {{ same_key }}
          and row({{ prefixed(arg_dict["dest_columns"], "new") }})
              is not distinct from row({{ prefixed(arg_dict["dest_columns"], "old") }})
    );

    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ new }} as new
    where not exists (select from {{ target }} as old where {{ same_key }});
{% endmacro %}


{% macro prefixed(columns, prefix) -%}
    {%- for column in columns -%}
        {{ prefix }}.{{ column.quoted }}{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
