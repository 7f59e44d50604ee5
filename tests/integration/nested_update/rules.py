"""Who may do what in the publishing house: `writer` changes what is their own, the others less."""

from typing import Final

from permissions.model import ALL, Delete, Insert, Rules, Select, TablePermissions, Update

ME: Final = "X-Hasura-User-Id"
_OWN: Final = {"author_id": {"_eq": ME}}
_ON_OWN: Final = {"article": _OWN}

RULES: Final[Rules] = {
    "writer": {
        "public.person": TablePermissions(
            select=Select(columns=("id", "name", "home_id"), filter={}),
            update=Update(columns=("name", "home_id"), filter={"id": {"_eq": ME}}),
        ),
        "public.address": TablePermissions(
            select=Select(columns=("id", "city"), filter={"city": {"_neq": "Rome"}}),
            insert=Insert(columns=("city",), check={"city": {"_neq": "Rome"}}),
            update=Update(columns=("city",), filter={"persons": {"id": {"_eq": ME}}}),
        ),
        "public.article": TablePermissions(
            select=Select(columns=("id", "title", "status", "author_id", "changed_by"), filter={}),
            insert=Insert(columns=("title", "author_id"), check=_OWN, presets={"changed_by": ME}),
            # Drafts of one's own or of nobody; they stay one's own or become nobody's.
            update=Update(
                columns=("title", "author_id"),
                filter={"_or": [_OWN, {"author_id": {"_is_null": True}}], "status": {"_eq": "draft"}},
                check={"_or": [_OWN, {"author_id": {"_is_null": True}}]},
                presets={"changed_by": ME},
            ),
            delete=Delete(filter={**_OWN, "status": {"_eq": "draft"}}),
        ),
        "public.comment": TablePermissions(
            select=Select(columns=("id", "body", "likes", "article_id"), filter={}),
            update=Update(columns=("likes",), filter=_ON_OWN, check={"likes": {"_lt": 100}}),
        ),
    },
    # Reads people, writes articles under a fixed author.
    "robot": {
        "public.person": TablePermissions(
            select=Select(columns=("id", "name"), filter={}), update=Update(columns=("name",), filter={})
        ),
        "public.article": TablePermissions(
            select=Select(columns=("id", "title", "author_id"), filter={}),
            insert=Insert(columns=("title",), check={}, presets={"author_id": ME}),
        ),
    },
    # Changes who wrote what, without seeing that.
    "blind": {
        "public.person": TablePermissions(
            select=Select(columns=("id", "name"), filter={}), update=Update(columns=("name",), filter={})
        ),
        "public.article": TablePermissions(
            select=Select(columns=("id", "title"), filter={}), update=Update(columns=("author_id",), filter={})
        ),
    },
    # Changes people and sees nothing that is related to them.
    "clerk": {
        "public.person": TablePermissions(
            select=Select(columns=ALL, filter={}), update=Update(columns=("name",), filter={})
        ),
    },
}
