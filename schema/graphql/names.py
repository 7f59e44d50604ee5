"""The names that a table brings into a schema, so that two tables which can't both have theirs are found in time.

`T_aggregate` is a type and a field of the table `T`; a table of that very name can't be in the same schema. What we add
to the dialect gives way instead: with tables `user` and `user_group` there are no groups of `user`.
"""

from collections.abc import Iterable
from typing import Final

from schema.catalogue import Column

_FUNCTIONS: Final = (
    *("avg", "max", "min", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance"),
)
#: After a table's name (HASURA_DIALECT §1).
_SUFFIXES: Final = (
    *("", "_by_pk", "_stream", "_bool_exp", "_order_by", "_select_column", "_constraint", "_on_conflict", "_updates"),
    *("_aggregate", "_aggregate_fields", "_aggregate_order_by", "_aggregate_bool_exp", "_aggregate_bool_exp_count"),
    *("_aggregate_bool_exp_bool_and", "_aggregate_bool_exp_bool_or", "_insert_input", "_obj_rel_insert_input"),
    *("_arr_rel_insert_input", "_update_column", "_set_input", "_inc_input", "_append_input", "_prepend_input"),
    *("_delete_key_input", "_delete_elem_input", "_delete_at_path_input", "_pk_columns_input", "_mutation_response"),
    *("_stream_cursor_input", "_stream_cursor_value_input"),
    *(f"_{function}_{what}" for function in _FUNCTIONS for what in ("fields", "order_by")),
)
_GROUP_SUFFIXES: Final = (
    *("_group_by", "_group", "_group_key", "_group_key_input", "_group_key_order_by", "_group_order_by", "_having_exp"),
    *(f"_{function}_{what}" for function in _FUNCTIONS for what in ("having_exp", "group_order_by")),
)
_MUTATIONS: Final = (
    *("insert_%s", "insert_%s_one", "update_%s", "update_%s_by_pk", "update_%s_many", "delete_%s", "delete_%s_by_pk"),
)
#: Names of every schema.
_EVERYWHERE: Final = frozenset(
    {
        *("query_root", "mutation_root", "subscription_root", "order_by", "cursor_ordering", "date_part"),
        *("Int", "Float", "String", "Boolean", "ID", "jsonb_cast_exp", "no_queries_available"),
    }
)


def table_names(name: str) -> frozenset[str]:
    """The types, and the fields of roots, that the dialect names after a table of this name."""
    return frozenset({*(name + suffix for suffix in _SUFFIXES), *(mutation % name for mutation in _MUTATIONS)})


def page_names(name: str) -> frozenset[str]:
    """Those that pages of the table have."""
    return frozenset({f"{name}_page"})


def group_names(name: str) -> frozenset[str]:
    """Those that groups of the table have."""
    return frozenset(name + suffix for suffix in _GROUP_SUFFIXES)


def common_names(columns: Iterable[Column]) -> frozenset[str]:
    """Those that no table can have: of every schema, and of the scalars of these columns."""
    scalars = {column.scalar for column in columns}
    comparisons = {f"{name}_{kind}" for name in scalars for kind in ("comparison_exp", "array_comparison_exp")}
    return _EVERYWHERE | scalars | comparisons
