{# Numbers as Brazilians write them: +4,8 · −0,8 · 1.217 #}
{% macro signed_pt(expression) -%}
    translate(to_char(round({{ expression }}, 1), 'FMSG999,990.0'), '.,-', ',.−')
{%- endmacro %}

{% macro count_pt(expression) -%}
    translate(to_char({{ expression }}, 'FM999,999,990'), ',', '.')
{%- endmacro %}


{# 2019-04 → 04/2019 #}
{% macro month_pt(period) -%}
    right({{ period }}, 2) || '/' || left({{ period }}, 4)
{%- endmacro %}


{# A list of values of dbt_project.yml as SQL texts: '2015', '2016' #}
{% macro quoted(values) -%}
    {%- for value in values -%} '{{ value }}' {%- if not loop.last %}, {% endif -%} {%- endfor -%}
{%- endmacro %}
