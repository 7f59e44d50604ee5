"""Chargebee, through its official SDK: customers, subscriptions, invoices, credits, and pages for the ETL."""
