{# Schemas are made by the migrations: `steps` lives in gold_steps, the rest in gold. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ 'gold_' ~ custom_schema_name if custom_schema_name else target.schema }}
{%- endmacro %}
