"""What `model` is while sqlfluff renders a model without dbt: any model, of one column."""

columns = {"calendar_quarter": {}}
