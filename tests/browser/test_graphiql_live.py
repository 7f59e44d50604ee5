"""GraphiQL on our own API: a subscription's result follows the data on the page."""

import asyncpg

from tests.browser.chromium import Browser
from tests.browser.test_graphiql_page import READY, RESPONSE, run_query
from tests.integration.live.conftest import serve_api


async def test_a_live_query_follows_the_data(browser: Browser, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        async with serve_api(database_url) as url, browser.page() as page:
            await page.open(url)
            await page.wait_for(READY)
            await run_query(page, "subscription", "{ treatment { name ")
            await page.wait_for(f"{RESPONSE}.replace(/\\s/g, '').includes('\"treatment\":[]')")
            await connection.execute(
                "INSERT INTO public.treatment (name, monthly_item_price_id, monthly_price, currency_code)"
                " VALUES ('Migraine', 'migraine', 1, 'USD')"
            )
            await page.wait_for(f"{RESPONSE}.includes('Migraine')")
        assert page.problems == []
    finally:
        await connection.close()
