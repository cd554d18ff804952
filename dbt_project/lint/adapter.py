"""What `adapter` is while sqlfluff renders a model without dbt: DuckDB, and nothing else.

Belongs here: stand-ins for dbt objects in the linter's Jinja context. Does not belong here:
anything that a build uses.
"""

from jinja2 import pass_context


def dispatch(name, package=None):
    """The macro of the default adapter, as `adapter.dispatch` finds it in a DuckDB build."""

    @pass_context
    def call(context, *args, **kwargs):
        macro = context.resolve(f"default__{name}")
        return macro(*args, **kwargs)

    return call
