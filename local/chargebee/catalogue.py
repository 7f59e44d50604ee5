"""Item prices: what subscriptions are made of. They are made by seeding and by the control `item_prices`."""

from __future__ import annotations

from local.chargebee.form import Params
from local.chargebee.listing import list_documents
from local.chargebee.replies import json_reply
from local.chargebee.site import Site
from local.standin.service import Call, Reply, Routes


class Catalogue:
    """The site's item prices."""

    def __init__(self, site: Site, routes: Routes) -> None:
        self._site = site
        routes.add("GET", "/api/v2/item_prices", self.listing)
        routes.add("GET", "/api/v2/item_prices/{id}", self.retrieve)

    def listing(self, call: Call) -> Reply:
        """``GET /item_prices``: deleted ones have a status that says so, and come when it is asked for."""
        params = Params(call.query_string)
        by_status = any(name.startswith("status[") for name, _ in params.items())
        return list_documents(self._site.store, call, "item_price", with_deleted=by_status)

    def retrieve(self, call: Call) -> Reply:
        """``GET /item_prices/{id}``."""
        return json_reply({"item_price": self._site.need("item_price", call.params["id"])})

    def add(
        self,
        item_price_id: str,
        *,
        price: int,
        period: int = 1,
        period_unit: str = "month",
        currency_code: str = "USD",
        item_type: str = "plan",
    ) -> None:
        """Keep a flat-fee item price, for tests and trying out."""
        now = self._site.now()
        self._site.save(
            "item_price",
            {
                "id": item_price_id,
                "name": item_price_id,
                "external_name": item_price_id,
                "item_family_id": "standin",
                "item_id": item_price_id.split("-", maxsplit=1)[0],
                "item_type": item_type,
                "status": "active",
                "pricing_model": "flat_fee",
                "price": price,
                "period": period,
                "period_unit": period_unit,
                "currency_code": currency_code,
                "free_quantity": 0,
                "is_taxable": False,
                "channel": "web",
                "created_at": now,
            },
        )
