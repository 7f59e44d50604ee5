"""What an update does to rows that refer to the updated ones."""

from tests.integration.nested_update.conftest import House

ARTICLES = "SELECT id, title, status, author_id FROM article ORDER BY id"


async def test_related_rows_are_updated_and_others_are_not(house: House) -> None:
    data = await house.data(
        """mutation {
          update_person_by_pk(
            pk_columns: {id: 1}
            _set: {name: "Adele"}
            _related: {articles: {update: {where: {status: {_eq: "draft"}}, _set: {title: "uno"}}}}
          ) { name articles(order_by: {id: asc}) { title } }
        }"""
    )
    assert data["update_person_by_pk"] == {"name": "Adele", "articles": [{"title": "uno"}, {"title": "two"}]}
    assert ("three",) in await house.rows("SELECT title FROM article WHERE author_id = 2")


async def test_several_updates_run_in_the_order_of_the_list(house: House) -> None:
    await house.data(
        """mutation {
          update_person_by_pk(pk_columns: {id: 1}, _related: {articles: {update: [
            {where: {status: {_eq: "draft"}}, _set: {status: "published"}},
            {where: {status: {_eq: "published"}}, _set: {changed_by: "the second"}}
          ]}}) { id }
        }"""
    )
    assert await house.rows("SELECT id, changed_by FROM article WHERE author_id = 1 ORDER BY id") == [
        (1, "the second"),
        (2, "the second"),
    ]


async def test_rows_are_inserted_with_the_key_of_the_updated_row(house: House) -> None:
    data = await house.data(
        """mutation {
          update_person_by_pk(pk_columns: {id: 2}, _related: {articles: {insert: {data: [
            {title: "five", comments: {data: [{body: "hm"}]}}, {title: "six"}
          ]}}}) { articles(order_by: {id: asc}) { title author_id comments { body } } }
        }"""
    )
    assert data["update_person_by_pk"]["articles"] == [
        {"title": "three", "author_id": 2, "comments": [{"body": "well"}]},
        {"title": "five", "author_id": 2, "comments": [{"body": "hm"}]},
        {"title": "six", "author_id": 2, "comments": []},
    ]


async def test_an_insert_may_be_an_upsert(house: House) -> None:
    data = await house.data(
        """mutation {
          update_person(where: {id: {_eq: 1}}, _related: {articles: {insert: {
            data: [{title: "one", status: "published"}, {title: "new"}]
            on_conflict: {constraint: article_title_key, update_columns: [status]}
          }}}) { affected_rows }
        }"""
    )
    assert data["update_person"]["affected_rows"] == 2
    assert await house.rows("SELECT status FROM article WHERE title = 'one'") == [("published",)]


async def test_every_updated_row_gets_rows_of_its_own(house: House) -> None:
    data = await house.data(
        """mutation {
          update_article(where: {status: {_eq: "draft"}}, _related: {comments: {insert: {data: {body: "new"}}}}) {
            affected_rows returning { id }
          }
        }"""
    )
    assert data["update_article"]["affected_rows"] == 3
    assert sorted(row["id"] for row in data["update_article"]["returning"]) == [1, 3, 4]
    assert await house.rows("SELECT article_id FROM comment WHERE body = 'new' ORDER BY 1") == [(1,), (3,), (4,)]


async def test_related_rows_are_deleted(house: House) -> None:
    data = await house.data(
        """mutation {
          update_article(where: {id: {_lte: 2}}, _related: {comments: {delete: {where: {body: {_neq: "bad"}}}}}) {
            affected_rows returning { id comments { body } }
          }
        }"""
    )
    assert data["update_article"]["affected_rows"] == 2
    assert sorted(data["update_article"]["returning"], key=lambda row: row["id"]) == [
        {"id": 1, "comments": [{"body": "bad"}]},
        {"id": 2, "comments": []},
    ]
    assert await house.rows("SELECT id FROM comment ORDER BY id") == [(2,), (4,)]


async def test_rows_of_a_table_between_two_are_exchanged(house: House) -> None:
    data = await house.data(
        """mutation {
          update_article_by_pk(pk_columns: {id: 1}, _related: {article_tags: {
            delete: {where: {tag: {_eq: "art"}}}, insert: {data: [{tag: "tax"}]}
          }}) { article_tags(order_by: {tag: asc}) { tag } }
        }"""
    )
    assert data["update_article_by_pk"]["article_tags"] == [{"tag": "law"}, {"tag": "tax"}]
    assert await house.rows("SELECT tag FROM article_tag WHERE article_id = 3") == [("art",)]


async def test_rows_are_linked_wherever_they_were_before(house: House) -> None:
    data = await house.data(
        """mutation {
          update_person(where: {id: {_eq: 3}}, _related: {articles: {link: [{id: 4}, {id: 3}]}}) {
            affected_rows returning { articles(order_by: {id: asc}) { id } }
          }
        }"""
    )
    assert data["update_person"] == {"affected_rows": 2, "returning": [{"articles": [{"id": 3}, {"id": 4}]}]}


async def test_rows_are_unlinked_and_stay(house: House) -> None:
    data = await house.data(
        """mutation {
          update_person_by_pk(pk_columns: {id: 1}, _related: {articles: {unlink: {where: {id: {_eq: 2}}}}}) {
            articles { id }
          }
        }"""
    )
    assert data["update_person_by_pk"]["articles"] == [{"id": 1}]
    assert (2, "two", "published", None) in await house.rows(ARTICLES)


async def test_what_was_related_is_removed_and_changed_before_something_is_added(house: House) -> None:
    data = await house.data(
        """mutation {
          update_person_by_pk(pk_columns: {id: 1}, _related: {articles: {
            insert: {data: [{title: "new"}]}
            link: [{id: 4}]
            update: [{where: {}, _set: {status: "kept"}}]
            unlink: {where: {id: {_eq: 2}}}
          }}) { articles(order_by: {id: asc}) { id status } }
        }"""
    )
    assert data["update_person_by_pk"]["articles"] == [
        {"id": 1, "status": "kept"},
        {"id": 4, "status": "draft"},
        {"id": 101, "status": "draft"},
    ]


async def test_levels_below_are_changed_along(house: House) -> None:
    data = await house.data(
        """mutation {
          update_person(where: {id: {_in: [1, 2]}}, _inc: {visits: 1}, _related: {
            articles: {update: {where: {}, _set: {status: "seen"}, _related: {
              comments: {update: {where: {body: {_like: "%o%"}}, _inc: {likes: 5}}, insert: {data: [{body: "hi"}]}}
            }}}
          }) { affected_rows }
        }"""
    )
    # Two people, their three articles, the comments "good" and one new one an article.
    assert data["update_person"]["affected_rows"] == 2 + 3 + 1 + 3
    assert await house.rows("SELECT body, likes FROM comment WHERE likes > 0") == [("good", 5)]
    assert await house.rows("SELECT count(*) FROM article WHERE status = 'seen'") == [(3,)]


async def test_a_level_without_changes_of_its_own_leads_to_the_next(house: House) -> None:
    data = await house.data(
        """mutation {
          update_person(where: {id: {_eq: 1}}, _related: {articles: {update: {where: {id: {_eq: 1}}, _related: {
            comments: {delete: {where: {}}}
          }}}}) { affected_rows }
        }"""
    )
    assert data["update_person"]["affected_rows"] == 2
    assert await house.rows("SELECT id FROM comment ORDER BY id") == [(3,), (4,)]


async def test_the_answer_shows_what_triggers_made_of_the_row(house: House) -> None:
    data = await house.data(
        """mutation {
          update_article_by_pk(pk_columns: {id: 1}, _set: {changed_by: "me"}, _related: {
            comments: {insert: {data: [{body: "x"}]}}
          }) { changed_by }
        }"""
    )
    assert data["update_article_by_pk"]["changed_by"] == "a comment"


async def test_rows_stay_the_same_ones_whatever_is_changed_about_them(house: House) -> None:
    data = await house.data(
        """mutation {
          update_article(where: {status: {_eq: "draft"}}, _set: {status: "done"}, _related: {
            comments: {insert: {data: [{body: "closing"}]}}
          }) { returning { id status } }
        }"""
    )
    assert sorted(row["id"] for row in data["update_article"]["returning"]) == [1, 3, 4]
    assert {row["status"] for row in data["update_article"]["returning"]} == {"done"}
    assert len(await house.rows("SELECT 1 FROM comment WHERE body = 'closing'")) == 3


async def test_a_changed_key_takes_related_rows_along(house: House) -> None:
    data = await house.data(
        """mutation {
          update_article_by_pk(pk_columns: {id: 4}, _set: {id: 44}, _related: {
            comments: {insert: {data: [{body: "moved"}]}}
          }) { id comments { body } }
        }"""
    )
    assert data["update_article_by_pk"] == {"id": 44, "comments": [{"body": "moved"}]}


async def test_keys_of_several_columns_keep_every_digit(house: House) -> None:
    data = await house.data(
        """mutation {
          update_room(where: {name: {_eq: "big"}}, _set: {name: "hall"}, _related: {desks: {
            link: [{id: 3}], update: {where: {id: {_eq: 1}}, _set: {building: "north"}}
          }}) { affected_rows returning { desks(order_by: {id: asc}) { id } } }
        }"""
    )
    assert data["update_room"] == {"affected_rows": 3, "returning": [{"desks": [{"id": 1}, {"id": 3}]}]}


async def test_unlinking_clears_only_the_columns_that_may_be_null(house: House) -> None:
    await house.data(
        """mutation { update_room(where: {}, _related: {desks: {unlink: {where: {}}}}) { affected_rows } }"""
    )
    assert await house.rows("SELECT DISTINCT building, room_number FROM desk") == [("north", None)]


async def test_every_item_of_update_many_has_related_rows_of_its_own(house: House) -> None:
    data = await house.data(
        """mutation {
          update_person_many(updates: [
            {where: {id: {_eq: 1}}, _related: {articles: {unlink: {where: {}}}}}
            {where: {id: {_eq: 2}}, _related: {articles: {link: [{id: 1}]}}}
            {where: {id: {_eq: 3}}, _set: {name: "Cle"}}
          ]) { affected_rows returning { articles(order_by: {id: asc}) { id } } }
        }"""
    )
    assert data["update_person_many"] == [
        {"affected_rows": 2, "returning": [{"articles": []}]},
        {"affected_rows": 1, "returning": [{"articles": [{"id": 1}, {"id": 3}]}]},
        {"affected_rows": 1, "returning": [{"articles": []}]},
    ]


async def test_nothing_happens_to_related_rows_when_no_row_matches(house: House) -> None:
    before = await house.everything()
    data = await house.data(
        """mutation {
          update_person_by_pk(pk_columns: {id: 99}, _set: {name: "X"}, _related: {
            home: {insert: {data: {city: "Lost"}}}
            articles: {insert: {data: [{title: "lost"}]}, update: {where: {}, _set: {status: "lost"}}}
          }) { id }
        }"""
    )
    assert data == {"update_person_by_pk": None}
    assert await house.everything() == before


async def test_nulls_and_empty_lists_are_as_if_left_out(house: House) -> None:
    before = await house.everything()
    data = await house.data(
        """mutation ($none: [article_pk_columns_input!]) {
          update_person(where: {id: {_lte: 2}}, _related: {
            articles: {delete: null, insert: {data: []}, link: $none, update: []}, home: null, passport: {unlink: false}
            badges: {link: [], insert: {data: []}}
          }) { affected_rows }
        }""",
        {"none": None},
    )
    assert data["update_person"]["affected_rows"] == 0
    assert await house.everything() == before


async def test_requests_of_other_shapes_get_plans_of_their_own(house: House) -> None:
    document = """mutation ($id: Int!, $related: person_related_input) {
      update_person(where: {id: {_eq: $id}}, _related: $related) { affected_rows }
    }"""
    asked = [
        (1, {"articles": {"link": [{"id": 4}]}}, 1),
        (1, {"articles": {"link": [{"id": 3}, {"id": 4}]}}, 2),
        (1, {"articles": {"unlink": {"where": {"id": {"_in": [3, 4]}}}}}, 2),
        (2, {"articles": {"link": [{"id": 3}, {"id": 4}]}}, 2),
        (2, {"passport": {"unlink": False}}, 0),
        (1, {"passport": {"unlink": True}}, 1),
        (2, {}, 0),
        (2, None, 0),
    ]
    for person, related, affected in asked:
        data = await house.data(document, {"id": person, "related": related})
        assert data["update_person"]["affected_rows"] == affected, related
    assert [author for *_, author in await house.rows(ARTICLES)] == [1, 1, 2, 2]


async def test_nested_changes_are_counted_when_no_rows_are_shown(house: House) -> None:
    data = await house.data(
        """mutation {
          insert: insert_person(objects: [{name: "Dora", articles: {data: [{title: "a"}, {title: "b"}]}}]) {
            affected_rows
          }
          update: update_person(where: {name: {_eq: "Dora"}}, _related: {articles: {delete: {where: {}}}}) {
            __typename affected_rows
          }
        }"""
    )
    assert data["insert"] == {"affected_rows": 3}
    assert data["update"] == {"__typename": "person_mutation_response", "affected_rows": 2}
